"""What happens in sessions is published on the event bus, at least once, without credentials."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from local.stack.bundle import read_template
from opentok_client.callbacks import DATA_MAX_LENGTH, ID_MAX_LENGTH, REASON_MAX_LENGTH
from opentok_sessions.domain.feature_events import STATUS_MAX_LENGTH, TEXT_MAX_LENGTH
from opentok_sessions.domain.features import FeatureRecord
from opentok_sessions.domain.presence import Connection, identified_data
from opentok_sessions.publish_events import FEATURE_EVENTS, SESSION_EVENTS, PublishEvents
from opentok_sessions.storage.feature_store import FeatureStore
from opentok_sessions.storage.presence_store import PresenceStore
from opentok_sessions.storage.table import Table
from opentok_sessions.stream_handler import stream_handler
from tests.aws import TABLE_NAME, Aws, answer, refuse, reply_lost
from tests.unit.opentok_sessions.application import NOW, RETENTION, Application
from tests.unit.opentok_sessions.handlers import load

MS = NOW * 1000
REQUEST_MAX_BYTES = 256 * 1024
REQUEST_MAX_ENTRIES = 10
TOKENS = ["T1==cGFydG5lcl9pZD00NzAwMDAwMSZzaWc9", "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiI0NyJ9.c2ln"]
EVENTS = Path(__file__).parents[3] / "events"
Record = dict[str, Any]


class Bus:
    """An event bus: accepts every entry, except those that a test lets it refuse."""

    def __init__(self, aws: Aws) -> None:
        self.requests: list[list[dict[str, str]]] = []
        self.refused: list[str] = []
        """The error code of each of the next entries that the bus refuses."""
        aws.replace("PutEvents", self._put)

    def _put(self, request: dict[str, Any], proceed: Callable[[], Any]) -> Any:
        self.requests.append(request["Entries"])
        results: list[dict[str, str]] = []
        for entry in request["Entries"]:
            if self.refused:
                results.append({"ErrorCode": self.refused.pop(0), "ErrorMessage": str(entry)})
            else:
                results.append({"EventId": "1"})
        failed = sum("ErrorCode" in result for result in results)
        return answer(200, {"FailedEntryCount": failed, "Entries": results})(proceed)

    @property
    def entries(self) -> list[dict[str, str]]:
        return [entry for request in self.requests for entry in request]

    @property
    def published(self) -> list[tuple[str, dict[str, Any]]]:
        """The detail type and the detail of every entry."""
        return [(entry["DetailType"], json.loads(entry["Detail"])) for entry in self.entries]


class Stage:
    """A session of alice in the room `lobby`, and the function with its bus."""

    def __init__(self, app: Application, aws: Aws) -> None:
        self.app, self.aws, self.bus = app, aws, Bus(aws)
        table = Table(aws.client("dynamodb"), TABLE_NAME)
        self.presence, self.features = PresenceStore(table), FeatureStore(table)
        self.session = app.create({"mediaMode": "routed", "room": "lobby"}).session.session_id
        self.identified = False
        self._sequence = 0

    def item(self, sk: str = "session") -> Mapping[str, Any]:
        item = self.aws.item(f"session#{self.session}", sk)
        assert item is not None
        return item

    def record(self, name: str, sk: str, old: object = None, new: object = None) -> Record:
        """Returns a record of the stream. The sequence numbers are 1, 2, …"""
        self._sequence += 1
        images = {"OldImage": old, "NewImage": new}
        keys = {"pk": {"S": f"session#{self.session}"}, "sk": {"S": sk}}
        data: Record = {"Keys": keys, "SequenceNumber": str(self._sequence)}
        data |= {key: image for key, image in images.items() if image is not None}
        return {"eventName": name, "dynamodb": data}

    def joined(self, client: str, data: str = "") -> Record:
        self.presence.add(self.session, Connection(client, MS, data), NOW)
        return self.record("INSERT", f"live#{client}", new=self.item(f"live#{client}"))

    def left(self, client: str) -> Record:
        connection = Connection(client, MS)
        self.presence.remove(self.session, connection, MS + 5, "clientDisconnected", NOW)
        return self.record("INSERT", f"gone#{client}", new=self.item(f"gone#{client}"))

    def reported(
        self, status: str, family: str = "archives", at: int = MS, **fields: object
    ) -> Record:
        """Records a status of the feature `f-1`, which may be its first one."""
        sk = f"feature#{family}#f-1"
        old = self.aws.item(f"session#{self.session}", sk)
        known = {"id": "f-1", "status": status, **fields}
        record = FeatureRecord(family, "f-1", status, at, known)
        assert self.features.record(self.session, record, NOW, RETENTION)
        return self.record("MODIFY" if old else "INSERT", sk, old, self.item(sk))

    def changed(self, action: Callable[[], object]) -> Record:
        old = self.item()
        action()
        return self.record("MODIFY", "session", old, self.item())

    def run(self, *records: Record) -> list[str]:
        """Returns the sequence numbers that the function reports as failed."""
        client = self.aws.client("events", attempts=1)
        publish = PublishEvents(self.app.store, client, "calls", self.identified, self.app.clock)
        failed = stream_handler(publish)({"Records": records}, None)["batchItemFailures"]
        return [failure["itemIdentifier"] for failure in failed]


@pytest.fixture
def stage(app: Application, aws: Aws) -> Stage:
    return Stage(app, aws)


class TestFacts:
    def test_a_client_that_connects_is_published_with_its_session(self, stage: Stage) -> None:
        assert stage.run(stage.joined("c-1", "name=Alice")) == []
        (entry,) = stage.bus.entries
        assert (entry["Source"], entry["EventBusName"]) == ("opentok-sessions", "calls")
        assert entry["DetailType"] == "Connection Created"
        assert json.loads(entry["Detail"]) == {
            "sessionId": stage.session,
            "owner": "alice",
            "room": "lobby",
            "state": "open",
            "timestamp": MS,
            "connectionId": "c-1",
            "connectedAt": MS,
            "data": "name=Alice",
        }

    def test_a_client_that_leaves_is_published_with_the_reason(self, stage: Stage) -> None:
        stage.joined("c-1")
        assert stage.run(stage.left("c-1")) == []
        ((detail_type, detail),) = stage.bus.published
        assert detail_type == "Connection Destroyed"
        assert (detail["timestamp"], detail["endedAt"]) == (MS + 5, MS + 5)
        assert (detail["connectionId"], detail["reason"]) == ("c-1", "clientDisconnected")

    @pytest.mark.parametrize(("hint", "detail_type"), SESSION_EVENTS.items())
    def test_what_the_vendor_reports_of_a_session_is_published(
        self, stage: Stage, hint: str, detail_type: str
    ) -> None:
        record = stage.changed(lambda: stage.presence.record_latest(stage.session, hint, MS))
        assert stage.run(record) == []
        about = {"sessionId": stage.session, "owner": "alice", "room": "lobby", "state": "open"}
        assert stage.bus.published == [(detail_type, {**about, "timestamp": MS})]

    def test_the_state_is_that_of_the_session_now(self, stage: Stage) -> None:
        record = stage.joined("c-1")
        stage.app.close(stage.session)
        stage.run(record)
        assert stage.bus.published[0][1]["state"] == "closed"

    def test_an_event_of_a_session_without_a_record_is_published(self, stage: Stage) -> None:
        record = stage.joined("c-1")
        stage.aws.delete(f"session#{stage.session}")
        assert stage.run(record) == []
        detail = stage.bus.published[0][1]
        assert detail["sessionId"] == stage.session
        assert not {"owner", "room", "state"} & detail.keys()

    def test_a_damaged_record_of_the_session_does_not_hold_up_its_events(
        self, stage: Stage, metrics: Callable[[], Counter[str]]
    ) -> None:
        record = stage.joined("c-1")
        stage.aws.put({**stage.item(), "owner": {"N": "1"}})
        assert stage.run(record) == []
        assert "owner" not in stage.bus.published[0][1]
        assert metrics()["InternalError"] == 1


class TestOtherChanges:
    def test_a_change_without_a_fact_has_no_event(self, stage: Stage) -> None:
        started = stage.changed(
            lambda: stage.presence.record_latest(stage.session, "startedAt", MS)
        )
        new = started["dynamodb"]["NewImage"]
        records = [
            stage.record("MODIFY", "session", new, {**new, "lastUsedAt": {"N": "7"}}),
            stage.record("MODIFY", "session", new, {**new, "emptySince": {"N": "7"}}),
            stage.changed(lambda: stage.app.close(stage.session)),
            stage.record("INSERT", "session", new=new),
            stage.record("INSERT", "room", new={}),
            stage.record("MODIFY", "live#c-1", {}, {}),
        ]
        assert stage.run(*records) == []
        assert stage.bus.requests == []

    @pytest.mark.parametrize("sk", ["session", "live#c-1", "gone#c-1"])
    def test_an_item_that_expires_has_no_event(self, stage: Stage, sk: str) -> None:
        assert stage.run(stage.record("REMOVE", sk, old=stage.item())) == []
        assert stage.bus.requests == []


class TestFeatures:
    @pytest.mark.parametrize(("family", "detail_type"), FEATURE_EVENTS.items())
    def test_the_status_of_a_feature_is_published_with_its_session(
        self, stage: Stage, family: str, detail_type: str
    ) -> None:
        assert stage.run(stage.reported("stopped", family, reason="session ended")) == []
        detail = {
            "sessionId": stage.session,
            "owner": "alice",
            "room": "lobby",
            "state": "open",
            "family": family,
            "featureId": "f-1",
            "status": "stopped",
            "reason": "session ended",
            "updatedAt": MS,
            "feature": {"id": "f-1", "status": "stopped", "reason": "session ended"},
        }
        assert stage.bus.published == [(detail_type, detail)]

    def test_every_change_of_the_status_is_published(self, stage: Stage) -> None:
        statuses = ["started", "paused", "started", "stopped", "available", "expired"]
        records = [stage.reported(status, at=MS + n) for n, status in enumerate(statuses)]
        assert stage.run(*records) == []
        assert [detail["status"] for _, detail in stage.bus.published] == statuses

    def test_a_report_with_the_same_status_is_not_published(self, stage: Stage) -> None:
        records = [stage.reported("started", at=MS + n, duration=n) for n in range(3)]
        assert stage.run(*records) == []
        assert len(stage.bus.published) == 1

    def test_the_same_status_with_another_reason_is_published(self, stage: Stage) -> None:
        reasons = ["failure", "Internal server failure"]
        records = [stage.reported("failed", at=MS + n, reason=r) for n, r in enumerate(reasons)]
        assert stage.run(*records) == []
        assert [detail["reason"] for _, detail in stage.bus.published] == reasons

    def test_a_status_without_time_and_reason_has_neither(self, stage: Stage) -> None:
        stage.run(stage.reported("started", at=0, reason=""))
        assert not {"updatedAt", "reason"} & stage.bus.published[0][1].keys()

    def test_an_item_that_expires_has_no_event(self, stage: Stage) -> None:
        record = stage.reported("started")
        old, sk = record["dynamodb"]["NewImage"], "feature#archives#f-1"
        assert stage.run(stage.record("REMOVE", sk, old=old)) == []
        assert stage.bus.requests == []

    def test_a_family_without_callbacks_has_no_event(self, stage: Stage) -> None:
        assert stage.run(stage.reported("started", "audio-connectors")) == []
        assert stage.bus.requests == []

    @pytest.mark.parametrize("fields", [{"NULL": True}, {"S": "{"}, {"S": "[]"}, {"N": "1"}])
    def test_damaged_fields_do_not_hold_up_the_event(
        self, stage: Stage, fields: Mapping[str, object]
    ) -> None:
        record = stage.reported("started")
        record["dynamodb"]["NewImage"]["fields"] = fields
        assert stage.run(record) == []
        assert stage.bus.published[0][1]["status"] == "started"

    def test_a_status_that_the_bus_refuses_is_repeated(self, stage: Stage) -> None:
        record = stage.reported("started")
        stage.bus.refused = ["ThrottlingException"]
        assert stage.run(record) == ["1"]
        assert stage.run(record) == []
        assert stage.bus.published[0] == stage.bus.published[1]


def matches(pattern: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Returns whether Lambda's filter lets a record pass; only what the template uses of it."""
    for name, wanted in pattern.items():
        found = value.get(name)
        if isinstance(wanted, dict):
            if not isinstance(found, dict) or not matches(wanted, found):
                return False
        elif not any(_matches_one(choice, found) for choice in wanted):
            return False
    return True


