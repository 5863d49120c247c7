"""Discrete-event simulation of presence: callbacks, one table, and the vendor's retries.

Clients connect and leave. For each event the vendor calls `receive_callback`, which reads the
session and writes in one transaction. The API's throttling, the partition's limit and a conflict on
a shared item can refuse the request with 429 or 503, and the vendor then retries it later. Presence
is right when every event has been applied.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import count

__all__ = ["SCENARIOS", "PresenceTotals", "Traffic", "simulate_presence"]

PARTITION_UNITS = 1_000
"""Write units per second of one partition (DynamoDB's published limit)."""
TABLE_PARTITIONS = 4
"""Partitions of a new on-demand table: 4,000 write units per second (published)."""

READ_SECONDS = 0.004
TRANSACTION_SECONDS = 0.010
"""Medians of a round trip; a transaction holds its items for most of it."""
SPREAD = 0.35
SDK_RETRIES = 3
SDK_BACKOFF_SECONDS = 0.05

FIRST_RETRY_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 900.0
"""The vendor's published schedule: five seconds, doubling, at most a quarter of an hour."""
RETRY_JITTER = 0.1
"""Not published."""

Process = Generator[float, None, None]


@dataclass(frozen=True, slots=True)
class Traffic:
    """`sessions` with `participants` each, who all connect or leave within `seconds`.

    Each sends `events_each` callbacks, for its connection and its stream. The first `writes_each`
    of them write, with `units` write units each. With `shared_item`, the transaction also changes
    the session's own item, so that events of one session conflict. `rate` is the throttling limit
    of the callback route per second, with a burst of twice as many.
    """

    name: str
    sessions: int
    participants: int
    seconds: float
    events_each: int = 2
    writes_each: int = 2
    units: int = 4
    shared_item: bool = False
    rate: float = 1_000
    seed: int = 1

    @property
    def events(self) -> int:
        return self.sessions * self.participants * self.events_each


@dataclass(slots=True)
class PresenceTotals:
    """The results of a run. Times are seconds from the start."""

    happened_at: list[float] = field(default_factory=list)
    applied_at: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """Requests refused, by reason: `api` (429), `partition` or `conflict` (503)."""
    sdk_retries: int = 0
    units_by_second: Counter[tuple[int, int]] = field(default_factory=Counter)

    @property
    def hottest_partition(self) -> int:
        """Returns the maximum of write units per second on one partition."""
        return max(self.units_by_second.values(), default=0)

    @property
    def right_after(self) -> float:
        """Returns the seconds from the last event until all events are applied."""
        return max(0.0, max(self.applied_at) - max(self.happened_at))

    def delay(self, fraction: float) -> float:
        """Returns the quantile of the delays, in seconds."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


class _Bucket:
    """A token bucket, which holds one second's worth unless `burst` is given."""

    def __init__(self, rate: float, burst: float | None = None) -> None:
        self._rate = rate
        self._burst = burst or rate
        self._tokens = self._burst
        self._at = 0.0

    def take(self, now: float, tokens: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True


class _Run:
    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.random = random.Random(traffic.seed)
        self.now = 0.0
        self.totals = PresenceTotals()
        self._api = _Bucket(traffic.rate, 2 * traffic.rate)
        self._partitions = [_Bucket(PARTITION_UNITS) for _ in range(TABLE_PARTITIONS)]
        self._held_until: dict[int, float] = {}
        self._order = count()
        self._agenda: list[tuple[float, int, Process]] = []

    def run(self) -> PresenceTotals:
        for number in range(self.traffic.events):
            session = self.random.randrange(self.traffic.sessions)
            writes = number % self.traffic.events_each < self.traffic.writes_each
            delivery = self._deliver(session, writes)
            self._start(delivery, self.random.uniform(0, self.traffic.seconds))
        while self._agenda:
            self.now, _, process = heapq.heappop(self._agenda)
            pause = next(process, None)
            if pause is not None:
                self._start(process, pause)
        return self.totals

    def _start(self, process: Process, after: float) -> None:
        heapq.heappush(self._agenda, (self.now + after, next(self._order), process))

    def _around(self, median: float) -> float:
        return median * self.random.lognormvariate(0, SPREAD)

    def _deliver(self, session: int, writes: bool) -> Process:
        """Sends one event until it is applied."""
        happened, wait = self.now, FIRST_RETRY_SECONDS
        self.totals.happened_at.append(happened)
        while (refusal := (yield from self._attempt(session, writes))) is not None:
            self.totals.refused[refusal] += 1
            yield wait * self.random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)
            wait = min(2 * wait, LONGEST_RETRY_SECONDS)
        self.totals.applied_at.append(self.now)
        self.totals.delays.append(self.now - happened)

    def _attempt(self, session: int, writes: bool) -> Generator[float, None, str | None]:
        """Sends one request. Returns the reason when it is refused."""
        if not self._api.take(self.now, 1):
            return "api"
        yield self._around(READ_SECONDS)
        if not writes:
            return None
        partition = session % TABLE_PARTITIONS
        refusal: str | None = None
        for attempt in range(1 + SDK_RETRIES):
            refusal = self._write(session, partition)
            trip = self._around(TRANSACTION_SECONDS)
            if refusal is None:
                if self.traffic.shared_item:
                    self._held_until[session] = self.now + trip
                yield trip
                return None
            self.totals.sdk_retries += 1
            yield trip + self.random.uniform(0, SDK_BACKOFF_SECONDS * 2**attempt)
        return refusal

    def _write(self, session: int, partition: int) -> str | None:
        if self._held_until.get(session, 0.0) > self.now:
            return "conflict"
        if not self._partitions[partition].take(self.now, self.traffic.units):
            return "partition"
        self.totals.units_by_second[partition, int(self.now)] += self.traffic.units
        return None


def simulate_presence(traffic: Traffic) -> PresenceTotals:
    """Runs one scenario until every event has been applied."""
    return _Run(traffic).run()


#: Two units per item of a transaction: the tombstone and the connection, and with `shared_item` the
#: session's item. When a client leaves, only the end of its connection writes.
SCENARIOS = (
    Traffic("3,000 join one session in a minute", 1, 3_000, 60),
    Traffic("3,000 join, each event changes the session's item", 1, 3_000, 60, 2, 2, 6, True),
    Traffic("3,000 leave one session in 2 s", 1, 3_000, 2, 2, 1),
    Traffic("3,000 leave, callbacks throttled at 100/s", 1, 3_000, 2, 2, 1, rate=100),
    Traffic("3,000 leave, each event changes the session's item", 1, 3_000, 2, 2, 1, 6, True),
    Traffic("10 join each of 1,000 sessions in a minute", 1_000, 10, 60),
    Traffic("10 join each, callbacks throttled at 100/s", 1_000, 10, 60, rate=100),
    Traffic("10 leave each of 1,000 sessions in 10 s", 1_000, 10, 10, 2, 1),
)
