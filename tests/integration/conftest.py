"""The deployed local stack, and callers of its API.

The suite starts its own stack, independent of any other, with the schedule disabled. With
`OPENTOK_SESSIONS_STACK=.local` it uses the stack that `make up` started, which is faster while
writing tests.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.stack import cloud, lifecycle
from local.stack.progress import Progress
from tests.integration.accounts import keep_workers_busy
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer
from tests.integration.records import forget
from tests.integration.stack import Answer, Stack, send
from tests.integration.workers import Workers

__all__ = ["Answer", "Stack", "send"]


LATE = {
    "crowd": "has many concurrent callers, for each of which MiniStack starts and keeps a worker",
    "last": "inspects the effects of all other tests",
}
"""Markers of tests that run after the others, in this order."""


def pytest_configure(config: pytest.Config) -> None:
    for name, reason in LATE.items():
        config.addinivalue_line("markers", f"{name}: runs late, because it {reason}")


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
        # The suite sends more requests than an app and must not reach the limits accidentally.
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
    """The processes in which the functions run."""
    return Workers(stack)


@pytest.fixture(scope="session")
def issuer(stack: Stack) -> Issuer:
    """Creates users."""
    return Issuer(stack)


@pytest.fixture(scope="session")
def crowd(stack: Stack) -> None:
    """Starts a worker for each caller of a crowd.

    While all of them start, a small machine is too busy for the emulator to respond in time, which
    is the subject of other tests.
    """
    keep_workers_busy(stack)


@pytest.fixture
def logs(stack: Stack) -> Logs:
    """The logs of the functions during the test."""
    return Logs(stack)


@pytest.fixture
def calm(stack: Stack, vendor: Emulator) -> None:
    """Provides an empty table, an emulator without faults and with an empty log, and valid JWTs."""
    vendor.recover()
    vendor.forget_calls()
    forget(stack)
    stack.keep_signed_in()
