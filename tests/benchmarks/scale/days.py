"""Simulated days of one pool that sizes itself: a refill every minute, callers who come at random.

A minute is one step: the refill runs first, at once and without failing, then the callers of that
minute take what is there, and the rest of them have their sessions made live ("missed").
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
    """A demand over time: `calls(minute)` is the mean number of calls in that minute."""

    name: str
    calls: Callable[[int], float]
    minutes: int
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Minute:
    """What one minute saw: the target and what was available after the refill, and the callers."""

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
    """Play the day minute by minute. `refill_limit` is the most that one refill makes."""
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
    """Five calls a minute at noon, none between ten at night and six in the morning."""
    hour = minute % MINUTES / 60
    return max(0.0, 5 * math.sin((hour - 6) / 16 * math.pi)) if 6 <= hour < 22 else 0.0


def _spike(minute: int) -> float:
    """Two calls a minute, and a hundred for the half hour from noon on."""
    return 100.0 if 12 * 60 <= minute % MINUTES < 12 * 60 + 30 else 2.0


def _climb(minute: int) -> float:
    """From one call an hour to a hundred a second, by the same factor every minute."""
    return math.pow(6_000 * 60, minute / (3 * MINUTES)) / 60


DAYS = (
    Day("one call an hour", lambda _: 1 / 60, 7 * MINUTES, 2, 20),
    Day("quiet nights", _quiet_nights, 3 * MINUTES, 2, 100),
    Day("a spike at noon", _spike, MINUTES, 2, 500),
    Day("a steady climb to 100 calls a second", _climb, 3 * MINUTES, 2, 20_000),
    Day("100 calls a second at once", lambda _: 6_000.0, 60, 2, 20_000),
)
