"""What the vendor reports of features over HTTP: recorded, shown and published."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from opentok_sessions.publish_events import PublishEvents
from opentok_sessions.storage.session_store import SessionStore
from opentok_sessions.storage.stream import ItemChange
from opentok_sessions.storage.table import Table
from tests.integration.emulator import Emulator
from tests.integration.polling import until
from tests.integration.stack import Stack

RETENTION = 3600
NEWER = {"archiveUpdatedAt": False}
OLDER = {"archiveEventField": False, "archiveProjectField": "projectId", "archiveSizeText": True}


class Bus:
    """The local cloud's bus; counts the entries that were put on it."""

    def __init__(self, events: Any) -> None:
        self._events, self.entries = events, 0

    def put_events(self, **request: Any) -> Any:
        self.entries += len(request["Entries"])
        return self._events.put_events(**request)


@pytest.fixture
def session_id(stack: Stack) -> Iterator[str]:
    """A routed session with one client, which is disconnected at the end."""
    body = {"mediaMode": "routed", "token": {}}
    created = stack.call("POST", "/sessions", body, user="alice")
    assert created.status == 201, created
    session_id = created.body["sessionId"]
    connected = Emulator(stack).connect(session_id, created.body["token"]["token"])
    assert connected.status == 200, connected
    yield session_id
    stack.vendor("DELETE", "/_emulator/variants")
    stack.call("DELETE", f"/sessions/{session_id}", user="alice")


def recorded(stack: Stack, session_id: str, family: str, feature: str) -> dict[str, Any]:
    """Returns the attributes of a feature's record as texts; none without a record."""
    key = {"pk": {"S": f"session#{session_id}"}, "sk": {"S": f"feature#{family}#{feature}"}}
    response = stack.client("dynamodb").get_item(TableName=stack.facts["table"], Key=key)
    return {name: next(iter(value.values())) for name, value in response.get("Item", {}).items()}


def wait_for(stack: Stack, session_id: str, family: str, feature: str, status: str) -> None:
    until(
        f"{family} {status}",
        lambda: recorded(stack, session_id, family, feature).get("status") == status,
    )


def delivered(stack: Stack, session_id: str, kind: str) -> list[str]:
    """Returns the status in each delivered callback of this kind."""
    path = f"/_emulator/callbacks?sessionId={session_id}"
    found = stack.vendor("GET", path).body["deliveries"]
    return [d["body"]["status"] for d in found if d["kind"] == kind and d["state"] == "delivered"]


def changes(stack: Stack, session_id: str) -> Iterator[dict[str, Any]]:
    """Yields the records of the table's stream about this session's features."""
    table = stack.client("dynamodb").describe_table(TableName=stack.facts["table"])["Table"]
    streams, arn = stack.client("dynamodbstreams"), table["LatestStreamArn"]
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                keys = record["dynamodb"]["Keys"]
                of_session = keys["pk"]["S"] == f"session#{session_id}"
                if of_session and keys["sk"]["S"].startswith("feature#"):
                    yield record
            iterator = page.get("NextShardIterator") if page["Records"] else None


@pytest.mark.parametrize("form", [NEWER, OLDER], ids=["newer", "older"])
def test_the_status_of_an_archive_is_recorded_shown_and_published(
    stack: Stack, session_id: str, form: dict[str, object]
) -> None:
    stack.vendor("PUT", "/_emulator/variants", {**form, "archiveUploadedFirst": True})
    path = f"/sessions/{session_id}/archives"
    started = stack.call("POST", path, {"name": "standup"}, user="alice")
    assert started.status == 201, started
    archive = started.body["id"]
    wait_for(stack, session_id, "archives", archive, "started")

    stopped = stack.call("POST", f"{path}/{archive}/stop", user="alice")
    assert stopped.status == 200, stopped
    until("three callbacks", lambda: len(delivered(stack, session_id, "archive")) == 3)
    record = recorded(stack, session_id, "archives", archive)
    assert record["status"] == "uploaded"
    assert json.loads(record["fields"])["name"] == "standup"
    shown = stack.call("GET", f"{path}/{archive}", user="alice")
    assert shown.body["status"] == "uploaded"

    published = publish(stack, session_id)
    assert {detail_type for detail_type, _ in published} == {"Archive Status"}
    details = [detail for _, detail in published]
    assert {"started", "uploaded"} <= {detail["status"] for detail in details}
    assert {detail["featureId"] for detail in details} == {archive}
    assert {detail["owner"] for detail in details} == {stack.facts["users"]["alice"]["sub"]}


@pytest.mark.parametrize("name", ["captionId", "captionsId"])
def test_captions_are_recorded_under_either_name_of_their_id(
    stack: Stack, session_id: str, name: str
) -> None:
    stack.vendor("PUT", "/_emulator/variants", {"captionsIdField": name})
    path = f"/sessions/{session_id}/captions"
    started = stack.call("POST", path, {}, user="alice")
    assert started.status == 202, started
    captions = started.body["id"]
    assert stack.call("POST", f"{path}/{captions}/stop", user="alice").status == 204
    wait_for(stack, session_id, "captions", captions, "stopped")
    statuses = {detail["status"] for _, detail in publish(stack, session_id)}
    assert "stopped" in statuses


def test_a_render_and_a_call_are_recorded(stack: Stack, session_id: str) -> None:
    path = f"/sessions/{session_id}"
    page = {"url": "https://pages.example/composed"}
    render = stack.call("POST", f"{path}/renders", page, user="alice")
    assert render.status == 202, render
    wait_for(stack, session_id, "renders", render.body["id"], "started")

    dialled = {"sip": {"uri": "sip:bob@sip.example"}}
    call = stack.call("POST", f"{path}/sip-calls", dialled, user="alice")
    assert call.status == 201, call
    connection = call.body["id"]
    until("the call", lambda: bool(recorded(stack, session_id, "sip-calls", connection)))
    assert stack.call("POST", f"{path}/sip-calls/{connection}/stop", user="alice").status == 204
    wait_for(stack, session_id, "sip-calls", connection, "destroyed")
    found = {detail_type for detail_type, _ in publish(stack, session_id)}
    assert found == {"Render Status", "SIP Status"}


def publish(stack: Stack, session_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Publishes the changes of this session's features on a bus of the local cloud.

    The stack has no bus, so the function's code runs here, on the records of the real stream.
    Returns what a rule of the bus has passed to a queue.
    """
    name = f"events-{uuid.uuid4().hex[:12]}"
    sqs, events = stack.client("sqs"), stack.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    pattern = {"source": ["opentok-sessions"], "detail": {"sessionId": [session_id]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern), State="ENABLED")
    target = {"Id": "queue", "Arn": attributes["Attributes"]["QueueArn"]}
    events.put_targets(Rule=name, Targets=[target])
    try:
        table = Table(stack.client("dynamodb"), stack.facts["table"])
        bus: Any = Bus(events)
        use_case = PublishEvents(SessionStore(table, RETENTION), bus, "default", False)
        for record in changes(stack, session_id):
            use_case(ItemChange.of(record))
        received: list[tuple[str, dict[str, Any]]] = []

        def arrived() -> bool:
            messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            for message in messages.get("Messages", []):
                event = json.loads(message["Body"])
                received.append((event["detail-type"], event["detail"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return bool(bus.entries) and len(received) >= bus.entries

        until("the events on the bus", arrived)
        return received
    finally:
        events.remove_targets(Rule=name, Ids=["queue"])
        events.delete_rule(Name=name)
        sqs.delete_queue(QueueUrl=queue)
