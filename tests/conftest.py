"""Settings of every test run: no deadlines, long tests first, and recorded results at the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test fails because of its duration: the machine may be busy.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


LONG = (
    "unit/layer/test_botocore_data.py",
    "unit/functions/test_fuzz.py",
    "contract/browser_sdk",
    "unit/layer/test_contents.py",
    "unit/opentok_sessions/test_concurrency.py",
    "unit/opentok_sessions/test_model.py",
)
"""Tests that run first, so that no process is left with one of them when the others are done."""

TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts by position in `LONG`, and leaves all other tests in their order."""

    def position(item: pytest.Item) -> int:
        path = item.path.relative_to(TESTS).as_posix()
        return next((n for n, prefix in enumerate(LONG) if path.startswith(prefix)), len(LONG))

    items.sort(key=position)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the results of each test that has recorded some with `record_property`."""
    counted = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call" and report.user_properties
    ]
    if counted:
        terminalreporter.section("results")
    for report in counted:
        results = ", ".join(f"{name}: {value}" for name, value in report.user_properties)
        terminalreporter.write_line(f"{report.nodeid.rpartition('/')[2]}\n    {results}")
