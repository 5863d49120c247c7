"""Do the numbers with which claims search a pool meet the goal, in the simulated index?"""

from dataclasses import replace

from tests.benchmarks.scale.claims import Scenario, Totals, simulate
from tests.benchmarks.scale.scenarios import GOAL, goal


def quietly(_: str) -> None:
    pass


def play(scenario: Scenario) -> Totals:
    return simulate(replace(scenario, seconds=5, warm_up=2))


def test_a_thousand_claims_a_second_reach_the_goal() -> None:
    result = goal(quick=True, report=quietly)
    assert result.conflicts <= 0.3
    assert result.queries <= 2.5
    assert result.rows[0].totals.share("pooled") > 0.999


def test_lag_of_half_a_second_needs_five_seconds_of_demand() -> None:
    totals = play(replace(GOAL, pool=5_000, lag=0.5))
    assert totals.conflicts <= 0.3
    assert totals.share("pooled") > 0.999


def test_a_pool_without_refills_is_used_to_the_last_session() -> None:
    scenario = Scenario(1_000, 500, 0.2, 2, 4, refill_every=None, warm_up=0)
    totals = simulate(scenario)
    assert sum(claim.outcome == "pooled" for claim in totals.claims) == 500
    assert max(claim.writes for claim in totals.claims) <= scenario.strategy.tries
