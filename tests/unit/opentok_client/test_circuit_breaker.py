"""The circuit breaker's states, on clocks that the test sets."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from opentok_client.circuit_breaker import (
    COOLDOWN_MAX_SECONDS,
    COOLDOWN_SECONDS,
    FAILURES_IN_A_ROW,
    CircuitBreaker,
)
from opentok_client.clock import Clocks


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def monotonic() -> Clock:
    return Clock()


@pytest.fixture
def wall() -> Clock:
    return Clock()


@pytest.fixture
def breaker(monotonic: Clock, wall: Clock) -> CircuitBreaker:
    return CircuitBreaker(Clocks(monotonic, wall))


def open_it(breaker: CircuitBreaker, retry_after: float = 0) -> None:
    for _ in range(FAILURES_IN_A_ROW):
        assert breaker.admit() == 0
        breaker.failed(retry_after)


def test_the_circuit_breaker_stays_closed_until_several_requests_in_a_row_have_failed(
    breaker: CircuitBreaker,
) -> None:
    assert FAILURES_IN_A_ROW >= 3
    for _ in range(10):
        for _ in range(FAILURES_IN_A_ROW - 1):
            assert breaker.admit() == 0
            breaker.failed(100)
        assert breaker.admit() == 0
        breaker.succeeded()


@pytest.mark.parametrize(
    ("retry_after", "cooldown"),
    [(0, COOLDOWN_SECONDS), (10, 10), (3600, COOLDOWN_MAX_SECONDS)],
)
def test_the_circuit_breaker_is_open_for_as_long_as_the_vendor_asks_within_limits(
    breaker: CircuitBreaker, retry_after: float, cooldown: float
) -> None:
    open_it(breaker, retry_after)
    assert breaker.admit() == cooldown


def test_the_cooldown_ends_by_the_wall_clock_when_the_monotonic_clock_stands_still(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    open_it(breaker)
    wall.now += COOLDOWN_SECONDS
    assert breaker.admit() == 0


def test_the_cooldown_ends_by_the_monotonic_clock_when_the_wall_clock_is_set_back(
    breaker: CircuitBreaker, monotonic: Clock, wall: Clock
) -> None:
    open_it(breaker)
    wall.now -= 3600
    monotonic.now += COOLDOWN_SECONDS
    assert breaker.admit() == 0


def test_one_request_at_a_time_probes_the_vendor_after_the_cooldown(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    open_it(breaker)
    wall.now += COOLDOWN_SECONDS
    assert breaker.admit() == 0
    assert breaker.admit() > 0
    breaker.succeeded()
    assert [breaker.admit(), breaker.admit()] == [0, 0]


def test_a_failed_probe_opens_the_circuit_breaker_again(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    open_it(breaker)
    wall.now += COOLDOWN_SECONDS
    assert breaker.admit() == 0
    breaker.failed(0)
    assert breaker.admit() == COOLDOWN_SECONDS


def test_a_cancelled_probe_lets_the_next_request_through(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    open_it(breaker)
    wall.now += COOLDOWN_SECONDS
    assert breaker.admit() == 0
    breaker.cancelled()
    assert breaker.admit() == 0


def test_a_request_that_succeeds_during_the_cooldown_closes_the_circuit_breaker(
    breaker: CircuitBreaker,
) -> None:
    open_it(breaker)
    breaker.succeeded()
    assert breaker.admit() == 0


def test_only_one_of_many_threads_probes_the_vendor(breaker: CircuitBreaker, wall: Clock) -> None:
    open_it(breaker)
    wall.now += COOLDOWN_SECONDS
    together = threading.Barrier(16)

    def admit(_: int) -> float:
        together.wait(60)
        return breaker.admit()

    with ThreadPoolExecutor(16) as threads:
        waits = list(threads.map(admit, range(16)))
    assert waits.count(0) == 1


def test_a_vendor_that_fails_a_third_of_its_calls_rarely_opens_the_circuit_breaker(
    breaker: CircuitBreaker,
) -> None:
    chance = random.Random(1)
    rejected = 0
    for _ in range(10_000):
        if breaker.admit() > 0:
            rejected += 1
            breaker.succeeded()
        elif all(chance.random() < 0.3 for _ in range(3)):  # all attempts of a request
            breaker.failed(0)
        else:
            breaker.succeeded()
    assert rejected <= 3
