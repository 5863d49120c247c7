"""Simulated days of one self-sizing pool with a refill every minute and random callers.

A minute is one step. The refill runs first, without delay or failure. Then the callers of that
minute claim the available sessions, and the sessions of the others are created live ("missed").
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opentok_sessions.domain.pool_size import next_target

__all__ = ["DAYS", "Day", "Minute", "simulate"]

MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Day:
    """Demand over time. `calls(minute)` is the mean number of calls in that minute."""

    name: str
    calls: Callable[[int], float]
    minutes: int
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute: target and available sessions after the refill, calls, and missed calls."""

    target: int
    available: int
    calls: int
    missed: int


def _poisson(random: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, product, events = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        events += 1
    return events


def simulate(day: Day, *, refill_limit: int | None = None, seed: int = 1) -> Iterator[Minute]:
    """Simulates the day by minutes. `refill_limit` is the maximum that one refill creates."""
    dice = random.Random(seed)
    available = taken = 0
    target: int | None = None
    for minute in range(day.minutes):
        target = next_target(
            minimum=day.minimum,
            maximum=day.maximum,
            previous=target,
            taken=taken,
            found_empty=available == 0,
        )
        missing = max(0, target - available)
        available += missing if refill_limit is None else min(missing, refill_limit)
        calls = _poisson(dice, day.calls(minute))
        taken = min(calls, available)
        yield Minute(target, available, calls, calls - taken)
        available -= taken


def _quiet_nights(minute: int) -> float:
    """Five calls a minute at noon, none from 22:00 to 6:00."""
    hour = minute % MINUTES / 60
    return max(0.0, 5 * math.sin((hour - 6) / 16 * math.pi)) if 6 <= hour < 22 else 0.0


def _spike(minute: int) -> float:
    """Two calls a minute, and a hundred in the half hour after noon."""
    return 100.0 if 12 * 60 <= minute % MINUTES < 12 * 60 + 30 else 2.0


def _climb(minute: int) -> float:
    """From one call an hour to a hundred a second, with the same factor every minute."""
    return math.pow(6_000 * 60, minute / (3 * MINUTES)) / 60


DAYS = (
    Day("one call an hour", lambda _: 1 / 60, 7 * MINUTES, 2, 20),
    Day("quiet nights", _quiet_nights, 3 * MINUTES, 2, 100),
    Day("a spike at noon", _spike, MINUTES, 2, 500),
    Day("a steady climb to 100 calls a second", _climb, 3 * MINUTES, 2, 20_000),
    Day("100 calls a second from the first second", lambda _: 6_000.0, 60, 2, 20_000),
)
