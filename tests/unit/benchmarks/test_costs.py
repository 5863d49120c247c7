"""The units of DynamoDB in the cost tables are those that the functions consume."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from unittest import mock

import pytest

from opentok_sessions.disconnect_clients import DisconnectClients
from opentok_sessions.storage.items import session_item
from opentok_sessions.storage.stream import ItemChange
from opentok_sessions.vendor import Vendor
from tests.aws import Aws
from tests.benchmarks.costs import (
    CHECK,
    JOIN,
    LAST_LEAVE,
    LEAVE,
    START,
    STATUS,
    STOP,
    STREAM,
    Request,
)
from tests.callbacks import connection_event
from tests.unit.opentok_sessions import vendor_server
from tests.unit.opentok_sessions.application import NOW, Clock, a_session
from tests.unit.opentok_sessions.handlers import Answer, call, load
from tests.unit.opentok_sessions.receiver import SESSION, Receiver

MS = NOW * 1000


@pytest.fixture
def receiver(aws: Aws) -> Receiver:
    """A session in which a client is connected, and whose last event was a moment ago."""
    receiver = Receiver.start(aws, Clock())
    receiver.record_session()
    receiver.join("first", MS, MS)
    aws.forget_calls()
    return receiver


def consumed(aws: Aws) -> tuple[float, float]:
    """Returns the write and read units of the calls so far, for small items."""
    writes = reads = 0.0
    for operation, request in zip(aws.calls, aws.requests, strict=True):
        if operation == "TransactWriteItems":
            writes += 2 * len(request["TransactItems"])
        elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
            writes += 1
        elif operation in ("GetItem", "Query"):
            reads += 1 if request["ConsistentRead"] else 0.5
    return writes, reads


def units(request: Request) -> tuple[float, float]:
    return request.write_units, request.read_units


def test_a_join(aws: Aws, receiver: Receiver) -> None:
    receiver.join("second", MS + 1)
    assert consumed(aws) == units(JOIN)


def test_a_stream_of_a_known_client(aws: Aws, receiver: Receiver) -> None:
    receiver.send(connection_event("streamCreated", SESSION, "first", MS, MS + 1))
    assert consumed(aws) == units(STREAM)


def test_a_leave_while_others_stay(aws: Aws, receiver: Receiver) -> None:
    receiver.join("second", MS + 1)
    aws.forget_calls()
    receiver.leave("second", MS + 1, MS + 2)
    assert consumed(aws) == units(LEAVE)


def test_the_last_leave(aws: Aws, receiver: Receiver) -> None:
    receiver.leave("first", MS, MS + 2)
    assert consumed(aws) == units(LAST_LEAVE)


def test_the_check_of_a_client_that_has_connected(aws: Aws, receiver: Receiver) -> None:
    vendor: Any = Vendor(receiver.receive.credentials, "http://127.0.0.1:9")
    check = DisconnectClients(receiver.sessions, receiver.presence, vendor, False, Clock())
    item = aws.item(f"session#{SESSION}", "live#first")
    assert item is not None
    check(ItemChange("INSERT", f"session#{SESSION}", "live#first", {}, item, "1"))
    assert consumed(aws) == units(CHECK)


def test_a_status_of_a_feature(aws: Aws, receiver: Receiver) -> None:
    event = {"id": "f-1", "sessionId": SESSION, "status": "started", "createdAt": MS}
    receiver.send(event, "archive")
    assert consumed(aws) == units(STATUS)


def test_the_start_and_the_stop_of_an_archive(aws: Aws) -> None:
    session = vendor_server.session_id(1)
    feature = "/sessions/{sessionId}/{family}"

    def request(
        route: str, feature_id: str | None = None, body: Mapping[str, object] | None = None
    ) -> Answer:
        aws.forget_calls()
        return call(
            handler,
            route,
            session_id=session,
            family="archives",
            feature_id=feature_id,
            body=body,
        )

    with vendor_server.running() as vendor, mock.patch.dict(os.environ, {"API_URL": vendor.url}):
        vendor.connections[session] = ["client"]
        aws.put(session_item(a_session(session_id=session), None))
        handler = load("manage_features")
        started = request(f"POST {feature}", body={"name": "standup"})
        assert (started.status, consumed(aws)) == (201, units(START))
        stopped = request(f"POST {feature}/{{featureId}}/stop", str(started.body["id"]))
        assert (stopped.status, consumed(aws)) == (200, units(STOP))
