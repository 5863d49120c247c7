"""Refills the pools: counts the sessions, creates the missing ones, stores the refill state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypedDict

from .credentials import CredentialCache
from .domain.deadline import (
    REFILL_PAUSE_MAX_SECONDS,
    REFILL_RESERVE_SECONDS,
    REFILL_STALL_SECONDS,
    VENDOR_SECONDS,
    Deadline,
)
from .domain.pool_size import next_target
from .domain.pools import Pool
from .domain.problems import Problem, Unavailable, VendorUnavailable
from .runtime import telemetry
from .storage.pool_store import PoolStore, RefillState
from .vendor import Vendor

__all__ = ["CONNECTIONS", "PoolReport", "PrecreateSessions", "RefillFailed"]

CONNECTIONS = 16
"""Number of sessions that are created at the same time."""
FAILURES_IN_A_ROW = 3
"""Consecutive rejections by the vendor, or failures of the table, after which the refill goes on
with the next pool."""
LIMIT_REACHED = "the limit of sessions per run was reached"


class PoolReport(TypedDict):
    """What a refill did to one pool. `available` is the number of sessions that it found."""

    options: dict[str, str | bool]
    wanted: int
    available: int
    created: int
    failed: int
    reason: str | None


class RefillFailed(Exception):
    """Sessions were missing and none could be created: the invocation fails, so that Lambda retries
    it and the alarm goes off. The text is the report."""


@dataclass(frozen=True, slots=True)
class PrecreateSessions:
    """The schedule's function. `limit` is the maximum of sessions created per run."""

    pools: PoolStore
    credentials: CredentialCache
    vendor: Vendor
    limit: int
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[threading.Event, float], object] = threading.Event.wait

    def __call__(self, pools: Sequence[Pool], seconds_left: float) -> list[PoolReport]:
        """Refills the pools within `seconds_left` and returns one report per pool, in their order.

        Raises `RefillFailed` when sessions were missing and none was created, and `Problem` when
        the table or the credentials are not available.
        """
        deadline = Deadline.after(seconds_left - REFILL_RESERVE_SECONDS, self.monotonic)
        project_id = self.credentials.current().project_id
        now = int(self.clock())
        found = [_Found.of(self.pools, pool, project_id, now) for pool in pools]
        left = self.limit
        made: dict[str, tuple[int, str | None]] = {}
        for pool in sorted(found, key=lambda pool: pool.fullness):  # the emptiest first
            made[pool.pool_id] = self._fill(pool, min(pool.missing, left), deadline)
            left -= made[pool.pool_id][0]
        reports = [self._conclude(pool, *made[pool.pool_id]) for pool in found]
        if any(pool.missing for pool in found) and not any(r["created"] for r in reports):
            raise RefillFailed(str([(r["options"], r["reason"]) for r in reports]))
        return reports

    def _fill(self, found: _Found, number: int, deadline: Deadline) -> tuple[int, str | None]:
        """Returns the number of created sessions, and why there are not more."""
        if number == 0:
            return 0, LIMIT_REACHED if found.missing else None
        filling = _Filling(number, deadline)

        def work(_: int) -> None:
            while filling.take():
                try:
                    new = self.vendor.create_session(found.pool.options)
                    project_id = new.credentials.project_id
                    pool_id = found.pool.id_for(project_id)
                    self.pools.add(new.session_id, project_id, pool_id, self.clock())
                except Problem as problem:
                    telemetry.count_failure(problem.type)
                    self.wait(filling.given_up, filling.failed(problem))
                else:
                    filling.succeeded()

        threads = min(CONNECTIONS, number)
        with ThreadPoolExecutor(threads) as executor:
            list(executor.map(work, range(threads)))
        if filling.created < number:
            return filling.created, filling.reason or "the run had no time left"
        return filling.created, None if number == found.missing else LIMIT_REACHED

    def _conclude(self, found: _Found, created: int, reason: str | None) -> PoolReport:
        now = int(self.clock())
        failed = found.missing - created
        refilled_at = now if not failed else found.refilled_at
        state = RefillState(found.wanted, found.available + created, refilled_at)
        self.pools.put_refill_state(found.pool_id, state, now)
        values = {
            "PoolWanted": found.wanted,
            "PoolCreated": created,
            "PoolFailed": failed,
            "RefillAge": now - refilled_at,
        }
        if found.wanted:  # otherwise the alarm would report a pool that is meant to be empty
            values["PoolAvailable"] = found.available + created
        telemetry.pool_metrics(found.pool.name, **values)
        return {
            "options": found.pool.options.fields(),
            "wanted": found.wanted,
            "available": found.available,
            "created": created,
            "failed": failed,
            "reason": reason,
        }


class _Filling:
    """The progress of one pool, shared by the threads that fill it.

    After a failed call, its thread waits and tries again. The pool is given up after
    `FAILURES_IN_A_ROW` failures that a pause does not cure, when the vendor was unavailable for
    `REFILL_STALL_SECONDS`, or when the run has no time left.
    """

    def __init__(self, number: int, deadline: Deadline) -> None:
        self._lock = threading.Lock()
        self._deadline = deadline
        self._unassigned = number
        self._failures = 0
        self._last_success = deadline.monotonic()
        self.created = 0
        self.reason: str | None = None
        self.given_up = threading.Event()

    def take(self) -> bool:
        """Assigns one of the missing sessions to the calling thread; False when it is done."""
        with self._lock:
            # A call that cannot be waited for would lose the session that the vendor creates.
            in_time = self._deadline.allows(VENDOR_SECONDS)
            if not self._unassigned or not in_time or self.given_up.is_set():
                return False
            self._unassigned -= 1
            return True

    def succeeded(self) -> None:
        """Counts a created and recorded session."""
        with self._lock:
            self.created += 1
            self._failures = 0
            self._last_success = self._deadline.monotonic()

    def failed(self, problem: Problem) -> float:
        """Returns the seconds that the thread has to wait before it tries again."""
        with self._lock:
            self._unassigned += 1
            self.reason = problem.detail
            if not isinstance(problem, VendorUnavailable):
                self._failures += 1
                if self._failures >= FAILURES_IN_A_ROW:
                    self.given_up.set()
                return problem.retry_after if isinstance(problem, Unavailable) else 0.0
            pause = min(problem.retry_after, REFILL_PAUSE_MAX_SECONDS)
            stalled = self._deadline.monotonic() - self._last_success >= REFILL_STALL_SECONDS
            if stalled or not self._deadline.allows(pause + VENDOR_SECONDS):
                self.given_up.set()
            return pause


@dataclass(frozen=True, slots=True)
class _Found:
    """A pool at the start of a refill."""

    pool: Pool
    pool_id: str
    wanted: int
    available: int
    refilled_at: int

    @classmethod
    def of(cls, store: PoolStore, pool: Pool, project_id: str, now: int) -> _Found:
        pool_id = pool.id_for(project_id)
        # In this order: sessions that another refill adds in between must not count as taken.
        before = store.get_refill_state(pool_id)
        available = store.count(pool_id)
        wanted = next_target(
            minimum=pool.minimum,
            maximum=pool.maximum,
            previous=before.target if before else None,
            taken=before.available - available if before else 0,
            found_empty=available == 0,
        )
        # The age of a pool that was never full counts from its first refill.
        refilled_at = before.refilled_at if before else now
        return cls(pool, pool_id, wanted, available, refilled_at)

    @property
    def missing(self) -> int:
        return max(0, self.wanted - self.available)

    @property
    def fullness(self) -> float:
        return self.available / self.wanted if self.wanted else 1.0
