"""Settings of every test run: no deadlines, and recorded results at the end."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# No test fails because of its duration: the machine may be busy.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


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
