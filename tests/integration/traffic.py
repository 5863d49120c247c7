"""Many concurrent callers, some of which retry."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from tests.integration.stack import Answer

__all__ = ["Served", "attempt", "paced", "persist", "together", "unserved"]

T = TypeVar("T")

NO_ANSWER = Answer(0, {}, None)


def together(
    calls: Sequence[Callable[[], T]],
    in_flight: int = 50,
    after: Callable[[int], object] = lambda number: None,
) -> list[T]:
    """Makes the calls, `in_flight` at a time. `after` gets the number of finished calls."""
    ended = 0
    lock = threading.Lock()

    def run(call: Callable[[], T]) -> T:
        nonlocal ended
        result = call()
        with lock:
            ended += 1
            number = ended
        after(number)
        return result

    with ThreadPoolExecutor(in_flight) as threads:
        return list(threads.map(run, calls))


def paced(rate: float, seconds: float, call: Callable[[int], T], in_flight: int = 10) -> list[T]:
    """Makes `rate` calls a second for some seconds, each with its number. A call waits while
    `in_flight` others are in flight."""
    begun = time.monotonic()

    def run(number: int) -> T:
        if (early := begun + number / rate - time.monotonic()) > 0:
            time.sleep(early)
        return call(number)

    with ThreadPoolExecutor(in_flight) as threads:
        return list(threads.map(run, range(int(rate * seconds))))


def attempt(call: Callable[[], Answer]) -> Answer:
    """Returns the response, with status 0 if there is none."""
    try:
        return call()
    except OSError:
        return NO_ANSWER


def unserved(response: Answer) -> bool:
    """Returns whether an app would retry: no response, a function that died, or 503 with
    `Retry-After`."""
    if response.status == 503:
        return "retry-after" in response.headers
    died = response.status in {500, 502} and "code" not in (response.body or {})
    return response.status == 0 or died


class Served(NamedTuple):
    """The final response, and the number of failed attempts before it."""

    response: Answer
    unserved: int


def persist(call: Callable[[], Answer], seconds: float = 300) -> Served:
    """Retries as an app does, until a response is final, or returns the last one after
    `seconds`."""
    deadline = time.monotonic() + seconds
    failures = 0
    while unserved(response := attempt(call)) and time.monotonic() < deadline:
        failures += 1
        time.sleep(random.uniform(0.5, 1) * float(response.headers.get("retry-after", "0.2")))
    return Served(response, failures)
