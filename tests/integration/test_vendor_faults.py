"""For every fault of the vendor, the caller gets a timely response and no partial write remains.

The emulator plays each fault for the whole stack. The worker has just started, because the circuit
breaker of one that has seen a failure stops calls for a few seconds.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from local.stack import programs
from tests.integration.counts import SOAK, RecordProperty, count
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Line, Logs
from tests.integration.function_settings import environment
from tests.integration.polling import until
from tests.integration.records import Records
from tests.integration.refill import refill
from tests.integration.stack import Answer, Stack
from tests.integration.workers import Workers

FAILURES_IN_A_ROW = 3
"""Failed requests that open the circuit breaker."""
CREATES = count(1000)
FAILED_CREATES_MAX = CREATES * (0.05 if SOAK else 0.1)  # chance weighs more in few creates
REFILLED = count(300)
BUDGET_SECONDS = 8
OVERHEAD_SECONDS = 6
"""Allowance for the table and a busy machine. The function times out after 25 seconds."""

LIKE_A_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}|T1==")

pytestmark = pytest.mark.usefixtures("calm", "closed_circuit")


@pytest.fixture
def closed_circuit(stack: Stack, workers: Workers) -> None:
    """Provides a worker whose circuit breaker is closed."""
    if _create(stack).status != 201:
        workers.renew("create_session")


@dataclass(frozen=True)
class Trouble:
    """A fault of the vendor, and its expected result."""

    fault: Mapping[str, object]
    reason: str
    """A pattern for the logged reason."""
    asked: int = 3
    """Maximum number of calls to the vendor."""
    retry_after: int = 1
    """Minimum value of `Retry-After`. 0: no header, because a retry would not help."""
    address: str = ""
    """Another address of the vendor, instead of a fault."""

    @property
    def status_and_code(self) -> tuple[int, str]:
        return (503, "vendor_unavailable") if self.retry_after else (502, "vendor_rejected")

    @property
    def metric(self) -> str:
        return "VendorUnavailable" if self.retry_after else "VendorRejected"


def _passing(status: int, reason: str, **more: object) -> Trouble:
    return Trouble({"status": status, **more}, reason)


def _refused(status: int, reason: str, asked: int = 1, **more: object) -> Trouble:
    return Trouble({"status": status, **more}, reason, asked, retry_after=0)


BROKEN = r"the connection failed \(\w+\)"
NO_ID = "status 200 without a session id"
LATE = rf"no complete response in time|{BROKEN}"

TROUBLES = {
    "connection refused": Trouble({}, BROKEN, 0, address="http://127.0.0.1:{free}"),
    "TLS error": Trouble({}, "the TLS connection failed", 0, address="https://127.0.0.1:{vendor}"),
    "reset": Trouble({"reset": True}, BROKEN),
    "no response": Trouble({"delayMs": 120_000}, LATE),
    "slow bytes": Trouble({"byteDelayMs": 1000}, LATE),
    "400": _refused(400, "Bad Request"),
    "401": _refused(401, "Unauthorized", asked=2),
    "403": _refused(403, "Forbidden", asked=2),
    "404": _refused(404, "Not Found"),
    "409": _refused(409, "Conflict"),
    "429": _passing(429, "status 429: Too Many Requests"),
    "429 with Retry-After": Trouble(
        {"status": 429, "headers": {"Retry-After": "40"}}, "status 429", 1, retry_after=40
    ),
    "500": _passing(500, "status 500: Internal Server Error"),
    "502": _passing(502, "status 502"),
    "503": _passing(503, "status 503: Service Unavailable"),
    "HTML": _passing(200, NO_ID, body="html"),
    "HTML of a proxy": _passing(502, "status 502: no reason given", body="html"),
    "empty": _passing(200, NO_ID, body="empty"),
    "no session": _passing(200, NO_ID, body="emptyList"),
    "truncated": Trouble({"body": "truncated"}, rf"{BROKEN}|{NO_ID}"),
    "wrong shape": _passing(200, NO_ID, body="wrongShape"),
    "redirect": _refused(302, "no reason given", headers={"Location": "http://127.0.0.1:1/"}),
    "50 MB": _passing(200, "the response is longer than 65536 bytes", body="huge"),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_vendor_fault_gives_a_timely_error_and_a_logged_reason(
    stack: Stack, vendor: Emulator, logs: Logs, trouble: Trouble
) -> None:
    vendor.forget_calls()
    before = Records.read(stack)

    with _troubled(stack, vendor, trouble):
        response = _create(stack)

    assert (response.status, response.body.get("code")) == trouble.status_and_code, response
    assert response.headers["content-type"].startswith("application/problem+json")
    if trouble.retry_after:
        assert int(response.headers["retry-after"]) >= trouble.retry_after
    else:
        assert "retry-after" not in response.headers
    assert Records.read(stack) == before, "no partial write remains"
    assert len(vendor.creations()) <= trouble.asked

    line = until("its log is available", partial(_request_line, stack, logs, response))
    assert line["duration_ms"] < (BUDGET_SECONDS + OVERHEAD_SECONDS) * 1000
    assert (line["status"], line["code"]) == trouble.status_and_code
    assert logs.total("create_session", trouble.metric) >= 1
    message = "vendor_unavailable" if trouble.retry_after else "vendor_rejected"
    (logged,) = logs.lines("create_session", message)
    assert re.search(trouble.reason, logged["reason"]), logged
    _require_nothing_secret(stack, logs, response)


def test_an_unusual_content_type_of_the_vendor_is_accepted(stack: Stack, vendor: Emulator) -> None:
    with vendor.failing(headers={"Content-Type": "text/plain"}):
        assert _create(stack).status == 201


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 503, "count": 2}, id="503"),
        pytest.param({"reset": True, "count": 2}, id="reset"),
        pytest.param({"status": 429, "headers": {"Retry-After": "1"}, "count": 1}, id="429"),
    ],
)
def test_a_short_vendor_failure_is_not_noticed(
    stack: Stack, vendor: Emulator, fault: dict[str, object]
) -> None:
    """A creation can be retried, because a duplicate is harmless."""
    with vendor.failing(**fault):
        response = _create(stack)
    assert response.status == 201
    assert response.body["sessionId"] in Records.read(stack).open


def test_the_circuit_breaker_stops_calls_while_the_vendor_fails(
    stack: Stack, vendor: Emulator, logs: Logs
) -> None:
    with vendor.failing(status=503):
        failed = [_create(stack) for _ in range(FAILURES_IN_A_ROW)]
        asked = len(vendor.creations())
        rejected = _create(stack)
        assert len(vendor.creations()) == asked, "the same worker does not call again immediately"
    assert [response.status for response in (*failed, rejected)] == [503] * (FAILURES_IN_A_ROW + 1)
    assert int(rejected.headers["retry-after"]) >= 1
    until("it calls again", lambda: _create(stack).status == 201)


def test_a_vendor_that_fails_30_percent_of_its_calls_fails_few_creates_and_no_refill(
    stack: Stack, vendor: Emulator, record_property: RecordProperty
) -> None:
    pools = [
        {"mediaMode": mode, "min": REFILLED, "max": REFILLED} for mode in ("routed", "relayed")
    ]
    with (
        environment(stack, "create_session", POOLS="[]"),
        environment(stack, "precreate_sessions", REFILL_LIMIT="1000"),
        vendor.failing(status=500, share=0.3),
    ):
        statuses = Counter(_create(stack).status for _ in range(CREATES))
        run = refill(stack, *pools)
    assert statuses.keys() <= {201, 503}
    record_property(f"failed creates of {CREATES}", statuses[503])
    assert statuses[503] <= FAILED_CREATES_MAX
    assert not run.failed
    created = sum(report["created"] for report in run.result["pools"])
    record_property(f"sessions created by a refill of {2 * REFILLED}", created)
    assert created >= 2 * REFILLED * 0.95
    assert len(Records.read(stack).pooled) == created


def test_a_refill_that_creates_no_session_fails(stack: Stack, vendor: Emulator, logs: Logs) -> None:
    with vendor.failing(status=500):
        run = refill(stack, {"mediaMode": "routed", "min": 3, "max": 3})
    assert run.failed
    assert not Records.read(stack).pooled
    assert logs.total("precreate_sessions", "PoolFailed") >= 3
    (logged,) = logs.lines("precreate_sessions", "refill_failed")
    assert "unavailable" in logged["reason"]


def test_a_refill_keeps_the_sessions_created_before_the_vendor_failed(
    stack: Stack, vendor: Emulator
) -> None:
    pool = {"mediaMode": "routed", "min": 30, "max": 30}
    with vendor.failing(status=503, share=0.5):
        run = refill(stack, pool)
    records = Records.read(stack)
    records.require_whole()
    if not run.failed:  # otherwise the very first calls failed, three times each
        (report,) = run.result["pools"]
        assert len(records.pooled) == report["created"]
        assert report["created"] + report["failed"] == 30
        assert (report["reason"] is None) == (report["failed"] == 0)


@contextmanager
def _troubled(stack: Stack, vendor: Emulator, trouble: Trouble) -> Iterator[None]:
    if not trouble.address:
        with vendor.failing(**trouble.fault):
            yield
        return
    port = stack.facts["opentokUrl"].rpartition(":")[2]
    address = trouble.address.format(free=programs.free_port(), vendor=port)
    with environment(stack, "create_session", API_URL=address):
        yield


def _create(stack: Stack) -> Answer:
    return stack.call("POST", "/sessions", {"mediaMode": "routed", "token": {}}, user="alice")


def _request_line(stack: Stack, logs: Logs, response: Answer) -> Line:
    for line in logs.lines("create_session", "request"):
        if line["request_id"] == response.body["requestId"]:
            return line
    stack.call("POST", "/sessions", {"nonsense": 1}, user="alice")  # so that late log lines appear
    return {}


def _require_nothing_secret(stack: Stack, logs: Logs, response: Answer) -> None:
    for text in (logs.text("create_session"), json.dumps(response.body)):
        assert not LIKE_A_TOKEN.search(text)
        assert not any(secret in text for secret in stack.secrets)
