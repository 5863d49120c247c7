"""Callbacks in any state: what each writes, what is refused, and failures in between."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from opentok_sessions.domain.problems import (
    CallbackRefused,
    CallbackUnverifiable,
    StorageUnavailable,
)
from tests.aws import API_KEY, API_SECRET, Aws, before, canceled, refuse, reply_lost
from tests.callbacks import authorization, body, connection_event, session_event
from tests.unit.opentok_sessions.application import NOW, Clock
from tests.unit.opentok_sessions.receiver import SESSION, Receiver

MS = NOW * 1000
BROKEN = refuse("InternalServerError", status=500)


@pytest.fixture
def receiver(aws: Aws, clock: Clock) -> Receiver:
    receiver = Receiver.start(aws, clock)
    receiver.record_session()
    aws.forget_calls()
    return receiver


class TestConnections:
    def test_a_client_that_connects_is_live(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS - 20, data="name=Alice")
        (connection,) = receiver.presence.connections(SESSION, receiver.session().hints)
        assert connection == ("c-1", MS - 20, "name=Alice")
        item = receiver.aws.item(f"session#{SESSION}", "live#c-1")
        assert item is not None
        assert "owner" not in item  # it would appear in the list of a user's sessions

    def test_a_client_that_disconnects_leaves_a_tombstone(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS - 20)
        receiver.leave("c-1", MS - 20, MS)
        assert receiver.connected() == []
        tombstone = receiver.aws.item(f"session#{SESSION}", "gone#c-1")
        assert tombstone is not None
        assert tombstone["reason"] == {"S": "clientDisconnected"}
        assert int(tombstone["ttl"]["N"]) >= NOW + 25 * 3600

    def test_a_late_created_does_not_resurrect_a_connection(
        self, receiver: Receiver, metrics: Callable[[], Counter[str]]
    ) -> None:
        receiver.leave("c-1", MS - 20, MS)
        receiver.join("c-1", MS - 20)
        assert receiver.connected() == []
        assert metrics()["CallbackLate"] == 1

    def test_duplicates_change_nothing(
        self, receiver: Receiver, metrics: Callable[[], Counter[str]]
    ) -> None:
        receiver.join("c-1", MS - 20)
        receiver.leave("c-1", MS - 20, MS)
        before_duplicates = receiver.aws.items()
        receiver.clock.turn(3600)
        receiver.join("c-1", MS - 20)
        receiver.leave("c-1", MS - 20, MS)
        assert receiver.aws.items() == before_duplicates
        assert metrics()["CallbackDuplicate"] == 1  # the second "created" is late

    def test_a_stream_heals_a_lost_created(self, receiver: Receiver) -> None:
        receiver.send(connection_event("streamCreated", SESSION, "c-1", MS - 20, MS))
        assert receiver.connected() == ["c-1"]
        receiver.send(connection_event("streamDestroyed", SESSION, "c-1", MS - 20, MS))
        assert receiver.connected() == ["c-1"]

    def test_a_connection_without_a_time_has_the_events(self, receiver: Receiver) -> None:
        event = session_event("connectionCreated", SESSION, MS - 7, connection={"id": "c-1"})
        receiver.send(event)
        (connection,) = receiver.presence.connections(SESSION, receiver.session().hints)
        assert connection.connected_at == MS - 7

    @pytest.mark.parametrize(
        "event",
        [
            session_event("connectionCreated", SESSION, MS),
            session_event("connectionCreated", SESSION, MS, connection={"id": 7}),
            session_event("somethingNew", SESSION, MS, connection={"id": "c-1"}),
        ],
    )
    def test_an_unusable_event_is_accepted_without_effect_on_presence(
        self, receiver: Receiver, event: dict[str, object]
    ) -> None:
        receiver.send(event)
        assert receiver.connected() == []

    def test_other_kinds_do_not_touch_presence(self, receiver: Receiver) -> None:
        receiver.send(connection_event("connectionCreated", SESSION, "c-1", MS, MS), "archive")
        assert receiver.connected() == []


class TestSessions:
    def test_the_end_of_a_session_ends_what_was_connected_before(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS - 20)
        receiver.join("c-2", MS)
        receiver.session_event("sessionDestroyed", MS - 10)
        assert receiver.connected() == ["c-2"]

    def test_a_created_from_before_the_end_is_late(self, receiver: Receiver) -> None:
        receiver.session_event("sessionDestroyed", MS)
        receiver.join("c-1", MS - 20)
        assert receiver.connected() == []
        receiver.join("c-2", MS + 1, MS + 1)
        assert receiver.connected() == ["c-2"]

    def test_an_end_that_arrives_late_does_not_move_the_recorded_one(
        self, receiver: Receiver
    ) -> None:
        receiver.session_event("sessionDestroyed", MS)
        receiver.session_event("sessionDestroyed", MS - 50)
        assert receiver.session().hints.ended_at == MS

    def test_an_event_from_the_future_is_ignored(
        self, receiver: Receiver, metrics: Callable[[], Counter[str]]
    ) -> None:
        receiver.session_event("sessionDestroyed", MS + 61_000)
        assert receiver.session().hints.ended_at is None
        assert metrics()["CallbackUnusable"] == 1

    def test_a_session_of_another_application_is_ignored(
        self, receiver: Receiver, metrics: Callable[[], Counter[str]]
    ) -> None:
        receiver.send(connection_event("connectionCreated", "unknown", "c-1", MS, MS))
        assert receiver.aws.calls == ["GetSecretValue", "GetItem"]
        assert metrics()["CallbackUnknownSession"] == 1

    @pytest.mark.parametrize("session_id", ["", "é", "x" * 300])
    def test_an_id_that_cannot_be_a_session_is_ignored(
        self, receiver: Receiver, session_id: str
    ) -> None:
        receiver.send(session_event("sessionCreated", session_id, MS))
        assert "GetItem" not in receiver.aws.calls

    def test_a_pooled_session_is_ignored(self, receiver: Receiver) -> None:
        receiver.aws.put({"pk": {"S": "session#p"}, "poolId": {"S": "x"}, "poolKey": {"S": "00"}})
        receiver.send(connection_event("connectionCreated", "p", "c-1", MS, MS))
        assert receiver.aws.item("session#p", "live#c-1") is None


class TestSilence:
    """The alarm `callbacks-silent` watches the minimum: tokens report 1, callbacks 0."""

    def test_a_verified_callback_of_any_session_breaks_it(
        self, receiver: Receiver, metrics: Callable[[], Counter[str]]
    ) -> None:
        receiver.send(session_event("sessionCreated", "unknown", MS))
        counted = metrics()
        assert "CallbackSilence" in counted
        assert counted["CallbackSilence"] == 0

    def test_probes_and_forgeries_do_not(
        self, receiver: Receiver, metrics: Callable[[], Counter[str]]
    ) -> None:
        receiver.receive("session", b"{}", None)
        raw = body(session_event("sessionCreated", SESSION, MS))
        with pytest.raises(CallbackRefused):
            receiver.receive("session", raw, authorization(raw, NOW, "another"))
        assert "CallbackSilence" not in metrics()


class TestHints:
    def test_the_first_event_starts_the_monitoring(self, receiver: Receiver) -> None:
        assert receiver.session().hints.monitored_since is None
        receiver.join("c-1", MS - 20)
        assert receiver.session().hints.monitored_since == MS

    def test_the_last_one_to_leave_makes_the_session_empty(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS - 20)
        receiver.join("c-2", MS - 20)
        receiver.leave("c-1", MS - 20, MS - 10)
        assert receiver.session().hints.empty_since is None
        receiver.leave("c-2", MS - 20, MS - 5)
        assert receiver.session().hints.empty_since == MS

    def test_leaving_events_in_the_wrong_order_do_not_shorten_the_grace(
        self, receiver: Receiver
    ) -> None:
        receiver.join("c-1", MS - 20)
        receiver.join("c-2", MS - 20)
        receiver.leave("c-2", MS - 20, MS - 1)
        receiver.leave("c-1", MS - 20, MS - 600_000)  # its first attempts were lost
        assert receiver.session().hints.empty_since == MS

    def test_a_client_that_returns_makes_it_occupied(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS - 20)
        receiver.leave("c-1", MS - 20, MS)
        receiver.join("c-2", MS + 1)
        assert receiver.session().hints.empty_since is None

    def test_a_replayed_leave_does_not_prolong_the_emptiness(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS - 20)
        receiver.leave("c-1", MS - 20, MS)
        receiver.clock.turn(3600)
        receiver.leave("c-1", MS - 20, MS)
        assert receiver.session().hints.empty_since == MS

    def test_the_last_event_is_recorded_to_the_minute(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS - 20)
        receiver.clock.turn(59)
        receiver.join("c-2", MS - 20)
        assert receiver.session().hints.last_event_at == MS
        receiver.clock.turn(1)
        receiver.join("c-3", MS - 20)
        assert receiver.session().hints.last_event_at == MS + 60_000


class TestCalls:
    """What a callback costs. Joins of one session do not write the session's record."""

    def test_a_join_reads_the_session_and_writes_one_transaction(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS - 20)
        receiver.aws.forget_calls()
        receiver.join("c-2", MS - 20)
        assert receiver.aws.calls == ["GetItem", "TransactWriteItems"]
        (write,) = [r for r in receiver.aws.requests if "TransactItems" in r]
        keys = [str(item).count("'session'") for item in write["TransactItems"]]
        assert keys == [0, 0]  # not the session's own item

    def test_a_leave_also_asks_whether_anyone_is_left(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS - 20)
        receiver.join("c-2", MS - 20)
        receiver.aws.forget_calls()
        receiver.leave("c-1", MS - 20, MS)
        assert receiver.aws.calls == ["GetItem", "TransactWriteItems", "Query"]
        receiver.leave("c-2", MS - 20, MS)
        assert receiver.aws.calls[3:] == ["GetItem", "TransactWriteItems", "Query", "UpdateItem"]

    def test_a_leave_does_not_read_the_tombstones(self, receiver: Receiver) -> None:
        for number in range(30):
            receiver.leave(f"c-{number}", MS - 20, MS)
        receiver.aws.forget_calls()
        receiver.leave("last", MS - 20, MS)
        assert receiver.aws.calls.count("Query") == 1

    def test_a_probe_calls_nothing(self, receiver: Receiver) -> None:
        receiver.receive("session", b"{}", None)
        assert receiver.aws.calls == []

    def test_an_unsigned_event_calls_nothing(self, receiver: Receiver) -> None:
        with pytest.raises(CallbackUnverifiable):
            receiver.receive("session", body(session_event("sessionCreated", SESSION, MS)), None)
        assert receiver.aws.calls == []


