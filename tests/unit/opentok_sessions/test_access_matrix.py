"""The access matrix over tenants, users and routes, on the functions as Lambda runs them.

A private session has an owner and a participant in the tenant `blue`. For all other callers it is
indistinguishable from a missing one: the same status, headers, body and AWS calls.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from unittest import mock

import pytest

from opentok_sessions.domain.models import Caller
from tests.aws import Aws
from tests.unit.opentok_sessions.handlers import FUNCTIONS, Answer, Handler, call, load
from tests.unit.opentok_sessions.vendor_server import VendorServer, session_id

OWNER = Caller("alice", tenant="blue")
PARTICIPANT = Caller("bob", tenant="blue")
MODERATOR = Caller("mo", moderator=True, tenant="blue")
ADMITTED = (OWNER, PARTICIPANT, MODERATOR)
OUTSIDERS = {
    "another user of the tenant": Caller("carol", tenant="blue"),
    "a user of another tenant": Caller("carol", tenant="red"),
    "the owner's namesake of another tenant": Caller("alice", tenant="red"),
    "the participant's namesake of another tenant": Caller("bob", tenant="red"),
    "a moderator of another tenant": Caller("mo", moderator=True, tenant="red"),
    "a moderator of a tenant whose name begins alike": Caller("mo", moderator=True, tenant="blue#"),
}
OTHER_TENANTS = {name: caller for name, caller in OUTSIDERS.items() if caller.tenant != "blue"}
MISSING = session_id(10**6)
TENANTS = {"TENANT_CLAIM": "custom:tenant"}


class Row(NamedTuple):
    """A call, and the statuses for owner, participant and moderator of the session's tenant."""

    function: str
    route: str
    statuses: tuple[int, int, int]
    body: Mapping[str, object] | None = None
    connection_id: str | None = None
    feature_id: str | None = None

    def ask(self, handler: Handler, caller: Caller, wanted: str) -> Answer:
        return call(
            handler,
            self.route,
            caller=caller,
            session_id=wanted,
            connection_id=self.connection_id,
            family="archives" if "{family}" in self.route else None,
            feature_id=self.feature_id,
            body=self.body,
        )


FEATURES = "/sessions/{sessionId}/{family}"
BY_ID = [
    Row("get_session", "GET /sessions/{sessionId}", (200, 200, 200)),
    Row("get_session", "GET /sessions/{sessionId}/connections", (200, 403, 200)),
    Row("issue_token", "POST /sessions/{sessionId}/tokens", (201, 201, 201), {}),
    Row(
        "issue_token",
        "POST /sessions/{sessionId}/tokens",
        (201, 403, 201),
        {"role": "moderator"},
    ),
    Row("update_session", "PATCH /sessions/{sessionId}", (200, 403, 200), {"maxConnections": 5}),
    Row(
        "update_session",
        "PATCH /sessions/{sessionId}",
        (200, 403, 200),
        {"participants": {"carol": "moderator"}},
    ),
    Row(
        "remove_connection",
        "DELETE /sessions/{sessionId}/connections/{connectionId}",
        (404, 403, 404),
        connection_id="5b0e7a2c-1111-4222-8333-444455556666",
    ),
    # The session is relayed and has no archive.
    Row("manage_features", f"POST {FEATURES}", (409, 403, 409), {}),
    Row("manage_features", f"GET {FEATURES}", (200, 403, 200)),
    *(
        Row("manage_features", route, (404, 403, 404), body, feature_id="an-archive")
        for route, body in (
            (f"GET {FEATURES}/{{featureId}}", None),
            (f"POST {FEATURES}/{{featureId}}/stop", None),
            (f"DELETE {FEATURES}/{{featureId}}", None),
            (f"PUT {FEATURES}/{{featureId}}/layout", {"type": "pip"}),
            (f"PATCH {FEATURES}/{{featureId}}/streams", {"addStream": "stream"}),
        )
    ),
    Row("close_session", "DELETE /sessions/{sessionId}", (204, 403, 204)),
]
BY_ROOM = {"GET /sessions", "POST /sessions", "DELETE /rooms/{room}"}
each_row = pytest.mark.parametrize(
    "row", BY_ID, ids=lambda row: f"{row.route} {json.dumps(row.body or {})}"
)


@pytest.fixture(autouse=True)
def environment(aws: Aws, vendor: VendorServer) -> Iterator[None]:
    with mock.patch.dict(os.environ, {"API_URL": vendor.url, **TENANTS}):
        yield


@pytest.fixture
def create(environment: None) -> Handler:
    return load("create_session")


def opened(create: Handler, room: str) -> str:
    """Returns the id of a new private session in a room."""
    body = {"room": room, "participants": {PARTICIPANT.sub: "publisher"}}
    created = call(create, "POST /sessions", caller=OWNER, body=body)
    assert created.status == 201, created.text
    return str(created.body["sessionId"])


