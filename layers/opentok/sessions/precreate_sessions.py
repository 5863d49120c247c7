"""Fill the pools: count what waits, make what is missing, remember what was found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypedDict

from . import telemetry
from .answers import options_answer
from .credentials import CredentialCache
from .errors import PROBLEMS, Problem
from .pool_size import next_target
from .pool_store import PoolStore, RefillState
from .pools import Pool
from .vendor import BUDGET_SECONDS, Vendor

__all__ = ["CONNECTIONS", "PoolReport", "PrecreateSessions", "RefillFailed"]

CONNECTIONS = 16
"""How many sessions are made at once."""
RESERVE_SECONDS = 5.0
"""What is left of the function's time for writing down what was made."""


class PoolReport(TypedDict):
    """What a refill did to one pool. `available` is how many it found waiting."""

    options: dict[str, object]
    wanted: int
    available: int
    created: int
    failed: int
    reason: str | None


class RefillFailed(Exception):
    """Sessions were missing and none could be made: the invocation has to count as failed, so that
    it is repeated and somebody hears of it. The text is the report."""


@dataclass(frozen=True, slots=True)
class PrecreateSessions:
    """The schedule's function. `limit` is how many sessions one run makes at most."""

    pools: PoolStore
    credentials: CredentialCache
    vendor: Vendor
    limit: int
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, pools: Sequence[Pool], seconds_left: float) -> list[PoolReport]:
        """Refills the pools within `seconds_left` and reports on each, in the order given.

        Raises `RefillFailed` when nothing at all was made although something was missing, and
        `Problem` when the table or the credentials cannot be had.
        """
        stop_at = self.monotonic() + seconds_left - RESERVE_SECONDS
        project_id = self.credentials.current().project_id
        now = int(self.clock())
        found = [_Found.of(self.pools, pool, project_id, now) for pool in pools]
        left = self.limit
        made: dict[str, tuple[int, str | None]] = {}
        for pool in sorted(found, key=lambda pool: pool.fullness):  # the emptiest first
            made[pool.pool_id] = self._fill(pool, min(pool.missing, left), stop_at)
            left -= made[pool.pool_id][0]
        reports = [self._conclude(pool, *made[pool.pool_id]) for pool in found]
        if any(pool.missing for pool in found) and not any(r["created"] for r in reports):
            raise RefillFailed(str([(r["options"], r["reason"]) for r in reports]))
        return reports

    def _fill(self, found: _Found, number: int, stop_at: float) -> tuple[int, str | None]:
        """How many sessions were made, and why not more."""
        if number == 0:
            return 0, "the limit of sessions per run is reached" if found.missing else None
        stop = threading.Event()
        reasons: list[str] = []

        def make(_: int) -> int:
            # What the vendor makes is lost when nobody has the time to wait for its answer.
            if stop.is_set() or self.monotonic() + BUDGET_SECONDS > stop_at:
                return 0
            try:
                new = self.vendor.create_session(found.pool.options)
                pool_id = found.pool.id_for(new.project_id)
                self.pools.add(new.session_id, new.project_id, pool_id, self.clock())
            except Problem as problem:
                telemetry.count_failure(PROBLEMS[type(problem)])
                reasons.append(problem.detail)
                stop.set()
                return 0
            return 1

        with ThreadPoolExecutor(min(CONNECTIONS, number)) as threads:
            made = sum(threads.map(make, range(number)))
        if reasons:
            return made, reasons[0]
        if made < number:
            return made, "the time of this run was over"
        return made, None if made == found.missing else "the limit of sessions per run is reached"

    def _conclude(self, found: _Found, created: int, reason: str | None) -> PoolReport:
        now = int(self.clock())
        failed = found.missing - created
        refilled_at = now if not failed else found.refilled_at
        state = RefillState(found.wanted, found.available + created, refilled_at)
        self.pools.keep_refill_state(found.pool_id, state)
        figures = {
            "PoolWanted": found.wanted,
            "PoolCreated": created,
            "PoolFailed": failed,
            "RefillAge": now - refilled_at,
        }
        if found.wanted:  # else an alarm would miss what nobody wants
            figures["PoolAvailable"] = found.available + created
        telemetry.pool_figures(found.pool.name, **figures)
        return {
            "options": options_answer(found.pool.options),
            "wanted": found.wanted,
            "available": found.available,
            "created": created,
            "failed": failed,
            "reason": reason,
        }


@dataclass(frozen=True, slots=True)
class _Found:
    """A pool as a refill finds it."""

    pool: Pool
    pool_id: str
    wanted: int
    available: int
    refilled_at: int

    @classmethod
    def of(cls, store: PoolStore, pool: Pool, project_id: str, now: int) -> _Found:
        pool_id = pool.id_for(project_id)
        # In this order: what another refill adds in between must not look as if it had been taken.
        before = store.refill_state(pool_id)
        available = store.count(pool_id)
        wanted = next_target(
            minimum=pool.minimum,
            maximum=pool.maximum,
            previous=before.target if before else None,
            taken=before.available - available if before else 0,
            found_empty=available == 0,
        )
        # A pool that was never full is as old as its first refill.
        refilled_at = before.refilled_at if before else now
        return cls(pool, pool_id, wanted, available, refilled_at)

    @property
    def missing(self) -> int:
        return max(0, self.wanted - self.available)

    @property
    def fullness(self) -> float:
        return self.available / self.wanted if self.wanted else 1.0