class TestSignatures:
    def test_without_a_secret_the_vendor_has_to_send_it_again(self, receiver: Receiver) -> None:
        receiver.aws.put_secret({"apiKey": API_KEY, "apiSecret": API_SECRET})
        with pytest.raises(CallbackUnverifiable, match="no signature secret"):
            receiver.join("c-1", MS)

    def test_a_forged_event_is_refused(
        self, receiver: Receiver, metrics: Callable[[], Counter[str]]
    ) -> None:
        raw = body(connection_event("connectionCreated", SESSION, "c-1", MS, MS))
        with pytest.raises(CallbackRefused):
            receiver.receive("session", raw, authorization(raw, NOW, "another"))
        assert receiver.connected() == []
        assert metrics()["CallbackForged"] == 1

    def test_a_secret_rotated_a_moment_ago_is_read_again(self, receiver: Receiver) -> None:
        receiver.join("c-1", MS)
        credentials = {"apiKey": API_KEY, "apiSecret": API_SECRET}
        receiver.aws.put_secret({**credentials, "signatureSecret": ["new", "newer"]})
        receiver.clock.turn(2)
        raw = body(connection_event("connectionCreated", SESSION, "c-2", MS, MS))
        receiver.receive("session", raw, authorization(raw, NOW + 2, "newer"))
        assert receiver.connected() == ["c-1", "c-2"]

    def test_a_flood_of_forgeries_reads_the_secret_once_a_second_at_most(
        self, receiver: Receiver
    ) -> None:
        raw = body(session_event("sessionCreated", SESSION, MS))
        for _ in range(20):
            with pytest.raises(CallbackRefused):
                receiver.receive("session", raw, authorization(raw, NOW, "another"))
        assert receiver.aws.calls.count("GetSecretValue") <= 2

    def test_the_log_has_no_connection_data_and_no_signature(
        self, receiver: Receiver, log: Callable[[], str]
    ) -> None:
        raw = body(connection_event("connectionCreated", SESSION, "c-1", MS, MS, "private"))
        header = authorization(raw, NOW)
        receiver.receive("session", raw, header)
        with pytest.raises(CallbackRefused):
            receiver.receive("session", raw, header + "x")
        assert json.loads(log().splitlines()[0])["connection_id"] == "c-1"
        assert "private" not in log()
        assert header.rpartition(".")[2] not in log()


