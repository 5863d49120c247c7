"""Logs carry the request id on every line, sampling is decided per request, metrics add up."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from opentok_sessions.runtime import telemetry

THREADS = 8
COUNTS = 400


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every request is one of those that log all details."""
    level = telemetry.logger.log_level
    monkeypatch.setattr(telemetry.logger, "sampling_rate", 1.0)
    yield
    telemetry.logger.setLevel(level)


@pytest.mark.usefixtures("sampled")
def test_a_sampled_request_logs_debug_lines(log: Callable[[], str]) -> None:
    telemetry.logger.setLevel(logging.INFO)
    telemetry.logger.debug("before sampling")
    telemetry.start_request("request-1")
    telemetry.logger.debug("after sampling")
    assert "before sampling" not in log()
    assert "after sampling" in log()


def test_every_line_of_a_request_has_its_id(log: Callable[[], str]) -> None:
    telemetry.start_request("request-1")
    telemetry.logger.info("first")
    telemetry.logger.warning("second")
    telemetry.start_request("request-2")
    telemetry.logger.info("third")
    ids = [json.loads(line)["request_id"] for line in log().splitlines()]
    assert ids == ["request-1", "request-1", "request-2"]


def test_threads_lose_no_count(metrics: Callable[[], Counter[str]]) -> None:
    def count() -> None:
        for _ in range(COUNTS):
            telemetry.count("VendorRetried")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=count) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert metrics()["VendorRetried"] == THREADS * COUNTS
