"""For any event, a function returns a response, no 5xx for a client error, and writes nothing on
rejection.

300 events per function; ten thousand with `SOAK=1` in the environment.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentok_client import transport
from opentok_client.grant import Role
from opentok_client.options import MediaMode, SessionOptions
from opentok_sessions.domain.models import Reuse, Session, Source
from opentok_sessions.domain.problems import INTERNAL_ERROR, Problem
from opentok_sessions.storage.attributes import Item, encode
from opentok_sessions.storage.items import session_item
from tests.aws import API_KEY, API_SECRET, ENVIRONMENT, Aws, answer, aws_in_memory
from tests.problems import PROBLEMS
from tests.unit.functions.events import (
    FEATURE_SECRET,
    callback_events,
    create_events,
    feature_events,
    list_events,
    pool_events,
    room_events,
    session_events,
)
from tests.unit.opentok_sessions import vendor_server
from tests.unit.opentok_sessions.vendor_server import VendorServer, session_id

# What is as long as a body may be is also long to print.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

ROOT = Path(__file__).parents[3]
EXAMPLES = 10_000 if os.environ.get("SOAK") == "1" else 300
CONTEXT = SimpleNamespace(
    aws_request_id="invocation", get_remaining_time_in_millis=lambda: 60_000.0
)
WRITES = {"PutItem", "UpdateItem", "TransactWriteItems", "DeleteItem", "BatchWriteItem"}
CODES = {kind.code: kind.status for kind in PROBLEMS.values()}
WRITES_MAX = 200
"""After this number the table is emptied, because moto reads every item for every query."""

Handler = Callable[[object, object], dict[str, Any]]

# --- what is there before -------------------------------------------------------------------------

NOW = 1_790_000_000
ID = [session_id(10**9 + number) for number in range(20)]  # the vendor counts from 0
PLAIN = Session(
    session_id=ID[0],
    project_id=API_KEY,
    options=SessionOptions(),
    media_mode_reason="as requested",
    owner="alice",
    created_at=NOW * 1000,
    source=Source.CREATED,
    last_used_at=4_000_000_000,  # in use, whenever the test runs
    claim_id="claim",
)
LISTED = {"bob": Role.SUBSCRIBER, "carol": Role.PUBLISHER_ONLY}
SEEDS = [
    PLAIN,
    replace(PLAIN, session_id=ID[1], owner="bob", options=SessionOptions(MediaMode.RELAYED)),
    replace(PLAIN, session_id=ID[2], closed=True),
    replace(PLAIN, session_id=ID[3], closes_at=NOW),
    replace(PLAIN, session_id=ID[4], opens_at=253_402_300_799),
    replace(PLAIN, session_id=ID[5], participants=LISTED),
    replace(PLAIN, session_id=ID[6], owner="mallory", participants={}),
    replace(PLAIN, session_id=ID[7], project_id="47000009"),
    replace(PLAIN, session_id=ID[8], room="lobby", reuse=Reuse.PERMANENT),
    replace(
        PLAIN,
        session_id=ID[9],
        owner="mallory",
        room="board",
        reuse=Reuse.CONVERSATION,
        participants={"bob": Role.PUBLISHER},
    ),
    replace(PLAIN, session_id=ID[10], last_used_at=NOW, room="hall", reuse=Reuse.CONVERSATION),
]
POOLED = {ID[11]: "routed", ID[12]: "routed", ID[13]: "relayed"}
KNOWN = [*ID[:15], session_id(10**9, "47000009"), session_id(10**9, relayed=True)]


def seeds() -> Iterator[Item]:
    yield from (session_item(session, None) for session in SEEDS)
    for session in SEEDS:
        if session.room is not None:
            yield encode(
                {
                    "pk": f"room#{session.room}",
                    "sessionId": session.session_id,
                    "claimId": "claim",
                    "owner": session.owner,
                    "reuse": session.reuse,
                    "participants": session.participants,
                }
            )
    for number, (pooled, pool) in enumerate(POOLED.items()):
        yield encode(
            {
                "pk": f"session#{pooled}",
                "projectId": API_KEY,
                "poolId": f"{API_KEY}#{pool}",
                "poolKey": f"{number:016x}",
                "pooledAt": NOW,
            }
        )


# --- the functions --------------------------------------------------------------------------------


class World:
    """The functions, their account, and the vendor."""

    def __init__(self, aws: Aws, vendor: VendorServer, handlers: dict[str, Handler]) -> None:
        self.aws = aws
        self.vendor = vendor
        self.written: list[str] = []
        """Returns the successful writes since `begin`."""
        self._handlers = handlers
        self.forget()

    def send(self, event_name: str, request: AWSPreparedRequest) -> AWSResponse:
        """Handles a call of the functions instead of the network, and records each write."""
        response = Aws.send(self.aws, event_name, request)
        operation = event_name.rpartition(".")[2]
        if operation in WRITES and response.status_code == 200:
            self.written.append(operation)
        return response

    def forget(self) -> None:
        """Restores the table for the next event."""
        self._writes_since_seeds = WRITES_MAX

    def begin(self) -> None:
        """Restores the table after many writes."""
        self._writes_since_seeds += len(self.written)
        if self._writes_since_seeds >= WRITES_MAX:
            self._writes_since_seeds = 0
            for item in self.aws.items():
                self.aws.delete(item["pk"]["S"], item["sk"]["S"])
            for seed in seeds():
                self.aws.put(seed)
        self.written.clear()

    def run(self, function: str, event: object) -> dict[str, Any]:
        """Returns the handler's result."""
        return self._handlers[function](event, CONTEXT)

    def call(self, function: str, event: object) -> dict[str, Any]:
        """Returns the function's response, after checking the rules that hold for all responses."""
        self.begin()
        asked = self.vendor.asked
        response = self.run(function, event)
        status, headers = response["statusCode"], response["headers"]
        assert 200 <= status < 500, response
        assert all(isinstance(text, str) for pair in headers.items() for text in pair)
        assert all(text.isprintable() and text.isascii() for text in headers.values())
        assert API_SECRET not in json.dumps(response)
        json.dumps(response, ensure_ascii=False).encode()  # as the runtime does
        body = json.loads(response["body"]) if "body" in response else None
        if status >= 400:
            _is_a_problem(status, headers, body or {})
            assert self.written == []
            assert self.vendor.asked == asked
        return {**response, "body": body}