def seen(aws: Aws, answer: Answer, *names: str) -> tuple[object, ...]:
    """Returns everything that a caller can observe, without the names that were sent."""
    text = answer.text
    for name in names:
        text = text.replace(name, "NAME")
    return answer.status, dict(answer.headers), text, list(aws.calls)


@each_row
def test_people_of_the_tenant_get_the_status_of_their_part(create: Handler, row: Row) -> None:
    handler = load(row.function)
    for number, (caller, status) in enumerate(zip(ADMITTED, row.statuses, strict=True)):
        wanted = opened(create, f"room-{number}")
        answer = row.ask(handler, caller, wanted)
        assert answer.status == status, answer.text
        if status == 404:
            named = ("connection_not_found", "feature_not_found")
            assert answer.body["code"] in named


@each_row
@pytest.mark.parametrize("caller", OUTSIDERS.values(), ids=OUTSIDERS)
def test_a_session_of_others_is_like_a_missing_one(
    aws: Aws, create: Handler, row: Row, caller: Caller
) -> None:
    wanted, handler = opened(create, "secret"), load(row.function)
    row.ask(handler, OWNER, MISSING)  # warm: later calls have the same caches
    before = aws.items()
    answers = []
    for each in (wanted, MISSING):
        aws.forget_calls()
        answers.append(seen(aws, row.ask(handler, caller, each)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert aws.items() == before


@pytest.mark.parametrize("caller", OUTSIDERS.values(), ids=OUTSIDERS)
def test_a_search_for_a_room_of_others_is_like_one_for_a_free_name(
    aws: Aws, create: Handler, caller: Caller
) -> None:
    opened(create, "secret")
    answers = []
    for handler, route in (
        (load("get_session"), "GET /sessions"),
        (load("release_room"), "DELETE /rooms/{room}"),
    ):
        for room in ("secret", "unused"):
            aws.forget_calls()
            query = {"room": room} if route == "GET /sessions" else None
            path = None if query else room
            answer = call(handler, route, caller=caller, query=query, room=path)
            answers.append(seen(aws, answer, room))
    assert answers[0] == answers[1]
    assert answers[2] == answers[3]
    assert [answer[0] for answer in answers] == [200, 200, 404, 404]


@pytest.mark.parametrize("caller", OTHER_TENANTS.values(), ids=OTHER_TENANTS)
def test_a_room_of_another_tenant_is_like_a_free_name_to_open(
    aws: Aws, create: Handler, caller: Caller
) -> None:
    wanted = opened(create, "secret")
    calls, fields = [], []
    for room in ("secret", "unused"):
        aws.forget_calls()
        answer = call(create, "POST /sessions", caller=caller, body={"room": room})
        assert answer.status == 201
        assert answer.body["sessionId"] != wanted
        calls.append(list(aws.calls))
        fields.append(answer.body.keys())
    assert calls[0] == calls[1]
    assert fields[0] == fields[1]


@pytest.mark.parametrize("caller", OUTSIDERS.values(), ids=OUTSIDERS)
def test_no_list_shows_a_session_of_others(create: Handler, caller: Caller) -> None:
    opened(create, "secret")
    answer = call(load("get_session"), "GET /sessions", caller=caller)
    assert answer.body == {"sessions": []}


@pytest.mark.parametrize("caller", OUTSIDERS.values(), ids=OUTSIDERS)
def test_a_session_of_others_cannot_be_registered(create: Handler, caller: Caller) -> None:
    """A missing one can, by a moderator who knows an id of the project: the one difference."""
    body = {"sessionId": opened(create, "secret")}
    answer = call(create, "POST /sessions", caller=caller, body=body)
    assert answer.status == (404 if caller.moderator else 403)
    assert body["sessionId"] not in answer.text


def test_a_jwt_without_a_tenant_is_refused_by_every_route(create: Handler) -> None:
    wanted, no_user = opened(create, "secret"), Caller("alice")
    answers = [row.ask(load(row.function), no_user, wanted) for row in BY_ID]
    answers.append(call(create, "POST /sessions", caller=no_user, body={"room": "secret"}))
    answers.append(call(load("get_session"), "GET /sessions", caller=no_user))
    answers.append(
        call(load("release_room"), "DELETE /rooms/{room}", caller=no_user, room="secret")
    )
    assert {answer.status for answer in answers} == {400}


def test_the_matrix_covers_every_route_of_the_template() -> None:
    template = (FUNCTIONS.parent / "template.yaml").read_text()
    found = re.findall(r'ApiId: !Ref HttpApi, Method: (\w+), Path: (?:"(.+?)"|(\S+?))}', template)
    routes = {f"{method} {quoted or plain}" for method, quoted, plain in found}
    assert routes == {row.route for row in BY_ID} | BY_ROOM
