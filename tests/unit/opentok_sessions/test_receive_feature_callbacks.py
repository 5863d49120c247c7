"""Callbacks about features: what is recorded, in any order, and failures in between."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentok_sessions.domain.features import rank
from opentok_sessions.domain.problems import CallbackRefused, StorageUnavailable
from tests.aws import Aws, Reaction, answer, refuse, reply_lost
from tests.callbacks import authorization, body
from tests.unit.opentok_sessions.application import DAY, NOW, Clock
from tests.unit.opentok_sessions.fast_aws import FastAws
from tests.unit.opentok_sessions.receiver import SESSION, Receiver

SOAK = os.environ.get("SOAK") == "1"

MS = NOW * 1000
KINDS = {"archive": "archives", "broadcast": "broadcasts", "captions": "captions"}
KINDS |= {"render": "renders"}
STREAM_NAME = "a-stream-key-of-a-broadcast"


def status_of(status: str, **more: object) -> dict[str, object]:
    return {"id": "f-1", "sessionId": SESSION, "status": status, **more}


def call_event(name: str, at: int, **more: object) -> dict[str, object]:
    call = {"id": "call-1", "connectionId": "conn-1", "createdAt": MS}
    return {"sessionId": SESSION, "event": name, "timestamp": at, "call": call, **more}


@pytest.fixture
def receiver(aws: Aws, clock: Clock) -> Receiver:
    receiver = Receiver.start(aws, clock)
    receiver.record_session()
    aws.forget_calls()
    return receiver


def status(receiver: Receiver, family: str = "archives", feature: str = "f-1") -> str | None:
    record = receiver.features.find(SESSION, family, feature)
    return record.status if record else None


class TestRecords:
    @pytest.mark.parametrize(("kind", "family"), KINDS.items())
    def test_the_status_of_a_feature_is_recorded(
        self, receiver: Receiver, kind: str, family: str
    ) -> None:
        receiver.send(status_of("started", updatedAt=MS), kind)
        record = receiver.features.find(SESSION, family, "f-1")
        assert record is not None
        assert (record.status, record.updated_at) == ("started", MS)
        assert record.fields["sessionId"] == SESSION

    def test_the_state_of_a_call_is_recorded_under_its_connection(self, receiver: Receiver) -> None:
        receiver.send(call_event("callCreated", MS), "sip")
        receiver.send(call_event("callUpdated", MS + 1, state="ACTIVE"), "sip")
        assert status(receiver, "sip-calls", "conn-1") == "active"
        receiver.send(call_event("callDestroyed", MS + 2, reason_code="700"), "sip")
        receiver.send(call_event("callUpdated", MS + 3, state="ACTIVE"), "sip")
        assert status(receiver, "sip-calls", "conn-1") == "destroyed"

    def test_uploaded_before_stopped_stays_uploaded(self, receiver: Receiver) -> None:
        for reported in ("started", "uploaded", "stopped"):
            receiver.send(status_of(reported, updatedAt=MS), "archive")
        assert status(receiver) == "uploaded"

    def test_a_paused_archive_that_continues_is_started(self, receiver: Receiver) -> None:
        for n, reported in enumerate(("started", "paused", "started")):
            receiver.send(status_of(reported, updatedAt=MS + n), "archive")
        receiver.send(status_of("paused", updatedAt=MS + 1), "archive")  # a late repetition
        assert status(receiver) == "started"

    def test_a_status_from_the_future_is_replaced_by_the_next_one(self, receiver: Receiver) -> None:
        receiver.send(status_of("started", updatedAt=MS + 10**9), "archive")
        receiver.clock.turn(120)
        receiver.send(status_of("paused", updatedAt=MS + 100_000), "archive")
        assert status(receiver) == "paused"

    def test_a_record_is_kept_as_long_as_the_session(self, receiver: Receiver) -> None:
        receiver.send(status_of("started"), "archive")
        item = receiver.aws.item(f"session#{SESSION}", "feature#archives#f-1")
        assert item is not None
        assert item["ttl"] == {"N": str(NOW + 30 * DAY)}

    def test_a_feature_does_not_change_the_presence(self, receiver: Receiver) -> None:
        before_it = receiver.session()
        receiver.send(status_of("started"), "archive")
        assert receiver.session() == before_it
        assert receiver.connected() == []

    @pytest.mark.parametrize("kind", [*KINDS, "sip"])
    def test_a_status_that_is_replayed_as_an_event_of_the_session_changes_nothing(
        self, receiver: Receiver, kind: str, metrics: Callable[[], Counter[str]]
    ) -> None:
        before_it = receiver.aws.items()
        event = call_event("callCreated", MS) if kind == "sip" else status_of("started", event=kind)
        receiver.send(event, "session")
        assert receiver.aws.items() == before_it
        assert metrics()["CallbackUnusable"] == 1

    @pytest.mark.parametrize("kind", [*KINDS, "sip"])
    def test_an_unusable_body_is_accepted_without_a_record(
        self, receiver: Receiver, kind: str, metrics: Callable[[], Counter[str]]
    ) -> None:
        receiver.send({"sessionId": SESSION, "event": "somethingNew"}, kind)
        assert len(receiver.aws.items(f"session#{SESSION}")) == 1
        assert metrics()["CallbackUnusable"] == 1

    def test_a_feature_of_an_unknown_session_is_ignored(
        self, receiver: Receiver, metrics: Callable[[], Counter[str]]
    ) -> None:
        receiver.send({**status_of("started"), "sessionId": "unknown"}, "archive")
        assert "PutItem" not in receiver.aws.calls
        assert metrics()["CallbackUnknownSession"] == 1

    def test_a_forged_status_is_refused(self, receiver: Receiver) -> None:
        raw = body(status_of("deleted"))
        with pytest.raises(CallbackRefused):
            receiver.receive("archive", raw, authorization(raw, NOW, "another"))
        assert status(receiver) is None

    def test_a_status_costs_one_read_and_one_write(self, receiver: Receiver) -> None:
        receiver.send(status_of("started"), "archive")
        assert receiver.aws.calls == ["GetSecretValue", "GetItem", "PutItem"]

    def test_a_repeated_status_is_counted_and_changes_nothing(
        self, receiver: Receiver, metrics: Callable[[], Counter[str]]
    ) -> None:
        receiver.send(status_of("started", updatedAt=MS), "archive")
        items = receiver.aws.items()
        receiver.clock.turn(3600)
        receiver.send(status_of("started", updatedAt=MS), "archive")
        assert receiver.aws.items() == items
        assert metrics()["CallbackDuplicate"] == 1


class TestCredentials:
    def test_a_stream_name_is_in_no_record_and_no_log(
        self, receiver: Receiver, log: Callable[[], str]
    ) -> None:
        target = {"id": "t-1", "serverUrl": "rtmp://live.example/app", "streamName": STREAM_NAME}
        event = status_of(
            "failed",
            reason=f"refused: {STREAM_NAME}",
            broadcastUrls={"rtmp": [target]},
            outputs={"rtmp": [target]},
        )
        receiver.send(event, "broadcast")
        receiver.send({**event, "sessionId": "unknown"}, "broadcast")
        receiver.send({**event, "status": None, "event": "x"}, "broadcast")
        receiver.send({**event, "timestamp": MS + 3_600_000}, "broadcast")
        assert status(receiver, "broadcasts") == "failed"
        assert STREAM_NAME not in json.dumps(receiver.aws.items())
        assert STREAM_NAME not in log()

    def test_a_signed_url_is_in_no_record_and_no_log(
        self, receiver: Receiver, log: Callable[[], str]
    ) -> None:
        url = "https://bucket.example/archive.mp4?Signature=made-up"
        receiver.send(status_of("available", url=url, password="made-up"), "archive")
        assert status(receiver) == "available"
        assert "made-up" not in json.dumps(receiver.aws.items()) + log()


class TestFailures:
    @pytest.mark.parametrize("operation", ["GetItem", "PutItem"])
    @pytest.mark.parametrize("failure", [refuse("InternalServerError", 500), answer(500, {})])
    def test_a_retry_completes_what_a_failure_interrupted(
        self, receiver: Receiver, operation: str, failure: Reaction
    ) -> None:
        receiver.aws.meet_always(operation, failure)
        with pytest.raises(StorageUnavailable):
            receiver.send(status_of("started"), "archive")
        receiver.aws.no_more()
        receiver.send(status_of("started"), "archive")
        assert status(receiver) == "started"

    def test_a_lost_response_of_the_write(self, receiver: Receiver) -> None:
        receiver.aws.meet("PutItem", reply_lost)
        receiver.send(status_of("started"), "archive")
        assert status(receiver) == "started"


HISTORY: list[tuple[str, Mapping[str, object]]] = [
    ("archive", status_of("started", event="archive", updatedAt=MS)),
    ("archive", status_of("paused", updatedAt=MS + 1)),
    ("archive", status_of("started", event="archive", updatedAt=MS + 2)),
    ("archive", status_of("stopped", size="7")),
    ("archive", status_of("uploaded", event="archive", size=7)),
    ("captions", {**status_of("started", updatedAt=MS), "captionId": "c-1"}),
    ("captions", {**status_of("stopped", updatedAt=MS + 9), "captionsId": "c-1"}),
    ("render", status_of("started")),
    ("render", status_of("failed", reason="crash")),
    ("broadcast", status_of("started", updatedAt=MS)),
    ("sip", call_event("callCreated", MS)),
    ("sip", call_event("callUpdated", MS + 1, state="RINGING")),
    ("sip", call_event("callUpdated", MS + 2, state="ACTIVE")),
]
LATEST = {
    ("archives", "f-1"): "uploaded",
    ("captions", "c-1"): "stopped",
    ("renders", "f-1"): "failed",
    ("broadcasts", "f-1"): "started",
    ("sip-calls", "conn-1"): "active",
}


@settings(
    max_examples=200 if SOAK else 20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False), st.data())
def test_every_order_and_repetition_of_callbacks_gives_the_same_statuses(
    fast_aws: FastAws, order: random.Random, data: st.DataObject
) -> None:
    sent = HISTORY + [event for event in HISTORY if data.draw(st.booleans())]
    order.shuffle(sent)
    fast_aws.clear()
    receiver = Receiver.start(cast(Aws, fast_aws), Clock())
    receiver.record_session()
    ranks = dict.fromkeys(LATEST, -1)
    for kind, event in sent:
        receiver.send(event, kind)
        for (family, feature), highest in ranks.items():
            now = status(receiver, family, feature)
            if now is not None:
                assert rank(now) >= highest, "a status went backwards"
                ranks[family, feature] = rank(now)
    assert {key: status(receiver, *key) for key in LATEST} == LATEST


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NAMES = ["id", "status", "event", "reason", "size", "updatedAt", "timestamp", "createdAt", "name"]
NAMES += ["call", "state", "captionId", "captionsId", "broadcastUrls", "transcription", "projectId"]
CHANGED = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5)


@settings(
    max_examples=500 if SOAK else 50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(HISTORY), CHANGED)
def test_any_signed_body_is_accepted(
    fast_aws: FastAws, sent: tuple[str, Mapping[str, object]], changed: Mapping[str, object]
) -> None:
    kind, event = sent
    fast_aws.clear()
    receiver = Receiver.start(cast(Aws, fast_aws), Clock())
    receiver.record_session()
    receiver.send({**event, **changed, "sessionId": SESSION}, kind)
    for item in fast_aws.items(f"session#{SESSION}"):
        assert len(json.dumps(item, ensure_ascii=False).encode()) < 16_384