class TestFailures:
    @pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems", "Query", "UpdateItem"])
    @pytest.mark.parametrize("leaving", [False, True])
    def test_a_retry_completes_what_a_failure_interrupted(
        self, receiver: Receiver, operation: str, leaving: bool
    ) -> None:
        if leaving:
            receiver.join("c-1", MS - 20)

        def act() -> None:
            if leaving:
                receiver.leave("c-1", MS - 20, MS)
            else:
                receiver.join("c-1", MS - 20)

        receiver.aws.meet_always(operation, BROKEN)
        if leaving or operation != "Query":
            with pytest.raises(StorageUnavailable):
                act()
        receiver.aws.no_more()
        act()
        assert receiver.connected() == ([] if leaving else ["c-1"])
        hints = receiver.session().hints
        assert hints.monitored_since is not None
        assert (hints.empty_since is not None) == leaving

    def test_a_lost_response_of_the_transaction(self, receiver: Receiver) -> None:
        receiver.aws.meet("TransactWriteItems", reply_lost, None)
        receiver.join("c-1", MS - 20)
        assert receiver.connected() == ["c-1"]
        assert receiver.session().hints.monitored_since is not None

    def test_a_conflict_of_two_events_about_one_connection_is_retried(
        self, receiver: Receiver
    ) -> None:
        receiver.aws.meet("TransactWriteItems", canceled("TransactionConflict", "None"))
        receiver.join("c-1", MS - 20)
        assert receiver.connected() == ["c-1"]

    def test_repeated_conflicts_are_a_failure(self, receiver: Receiver) -> None:
        receiver.aws.meet_always("TransactWriteItems", canceled("TransactionConflict", "None"))
        with pytest.raises(StorageUnavailable):
            receiver.join("c-1", MS - 20)

    def test_a_client_that_joins_while_the_last_one_leaves_is_found(
        self, receiver: Receiver
    ) -> None:
        receiver.join("c-1", MS - 20)
        other = replace(receiver)
        receiver.aws.meet("Query", before(lambda: other.join("c-2", MS - 10)))
        receiver.leave("c-1", MS - 20, MS)
        assert receiver.session().hints.empty_since is None
        assert receiver.connected() == ["c-2"]
