"""The deployed local stack, and callers of its API.

The suite brings up a stack of its own, beside any other, with the schedule switched off. With
`OPENTOK_SESSIONS_STACK=.local` it uses the one that `make up` started there, which is quicker while
writing tests.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.stack import cloud, lifecycle
from local.stack.progress import Progress
from tests.integration.accounts import everybody_asks_in_vain
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer
from tests.integration.records import forget
from tests.integration.stack import Answer, Stack, send
from tests.integration.workers import Workers

__all__ = ["Answer", "Stack", "send"]


LATE = {
    "crowd": "has a crowd of callers, for whom MiniStack starts and keeps as many workers",
    "last": "looks at what all others did",
}
"""Marks of tests that run after the others, in this order."""


def pytest_configure(config: pytest.Config) -> None:
    for name, reason in LATE.items():
        config.addinivalue_line("markers", f"{name}: runs late, as it {reason}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: [item.get_closest_marker(name) is not None for name in LATE][::-1])


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    cloud.isolate()
    running = os.environ.get("OPENTOK_SESSIONS_STACK")
    if running:
        state = Path(running).absolute()
        yield Stack.running(lifecycle.renew_tokens(state), state)
        return
    settings = lifecycle.Settings(
        platform=os.environ.get("PLATFORM") or "opentok",
        schedule=False,
        # The suite calls more often than a phone: it is not to meet the limits by chance.
        parameters={"ThrottleRate": "10000", "ThrottleBurst": "5000"},
    )
    with lifecycle.own_stack("tests", settings, Progress()) as facts:
        yield Stack.running(facts, lifecycle.own_state("tests"))


@pytest.fixture
def call(stack: Stack) -> Callable[..., Answer]:
    """Short for `stack.call`."""
    return stack.call


@pytest.fixture(scope="session")
def vendor(stack: Stack) -> Emulator:
    """The emulator."""
    return Emulator(stack)


@pytest.fixture(scope="session")
def workers(stack: Stack) -> Workers:
    """The processes that the functions run in."""
    return Workers(stack)


@pytest.fixture(scope="session")
def issuer(stack: Stack) -> Issuer:
    """Makes users."""
    return Issuer(stack)


@pytest.fixture(scope="session")
def crowd(stack: Stack) -> None:
    """There is a worker for each of a crowd. While all of them start at once, a small machine is
    too busy for the vendor to answer in time, and what happens then is other tests' business."""
    everybody_asks_in_vain(stack)


@pytest.fixture
def logs(stack: Stack) -> Logs:
    """What the functions write during the test."""
    return Logs(stack)


@pytest.fixture
def calm(stack: Stack, vendor: Emulator) -> None:
    """An empty table, a vendor that works and has a new log, and users who are signed in."""
    vendor.recover()
    vendor.forget_calls()
    forget(stack)
    stack.keep_signed_in()
