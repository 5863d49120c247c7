"""A session in a pool goes to one caller, and none is lost: recorded = pool + open.

Over HTTP with a crowd of callers and the schedule off, so that nothing refills meanwhile. The
pools stay small, as the local cloud looks at every session of a pool for each query.
"""

from functools import partial

import pytest

from tests.integration.accounts import require_accounted_for
from tests.integration.claims import claim, claimed_by
from tests.integration.counts import CROWD, SOAK, Figure, count
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer
from tests.integration.records import Records
from tests.integration.refill import fill
from tests.integration.stack import Stack
from tests.integration.stand_in import StandIn
from tests.integration.traffic import attempt, together, unserved

CLAIMS = 100

pytestmark = [pytest.mark.crowd, pytest.mark.usefixtures("calm", "crowd")]


@pytest.mark.parametrize("number", range(count(20)))
def test_no_session_is_handed_out_twice_and_none_is_lost(
    stack: Stack,
    issuer: Issuer,
    vendor: StandIn,
    logs: Logs,
    record_property: Figure,
    number: int,
) -> None:
    fill(stack, CLAIMS * 3 // 2)
    before, made = Records.read(stack), vendor.made()
    users = [issuer.user() for _ in range(10)]
    claims = [partial(attempt, partial(claim, stack, users[n % 10])) for n in range(CLAIMS)]

    answers = together(claims, CROWD)

    after = Records.read(stack)
    after.require_whole()
    claimed = claimed_by(answers, after)
    failed = sum(map(unserved, answers))
    assert before.sessions.keys() <= after.sessions.keys(), "none is lost"
    # Who had no answer may own a session nevertheless; nobody else does.
    assert len(after.open) - len(claimed) <= failed
    # Who meets nothing but sessions that others were faster to get is served live.
    live = len(after.sessions) - len(before.sessions)
    assert live <= CLAIMS // 10
    lost = vendor.made() - made - live
    require_accounted_for(stack, logs, lost, failed)
    record_property("claimed", len(claimed))
    record_property("of them live", live)
    record_property("told to come back", failed)


def test_when_the_pool_is_too_small_the_rest_is_made_live(
    stack: Stack, issuer: Issuer, vendor: StandIn, logs: Logs, record_property: Figure
) -> None:
    waiting, wanted = (50, 200) if SOAK else (20, 60)
    fill(stack, waiting)
    before, made = Records.read(stack), vendor.made()
    user = issuer.user()

    answers = together([partial(attempt, partial(claim, stack, user))] * wanted, CROWD)

    after = Records.read(stack)
    after.require_whole()
    claimed = claimed_by(answers, after)
    assert before.sessions.keys() <= after.sessions.keys(), "none is lost"
    from_pool = {a.body["sessionId"] for a in answers if a.status == 201} & before.pooled
    assert from_pool == {
        a.body["sessionId"] for a in answers if a.status == 201 and a.body["source"] == "pool"
    }
    failed = sum(map(unserved, answers))
    assert len(claimed) - len(from_pool) >= wanted - waiting - failed, "the rest is made live"
    lost = vendor.made() - made - (len(after.sessions) - len(before.sessions))
    require_accounted_for(stack, logs, lost, failed)
    record_property("claimed", len(claimed))
    record_property("of them from the pool", len(from_pool))
    record_property("told to come back", failed)
