"""Live sessions over HTTP with signed callbacks: who is in, remove, end, move on."""

import uuid

from tests.integration.conformity import assert_served
from tests.integration.emulator import Emulator
from tests.integration.live import connect, create, live, wait_for
from tests.integration.polling import until
from tests.integration.stack import Stack

__all__ = ["connect", "create"]


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
    without_body = stack.call("PATCH", path, user="alice")
    assert (without_body.status, without_body.body["errors"][0]["field"]) == (400, "body")
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