def _matches_one(choice: object, found: object) -> bool:
    match choice:
        case {"prefix": str(prefix)}:
            return isinstance(found, str) and found.startswith(prefix)
        case {"exists": bool(exists)}:
            return (found is not None) is exists
    return choice == found


def test_every_change_with_an_event_passes_the_filters_of_the_stream(stage: Stage) -> None:
    function = read_template(EVENTS.parent / "template.yaml")["Resources"]["PublishEventsFunction"]
    source = function["Properties"]["Events"]["SessionChanged"]["Properties"]
    filters = [json.loads(entry["Pattern"]) for entry in source["FilterCriteria"]["Filters"]]
    assert len(filters) <= 5, "Lambda allows five"

    def passes(record: Record) -> bool:
        return any(matches(pattern, record) for pattern in filters)

    record_hint = stage.presence.record_latest
    hints = [
        stage.changed(partial(record_hint, stage.session, hint, MS)) for hint in SESSION_EVENTS
    ]
    first = [stage.reported("started", family) for family in FEATURE_EVENTS]
    later = [stage.reported("failed", family) for family in FEATURE_EVENTS]
    for record in [stage.joined("c-1"), stage.left("c-1"), *hints, *first, *later]:
        assert passes(record), record["dynamodb"]["Keys"]
    new = {name: value for name, value in stage.item().items() if name not in SESSION_EVENTS}
    for record in [
        stage.record("REMOVE", "feature#archives#f-1", old=new),
        stage.record("MODIFY", "session", new, {**new, "lastUsedAt": {"N": "7"}}),
        stage.record("INSERT", "session", new=new),
        stage.record("INSERT", "room", new={}),
    ]:
        assert not passes(record), record["dynamodb"]["Keys"]


