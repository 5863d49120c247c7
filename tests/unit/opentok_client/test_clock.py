"""Durations that span invocations end by whichever clock reaches their end first."""

from __future__ import annotations

import time

import pytest

from opentok_client.clock import Clocks, Instant


@pytest.mark.parametrize(
    ("monotonic", "wall", "remaining"),
    [
        (100.0, 5000.0, 60.0),
        (130.0, 5030.0, 30.0),
        (100.0, 5059.0, 1.0),  # frozen: the monotonic clock stood still
        (100.0, 5060.0, 0.0),
        (100.0, 90_000.0, 0.0),
        (159.0, 5000.0, 1.0),  # the wall clock stands still or was set back
        (160.0, 4000.0, 0.0),
        (130.0, 4000.0, 30.0),
    ],
)
def test_a_duration_ends_by_the_clock_that_gets_there_first(
    monotonic: float, wall: float, remaining: float
) -> None:
    until = Instant(100.0, 5000.0).plus(60)
    clocks = Clocks(lambda: monotonic, lambda: wall)
    assert clocks.remaining(until) == remaining
    assert clocks.reached(until) is (remaining == 0)


def test_the_default_clocks_are_those_of_the_machine() -> None:
    before = Instant(time.monotonic(), time.time())
    now = Clocks().now()
    assert now.monotonic >= before.monotonic
    assert abs(now.wall - before.wall) < 60
