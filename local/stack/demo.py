"""The main job, once through: from nothing to two people who could talk, and back to nothing."""

import json
from typing import Any

from local.stack import http
from local.stack.errors import StackError
from local.stack.invoke import invoke
from local.stack.lifecycle import Settings, own_stack
from local.stack.progress import Progress

__all__ = ["run"]


def run(platform: str, progress: Progress) -> dict[str, Any]:
    """Start a stack of its own, walk through it, stop it; the API's own answers, by step.

    Raises `StackError` when a part does not come up or an answer is not what it has to be.
    """
    # No schedule: the walk fills the pool itself, when its turn has come.
    settings = Settings(platform=platform, schedule=False, console=False)
    progress.title("The local stack comes up")
    with own_stack("demo", settings, progress) as stack:
        progress.say()
        progress.title("The walk")
        try:
            answers = _walk(stack, progress)
        finally:
            progress.say()
            progress.title("The local stack goes down")
    return {"ok": True, **answers}


def _walk(stack: dict[str, Any], progress: Progress) -> dict[str, Any]:
    api, vendor = stack["apiUrl"], stack["opentokUrl"]
    alice, bob = (stack["users"][name]["token"] for name in ("alice", "bob"))
    request = {"mediaMode": "routed"}

    with progress.step("alice asks for a session: POST /sessions"):
        session = _expect(201, http.call("POST", f"{api}/sessions", token=alice, body=request))
    _show(progress, session, "sessionId", "mediaMode", "source")
    at = f"{api}/sessions/{session['sessionId']}"

    with progress.step("bob, who was told its id, asks for a token: POST /sessions/{id}/tokens"):
        token = _expect(201, http.call("POST", f"{at}/tokens", token=bob, body={"data": "bob"}))
    _show(progress, token, "role", "expiresAt")

    with progress.step("bob's app would connect with it: the emulator says yes"):
        connection = {"sessionId": token["sessionId"], "token": token["token"]}
        connect = _expect(200, http.call("POST", f"{vendor}/_emulator/connect", body=connection))
    _show(progress, connect, "role", "data")

    with progress.step("alice looks the session up: GET /sessions/{id}"):
        lookup = _expect(200, http.call("GET", at, token=alice))
    _show(progress, lookup, "state", "createdAt")

    with progress.step("the schedule's function fills a pool: precreate_sessions"):
        pools = {"pools": [{"mediaMode": "routed", "min": 2, "max": 20}]}
        precreate, log, crashed = invoke(stack, "precreate_sessions", pools)
        if crashed:
            raise StackError("the demo", f"precreate_sessions crashed: {precreate}\n{log}")
    for pool in precreate["pools"]:
        _show(progress, pool, "available", "created")

    with progress.step("bob asks for a session: it was ready, the vendor is not asked"):
        pooled = _expect(201, http.call("POST", f"{api}/sessions", token=bob, body=request))
    _show(progress, pooled, "sessionId", "source")

    with progress.step("alice closes her session: DELETE /sessions/{id}; no more tokens"):
        _expect(204, http.call("DELETE", at, token=alice))
        closed = _expect(410, http.call("POST", f"{at}/tokens", token=bob, body={}))
    _show(progress, closed, "status", "code")

    if pooled["source"] != "pool":
        raise StackError("the demo", f"the second session came from {pooled['source']!r}")
    return {
        "session": session,
        "token": token,
        "connect": connect,
        "lookup": lookup,
        "precreate": precreate,
        "pooled": pooled,
        "closed": closed,
    }


def _expect(status: int, answer: http.Answer) -> Any:
    if answer.status != status:
        raise StackError(
            "the demo",
            f"{status} was to be expected, but the answer is {answer.status}: "
            f"{json.dumps(answer.body)}",
        )
    return answer.body


def _show(progress: Progress, answer: dict[str, Any], *members: str) -> None:
    for member in members:
        progress.say(f"                 {member}: {answer.get(member)}")
