"""While the vendor is down, pools serve requests. Without a pool callers get a timely error, and
creation recovers automatically."""

from functools import partial

import pytest

from tests.integration.claims import claim
from tests.integration.counts import RecordProperty, count
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer
from tests.integration.polling import until
from tests.integration.records import Records
from tests.integration.refill import fill, refill
from tests.integration.stack import Answer, Stack
from tests.integration.traffic import paced, persist
from tests.integration.workers import Workers

RATE = 10
SECONDS = count(60)
POOL = count(1000)

BUDGET_SECONDS = 8
OVERHEAD_SECONDS = 6
"""Allowance for the table and a busy machine. The function times out after 25 seconds."""

POOLS = (
    {"mediaMode": "routed", "min": 4, "max": 4},
    {"mediaMode": "relayed", "min": 4, "max": 4},
)

pytestmark = pytest.mark.usefixtures("calm")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 503, "body": "html"}, id="503"),
        pytest.param({"reset": True}, id="reset"),
    ],
)
def test_pools_serve_requests_while_the_vendor_fails(
    stack: Stack, issuer: Issuer, vendor: Emulator, fault: dict[str, object]
) -> None:
    fill(stack, 25)
    with vendor.failing(**fault):
        _require_all_served(stack, issuer, RATE, 2)


def test_pools_serve_requests_while_the_vendor_is_stopped(
    stack: Stack, issuer: Issuer, vendor: Emulator, record_property: RecordProperty
) -> None:
    fill(stack, POOL)
    with vendor.stopped():
        _require_all_served(stack, issuer, RATE, SECONDS)
    record_property("served from the pool", RATE * SECONDS)


def test_without_a_pool_requests_get_503_in_time_and_creation_recovers(
    stack: Stack,
    issuer: Issuer,
    vendor: Emulator,
    workers: Workers,
    logs: Logs,
    record_property: RecordProperty,
) -> None:
    user = issuer.user()
    workers.renew("create_session")
    with vendor.stopped():
        responses = paced(RATE, 2, lambda number: claim(stack, user), in_flight=3)
        failed = refill(stack, *POOLS)
        records = Records.read(stack)

    for response in responses:
        assert (response.status, response.body["code"]) == (503, "vendor_unavailable"), response
        assert int(response.headers["retry-after"]) >= 1
    assert not records.sessions, "no partial write remains"
    lines = until("there are logs", lambda: logs.lines("create_session", "request"))
    slowest = max(line["duration_ms"] for line in lines)
    assert slowest < (BUDGET_SECONDS + OVERHEAD_SECONDS) * 1000
    record_property("responses with 503", len(responses))
    record_property("slowest, ms", slowest)
    assert failed.failed, "the run fails, so that retries and alarms apply"

    until("a create is served again", lambda: claim(stack, user).status == 201)
    until("the next run fills the pools", lambda: not refill(stack, *POOLS).failed)
    assert len(Records.read(stack).pooled) == 8


def test_auto_is_served_from_the_routed_pool_while_the_vendor_is_down(
    stack: Stack, vendor: Emulator
) -> None:
    """Two participants would get a relayed session; a pooled routed one serves them too."""
    fill(stack, 3, "routed")
    with vendor.stopped():
        response = stack.call("POST", "/sessions", {"expectedParticipants": 2}, user="alice")
        exact = stack.call("POST", "/sessions", {"mediaMode": "relayed"}, user="alice")
    assert (response.status, response.body["mediaMode"], response.body["source"]) == (
        201,
        "routed",
        "pool",
    )
    assert exact.status == 503, "a request for relayed gets no other mode"


def test_lookups_tokens_and_closing_never_need_the_vendor(stack: Stack, vendor: Emulator) -> None:
    room = partial(stack.call, "POST", "/sessions", {"room": "outage"}, user="alice")
    at = f"/sessions/{persist(room).response.body['sessionId']}"
    with vendor.stopped():
        responses = [
            stack.call("GET", at, user="alice"),
            stack.call("GET", "/sessions", user="alice"),
            stack.call("GET", "/sessions?room=outage", user="bob"),
            stack.call("POST", "/sessions", {"room": "outage", "token": {}}, user="bob"),
            stack.call("POST", f"{at}/tokens", {}, user="bob"),
            stack.call("DELETE", at, user="alice"),
        ]
    assert [response.status for response in responses] == [200, 200, 200, 200, 201, 204]


def _require_all_served(stack: Stack, issuer: Issuer, rate: int, seconds: int) -> None:
    user = issuer.user()

    def create(number: int) -> Answer:
        return claim(stack, user)

    responses = paced(rate, seconds, create)
    assert len(responses) == rate * seconds
    refused = [response for response in responses if response.status != 201]
    assert not refused, refused
    assert {response.body["source"] for response in responses} == {"pool"}
    Records.read(stack).require_whole()
