"""The size of a pool: the rule case by case, its properties, and simulated days."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_sessions.domain.pool_size import next_target
from tests.benchmarks.scale.days import DAYS, Day, Minute, simulate

SESSIONS = st.integers(0, 50_000)


def target(
    previous: int | None,
    taken: int,
    found_empty: bool = False,
    minimum: int = 2,
    maximum: int = 1_000,
) -> int:
    return next_target(
        minimum=minimum,
        maximum=maximum,
        previous=previous,
        taken=taken,
        found_empty=found_empty,
    )


@pytest.mark.parametrize(
    ("previous", "taken", "found_empty", "expected"),
    [
        pytest.param(None, 0, True, 2, id="the first refill aims at the minimum"),
        pytest.param(2, 0, False, 2, id="nothing happens"),
        pytest.param(4, 3, False, 8, id="twice what was taken, and two more"),
        pytest.param(2, 2, True, 12, id="doubled when it was found empty"),
        pytest.param(100, 3, True, 100, id="an empty pool's target never falls"),
        pytest.param(100, 0, True, 100, id="never filled: nothing is learnt"),
        pytest.param(100, 24, False, 100, id="stays while half of it is wanted"),
        pytest.param(160, 10, False, 150, id="falls by a sixteenth"),
        pytest.param(10, 1, False, 9, id="falls by one at least"),
        pytest.param(3, -7, False, 2, id="two refills overlapped"),
        pytest.param(900, 800, False, 1_000, id="the maximum"),
        pytest.param(5_000, 0, False, 1_000, id="the maximum was lowered"),
        pytest.param(0, 0, False, 2, id="the minimum was raised"),
    ],
)
def test_rule(previous: int | None, taken: int, found_empty: bool, expected: int) -> None:
    assert target(previous, taken, found_empty) == expected


def test_pool_of_nothing_learns_of_demand() -> None:
    first = target(None, 0, found_empty=True, minimum=0)
    second = target(first, 0, found_empty=True, minimum=0)
    third = target(second, 1, found_empty=True, minimum=0)
    assert (first, second, third) == (0, 1, 8)


def test_pool_with_maximum_zero_stays_empty() -> None:
    assert target(0, 0, found_empty=True, minimum=0, maximum=0) == 0


@given(
    bounds=st.tuples(SESSIONS, SESSIONS).map(sorted),
    previous=st.none() | SESSIONS,
    taken=st.integers(-50_000, 50_000),
    found_empty=st.booleans(),
)
def test_always_within_bounds(
    bounds: list[int], previous: int | None, taken: int, found_empty: bool
) -> None:
    minimum, maximum = bounds
    assert minimum <= target(previous, taken, found_empty, minimum, maximum) <= maximum


@given(previous=SESSIONS, taken=SESSIONS, found_empty=st.booleans())
def test_never_falls_fast(previous: int, taken: int, found_empty: bool) -> None:
    got = target(previous, taken, found_empty, minimum=0, maximum=100_000)
    assert got >= previous - max(1, previous // 16)


@given(previous=SESSIONS, taken=st.integers(1, 20_000), found_empty=st.booleans())
def test_same_demand_again_never_misses(previous: int, taken: int, found_empty: bool) -> None:
    assert target(previous, taken, found_empty, maximum=100_000) >= 2 * taken


@given(previous=SESSIONS, taken=SESSIONS, more=st.integers(0, 1_000), found_empty=st.booleans())
def test_more_demand_never_means_fewer(
    previous: int, taken: int, more: int, found_empty: bool
) -> None:
    less_asked = target(previous, taken, found_empty, maximum=100_000)
    more_asked = target(previous, taken + more, found_empty, maximum=100_000)
    assert more_asked >= less_asked
    assert target(previous, taken, found_empty=True, maximum=100_000) >= less_asked


@given(minimum=st.integers(0, 100), demand=st.integers(1, 20_000))
def test_reaches_any_demand_within_a_few_refills(minimum: int, demand: int) -> None:
    size: int | None = None
    taken = available = refills = 0
    while available < demand:
        size = target(size, taken, available == taken, minimum, maximum=50_000)
        available = size
        taken = min(demand, available)
        refills += 1
    assert refills <= 10  # from one to twenty thousand


@given(previous=SESSIONS, minimum=st.integers(0, 100))
def test_settles_at_the_minimum_when_demand_ends(previous: int, minimum: int) -> None:
    size, refills = max(previous, minimum), 0
    while size > minimum:
        lower = target(size, 0, minimum=minimum, maximum=100_000)
        assert lower < size
        size, refills = lower, refills + 1
    assert refills <= 160  # from fifty thousand


@given(previous=SESSIONS, taken=st.integers(0, 10_000))
def test_steady_demand_settles(previous: int, taken: int) -> None:
    sizes = [previous]
    for _ in range(200):
        sizes.append(target(sizes[-1], taken, maximum=100_000))
    assert sizes[-1] == sizes[-2]
    assert sizes[-1] <= max(2, 4 * taken + 4)


@given(previous=st.integers(1, 1_000), outage=st.integers(1, 2_000))
def test_outage_of_the_vendor_changes_nothing(previous: int, outage: int) -> None:
    size = previous
    for _ in range(outage):
        size = target(size, 0, found_empty=True, minimum=1)
    assert size == previous


def play(name: str) -> list[Minute]:
    return list(simulate(next(day for day in DAYS if day.name == name)))


def missed(minutes: list[Minute]) -> int:
    return sum(minute.missed for minute in minutes)


def test_one_call_an_hour_never_misses_and_stays_small() -> None:
    minutes = play("one call an hour")
    assert missed(minutes) == 0
    assert max(minute.available for minute in minutes) <= 8


def test_quiet_nights_never_miss_and_end_at_the_minimum() -> None:
    minutes = play("quiet nights")
    assert missed(minutes) == 0
    for morning in range(6 * 60, len(minutes), 24 * 60):
        assert minutes[morning - 1].target == 2


def test_spike_misses_only_its_first_minutes() -> None:
    minutes, noon = play("a spike at noon"), 12 * 60
    spike = minutes[noon : noon + 30]
    assert missed(spike[3:]) == 0
    assert missed(spike) < 250  # of three thousand
    assert missed(minutes) - missed(spike) <= 10
    assert min(minute.target for minute in minutes[noon + 60 : noon + 180]) < 20


def test_steady_climb_never_misses() -> None:
    minutes = play("a steady climb to 100 calls a second")
    assert missed(minutes) == 0
    assert minutes[-1].calls > 5_500


def test_hundred_calls_a_second_out_of_nothing_are_served_after_six_minutes() -> None:
    minutes = play("100 calls a second from the first second")
    assert missed(minutes[6:]) == 0


@pytest.mark.parametrize("calls", [0.1, 0.5, 1, 2, 5, 20, 100, 1_000])
def test_any_steady_rate_is_served_without_tuning(calls: float) -> None:
    day = Day("steady", lambda _: calls, 14 * 24 * 60, 2, 20_000)
    minutes = list(simulate(day))[10:]
    assert missed(minutes) <= 0.001 * sum(minute.calls for minute in minutes)


def test_limit_of_a_refill_bounds_what_can_be_served() -> None:
    day = Day("steady", lambda _: 1_000, 60, 2, 20_000)
    minutes = list(simulate(day, refill_limit=500))
    assert all(minute.available <= 500 for minute in minutes)
    assert missed(minutes) > 0
