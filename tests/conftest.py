"""What every run of the tests has: time, and its figures shown at the end."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# No test fails on a time: the machine may be busy with other things.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each test that has counted something (with `record_property`)."""
    counted = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call" and report.user_properties
    ]
    if counted:
        terminalreporter.section("figures")
    for report in counted:
        figures = ", ".join(f"{name}: {value}" for name, value in report.user_properties)
        terminalreporter.write_line(f"{report.nodeid.rpartition('/')[2]}\n    {figures}")
