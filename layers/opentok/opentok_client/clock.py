"""Durations that span invocations: they end by the monotonic or the wall clock.

While an execution environment is frozen, its monotonic clock may stand still, and the wall clock
can be set back. So such a duration ends by whichever clock reaches its end first. Within one
invocation the monotonic clock is enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Clocks", "Instant"]


class Instant(NamedTuple):
    """A point in time on both clocks, in seconds."""

    monotonic: float
    wall: float

    def plus(self, seconds: float) -> Instant:
        """Returns the instant that lies `seconds` later."""
        return Instant(self.monotonic + seconds, self.wall + seconds)


class Clocks(NamedTuple):
    """The two clocks of an execution environment."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    def now(self) -> Instant:
        """Returns the current instant."""
        return Instant(self.monotonic(), self.wall())

    def remaining(self, until: Instant) -> float:
        """Returns the seconds until then by the clock that gets there first; 0 when it is past."""
        return max(0.0, min(until.monotonic - self.monotonic(), until.wall - self.wall()))

    def reached(self, instant: Instant) -> bool:
        """Returns whether either clock has reached the instant."""
        return self.remaining(instant) == 0
