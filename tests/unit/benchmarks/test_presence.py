"""Tests of the simulation behind the presence section of docs/scale.md."""

from dataclasses import replace

from tests.benchmarks.scale.presence import Traffic, simulate_presence

BURST = Traffic("a burst", sessions=1, participants=200, seconds=1)


def test_every_event_is_applied_once_and_no_earlier_than_it_happened() -> None:
    totals = simulate_presence(BURST)

    assert len(totals.happened_at) == len(totals.applied_at) == BURST.events == 400
    assert min(totals.delays) > 0


def test_a_result_depends_on_the_seed_alone() -> None:
    assert simulate_presence(BURST).delays == simulate_presence(BURST).delays
    assert simulate_presence(BURST).delays != simulate_presence(replace(BURST, seed=2)).delays


def test_a_throttled_request_waits_for_the_vendors_next_attempt() -> None:
    totals = simulate_presence(replace(BURST, rate=100))

    assert set(totals.refused) == {"api"}
    assert totals.delay(0.99) > 5, "the vendor's first retry comes after five seconds"


def test_changing_the_sessions_item_with_every_event_causes_conflicts() -> None:
    assert not simulate_presence(BURST).refused["conflict"]
    assert simulate_presence(replace(BURST, shared_item=True)).refused["conflict"] > 0


def test_a_partition_refuses_what_exceeds_its_limit() -> None:
    crowd = replace(BURST, participants=1_000)

    assert simulate_presence(crowd).refused["partition"] > 0
    spread = replace(crowd, sessions=1_000, participants=1)
    assert not simulate_presence(spread).refused["partition"]