class TestConnectionData:
    def test_data_that_this_service_wrote_is_published_as_the_user(self, stage: Stage) -> None:
        stage.identified = True
        stage.run(stage.joined("c-1", identified_data("bob", "the caller's text")))
        detail = stage.bus.published[0][1]
        assert detail["sub"] == "bob"
        assert "data" not in detail

    def test_in_caller_mode_the_data_names_no_user(self, stage: Stage) -> None:
        forged = identified_data("bob", "")
        stage.run(stage.joined("c-1", forged))
        detail = stage.bus.published[0][1]
        assert detail["data"] == forged
        assert "sub" not in detail

    @pytest.mark.parametrize("token", TOKENS, ids=["T1", "JWT"])
    @pytest.mark.parametrize("identified", [False, True])
    def test_data_with_a_token_is_left_out(
        self, stage: Stage, token: str, identified: bool
    ) -> None:
        stage.identified = identified
        stage.run(stage.joined("c-1", f"auth={token}&name=Alice"))
        (entry,) = stage.bus.entries
        assert token not in entry["Detail"]
        assert json.loads(entry["Detail"])["dataOmitted"] is True


class TestAtLeastOnce:
    def test_a_change_that_the_bus_refuses_is_reported_and_the_others_are_published(
        self, stage: Stage
    ) -> None:
        records = [stage.joined(f"c-{number}") for number in (1, 2, 3)]
        stage.bus.refused = ["ThrottlingException"]
        assert stage.run(*records) == ["1"]
        assert stage.run(records[0]) == []
        assert [detail["connectionId"] for _, detail in stage.bus.published] == [
            *("c-1", "c-2", "c-3"),
            "c-1",
        ]

    def test_one_refused_entry_of_a_change_fails_the_change(self, stage: Stage) -> None:
        old = stage.item()
        new = {**old, "startedAt": {"N": "1"}, "endedAt": {"N": "2"}}
        record = stage.record("MODIFY", "session", old, new)
        stage.bus.refused = ["InternalFailure"]
        assert stage.run(record) == ["1"]
        assert stage.run(record) == []
        both = ["Session Started", "Session Ended"]
        assert [detail_type for detail_type, _ in stage.bus.published] == both * 2

    @pytest.mark.parametrize(
        "failure", [reply_lost, refuse("AccessDeniedException"), answer(500, {})]
    )
    def test_a_failure_of_the_bus_is_reported_until_it_is_over(
        self, stage: Stage, failure: Any, log: Callable[[], str]
    ) -> None:
        record = stage.joined("c-1", "private text")
        stage.aws.meet("PutEvents", failure)
        assert stage.run(record) == ["1"]
        assert "The event bus failed" in log()
        assert "private text" not in log()
        assert stage.run(record) == []
        assert len(stage.bus.published) == 1

    def test_a_failure_of_the_table_is_reported(self, stage: Stage) -> None:
        record = stage.joined("c-1")
        stage.aws.meet("GetItem", *[refuse("AccessDeniedException")] * 5)
        assert stage.run(record) == ["1"]
        stage.aws.no_more()
        stage.bus = Bus(stage.aws)
        assert stage.run(record) == []
        assert len(stage.bus.published) == 1

    def test_events_that_were_published_are_counted(
        self, stage: Stage, metrics: Callable[[], Counter[str]]
    ) -> None:
        stage.run(stage.joined("c-1"), stage.joined("c-2"))
        assert metrics()["EventPublished"] == 2


