"""The schedule of the deployed stack invokes its function without any other caller."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.integration.counts import SOAK
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Logs
from tests.integration.polling import until
from tests.integration.records import Records
from tests.integration.refill import waiting
from tests.integration.stack import Stack

pytestmark = pytest.mark.usefixtures("calm")

ONE_RUN_SECONDS = 300
"""It fires once a minute, and the local cloud evaluates it every ten seconds."""


@pytest.fixture
def enabled(stack: Stack) -> Iterator[None]:
    """Enables the schedule, as in a deployment with the defaults."""
    client = stack.client("scheduler")
    (listed,) = client.list_schedules()["Schedules"]
    schedule = client.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])
    settings = {
        name: schedule[name]
        for name in ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    }
    client.update_schedule(**settings, State="ENABLED")
    try:
        yield
    finally:
        client.update_schedule(**settings, State=schedule["State"])


@pytest.mark.usefixtures("enabled")
@pytest.mark.parametrize("after_an_outage", [False, True] if SOAK else [False])
def test_the_schedule_fills_the_pools(
    stack: Stack, vendor: Emulator, logs: Logs, after_an_outage: bool
) -> None:
    """After an outage it takes one more run, which is a minute later in the local cloud."""
    if after_an_outage:
        with vendor.failing(status=503, body="empty"):
            failures = partial(logs.lines, "precreate_sessions", "refill_failed")
            until("a run has failed", failures, ONE_RUN_SECONDS)
        assert waiting(stack) == 0

    until("both pools have their minimum", lambda: waiting(stack) >= 4, ONE_RUN_SECONDS)

    Records.read(stack).require_whole()
    until("its log is available", lambda: logs.total("precreate_sessions", "PoolCreated") >= 4)
    created = stack.call("POST", "/sessions", {"mediaMode": "relayed"}, user="alice")
    assert created.body["source"] == "pool"
