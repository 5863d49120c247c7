"""Between the schedule, or the console's test button, and the use case."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from opentok_sessions.domain.pools import Pool
from opentok_sessions.domain.problems import InvalidCombination, InvalidRequest
from opentok_sessions.precreate_sessions import RefillFailed
from opentok_sessions.runtime import telemetry
from opentok_sessions.scheduled_handler import scheduled_handler
from tests.unit.opentok_sessions.application import Application
from tests.unit.opentok_sessions.vendor_server import VendorServer

EVENTS = Path(__file__).parents[3] / "events"
ONE = {"pools": [{"mediaMode": "routed", "min": 1, "max": 2}]}
Log = Callable[[], str]


class Context:
    """What Lambda passes beside the event."""

    def get_remaining_time_in_millis(self) -> int:
        return 61_500


class Refill:
    """In the use case's place: notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], float]] = []

    def __call__(self, pools: Sequence[Pool], seconds_left: float) -> list[dict[str, object]]:
        self.asked.append(([pool.name for pool in pools], seconds_left))
        return [{"created": 7}]


def test_pools_in_reports_out(log: Log) -> None:
    refill = Refill()
    assert scheduled_handler(refill)(ONE, Context()) == {"pools": [{"created": 7}]}
    assert refill.asked == [(["routed"], 61.5)]
    assert '"message":"refilled"' in log()
    assert '"created":7' in log()


def test_without_a_context_there_is_a_minute() -> None:
    refill = Refill()
    scheduled_handler(refill)(ONE, None)
    assert refill.asked == [(["routed"], 60.0)]


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "pools",
        5,
        {},
        {"pool": []},
        {"pools": [], "more": 1},
        {"version": "0", "detail-type": "Scheduled Event", "detail": {}},
    ],
)
def test_an_event_of_another_shape(event: object, log: Log) -> None:
    refill = Refill()
    with pytest.raises(InvalidRequest, match=r"precreate_sessions\.json"):
        scheduled_handler(refill)(event, Context())
    assert refill.asked == []
    assert "refill_failed" in log()


@pytest.mark.parametrize(
    "pools",
    [
        None,
        {},
        [{"min": 1}],
        [*ONE["pools"], *ONE["pools"]],
        [*ONE["pools"], {"mediaMode": "relayed", "min": 5, "max": 4}],
        [*ONE["pools"], {"mediaMode": "relayed", "archiveMode": "always", "min": 1, "max": 4}],
    ],
)
def test_one_wrong_pool_and_none_is_touched(pools: Any, log: Log) -> None:
    refill = Refill()
    with pytest.raises((InvalidRequest, InvalidCombination)) as refused:
        scheduled_handler(refill)({"pools": pools}, Context())
    assert refill.asked == []
    assert refused.value.detail in json.loads(log().splitlines()[-1])["reason"]


def test_a_failure_fails_the_invocation(app: Application, vendor: VendorServer, log: Log) -> None:
    vendor.is_down = True
    with pytest.raises(RefillFailed):
        scheduled_handler(app.precreate_sessions)(ONE, Context())
    assert "refill_failed" in log()
    assert "is unavailable" in log()


def test_metrics_are_written_even_after_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry.flush()
    capsys.readouterr()

    def fail(pools: Sequence[Pool], seconds_left: float) -> list[dict[str, object]]:
        telemetry.count("CredentialsStale")
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        scheduled_handler(fail)(ONE, Context())
    assert "CredentialsStale" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(EVENTS.glob("precreate_sessions*.json")), ids=str)
def test_the_consoles_events_are_understood(path: Path) -> None:
    refill = Refill()
    scheduled_handler(refill)(json.loads(path.read_text()), Context())
    assert refill.asked


def test_the_whole_way(app: Application, vendor: VendorServer) -> None:
    answer = scheduled_handler(app.precreate_sessions)(ONE, Context())
    assert json.loads(json.dumps(answer)) == {
        "pools": [
            {
                "options": {"mediaMode": "routed", "archiveMode": "manual", "e2ee": False},
                "wanted": 1,
                "available": 0,
                "created": 1,
                "failed": 0,
                "reason": None,
            }
        ]
    }
    assert app.pooled() == set(vendor.made)
