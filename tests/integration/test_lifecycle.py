"""The main path over HTTP: create, join, connect, get, close."""

import json
import uuid
from typing import Any

from tests.integration.conftest import Stack
from tests.integration.emulator import Emulator
from tests.integration.records import Records


def create(stack: Stack, user: str, **members: Any) -> dict[str, Any]:
    response = stack.call("POST", "/sessions", members, user=user)
    assert response.status in {200, 201}, response
    session = response.body
    assert isinstance(session, dict)
    return session


def test_a_created_session_has_its_id_and_project(stack: Stack) -> None:
    platform = stack.facts["platform"]
    name = "applicationId" if platform == "vonage" else "apiKey"
    response = stack.call("POST", "/sessions", {"mediaMode": "routed"}, user="alice")

    assert response.status == 201
    assert response.headers["location"].endswith(f"/sessions/{response.body['sessionId']}")
    assert response.body["projectId"] == stack.facts["credentials"][platform][name]
    assert response.body[name] == response.body["projectId"]
    assert response.body["owner"] == stack.facts["users"]["alice"]["sub"]
    assert response.body["state"] == "open"


def test_a_caller_who_knows_the_id_gets_a_token_that_connects(stack: Stack) -> None:
    session = create(stack, "alice", mediaMode="routed")
    token = stack.call(
        "POST", f"/sessions/{session['sessionId']}/tokens", {"data": "bob"}, user="bob"
    )

    assert token.status == 201
    assert token.body["role"] == "publisher"
    connected = stack.vendor(
        "POST",
        "/_emulator/connect",
        {"sessionId": session["sessionId"], "token": token.body["token"]},
    )
    assert connected.status == 200
    assert connected.body["data"] == "bob"


def test_a_session_and_a_token_are_returned_in_one_round_trip(stack: Stack) -> None:
    session = create(stack, "alice", token={"role": "moderator"})

    connected = stack.vendor(
        "POST",
        "/_emulator/connect",
        {"sessionId": session["sessionId"], "token": session["token"]["token"]},
    )
    assert connected.body["role"] == "moderator"


def test_all_callers_of_a_room_get_its_session(stack: Stack) -> None:
    room = f"lobby-{uuid.uuid4()}"
    first = stack.call("POST", "/sessions", {"room": room}, user="alice")
    second = stack.call("POST", "/sessions", {"room": room}, user="bob")
    looked_up = stack.call("GET", f"/sessions?room={room}", user="bob")

    assert (first.status, second.status) == (201, 200)
    assert second.body["sessionId"] == first.body["sessionId"]
    assert second.body["source"] == "room"
    assert [found["sessionId"] for found in looked_up.body["sessions"]] == [first.body["sessionId"]]


def test_an_idempotency_key_returns_the_same_session(stack: Stack) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"mediaMode": "routed"}
    first = stack.call("POST", "/sessions", body, user="alice", headers=key)
    again = stack.call("POST", "/sessions", body, user="alice", headers=key)
    other = stack.call("POST", "/sessions", {"mediaMode": "relayed"}, user="alice", headers=key)

    assert again.body["sessionId"] == first.body["sessionId"]
    assert (other.status, other.body["code"]) == (409, "idempotency_conflict")


def test_a_caller_lists_own_sessions_newest_first(stack: Stack) -> None:
    older = create(stack, "alice")["sessionId"]
    newer = create(stack, "alice")["sessionId"]
    foreign = create(stack, "bob")["sessionId"]

    listed = stack.call("GET", "/sessions?limit=100", user="alice").body["sessions"]
    ids = [session["sessionId"] for session in listed]
    assert ids.index(newer) < ids.index(older)
    assert foreign not in ids


def test_a_filled_pool_serves_the_next_caller(stack: Stack, vendor: Emulator) -> None:
    pool = {"mediaMode": "routed", "min": 2, "max": 20}
    stack.client("lambda").invoke(
        FunctionName=stack.facts["functions"]["precreate_sessions"],
        Payload=json.dumps({"pools": [pool]}),
    )
    vendor.forget_calls()

    session = create(stack, "bob", mediaMode="routed")

    assert session["source"] == "pool"
    assert vendor.creations() == []


def test_no_token_is_issued_for_a_closed_session(stack: Stack) -> None:
    path = f"/sessions/{create(stack, 'alice')['sessionId']}"

    assert stack.call("DELETE", path, user="alice").status == 204
    assert stack.call("DELETE", path, user="alice").status == 204
    refused = stack.call("POST", f"{path}/tokens", {}, user="bob")
    assert (refused.status, refused.body["code"]) == (410, "session_closed")
    assert stack.call("GET", path, user="alice").body["state"] == "closed"


def test_only_the_owner_or_a_moderator_can_close_a_session(stack: Stack) -> None:
    path = f"/sessions/{create(stack, 'alice')['sessionId']}"

    refused = stack.call("DELETE", path, user="bob")
    assert (refused.status, refused.body["code"]) == (403, "not_owner")
    assert stack.call("DELETE", path, user="moderator").status == 204


def test_a_rejected_request_names_every_invalid_field_and_calls_no_vendor(
    stack: Stack, vendor: Emulator
) -> None:
    vendor.forget_calls()
    before = Records.read(stack)
    response = stack.call(
        "POST", "/sessions", {"mediaMode": "mesh", "expectedParticipants": 0, "x": 1}, user="alice"
    )

    assert response.status == 400
    assert response.headers["content-type"].startswith("application/problem+json")
    fields = {error["field"] for error in response.body["errors"]}
    assert fields == {"mediaMode", "expectedParticipants", "x"}
    assert vendor.creations() == []
    assert Records.read(stack) == before
