"""A walkthrough: from no stack to two people who could talk, and back."""

import json
import time
from typing import Any

from local.stack import http
from local.stack.errors import StackError
from local.stack.invoke import invoke
from local.stack.lifecycle import Settings, own_stack
from local.stack.progress import Progress

__all__ = ["run"]

LIVE_SECONDS = 60
"""How long a change of the connections may take to arrive, on a busy machine."""


def run(platform: str, progress: Progress) -> dict[str, Any]:
    """Starts a stack of its own, walks through it and stops it; returns the responses by step.

    Raises `StackError` when a part does not start or a response is unexpected.
    """
    # Without a schedule, because the walkthrough fills the pool itself.
    settings = Settings(platform=platform, schedule=False, console=False)
    progress.title("Starting the local stack")
    with own_stack("demo", settings, progress) as stack:
        progress.say()
        progress.title("Walkthrough")
        try:
            responses = _walk(stack, progress)
        finally:
            progress.say()
            progress.title("Stopping")
    return {"ok": True, **responses}


def _walk(stack: dict[str, Any], progress: Progress) -> dict[str, Any]:
    api = stack["apiUrl"]
    alice, bob = (stack["users"][name]["token"] for name in ("alice", "bob"))
    request = {"room": "demo", "token": {}}

    with progress.step("alice opens a room: POST /sessions"):
        session = _expect(201, http.call("POST", f"{api}/sessions", token=alice, body=request))
    _show(progress, session, "sessionId", "mediaMode", "source")
    url = f"{api}/sessions/{session['sessionId']}"

    with progress.step("bob joins it by its name, with connection data for the others"):
        join = {**request, "token": {"data": "bob"}}
        joined = _expect(200, http.call("POST", f"{api}/sessions", token=bob, body=join))
    _show(progress, joined, "sessionId", "source")
    _show(progress, joined["token"], "role", "expiresAt")

    with progress.step("both apps connect with their tokens: the emulator accepts them"):
        _connect(stack, session)
        connect = _connect(stack, joined)
    _show(progress, connect, "role", "data")

    with progress.step("the emulator's callbacks arrive: GET /sessions/{id} shows two clients"):
        lookup = _live(url, alice, 2)
    _show(progress, lookup["live"], "state", "connections")

    with progress.step("alice removes bob: DELETE /sessions/{id}/connections/{connectionId}"):
        listed = _expect(200, http.call("GET", f"{url}/connections", token=alice))
        (bobs,) = [one for one in listed["connections"] if one["data"] == "bob"]
        path = f"{url}/connections/{bobs['connectionId']}"
        _expect(204, http.call("DELETE", path, token=alice))
        removed = _live(url, alice, 1)
    _show(progress, removed["live"], "state", "connections")

    with progress.step("alice ends the call: DELETE /sessions/{id}; no more clients and tokens"):
        _expect(204, http.call("DELETE", url, token=alice))
        closed = _expect(410, http.call("POST", f"{url}/tokens", token=bob, body={}))
        _live(url, alice, 0)
    _show(progress, closed, "status", "code")

    with progress.step("the scheduled function fills a pool: precreate_sessions"):
        pools = {"pools": [{"mediaMode": "routed", "min": 2, "max": 20}]}
        precreate, log, crashed = invoke(stack, "precreate_sessions", pools)
        if crashed:
            raise StackError("the demo", f"precreate_sessions crashed: {precreate}\n{log}")
    for pool in precreate["pools"]:
        _show(progress, pool, "available", "created")

    with progress.step("bob opens the room again: a new session, from the pool"):
        pooled = _expect(201, http.call("POST", f"{api}/sessions", token=bob, body=request))
    _show(progress, pooled, "sessionId", "source")

    if pooled["source"] != "pool" or pooled["sessionId"] == session["sessionId"]:
        raise StackError("the demo", f"expected a new session from the pool, got {pooled}")
    return {
        "session": session,
        "token": joined["token"],
        "connect": connect,
        "lookup": lookup,
        "closed": closed,
        "precreate": precreate,
        "pooled": pooled,
    }


def _connect(stack: dict[str, Any], created: dict[str, Any]) -> Any:
    body = {"sessionId": created["sessionId"], "token": created["token"]["token"]}
    url = f"{stack['opentokUrl']}/_emulator/connect"
    return _expect(200, http.call("POST", url, body=body))


def _live(url: str, token: str, connections: int) -> Any:
    """Returns the session once its number of connections is this; callbacks take a moment."""
    deadline = time.monotonic() + LIVE_SECONDS
    while True:
        session = _expect(200, http.call("GET", url, token=token))
        if session["live"].get("connections", 0) == connections:
            return session
        if time.monotonic() > deadline:
            reason = f"expected {connections} connections, got {session['live']}"
            raise StackError("the demo", reason)
        time.sleep(0.1)


def _expect(status: int, response: http.Response) -> Any:
    if response.status != status:
        raise StackError(
            "the demo", f"expected {status}, got {response.status}: {json.dumps(response.body)}"
        )
    return response.body


def _show(progress: Progress, body: dict[str, Any], *fields: str) -> None:
    for field in fields:
        progress.say(f"                 {field}: {body.get(field)}")