def _is_a_problem(status: int, headers: dict[str, str], body: dict[str, Any]) -> None:
    assert headers["Content-Type"] == "application/problem+json"
    assert body["code"] != INTERNAL_ERROR.code
    assert CODES[body["code"]] == body["status"] == status
    assert body.keys() - {"errors", "featureId"} == {
        "type",
        "title",
        "status",
        "detail",
        "code",
        "requestId",
    }
    for error in body.get("errors", []):
        assert error.keys() == {"field", "message"}


NAMES = (
    "create_session",
    "issue_token",
    "get_session",
    "close_session",
    "release_room",
    "receive_callback",
    "update_session",
    "remove_connection",
    "manage_features",
    "disconnect_clients",
    "publish_events",
    "precreate_sessions",
)


def test_every_function_is_here() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert set(NAMES) == folders
    assert {f"test_{name}" for name in NAMES} <= globals().keys()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    patient = mock.patch.multiple(transport, READ_SECONDS=60.0, CONNECT_SECONDS=60.0)
    with patient, vendor_server.running() as vendor:
        environment = {**ENVIRONMENT, "API_URL": vendor.url, "REFILL_LIMIT": "3"}
        with aws_in_memory(environment) as aws:
            handlers: dict[str, Handler] = {}
            for name in NAMES:
                module = f"functions.{name}.app"
                sys.modules.pop(module, None)  # they read the environment when they are imported
                handlers[name] = importlib.import_module(module).handler
                del sys.modules[module]
            made = World(aws, vendor, handlers)
            with mock.patch.object(aws, "send", made.send):
                yield made


@pytest.fixture(autouse=True)
def as_in_the_beginning(world: World) -> None:
    """Removes what an earlier test has created or claimed."""
    world.forget()


