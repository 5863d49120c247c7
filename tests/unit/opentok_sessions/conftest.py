"""What the tests of the application share."""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from opentok_client import transport
from opentok_sessions.runtime import telemetry
from tests.aws import Aws
from tests.unit.opentok_sessions import vendor_server
from tests.unit.opentok_sessions.application import Application, Clock
from tests.unit.opentok_sessions.fast_aws import FastAws
from tests.unit.opentok_sessions.vendor_server import VendorServer


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    """The vendor, on loopback; it is waited for, however busy the machine is."""
    monkeypatch.setattr(transport, "READ_SECONDS", 60.0)
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 60.0)
    with vendor_server.running() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    """The time, which only passes when a test says so."""
    return Clock()


@pytest.fixture
def app(aws: Aws, vendor: VendorServer, clock: Clock) -> Application:
    """One instance of every function."""
    return Application.start(aws, vendor, clock)


@pytest.fixture
def fast_aws(aws: Aws) -> FastAws:
    """The account of `aws`, without botocore, for tests of many sequences."""
    return FastAws(aws)


@pytest.fixture
def metrics(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], Counter[str]]]:
    """The sums of the metrics since the test began; those of a pool as `pool:name`."""
    telemetry.flush()
    capsys.readouterr()
    sums: Counter[str] = Counter()

    def read() -> Counter[str]:
        telemetry.flush()
        for line in capsys.readouterr().out.splitlines():
            emitted = json.loads(line)
            if "_aws" not in emitted:
                continue  # a line of the log
            pool = f"{emitted['pool']}:" if "pool" in emitted else ""
            for metric in emitted["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                values = emitted[metric["Name"]]
                sums[pool + metric["Name"]] += sum(values if isinstance(values, list) else [values])
        return sums

    yield read
    telemetry.flush()


@pytest.fixture
def log() -> Iterator[Callable[[], str]]:
    """What was logged since the test began, as it is written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(telemetry.logger.registered_formatter)
    logger = logging.getLogger(telemetry.logger.name)
    logger.addHandler(handler)
    yield stream.getvalue
    logger.removeHandler(handler)
