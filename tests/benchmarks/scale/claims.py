"""Discrete-event simulation of claims from one pool with concurrent refills.

A claim works as in `create_session`: one query of the index from a random position, then one
conditional write per candidate until one succeeds. After a limited number of attempts, or when the
pool appears empty, the session is created live. Time is simulated, so a result depends only on its
seed.
"""

import heapq
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import count

from opentok_sessions.storage.pool_store import CANDIDATES, CLAIMS_MAX
from tests.benchmarks.scale.index import PoolIndex, Throttled

__all__ = ["Scenario", "Strategy", "Totals", "simulate"]

QUERY_SECONDS = 0.004
WRITE_SECONDS = 0.006
"""Medians of a round trip from a function to DynamoDB in its region."""

SPREAD = 0.35
"""Sigma of the log-normal spread of round trips and lag: the 99th percentile is 2.3 medians."""

ENTRY_BYTES = 200
"""Upper bound of an entry of the KEYS_ONLY index: its keys take 131 to 194 bytes."""

SDK_RETRIES = 3
SDK_BACKOFF_SECONDS = 0.05
"""The AWS SDK retries throttled requests after random, growing pauses."""

Process = Generator[float, None, None]
"""A process in simulated time, which yields the seconds until its next step."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a claim searches for a session. The defaults are those of `storage.pool_store`.

    A query returns at most `limit` candidates from a `random_start` or from the start of the pool,
    which are tried `shuffled` or in index order. If it returned fewer, a second query covers the
    part before the start. After `tries` conditional writes the session is created live.
    """

    limit: int = CANDIDATES
    random_start: bool = True
    shuffled: bool = True
    tries: int = CLAIMS_MAX


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run: `rate` claims/s on `pool` sessions, for `warm_up` and then `seconds` seconds.

    `lag` is the median delay of the index in seconds. Every `refill_every` seconds the pool is
    counted, and missing sessions are created evenly until the next refill. None never refills. A
    partition at its limit for `split_after` seconds is split. None never splits.
    """

    rate: float
    pool: int
    lag: float
    seconds: float
    partitions: int
    strategy: Strategy = Strategy()
    refill_every: float | None = 1.0
    split_after: float | None = None
    warm_up: float = 2.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """The outcome of one claim. `left` is what the pool actually held at its end."""

    at: float
    outcome: str
    seconds: float
    queries: int
    writes: int
    left: int

    @property
    def conflicts(self) -> int:
        """Returns the number of conditional writes on candidates that were already claimed."""
        return self.writes - (self.outcome == "pooled")


@dataclass(slots=True)
class Totals:
    """The results of a run without its warm-up."""

    claims: list[Claim] = field(default_factory=list)
    read_units: float = 0.0
    refilled: int = 0
    throttled_at: list[float] = field(default_factory=list)
    partitions: int = 0
    splits: list[float] = field(default_factory=list)

    def share(self, outcome: str) -> float:
        """Returns the share of claims with this outcome: `pooled`, `missed` or `failed`."""
        return self._mean([claim.outcome == outcome for claim in self.claims])

    @property
    def conflicts(self) -> float:
        """Per claim."""
        return self._mean([claim.conflicts for claim in self.claims])

    @property
    def queries(self) -> float:
        """Per claim."""
        return self._mean([claim.queries for claim in self.claims])

    @property
    def writes(self) -> float:
        """Conditional writes per claim."""
        return self._mean([claim.writes for claim in self.claims])

    @property
    def round_trips(self) -> float:
        """Per claim."""
        return self.queries + self.writes

    @property
    def throttled(self) -> float:
        """Throttled requests, of claims and refills, per claim."""
        return len(self.throttled_at) / max(1, len(self.claims))

    @property
    def left(self) -> float:
        """Returns the mean of sessions actually in the pool at the end of a claim."""
        return self._mean([claim.left for claim in self.claims])

    def milliseconds(self, fraction: float) -> float:
        """Returns the quantile of the durations, in milliseconds."""
        ordered = sorted(claim.seconds for claim in self.claims)
        return 1000 * ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]

    def _mean(self, values: list[int] | list[bool]) -> float:
        return sum(values) / max(1, len(self.claims))


class _Run:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.end = scenario.warm_up + scenario.seconds
        self.random = random.Random(scenario.seed)
        self.now = 0.0
        self.totals = Totals()
        self.pooled: set[float] = set()
        self.index = PoolIndex.of(
            expected=scenario.pool,
            partitions=scenario.partitions,
            split_after=scenario.split_after,
        )
        self.being_made = 0
        self._order = count()
        self._agenda: list[tuple[float, int, Process]] = []

    def start(self, process: Process, after: float = 0.0) -> None:
        heapq.heappush(self._agenda, (self.now + after, next(self._order), process))

    def run(self) -> Totals:
        for _ in range(self.scenario.pool):
            key = self.random.random()
            self.pooled.add(key)
            self.index.visible.add(key)
        self.start(self.arrivals())
        if self.scenario.refill_every is not None:
            self.start(self.refills(self.scenario.refill_every))
        while self._agenda:
            self.now, _, process = heapq.heappop(self._agenda)
            pause = next(process, None)
            if pause is not None:
                self.start(process, pause)
        self.totals.partitions = len(self.index.partitions)
        self.totals.splits = self.index.splits
        return self.totals

    @property
    def measuring(self) -> bool:
        return self.now >= self.scenario.warm_up

    def around(self, median: float) -> float:
        return median * self.random.lognormvariate(0, SPREAD)

    def arrivals(self) -> Process:
        """Independent callers: a Poisson process."""
        while self.now < self.end:
            self.start(self.claim())
            yield self.random.expovariate(self.scenario.rate)

    def refills(self, every: float) -> Process:
        while self.now < self.end:
            missing = self.scenario.pool - len(self.index.visible) - self.being_made
            for number in range(max(0, missing)):
                self.being_made += 1
                self.start(self.make(), after=every * number / missing)
            yield every

    def make(self) -> Process:
        """Puts a new session into the pool. A throttled refill waits and retries."""
        key = self.random.random()
        turn = self.admitted(key)
        while turn is None and self.now < self.end:
            yield self.around(4 * SDK_BACKOFF_SECONDS)
            turn = self.admitted(key)
        if turn is None:
            return
        self.pooled.add(key)
        self.totals.refilled += self.measuring
        yield turn + self.around(self.scenario.lag)
        self.being_made -= 1
        self.index.visible.add(key)

    def removal(self, key: float, turn: float) -> Process:
        yield turn + self.around(self.scenario.lag)
        self.index.visible.remove(key)

    def admitted(self, key: float) -> float | None:
        """Returns the seconds until the index processes this write, or None if throttled."""
        try:
            return self.index.admit(self.now, key)
        except Throttled:
            self.record_throttled()
            return None

    def record_throttled(self) -> None:
        if self.measuring:
            self.totals.throttled_at.append(self.now)

    def claim(self) -> Process:
        strategy, began = self.scenario.strategy, self.now
        origin = self.random.random() if strategy.random_start else 0.0
        ranges = [(origin, 1.0)] + ([(0.0, origin)] if strategy.random_start else [])
        candidates: list[float] = []
        seen = queries = writes = 0
        outcome = "missed"
        while outcome == "missed" and writes < strategy.tries:
            if candidates:
                writes += 1
                outcome = yield from self.take(candidates.pop(0))
            elif ranges and seen < strategy.limit:
                queries += 1
                found = yield from self.query(*ranges.pop(0), strategy.limit - seen)
                if found is None:
                    outcome = "failed"
                    break
                seen += len(found)
                candidates += found
                if strategy.shuffled:
                    self.random.shuffle(candidates)
            else:
                break
        if began >= self.scenario.warm_up:
            took, left = self.now - began, len(self.pooled)
            self.totals.claims.append(Claim(self.now, outcome, took, queries, writes, left))

    def query(
        self, low: float, high: float, limit: int
    ) -> Generator[float, None, list[float] | None]:
        """Returns candidates, or None when the SDK gives up on a throttled partition."""
        units = max(1, -(-limit * ENTRY_BYTES // 4096)) / 2
        for attempt in range(1 + SDK_RETRIES):
            trip = self.around(QUERY_SECONDS)
            yield trip / 2
            try:
                found = self.index.query(self.now, low, high, limit, units)
            except Throttled:
                self.record_throttled()
                yield trip / 2 + self.random.uniform(0, SDK_BACKOFF_SECONDS * 2**attempt)
                continue
            self.totals.read_units += units * self.measuring
            yield trip / 2
            return found
        return None

    def take(self, key: float) -> Generator[float, None, str]:
        """Attempts one conditional write: `pooled`, `missed` if already claimed, or `failed`."""
        for attempt in range(1 + SDK_RETRIES):
            trip = self.around(WRITE_SECONDS)
            yield trip / 2
            if key not in self.pooled:
                yield trip / 2
                return "missed"
            turn = self.admitted(key)
            if turn is None:
                yield trip / 2 + self.random.uniform(0, SDK_BACKOFF_SECONDS * 2**attempt)
                continue
            self.pooled.remove(key)
            self.start(self.removal(key, turn))
            yield trip / 2
            return "pooled"
        return "failed"


def simulate(scenario: Scenario) -> Totals:
    """Simulates one scenario."""
    return _Run(scenario).run()
