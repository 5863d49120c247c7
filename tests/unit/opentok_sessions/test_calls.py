"""How many calls each path costs once a function is warm: as few as its promise allows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from unittest import mock

import pytest

from opentok_sessions.domain.models import Caller
from tests.aws import API_KEY, Aws
from tests.unit.opentok_sessions.application import ALICE, BOB, NOW
from tests.unit.opentok_sessions.handlers import Answer, Handler, call, load
from tests.unit.opentok_sessions.vendor_server import VendorServer

CREATE = "POST /sessions"
TOKEN = "POST /sessions/{sessionId}/tokens"
GET = "GET /sessions/{sessionId}"
LIST = "GET /sessions"
CLOSE = "DELETE /sessions/{sessionId}"


@pytest.fixture(autouse=True)
def environment(aws: Aws, vendor: VendorServer) -> Iterator[None]:
    with mock.patch.dict(os.environ, {"API_URL": vendor.url}):
        yield


def pool(aws: Aws, *session_ids: str) -> None:
    """Sessions that wait where every search begins."""
    for session_id in session_ids:
        aws.put(
            {
                "pk": {"S": f"session#{session_id}"},
                "projectId": {"S": API_KEY},
                "poolId": {"S": f"{API_KEY}#routed"},
                "poolKey": {"S": f"z{session_id}"},
                "pooledAt": {"N": str(NOW)},
            }
        )


class TestCreating:
    @pytest.fixture
    def create(self, aws: Aws) -> Handler:
        """Warm: it has the credentials."""
        handler = load("create_session")
        pool(aws, "warm-up")
        ok(call(handler, CREATE, body={}))
        aws.forget_calls()
        return handler

    def test_a_pool_hit_is_one_query_and_one_write(
        self, aws: Aws, create: Handler, vendor: VendorServer
    ) -> None:
        pool(aws, "p1", "p2")
        ok(call(create, CREATE, body={}))
        assert aws.calls == ["Query", "PutItem"]
        assert vendor.asked == 0

    def test_a_token_adds_no_call_to_a_pool_hit(self, aws: Aws, create: Handler) -> None:
        pool(aws, "p1", "p2")
        ok(call(create, CREATE, body={"token": {"role": "moderator"}}))
        assert aws.calls == ["Query", "PutItem"]

    def test_with_a_key_the_key_is_looked_up(self, aws: Aws, create: Handler) -> None:
        pool(aws, "p1", "p2")
        ok(call(create, CREATE, body={}, key="k"))
        assert aws.calls == ["GetItem", "Query", "TransactWriteItems"]

    def test_the_same_key_again_is_two_gets(self, aws: Aws, create: Handler) -> None:
        pool(aws, "p1", "p2")
        ok(call(create, CREATE, body={"token": {}}, key="k"))
        aws.forget_calls()
        ok(call(create, CREATE, body={"token": {}}, key="k"))
        assert aws.calls == ["GetItem", "GetItem"]

    def test_an_empty_pool_is_looked_through_once(
        self, aws: Aws, create: Handler, vendor: VendorServer
    ) -> None:
        ok(call(create, CREATE, body={}))
        assert aws.calls == ["Query", "Query", "PutItem"]
        assert vendor.asked == 1

    def test_without_a_pool_it_is_one_write(
        self, aws: Aws, create: Handler, vendor: VendorServer
    ) -> None:
        ok(call(create, CREATE, body={"location": "12.34.56.78"}))
        assert aws.calls == ["PutItem"]
        assert vendor.asked == 1

    def test_the_first_in_a_room(self, aws: Aws, create: Handler) -> None:
        pool(aws, "p1", "p2")
        ok(call(create, CREATE, body={"room": "lobby"}))
        assert aws.calls == ["GetItem", "Query", "TransactWriteItems"]

    def test_a_room_hit_is_two_gets(self, aws: Aws, create: Handler) -> None:
        ok(call(create, CREATE, body={"room": "lobby"}))
        aws.forget_calls()
        ok(call(create, CREATE, body={"room": "lobby", "token": {}}, caller=BOB))
        assert aws.calls == ["GetItem", "GetItem"]
        assert [request["Key"]["pk"]["S"].partition("#")[0] for request in aws.requests] == [
            "room",
            "session",
        ]

    def test_a_due_use_adds_one_write(self, aws: Aws, create: Handler) -> None:
        ok(call(create, CREATE, body={"room": "lobby"}))
        age(aws)
        ok(call(create, CREATE, body={"room": "lobby"}, caller=BOB))
        assert aws.calls == ["GetItem", "GetItem", "TransactWriteItems"]
        ok(call(create, CREATE, body={"room": "lobby"}, caller=BOB))
        assert aws.calls[3:] == ["GetItem", "GetItem"]

    def test_joining_a_permanent_room_renews_session_and_room(
        self, aws: Aws, create: Handler
    ) -> None:
        body = {"room": "lobby", "reuse": "permanent"}
        ok(call(create, CREATE, body=body))
        age(aws)
        ok(call(create, CREATE, body=body, caller=BOB))
        assert aws.calls == ["GetItem", "GetItem", "TransactWriteItems"]

    def test_a_key_for_a_room_hit(self, aws: Aws, create: Handler) -> None:
        ok(call(create, CREATE, body={"room": "lobby"}))
        aws.forget_calls()
        ok(call(create, CREATE, body={"room": "lobby"}, caller=BOB, key="k"))
        assert aws.calls == ["GetItem", "GetItem", "GetItem", "PutItem"]

    def test_registering_is_one_write(self, aws: Aws, create: Handler) -> None:
        body = {"sessionId": "1_MX40NzAwMDAwMX5-MTcwMDAwMDAwMDAwMH5yYW5kb203N35-fg"}
        ok(call(create, CREATE, body=body, caller=Caller("mo", moderator=True)))
        assert aws.calls == ["TransactWriteItems"]

    @pytest.mark.parametrize(
        "body", [{"mediaMode": "psychic"}, {"room": "a b"}, {"sessionId": "1_no", "token": {}}]
    )
    def test_a_wrong_request_costs_nothing(
        self, aws: Aws, create: Handler, vendor: VendorServer, body: dict[str, object]
    ) -> None:
        assert call(create, CREATE, body=body, key="k").status == 400
        assert (aws.calls, vendor.asked) == ([], 0)


class TestTheOthers:
    @pytest.fixture
    def session_id(self, aws: Aws) -> str:
        created = ok(call(load("create_session"), CREATE, body={}))
        session_id = created.body["sessionId"]
        assert isinstance(session_id, str)
        aws.forget_calls()
        return session_id

    def test_a_token_is_one_get(self, aws: Aws, session_id: str) -> None:
        issue_token = load("issue_token")
        ok(call(issue_token, TOKEN, session_id=session_id, body={}))
        assert aws.calls == ["GetItem", "GetSecretValue"]  # the first of a instance
        aws.forget_calls()
        for caller in (ALICE, BOB):
            ok(call(issue_token, TOKEN, session_id=session_id, body={}, caller=caller))
        assert aws.calls == ["GetItem", "GetItem"]

    def test_a_due_use_adds_one_write(self, aws: Aws, session_id: str) -> None:
        issue_token = load("issue_token")
        ok(call(issue_token, TOKEN, session_id=session_id, body={}))
        age(aws)
        ok(call(issue_token, TOKEN, session_id=session_id, body={}))
        ok(call(issue_token, TOKEN, session_id=session_id, body={}))
        assert aws.calls == ["GetItem", "UpdateItem", "GetItem"]

    def test_a_lookup_is_one_get(self, aws: Aws, session_id: str) -> None:
        ok(call(load("get_session"), GET, session_id=session_id))
        assert aws.calls == ["GetItem"]

    def test_a_room_looked_up_is_two(self, aws: Aws) -> None:
        get_session = load("get_session")
        assert ok(call(get_session, LIST, query={"room": "lobby"})).body == {"sessions": []}
        assert aws.calls == ["GetItem"]
        ok(call(load("create_session"), CREATE, body={"room": "lobby"}))
        aws.forget_calls()
        assert ok(call(get_session, LIST, query={"room": "lobby"})).body != {"sessions": []}
        assert aws.calls == ["GetItem", "GetItem"]

    def test_a_list_is_one_query(self, aws: Aws, session_id: str) -> None:
        ok(call(load("get_session"), LIST))
        assert aws.calls == ["Query"]

    def test_no_list_contains_participants(self, aws: Aws) -> None:
        body = {"room": "lobby", "participants": {"bob": "publisher"}}
        created = ok(call(load("create_session"), CREATE, body=body)).body
        assert created["participants"] == {"bob": "publisher"}
        for query in ({}, {"room": "lobby"}):
            listed = ok(call(load("get_session"), LIST, query=query)).body["sessions"]
            assert isinstance(listed, list)
            assert [session["sessionId"] for session in listed] == [created["sessionId"]]
            assert "participants" not in listed[0]

    def test_closing_is_a_get_and_a_write(self, aws: Aws, session_id: str) -> None:
        close_session = load("close_session")
        assert call(close_session, CLOSE, session_id=session_id).status == 204
        assert aws.calls == ["GetItem", "UpdateItem"]
        assert call(close_session, CLOSE, session_id=session_id).status == 204
        assert aws.calls == ["GetItem", "UpdateItem", "GetItem"]

    def test_what_cannot_be_an_id_is_not_looked_for(self, aws: Aws) -> None:
        for name, route in (("issue_token", TOKEN), ("get_session", GET), ("close_session", CLOSE)):
            assert call(load(name), route, session_id="no/such id", body={}).status == 404
        assert aws.calls == []


def ok(answer: Answer) -> Answer:
    assert answer.status in (200, 201), answer.text
    return answer


def age(aws: Aws) -> None:
    """Lets all sessions have been used last more than a tenth of the idle time ago."""
    for item in aws.items("session#"):
        if "lastUsedAt" in item:
            then = int(item["lastUsedAt"]["N"]) - 4400
            aws.put({**item, "lastUsedAt": {"N": str(then)}})
    aws.forget_calls()
