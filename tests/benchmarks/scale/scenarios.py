"""The simulated scenarios. Each function answers one question and returns rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.benchmarks.scale.claims import Claim, Scenario, Strategy, Totals, simulate

__all__ = [
    "GOAL",
    "MOST_CONFLICTS",
    "MOST_QUERIES",
    "GoalResult",
    "Row",
    "conflicts_left",
    "drain",
    "goal",
    "lags",
    "partitions",
    "rates",
    "splitting",
    "strategies",
]

LAG = 0.2
RATES = (1, 10, 100, 1_000, 10_000)

GOAL = Scenario(rate=1_000, pool=3_000, lag=LAG, seconds=30, partitions=4, warm_up=5)
"""The goal: 1,000 claims/s on three seconds of demand, at most 0.3 conflicts and 2.5 queries."""

MOST_CONFLICTS = 0.3
MOST_QUERIES = 2.5

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario with its outcome."""

    label: str
    scenario: Scenario
    totals: Totals


@dataclass(frozen=True, slots=True)
class GoalResult:
    """The goal, simulated with several seeds."""

    rows: list[Row]

    @property
    def conflicts(self) -> float:
        """Returns the maximum of all runs, per claim."""
        return max(row.totals.conflicts for row in self.rows)

    @property
    def queries(self) -> float:
        """Returns the maximum of all runs, per claim."""
        return max(row.totals.queries for row in self.rows)

    @property
    def met(self) -> bool:
        return self.conflicts <= MOST_CONFLICTS and self.queries <= MOST_QUERIES


def _partitions_for(rate: float) -> int:
    """Returns the partitions that two index writes per session load to 80 %."""
    return max(1, round(2 * rate / 800 + 0.49))


def _run(label: str, scenario: Scenario, report: Report) -> Row:
    report(label)
    return Row(label, scenario, simulate(scenario))


def goal(quick: bool, report: Report) -> GoalResult:
    """Is the goal met for every seed?"""
    seeds = (1,) if quick else (1, 2, 3)
    base = replace(GOAL, seconds=5, warm_up=2) if quick else GOAL
    return GoalResult(
        [_run(f"goal, seed {seed}", replace(base, seed=seed), report) for seed in seeds]
    )


def rates(quick: bool, report: Report) -> Iterator[Row]:
    """What does a claim cost from one a second to ten thousand?

    Some pools hold three seconds of demand, at least 60 sessions, and are refilled continuously,
    which is the hardest case that works. The others hold two minutes of demand and are refilled
    every minute, which is what a self-sizing pool converges to.
    """
    for rate in RATES[:4] if quick else RATES:
        seconds = min(600.0, max(4.0 if quick else 10.0, 1_000 / rate))
        tight = Scenario(rate, max(60, 3 * rate), LAG, seconds, _partitions_for(rate))
        yield _run(f"{rate}/s, 3 s of demand", tight, report)
        if rate <= 100 or (rate <= 1_000 and not quick):
            ample = replace(tight, pool=120 * rate, refill_every=60.0)
            yield _run(f"{rate}/s, 2 min of demand", ample, report)


def lags(quick: bool, report: Report) -> Iterator[Row]:
    """How large must a pool be for a given lag of the index?"""
    seconds = 3.0 if quick else 10.0
    for lag in (0.05, 0.2) if quick else (0.05, 0.1, 0.2, 0.5):
        for worth in (3, 10) if quick else (2, 3, 5, 10, 30, 100):
            scenario = replace(GOAL, lag=lag, pool=1_000 * worth, seconds=seconds)
            yield _run(f"lag {lag * 1000:.0f} ms, {worth} s of demand", scenario, report)


def strategies(quick: bool, report: Report) -> Iterator[Row]:
    """Does it matter how many candidates a query asks for, and in which order they are tried?"""
    choices = {
        "from the start, 20 in order": Strategy(20, random_start=False, shuffled=False),
        "from the start, 20 shuffled": Strategy(20, random_start=False),
        "random place, 5 in order": Strategy(5, shuffled=False, tries=5),
        "random place, 20 in order": Strategy(20, shuffled=False),
        "random place, 5 shuffled": Strategy(5, tries=5),
        "random place, 10 shuffled": Strategy(10),
        "random place, 20 shuffled": Strategy(20),
        "random place, 40 shuffled": Strategy(40),
    }
    seconds = 3.0 if quick else 15.0
    for label, strategy in choices.items():
        yield _run(label, replace(GOAL, strategy=strategy, seconds=seconds), report)


def partitions(quick: bool, report: Report) -> Iterator[Row]:
    """At how many claims per second do the limits of a partition refuse some?"""
    for parts in (1, 4) if quick else (1, 2, 4, 8, 16):
        for share in (0.5, 1.2) if quick else (0.5, 0.8, 0.95, 1.05, 1.2, 1.5, 2.0):
            rate = 500 * parts * share  # two writes per session: 500 sessions/s fill a partition
            seconds = 2.0 if quick else max(3.0, min(12.0, 12_000 / rate))
            scenario = Scenario(rate, round(3 * rate), LAG, seconds, parts)
            yield _run(f"{parts} partition(s), {rate:.0f}/s", scenario, report)


def splitting(quick: bool, report: Report) -> Row:
    """What does it change that DynamoDB splits a hot partition by its sort key?

    DynamoDB splits after minutes and the simulation after four seconds: only the order is real.
    """
    rate, seconds = (1_000, 10.0) if quick else (2_000, 40.0)
    scenario = Scenario(rate, 3 * rate, LAG, seconds, 1, split_after=4.0, warm_up=0.0)
    return _run(f"splitting under {rate}/s", scenario, report)


def drain(quick: bool, report: Report) -> Row:
    """How does a pool behave that is not refilled?"""
    pool = 1_000 if quick else 3_000
    scenario = Scenario(1_000, pool, LAG, pool / 1_000 + 1.0, 4, refill_every=None, warm_up=0.0)
    return _run(f"{pool} sessions, no refill", scenario, report)


def conflicts_left(claims: list[Claim], steps: int) -> list[tuple[float, float]]:
    """Returns pairs of sessions left and conflicts per claim, averaged over `steps` intervals."""
    size = max(1, len(claims) // steps)
    intervals = [claims[begin : begin + size] for begin in range(0, len(claims), size)]
    return [
        (
            sum(claim.left for claim in interval) / len(interval),
            sum(claim.conflicts for claim in interval) / len(interval),
        )
        for interval in intervals
    ]
