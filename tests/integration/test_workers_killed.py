"""A worker may die at any moment (here by SIGKILL): nothing is lost, nothing is in two places.

The crowd that opens a room while workers die is in `test_rooms_race`.
"""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.integration.accounts import require_accounted_for
from tests.integration.claims import claim, claimed_by
from tests.integration.counts import Figure, count
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer
from tests.integration.polling import until
from tests.integration.records import Records, forget
from tests.integration.refill import fill, refill, waiting
from tests.integration.stack import Stack
from tests.integration.stand_in import StandIn
from tests.integration.traffic import attempt, persist, together, unserved
from tests.integration.workers import Workers

KILLS = count(50)
IN_FLIGHT = 6
CONNECTIONS = 16
"""How many sessions one run of the refill makes at once."""

pytestmark = pytest.mark.usefixtures("calm", "no_idle_workers")


@pytest.fixture
def no_idle_workers(workers: Workers) -> None:
    """From here on there are only as many workers as requests in flight: a kill hits a busy one."""
    workers.renew("create_session")


def test_in_the_middle_of_claims(
    stack: Stack,
    issuer: Issuer,
    vendor: StandIn,
    workers: Workers,
    logs: Logs,
    record_property: Figure,
) -> None:
    kills = (KILLS + 1) // 2
    fill(stack, 8 * kills)
    made = vendor.made() - len(Records.read(stack).sessions)
    user = issuer.user()
    total = 10 * kills + IN_FLIGHT  # more than there are: some are made live
    at = set(random.sample(range(1, total - IN_FLIGHT), kills))
    killed = []

    def kill(number: int) -> None:
        if number in at:
            killed.append(workers.kill("create_session"))

    answers = together([partial(attempt, partial(claim, stack, user))] * total, IN_FLIGHT, kill)

    records = Records.read(stack)
    records.require_whole()
    claimed = claimed_by(answers, records)
    assert sum(killed) == kills
    failed = sum(map(unserved, answers))
    assert failed, "no kill has hit anybody"
    assert len(records.open) - len(claimed) <= failed

    def count_lost() -> int:
        return vendor.made() - made - len(Records.read(stack).sessions)

    lost = require_accounted_for(stack, logs, count_lost, failed)
    record_property("killed", sum(killed))
    record_property("claimed", len(claimed))
    record_property("callers without an answer", failed)
    record_property("made at the vendor and not recorded", lost)
    assert persist(partial(claim, stack, user)).answer.status == 201


def test_a_claim_that_is_repeated_with_its_key_gets_the_same_session(
    stack: Stack, issuer: Issuer, workers: Workers, record_property: Figure
) -> None:
    """Also when the worker died with the first answer: no session is claimed in vain."""
    total = 5 * KILLS
    fill(stack, total)
    user = issuer.user()
    keys = [{"Idempotency-Key": str(uuid.uuid4())} for _ in range(total)]
    claims = [partial(persist, partial(claim, stack, user, key)) for key in keys]

    def kill(number: int) -> None:
        if number % 5 == 0:
            workers.kill("create_session")

    served = together(claims, IN_FLIGHT, kill)

    records = Records.read(stack)
    records.require_whole()
    assert any(one.unserved for one in served), "no kill has hit anybody"
    assert claimed_by([one.answer for one in served], records) == records.open
    record_property("killed", total // 5)
    record_property("claimed", len(records.open))
    record_property("callers who asked again", sum(one.unserved > 0 for one in served))


def test_in_the_middle_of_refills(
    stack: Stack, vendor: StandIn, workers: Workers, record_property: Figure
) -> None:
    made, hits, wanted = vendor.made(), 0, 0
    while hits < max(1, KILLS // 2):
        if wanted >= 200:
            made, wanted = vendor.made(), 0
            forget(stack)
        wanted += 40
        pool = {"mediaMode": "routed", "min": wanted, "max": wanted}
        enough = waiting(stack) + random.randint(1, 25)

        def is_at_it(enough: int = enough) -> bool:
            return waiting(stack) >= enough

        with vendor.failing(delayMs=200), ThreadPoolExecutor(1) as beside:
            run = beside.submit(refill, stack, pool)
            until("some sessions have been made", is_at_it)
            workers.kill("precreate_sessions")
            hits += run.result().failed
        Records.read(stack).require_whole()

        again = refill(stack, pool)
        assert not again.failed, again.result
        records = Records.read(stack)
        records.require_whole()
        assert len(records.pooled) >= wanted, "the next run does what was left undone"
        assert vendor.made() - made - len(records.sessions) <= CONNECTIONS * hits
    record_property("killed", hits)