def fuzz(events: st.SearchStrategy[object]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
        return settings(max_examples=EXAMPLES, suppress_health_check=slow)(
            given(event=events)(test)
        )

    return decorate


def _cursor(position: list[object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


CURSORS = [
    _cursor([ID[0], NOW * 1000, "0" * 16]),
    _cursor([ID[0], 10**40, "x"]),
    _cursor([None, None]),
]


@fuzz(create_events(KNOWN))
def test_create_session(world: World, event: object) -> None:
    response = world.call("create_session", event)
    if response["statusCode"] < 400:
        assert response["statusCode"] in (200, 201)
        assert response["body"]["state"] in ("open", "closed")
        assert (response["statusCode"] == 201) is ("Location" in response["headers"])
        assert response["headers"]["Cache-Control"] == "no-store"


@fuzz(session_events(KNOWN))
def test_issue_token(world: World, event: object) -> None:
    response = world.call("issue_token", event)
    if response["statusCode"] < 400:
        assert response["statusCode"] == 201
        assert response["body"]["sessionId"] in KNOWN
        assert response["headers"]["Cache-Control"] == "no-store"


@fuzz(session_events(KNOWN) | list_events(CURSORS))
def test_get_session(world: World, event: object) -> None:
    response = world.call("get_session", event)
    assert world.written == []
    if response["statusCode"] < 400:
        assert response["statusCode"] == 200
        found = response["body"].get("sessions", [response["body"]])
        # Each has an owner; pooled sessions have none.
        assert all(session["owner"] and session["sessionId"] not in POOLED for session in found)


@fuzz(session_events(KNOWN))
def test_close_session(world: World, event: object) -> None:
    response = world.call("close_session", event)
    if response["statusCode"] < 400:
        assert (response["statusCode"], response["body"]) == (204, None)


@fuzz(room_events())
def test_release_room(world: World, event: object) -> None:
    response = world.call("release_room", event)
    if response["statusCode"] < 400:
        assert (response["statusCode"], response["body"]) == (204, None)


@fuzz(callback_events(KNOWN))
def test_receive_callback(world: World, event: object) -> None:
    world.begin()
    answer = world.run("receive_callback", event)
    assert not world.written  # no event of these is signed
    if answer["statusCode"] == 200:
        assert "body" not in answer
    else:  # 503: an unsigned event, which the vendor should send again
        assert answer["statusCode"] in (400, 404, 413, 503)
        _is_a_problem(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


@fuzz(pool_events())
def test_precreate_sessions(world: World, event: object) -> None:
    world.begin()
    asked = world.vendor.asked
    try:
        response = world.run("precreate_sessions", event)
    except Problem as problem:  # the invocation counts as failed, with its reason in the log
        assert PROBLEMS[type(problem)].status == 400
        assert problem.errors
        assert world.written == []
        assert world.vendor.asked == asked
        return
    json.dumps(response, ensure_ascii=False).encode()
    assert isinstance(event, dict)
    assert len(response["pools"]) == len(event["pools"])
    assert sum(pool["created"] for pool in response["pools"]) == world.vendor.asked - asked <= 3


@fuzz(session_events(KNOWN))
def test_update_session(world: World, event: object) -> None:
    answer = world.call("update_session", event)
    if answer["statusCode"] < 400:
        assert answer["statusCode"] == 200


@fuzz(session_events(KNOWN))
def test_remove_connection(world: World, event: object) -> None:
    answer = world.call("remove_connection", event)
    assert answer["statusCode"] >= 400  # these paths name no connection


@fuzz(feature_events(KNOWN))
def test_manage_features(world: World, event: object) -> None:
    world.begin()
    vendor = world.vendor
    vendor.features.known.clear()
    vendor.connections.update({session: ["client"] for session in KNOWN[:5]})
    for number, kind in enumerate(("archive", "broadcast", "render", "captions")):
        vendor.features.add(kind, KNOWN[number % 2], status="started")
    response = world.run("manage_features", event)
    status, text = response["statusCode"], response.get("body", "")
    assert 200 <= status < 500, response
    assert API_SECRET not in text
    # The texts of a request that may be credentials are in no response.
    assert FEATURE_SECRET not in json.dumps(response)
    if status >= 400:
        _is_a_problem(status, response["headers"], json.loads(text))
        assert world.written == []
    elif status == 204:
        assert text == ""
    else:
        body = json.loads(text)
        features = body.get("items", [body])
        assert all(feature["sessionId"] in KNOWN and feature["id"] for feature in features)
        assert ("Location" in response["headers"]) <= (status in (201, 202))


CHANGED = ["live#c-1", "gone#c-1", "session"]


@fuzz(st.sampled_from(CHANGED))
def test_disconnect_clients(world: World, event: object) -> None:
    world.begin()
    keys = {"pk": {"S": f"session#{KNOWN[0]}"}, "sk": {"S": event}}
    change = {"Keys": keys, "SequenceNumber": "1"}
    batch = {"Records": [{"eventName": "INSERT", "dynamodb": change}]}
    assert world.run("disconnect_clients", batch) == {"batchItemFailures": []}


@fuzz(st.tuples(st.sampled_from(["INSERT", "MODIFY", "REMOVE"]), st.sampled_from(CHANGED)))
def test_publish_events(world: World, event: object) -> None:
    world.begin()
    assert isinstance(event, tuple)
    name, sk = event
    keys = {"pk": {"S": f"session#{KNOWN[0]}"}, "sk": {"S": sk}}
    change = {"Keys": keys, "SequenceNumber": "1", "NewImage": {"endedAt": {"N": "1"}}}
    batch = {"Records": [{"eventName": name, "dynamodb": change}]}
    accepted = answer(200, {"FailedEntryCount": 0, "Entries": []})
    world.aws.replace("PutEvents", lambda _, proceed: accepted(proceed))
    assert world.run("publish_events", batch) == {"batchItemFailures": []}
    assert world.written == []
