"""Filling the pools: counting, creating, stopping early, recording and reporting."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from opentok_client import circuit_breaker, transport
from opentok_sessions.domain.deadline import (
    REFILL_PAUSE_MAX_SECONDS,
    REFILL_RESERVE_SECONDS,
    REFILL_STALL_SECONDS,
    VENDOR_SECONDS,
)
from opentok_sessions.domain.problems import (
    CredentialsUnavailable,
    StorageUnavailable,
    VendorRejected,
)
from opentok_sessions.http.pools import parse_pools
from opentok_sessions.precreate_sessions import (
    CONNECTIONS,
    FAILURES_IN_A_ROW,
    PoolReport,
    PrecreateSessions,
    RefillFailed,
    _Filling,
)
from opentok_sessions.storage.pool_store import RefillState
from tests.aws import API_KEY, Answer, Aws, before, refuse
from tests.unit.opentok_sessions.application import DEADLINE, NOW, Application, Clock
from tests.unit.opentok_sessions.vendor_server import DOWN, Reply, VendorServer

SOAK = os.environ.get("SOAK") == "1"

Metrics = Callable[[], Counter[str]]
ROUTED: dict[str, object] = {"mediaMode": "routed", "min": 3, "max": 20}
RELAYED: dict[str, object] = {"mediaMode": "relayed", "min": 2, "max": 20}
SECONDS = 120.0
LIMITED = "the limit of sessions per run was reached"
FAILED: Reply = (503, {}, b"{}")


def refill(
    app: Application, *pools: dict[str, object], seconds: float = SECONDS, limit: int = 500
) -> list[PoolReport]:
    use = replace(app.precreate_sessions, limit=limit)
    return use(parse_pools(list(pools)), seconds)


def short(report: PoolReport) -> tuple[int, int, int, int, str | None]:
    return (
        report["wanted"],
        report["available"],
        report["created"],
        report["failed"],
        report["reason"],
    )


def state(app: Application, name: str = "routed") -> RefillState | None:
    return app.pool_store.get_refill_state(f"{API_KEY}#{name}")


class TestTheFirstRefill:
    def test_fills_every_pool_to_its_minimum(
        self, app: Application, vendor: VendorServer, metrics: Metrics
    ) -> None:
        reports = refill(app, ROUTED, RELAYED)
        assert [short(report) for report in reports] == [(3, 0, 3, 0, None), (2, 0, 2, 0, None)]
        assert reports[0]["options"] == {
            "mediaMode": "routed",
            "archiveMode": "manual",
            "e2ee": False,
        }
        assert app.pooled() | app.pooled("relayed") == set(vendor.made)
        assert (len(app.pooled()), len(app.pooled("relayed"))) == (3, 2)
        assert metrics() == {
            "routed:PoolWanted": 3,
            "routed:PoolAvailable": 3,
            "routed:PoolCreated": 3,
            "routed:PoolFailed": 0,
            "routed:RefillAge": 0,
            "relayed:PoolWanted": 2,
            "relayed:PoolAvailable": 2,
            "relayed:PoolCreated": 2,
            "relayed:PoolFailed": 0,
            "relayed:RefillAge": 0,
        }

    def test_asks_for_the_pools_options(self, app: Application, vendor: VendorServer) -> None:
        archived = {"archiveMode": "always", "archiveName": "all", "min": 1, "max": 1}
        refill(app, RELAYED, archived)
        forms = Counter(tuple(form.items()) for form in vendor.forms)
        assert forms == {
            (("p2p.preference", "enabled"), ("archiveMode", "manual")): 2,
            (("p2p.preference", "disabled"), ("archiveMode", "always"), ("archiveName", "all")): 1,
        }

    def test_remembers_what_it_left(self, app: Application) -> None:
        refill(app, ROUTED)
        assert state(app) == RefillState(target=3, available=3, refilled_at=NOW)

    def test_counts_what_is_there(self, app: Application, vendor: VendorServer) -> None:
        app.fill("routed", "p1", "p2")
        assert [short(r) for r in refill(app, ROUTED)] == [(3, 2, 1, 0, None)]
        assert len(vendor.made) == 1

    def test_makes_none_where_none_is_missing(self, app: Application, vendor: VendorServer) -> None:
        app.fill("routed", *"abcde")
        assert [short(r) for r in refill(app, ROUTED)] == [(3, 5, 0, 0, None)]
        assert vendor.asked == 0

    def test_no_pools_is_no_work(self, app: Application, vendor: VendorServer) -> None:
        assert refill(app) == []
        assert vendor.asked == 0


class TestLaterRefills:
    def test_the_target_follows_what_was_taken(self, app: Application, clock: Clock) -> None:
        refill(app, ROUTED)
        app.create()
        app.create()
        clock.turn(60)
        # two taken: twice that and two more are wanted
        assert [short(r) for r in refill(app, ROUTED)] == [(6, 1, 5, 0, None)]
        assert state(app) == RefillState(target=6, available=6, refilled_at=NOW + 60)

    def test_a_pool_that_ran_dry_grows_faster(self, app: Application) -> None:
        refill(app, ROUTED)
        for _ in range(5):  # two of which go to the vendor
            app.create()
        assert [short(r) for r in refill(app, ROUTED)] == [(16, 0, 16, 0, None)]

    def test_nothing_taken_lets_it_fall_to_the_minimum(self, app: Application) -> None:
        refill(app, {**ROUTED, "min": 5})
        assert [short(r)[0] for r in refill(app, ROUTED)] == [4]
        assert [short(r)[0] for r in refill(app, ROUTED)] == [3]
        assert [short(r)[0] for r in refill(app, ROUTED)] == [3]

    def test_what_falls_is_not_thrown_away(self, app: Application) -> None:
        refill(app, {**ROUTED, "min": 5})
        assert [short(r) for r in refill(app, ROUTED)] == [(4, 5, 0, 0, None)]
        assert len(app.pooled()) == 5

    def test_the_maximum_holds(self, app: Application) -> None:
        refill(app, {**ROUTED, "max": 4})
        for _ in range(3):
            app.create()
        assert [short(r) for r in refill(app, {**ROUTED, "max": 4})] == [(4, 0, 4, 0, None)]

    def test_a_new_project_starts_with_the_minimum(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        refill(app, ROUTED)
        vendor.secrets = {"46000000": "another-secret-that-was-made-up-for-tests"}
        aws.put_secret({"apiKey": "46000000", "apiSecret": vendor.secrets["46000000"]})
        clock.turn(61)
        assert [short(r) for r in refill(app, ROUTED)] == [(3, 0, 3, 0, None)]
        assert len(app.pooled(project="46000000")) == len(app.pooled()) == 3

    def test_sessions_wait_in_the_pool_of_the_project_that_made_them(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        """The vendor refuses the project that the refill began with."""
        app.credentials.current()
        vendor.secrets = {"46000000": "another-secret-that-was-made-up-for-tests"}
        aws.put_secret({"apiKey": "46000000", "apiSecret": vendor.secrets["46000000"]})
        clock.turn(2)
        refill(app, ROUTED)
        assert app.pooled() == set()
        assert app.pooled(project="46000000") == set(vendor.made)

    def test_two_concurrent_refills_overfill_by_one_run_at_most(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        one = {**ROUTED, "min": 1}
        other = Application.start(aws, vendor, app.clock)
        aws.meet("PutItem", before(lambda: refill(other, one)))
        refill(app, one)
        assert len(app.pooled()) == 2
        assert [short(r) for r in refill(app, one)] == [(1, 2, 0, 0, None)]

    def test_what_another_one_adds_meanwhile_was_not_taken(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        refill(app, {**ROUTED, "min": 1})
        other = Application.start(aws, vendor, app.clock)
        for operation in ("GetItem", "Query"):
            for session_id in app.pooled():
                aws.delete(f"session#{session_id}")
            app.pool_store.put_refill_state(f"{API_KEY}#routed", RefillState(3, 0, NOW), NOW)
            aws.meet(operation, before(lambda: refill(other, ROUTED)))
            assert [short(r) for r in refill(app, ROUTED)] == [(3, 3, 0, 0, None)]


class TestLimits:
    def test_the_limit_is_for_the_whole_run(self, app: Application) -> None:
        reports = refill(app, ROUTED, RELAYED, limit=4)
        assert [short(r) for r in reports] == [(3, 0, 3, 0, None), (2, 0, 1, 1, LIMITED)]

    def test_the_emptiest_pool_comes_first(self, app: Application) -> None:
        app.fill("routed", "p1", "p2")
        reports = refill(app, ROUTED, RELAYED, limit=2)
        assert [short(r) for r in reports] == [(3, 2, 0, 1, LIMITED), (2, 0, 2, 0, None)]

    def test_what_is_not_yet_full_was_not_refilled(self, app: Application, clock: Clock) -> None:
        refill(app, ROUTED)
        clock.turn(60)
        refill(app, {**ROUTED, "min": 9}, limit=2)
        assert state(app) == RefillState(target=9, available=5, refilled_at=NOW)

    def test_the_age_of_the_last_good_one(
        self, app: Application, clock: Clock, metrics: Metrics
    ) -> None:
        refill(app, ROUTED)
        assert metrics()["routed:RefillAge"] == 0
        clock.turn(300)
        refill(app, {**ROUTED, "min": 9}, limit=2)
        assert metrics()["routed:RefillAge"] == 300
        clock.turn(60)
        refill(app, {**ROUTED, "min": 9})
        assert metrics()["routed:RefillAge"] == 300  # a sum of 0, 300 and 0

    def test_a_pool_that_was_never_full_is_as_old_as_its_first_refill(
        self, app: Application, clock: Clock, metrics: Metrics
    ) -> None:
        refill(app, ROUTED, limit=1)
        clock.turn(300)
        refill(app, ROUTED, limit=1)
        assert metrics()["routed:RefillAge"] == 300

    def test_no_time_at_all(self, app: Application, vendor: VendorServer) -> None:
        with pytest.raises(RefillFailed, match="the run had no time left"):
            refill(app, ROUTED, seconds=REFILL_RESERVE_SECONDS)
        assert vendor.asked == 0
        assert state(app) == RefillState(target=3, available=0, refilled_at=NOW)

    def test_a_refill_stops_at_its_deadline(
        self, app: Application, vendor: VendorServer, clock: Clock
    ) -> None:
        vendor.before_answer.append(lambda: clock.turn(SECONDS))
        many = {**ROUTED, "min": 20}
        [report] = refill(app, many)
        assert report["reason"] == "the run had no time left"
        assert 1 <= report["created"] <= CONNECTIONS
        assert report["created"] + report["failed"] == 20
        assert len(app.pooled()) == report["created"]

    def test_no_call_begins_that_could_not_be_waited_for(
        self, app: Application, vendor: VendorServer
    ) -> None:
        """What the vendor makes after the end would be lost, and look as if it were down."""
        one = {**ROUTED, "min": 1}
        with pytest.raises(RefillFailed, match="the run had no time left"):
            refill(app, one, seconds=REFILL_RESERVE_SECONDS + VENDOR_SECONDS - 0.01)
        assert vendor.asked == 0
        assert [
            short(r) for r in refill(app, one, seconds=REFILL_RESERVE_SECONDS + VENDOR_SECONDS)
        ] == [(1, 0, 1, 0, None)]

    def test_a_pool_that_wants_none_has_none_too_few(
        self, app: Application, metrics: Metrics
    ) -> None:
        refill(app, {**ROUTED, "min": 0})
        assert "routed:PoolAvailable" not in metrics()
        refill(app, {**ROUTED, "min": 0})  # it was found empty
        assert metrics()["routed:PoolAvailable"] == 1


class TestFailures:
    def test_the_vendor_is_down(
        self, app: Application, vendor: VendorServer, metrics: Metrics
    ) -> None:
        vendor.is_down = True
        with pytest.raises(RefillFailed, match="is unavailable"):
            refill(app, ROUTED, RELAYED)
        assert vendor.asked <= CONNECTIONS
        assert app.aws.items("session#") == []
        counted = metrics()
        assert (counted["routed:PoolFailed"], counted["routed:PoolCreated"]) == (3, 0)
        assert (counted["relayed:PoolFailed"], counted["relayed:PoolWanted"]) == (2, 2)

    def test_a_refill_keeps_its_sessions_when_the_vendor_fails(
        self, app: Application, vendor: VendorServer
    ) -> None:
        """Created sessions are kept, and the vendor is not called for all missing ones."""
        gate = threading.Barrier(CONNECTIONS)

        def wait_for_all() -> None:
            gate.wait(timeout=60)
            vendor.next_replies.append(DOWN)  # for those that come afterwards

        vendor.before_answer.extend([wait_for_all] * CONNECTIONS)
        [report] = refill(app, {**ROUTED, "min": 20})
        assert report["created"] == CONNECTIONS == len(app.pooled())
        assert report["failed"] == 20 - CONNECTIONS
        assert report["reason"] == "The video platform is unavailable."
        assert vendor.asked <= 2 * CONNECTIONS
        assert state(app) == RefillState(20, CONNECTIONS, NOW)

    def test_a_refill_stops_after_a_rejection(self, app: Application, vendor: VendorServer) -> None:
        vendor.next_replies.extend([(400, {}, b"{}")] * 40)
        with pytest.raises(RefillFailed):
            refill(app, {**ROUTED, "min": 20})
        assert vendor.asked < CONNECTIONS + FAILURES_IN_A_ROW

    def test_one_pool_fails_and_the_others_are_filled(
        self, app: Application, vendor: VendorServer
    ) -> None:
        vendor.next_replies.extend([(400, {}, b'{"message":"no such place"}')] * FAILURES_IN_A_ROW)
        one = {**ROUTED, "min": 1}
        reports = refill(app, one, RELAYED)
        assert [short(r)[2] for r in reports] == [0, 2]
        assert reports[0]["reason"] == "The video platform rejected the request."
        assert reports[1]["reason"] is None

    def test_nothing_made_and_nothing_missing_is_no_failure(
        self, app: Application, vendor: VendorServer
    ) -> None:
        refill(app, ROUTED)
        vendor.is_down = True
        assert [short(r) for r in refill(app, ROUTED)] == [(3, 3, 0, 0, None)]

    def test_the_report_is_in_the_failure(self, app: Application, vendor: VendorServer) -> None:
        vendor.next_replies.extend([(400, {}, b"{}")] * CONNECTIONS)
        with pytest.raises(RefillFailed) as failure:
            refill(app, ROUTED)
        assert "'mediaMode': 'routed'" in str(failure.value)
        assert "rejected the request" in str(failure.value)

    def test_a_refill_reports_sessions_that_could_not_be_recorded(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        broken = refuse("ResourceNotFoundException")

        def sessions_only(proceed: Answer) -> object:
            is_session = aws.requests[-1]["Item"]["pk"]["S"].startswith("session#")
            return broken(proceed) if is_session else proceed()

        one = {**ROUTED, "min": 1}
        aws.meet("PutItem", *[sessions_only] * FAILURES_IN_A_ROW)
        with pytest.raises(RefillFailed, match="session store is unavailable"):
            refill(app, one)
        assert app.pooled() == set()

    @pytest.mark.parametrize("operation", ["Query", "GetItem"])
    def test_the_table_cannot_be_read(
        self, app: Application, aws: Aws, vendor: VendorServer, operation: str
    ) -> None:
        aws.meet(operation, refuse("ResourceNotFoundException"))
        with pytest.raises(StorageUnavailable):
            refill(app, ROUTED)
        assert vendor.asked == 0

    def test_a_refill_reports_a_state_that_could_not_be_recorded(
        self, app: Application, aws: Aws
    ) -> None:
        app.fill("routed", "p1", "p2", "p3")
        aws.meet("PutItem", refuse("ResourceNotFoundException"))
        with pytest.raises(StorageUnavailable):
            refill(app, ROUTED)

    def test_there_are_no_credentials(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        aws.put_secret("{}")
        with pytest.raises(CredentialsUnavailable):
            refill(app, ROUTED)
        assert (aws.items(), vendor.asked) == ([], 0)

    def test_the_vendor_is_back_and_the_pools_fill_by_themselves(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        vendor.is_down = True
        with pytest.raises(RefillFailed):
            refill(app, ROUTED)
        vendor.is_down = False
        instance = Application.start(aws, vendor, app.clock)
        assert [short(r) for r in refill(instance, ROUTED)] == [(3, 0, 3, 0, None)]


class TestHalfSickVendor:
    """It fails some calls, or fails for a while."""

    def test_one_failed_call_costs_no_session(self, app: Application, vendor: VendorServer) -> None:
        vendor.next_replies.extend([FAILED, (400, {}, b"{}")] * 2)
        [report] = refill(app, {**ROUTED, "min": 20})
        assert short(report) == (20, 0, 20, 0, None)

    def test_a_success_between_rejections_keeps_a_pool_from_being_given_up(self) -> None:
        filling = _Filling(10, DEADLINE)
        for _ in range(5):
            for _ in range(FAILURES_IN_A_ROW - 1):
                filling.failed(VendorRejected("rejected"))
            filling.succeeded()
        assert not filling.given_up.is_set()

    def test_a_refill_of_two_pools_survives_a_vendor_that_fails_30_percent_of_its_calls(
        self,
        app: Application,
        vendor: VendorServer,
        monkeypatch: pytest.MonkeyPatch,
        record_property: Callable[[str, object], None],
    ) -> None:
        monkeypatch.setattr(transport, "BACKOFF_SECONDS", 0.001)
        vendor.fail_at_random(share=0.3, seed=1)
        each = 300 if SOAK else 60
        pools = ({**ROUTED, "min": each, "max": 800}, {**RELAYED, "min": each, "max": 800})
        reports = refill(app, *pools, limit=1000)
        created = sum(report["created"] for report in reports)
        record_property("created", f"{created} of {2 * each}")
        record_property("failed calls", vendor.failed)
        assert 3 * vendor.failed > 2 * each
        assert created >= 1.9 * each
        assert len(app.pooled()) + len(app.pooled("relayed")) == created

    def test_a_refill_waits_out_a_cooldown_and_fills_both_pools(
        self, app: Application, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transport, "BACKOFF_SECONDS", 0.001)
        monkeypatch.setattr(circuit_breaker, "COOLDOWN_SECONDS", 0.2)
        monkeypatch.setattr(circuit_breaker, "PROBE_SECONDS", 0.05)
        monkeypatch.setattr(transport, "COOLDOWN_SECONDS", 0.2)
        vendor.fail_at_random(share=1, seed=1)
        waits: list[float] = []

        def wait(event: threading.Event, seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == CONNECTIONS:
                vendor.fail_at_random(share=0, seed=1)
            event.wait(seconds)

        app = replace(app, precreate_sessions=replace(app.precreate_sessions, wait=wait))
        reports = refill(app, {**ROUTED, "min": 30, "max": 30}, {**RELAYED, "min": 30, "max": 30})
        assert [short(r) for r in reports] == [(30, 0, 30, 0, None)] * 2
        assert len(waits) >= CONNECTIONS

    def test_a_pool_is_given_up_when_the_vendor_stays_unavailable(
        self, app: Application, vendor: VendorServer, clock: Clock
    ) -> None:
        vendor.is_down = True
        with pytest.raises(RefillFailed, match="is unavailable"):
            refill(app, {**ROUTED, "min": 1}, {**RELAYED, "min": 1}, seconds=300)
        passed = clock() - NOW
        assert 2 * REFILL_STALL_SECONDS <= passed <= 2 * 2 * REFILL_PAUSE_MAX_SECONDS

    def test_a_refill_does_not_wait_for_a_call_that_it_has_no_time_for(
        self, app: Application, vendor: VendorServer, clock: Clock
    ) -> None:
        vendor.is_down = True  # and asks for 100 s
        with pytest.raises(RefillFailed, match="is unavailable"):
            refill(app, {**ROUTED, "min": 1}, seconds=30)
        assert vendor.asked == 1


def test_sessions_are_created_concurrently(app: Application, vendor: VendorServer) -> None:
    """The vendor responds only when all calls have arrived, so sequential calls would block."""
    gate = threading.Barrier(CONNECTIONS)
    vendor.before_answer.extend([lambda: gate.wait(timeout=60)] * CONNECTIONS)
    [report] = refill(app, {**ROUTED, "min": CONNECTIONS})
    assert report["created"] == CONNECTIONS


def test_a_report_is_json(app: Application) -> None:
    [report] = refill(app, ROUTED)
    assert json.loads(json.dumps(report)) == report
    assert isinstance(app.precreate_sessions, PrecreateSessions)
