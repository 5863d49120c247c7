"""Live sessions over HTTP with signed callbacks: who is in, remove, end, move on."""

import uuid
from typing import Any

from tests.integration.conformity import assert_served
from tests.integration.emulator import Emulator
from tests.integration.polling import until
from tests.integration.stack import Stack


def create(stack: Stack, user: str, **fields: Any) -> dict[str, Any]:
    response = stack.call("POST", "/sessions", fields, user=user)
    assert response.status in {200, 201}, response
    assert isinstance(response.body, dict)
    return response.body


def connect(stack: Stack, session_id: str, user: str) -> str:
    """Lets a client of this user connect; returns the ID of its connection."""
    token = stack.call("POST", f"/sessions/{session_id}/tokens", {"data": user}, user=user)
    assert token.status == 201, token
    connected = Emulator(stack).connect(session_id, token.body["token"])
    assert connected.status == 200, connected
    connection_id = connected.body["connectionId"]
    assert isinstance(connection_id, str)
    return connection_id


def live(stack: Stack, session_id: str) -> dict[str, Any]:
    response = stack.call("GET", f"/sessions/{session_id}", user="alice")
    assert response.status == 200, response
    found: dict[str, Any] = response.body["live"]
    return found


def wait_for(stack: Stack, session_id: str, clients: int) -> None:
    def reached() -> bool:
        seen = live(stack, session_id)
        return seen.get("connections") == clients

    until(f"{clients} clients in the session", reached)


def test_the_lookup_shows_who_is_in_until_the_call_is_closed(stack: Stack) -> None:
    session_id = create(stack, "alice", mediaMode="routed")["sessionId"]
    assert live(stack, session_id) == {"state": "unknown"}
    alice, bob = connect(stack, session_id, "alice"), connect(stack, session_id, "bob")
    wait_for(stack, session_id, 2)

    path = f"/sessions/{session_id}/connections"
    listed = stack.call("GET", path, user="alice")
    assert listed.status == 200
    assert {(c["connectionId"], c["data"]) for c in listed.body["connections"]} == {
        (alice, "alice"),
        (bob, "bob"),
    }
    assert stack.call("GET", path, user="bob").status == 403

    assert stack.call("DELETE", f"{path}/{bob}", user="bob").status == 403
    assert_served("removeConnection", stack.call("DELETE", f"{path}/{bob}", user="alice"))
    wait_for(stack, session_id, 1)
    assert stack.call("DELETE", f"{path}/{bob}", user="alice").status == 404

    assert stack.call("DELETE", f"/sessions/{session_id}", user="alice").status == 204
    wait_for(stack, session_id, 0)


def test_a_client_with_an_old_token_of_a_closed_session_is_out_again(stack: Stack) -> None:
    session_id = create(stack, "alice", mediaMode="routed")["sessionId"]
    token = stack.call("POST", f"/sessions/{session_id}/tokens", {}, user="alice").body["token"]
    connect(stack, session_id, "alice")
    wait_for(stack, session_id, 1)
    assert stack.call("DELETE", f"/sessions/{session_id}", user="alice").status == 204
    wait_for(stack, session_id, 0)
    assert Emulator(stack).connect(session_id, token).status == 200
    wait_for(stack, session_id, 0)


def test_the_end_that_the_vendor_reports_gives_the_room_a_new_session(stack: Stack) -> None:
    room = f"room-{uuid.uuid4()}"
    session_id = create(stack, "alice", room=room)["sessionId"]
    connect(stack, session_id, "alice")
    wait_for(stack, session_id, 1)
    assert create(stack, "bob", room=room)["sessionId"] == session_id
    ended = stack.vendor("POST", "/_emulator/end", {"sessionId": session_id})
    assert ended.status < 300, ended
    until(
        "a new session of the room",
        lambda: create(stack, "bob", room=room)["sessionId"] != session_id,
    )


def test_a_maximum_of_connections_refuses_tokens(stack: Stack) -> None:
    session_id = create(stack, "alice", mediaMode="routed", maxConnections=1)["sessionId"]
    connect(stack, session_id, "alice")
    wait_for(stack, session_id, 1)
    path = f"/sessions/{session_id}"
    refused = stack.call("POST", f"{path}/tokens", {}, user="bob")
    assert (refused.status, refused.body["code"]) == (409, "session_full")
    changed = stack.call("PATCH", path, {"maxConnections": 2}, user="alice")
    assert (changed.status, changed.body["maxConnections"]) == (200, 2)
    assert stack.call("POST", f"{path}/tokens", {}, user="bob").status == 201


def test_unsigned_and_forged_callbacks_change_nothing(stack: Stack) -> None:
    session_id = create(stack, "alice", mediaMode="routed")["sessionId"]
    settings = stack.vendor("GET", "/_emulator/callbacks").body
    faults = {"url": settings["url"], "faults": {"misSign": 1}}
    assert stack.vendor("PUT", "/_emulator/callbacks", faults).status == 200
    try:
        connect(stack, session_id, "alice")
        assert live(stack, session_id) == {"state": "unknown"}
    finally:
        stack.vendor("PUT", "/_emulator/callbacks", {"url": settings["url"]})
