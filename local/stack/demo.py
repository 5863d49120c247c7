"""A walkthrough: from no stack to two people who could talk, and back."""

import json
from typing import Any

from local.stack import http
from local.stack.errors import StackError
from local.stack.invoke import invoke
from local.stack.lifecycle import Settings, own_stack
from local.stack.progress import Progress

__all__ = ["run"]


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
    api, emulator = stack["apiUrl"], stack["opentokUrl"]
    alice, bob = (stack["users"][name]["token"] for name in ("alice", "bob"))
    request = {"mediaMode": "routed"}

    with progress.step("alice creates a session: POST /sessions"):
        session = _expect(201, http.call("POST", f"{api}/sessions", token=alice, body=request))
    _show(progress, session, "sessionId", "mediaMode", "source")
    url = f"{api}/sessions/{session['sessionId']}"

    with progress.step("bob, who knows the session id, gets a token: POST /sessions/{id}/tokens"):
        token = _expect(201, http.call("POST", f"{url}/tokens", token=bob, body={"data": "bob"}))
    _show(progress, token, "role", "expiresAt")

    with progress.step("bob's app connects with the token: the emulator accepts it"):
        connection = {"sessionId": token["sessionId"], "token": token["token"]}
        connect = _expect(200, http.call("POST", f"{emulator}/_emulator/connect", body=connection))
    _show(progress, connect, "role", "data")

    with progress.step("alice reads the session: GET /sessions/{id}"):
        lookup = _expect(200, http.call("GET", url, token=alice))
    _show(progress, lookup, "state", "createdAt")

    with progress.step("the scheduled function fills a pool: precreate_sessions"):
        pools = {"pools": [{"mediaMode": "routed", "min": 2, "max": 20}]}
        precreate, log, crashed = invoke(stack, "precreate_sessions", pools)
        if crashed:
            raise StackError("the demo", f"precreate_sessions crashed: {precreate}\n{log}")
    for pool in precreate["pools"]:
        _show(progress, pool, "available", "created")

    with progress.step("bob creates a session: it comes from the pool, without a vendor call"):
        pooled = _expect(201, http.call("POST", f"{api}/sessions", token=bob, body=request))
    _show(progress, pooled, "sessionId", "source")

    with progress.step("alice closes her session: DELETE /sessions/{id}; no more tokens"):
        _expect(204, http.call("DELETE", url, token=alice))
        closed = _expect(410, http.call("POST", f"{url}/tokens", token=bob, body={}))
    _show(progress, closed, "status", "code")

    if pooled["source"] != "pool":
        reason = f"expected a session from the pool, got source {pooled['source']!r}"
        raise StackError("the demo", reason)
    return {
        "session": session,
        "token": token,
        "connect": connect,
        "lookup": lookup,
        "precreate": precreate,
        "pooled": pooled,
        "closed": closed,
    }


def _expect(status: int, response: http.Response) -> Any:
    if response.status != status:
        raise StackError(
            "the demo", f"expected {status}, got {response.status}: {json.dumps(response.body)}"
        )
    return response.body


def _show(progress: Progress, body: dict[str, Any], *fields: str) -> None:
    for field in fields:
        progress.say(f"                 {field}: {body.get(field)}")
