"""When workers are killed (SIGKILL) at any time, no session is lost and none is in two places.

`test_rooms_race` has the case of a room that is created while workers are killed.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest

from tests.integration.accounts import require_accounted_for
from tests.integration.claims import claim, claimed_by
from tests.integration.counts import RecordProperty, count
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer
from tests.integration.polling import until
from tests.integration.records import Records, forget
from tests.integration.refill import fill, refill, waiting
from tests.integration.stack import Stack
from tests.integration.traffic import Served, attempt, persist, together, unserved
from tests.integration.workers import Workers

T = TypeVar("T")

KILLS = count(50)
CLAIMS = 10
"""Claims per killed worker."""
IN_FLIGHT = 6
CONNECTIONS = 16
"""Concurrent vendor calls of a refill."""

pytestmark = pytest.mark.usefixtures("calm", "no_idle_workers")


@pytest.fixture
def no_idle_workers(workers: Workers) -> None:
    """Ends idle workers, so that a kill hits a busy one."""
    workers.renew("create_session")


def test_no_session_is_lost_when_workers_are_killed_during_claims(
    stack: Stack,
    issuer: Issuer,
    vendor: Emulator,
    workers: Workers,
    logs: Logs,
    record_property: RecordProperty,
) -> None:
    kills = (KILLS + 1) // 2
    fill(stack, 8 * kills)  # fewer than are claimed, so that some are created live
    made = vendor.made() - len(Records.read(stack).sessions)
    calls = [partial(attempt, partial(claim, stack, issuer.user()))] * CLAIMS

    killed, responses = _while_workers_die(workers, kills, lambda: calls, unserved)

    records = Records.read(stack)
    records.require_whole()
    claimed = claimed_by(responses, records)
    failed = sum(map(unserved, responses))
    assert len(records.open) - len(claimed) <= failed
    lost = vendor.made() - made - len(records.sessions)
    require_accounted_for(stack, logs, lost, failed)
    record_property("killed", killed)
    record_property("claimed", len(claimed))
    record_property("requests without a response", failed)
    record_property("created by the vendor and not recorded", lost)
    assert persist(partial(claim, stack, issuer.user())).response.status == 201


def test_a_claim_retried_with_its_key_gets_the_same_session(
    stack: Stack, issuer: Issuer, workers: Workers, record_property: RecordProperty
) -> None:
    """No extra session is claimed, even if the worker was killed before the first response."""
    fill(stack, 5 * KILLS)
    user = issuer.user()

    def calls() -> list[Callable[[], Served]]:
        keys = [{"Idempotency-Key": str(uuid.uuid4())} for _ in range(CLAIMS)]
        return [partial(persist, partial(claim, stack, user, key)) for key in keys]

    killed, served = _while_workers_die(workers, KILLS, calls, lambda one: one.unserved > 0)

    records = Records.read(stack)
    records.require_whole()
    assert claimed_by([one.response for one in served], records) == records.open
    record_property("killed", killed)
    record_property("claimed", len(records.open))
    record_property("callers that retried", sum(one.unserved > 0 for one in served))


def test_only_sessions_in_flight_are_lost_when_workers_are_killed_during_refills(
    stack: Stack, vendor: Emulator, workers: Workers, record_property: RecordProperty
) -> None:
    made, hits, wanted = vendor.made(), 0, 0
    while hits < max(1, KILLS // 2):
        if wanted >= 200:
            made, wanted = vendor.made(), 0
            forget(stack)
        wanted += 40
        pool = {"mediaMode": "routed", "min": wanted, "max": wanted}
        enough = waiting(stack) + random.randint(1, 25)

        def has_created_some(enough: int = enough) -> bool:
            return waiting(stack) >= enough

        with vendor.failing(delayMs=200), ThreadPoolExecutor(1) as beside:
            run = beside.submit(refill, stack, pool)
            until("some sessions are created", has_created_some)
            workers.kill("precreate_sessions")
            hits += run.result().failed
        Records.read(stack).require_whole()

        again = refill(stack, pool)
        assert not again.failed, again.result
        records = Records.read(stack)
        records.require_whole()
        assert len(records.pooled) >= wanted, "the next run completes the pool"
        assert vendor.made() - made - len(records.sessions) <= CONNECTIONS * hits
    record_property("killed", hits)


def _while_workers_die(
    workers: Workers,
    kills: int,
    calls: Callable[[], Sequence[Callable[[], T]]],
    is_hit: Callable[[T], bool],
) -> tuple[int, list[T]]:
    """Makes calls in rounds and kills a worker in each; returns the kills and the results.

    A kill may find no started worker, or an idle one. The rounds continue until there were enough
    kills and one of the workers was busy.
    """
    killed = 0
    results: list[T] = []
    for _ in range(5 * kills):
        at = random.randint(1, CLAIMS - IN_FLIGHT)

        def kill(ended: int, at: int = at) -> None:
            nonlocal killed
            if ended == at:
                killed += workers.kill("create_session")

        results += together(calls(), IN_FLIGHT, kill)
        if killed >= kills and any(map(is_hit, results)):
            return killed, results
    raise AssertionError(f"{killed} of {kills} workers killed; was one busy? {results}")