def test_the_largest_change_is_within_the_limits_of_a_request(stage: Stage) -> None:
    client = "c" * ID_MAX_LENGTH
    values = {
        "connectionId": {"S": client},
        "connectedAt": {"N": str(10**15)},
        "endedAt": {"N": str(10**15)},
        "reason": {"S": "\0" * REASON_MAX_LENGTH},
        "connectionData": {"S": "\0" * DATA_MAX_LENGTH},
    }
    old = stage.item()
    new = {**old, **{name: {"N": str(10**15)} for name in SESSION_EVENTS}}
    stage.run(stage.record("INSERT", f"gone#{client}", new=values))
    stage.run(stage.record("MODIFY", "session", old, new))
    texts: dict[str, Any] = {f"field-{n}": "\0" * TEXT_MAX_LENGTH for n in range(10)}
    stage.run(stage.reported("s" * STATUS_MAX_LENGTH, reason="\0" * TEXT_MAX_LENGTH, **texts))
    assert [len(entries) for entries in stage.bus.requests] == [1, len(SESSION_EVENTS), 1]
    for entries in stage.bus.requests:
        assert len(entries) <= REQUEST_MAX_ENTRIES
        assert len(json.dumps(entries).encode()) <= REQUEST_MAX_BYTES


@pytest.mark.parametrize(
    ("file", "detail_type", "expected"),
    [
        ("publish_events", "Connection Created", {"data": "name=Alice"}),
        ("publish_events_archive", "Archive Status", {"status": "available"}),
    ],
)
def test_the_example_event_is_published_by_the_function(
    aws: Aws, file: str, detail_type: str, expected: dict[str, str]
) -> None:
    bus = Bus(aws)
    event = json.loads((EVENTS / f"{file}.json").read_text())
    assert load("publish_events")(event, None) == {"batchItemFailures": []}
    ((published, detail),) = bus.published
    assert published == detail_type
    assert expected.items() <= detail.items()
