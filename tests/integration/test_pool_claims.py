"""A pooled session is assigned to one caller, and none is lost: recorded = pooled + open.

Over HTTP with many concurrent callers and without the schedule, so that no refill runs. The pools
stay small, because the local cloud reads every session of a pool for each query.
"""

from functools import partial

import pytest

from tests.integration.accounts import require_accounted_for
from tests.integration.claims import claim, claimed_by
from tests.integration.counts import CROWD, SOAK, RecordProperty, count
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer
from tests.integration.records import Records
from tests.integration.refill import fill
from tests.integration.stack import Stack
from tests.integration.traffic import persist, together

CLAIMS = 100

pytestmark = [pytest.mark.crowd, pytest.mark.usefixtures("calm", "crowd")]


@pytest.mark.parametrize("number", range(count(20)))
def test_no_session_is_assigned_twice_and_none_is_lost(
    stack: Stack,
    issuer: Issuer,
    vendor: Emulator,
    logs: Logs,
    record_property: RecordProperty,
    number: int,
) -> None:
    fill(stack, CLAIMS * 3 // 2)
    before, made = Records.read(stack), vendor.made()
    users = [issuer.user() for _ in range(10)]
    claims = [partial(persist, partial(claim, stack, users[n % 10])) for n in range(CLAIMS)]

    served = together(claims, CROWD)

    after = Records.read(stack)
    after.require_whole()
    claimed = claimed_by([one.response for one in served], after)
    assert len(claimed) == CLAIMS, "every caller has one"
    failed = sum(one.unserved for one in served)
    assert before.sessions.keys() <= after.sessions.keys(), "none is lost"
    # Only a caller that got no response and retried may own two.
    assert len(after.open) - len(claimed) <= failed
    # A request that loses the race for all its candidates is served live.
    live = len(after.sessions) - len(before.sessions)
    assert live <= CLAIMS // 10 + failed
    lost = vendor.made() - made - live
    require_accounted_for(stack, logs, lost, failed)
    record_property("claimed", len(claimed))
    record_property("created live", live)
    record_property("retried", failed)


def test_further_sessions_are_created_live_when_the_pool_is_empty(
    stack: Stack, issuer: Issuer, vendor: Emulator, logs: Logs, record_property: RecordProperty
) -> None:
    pooled, wanted = (50, 200) if SOAK else (20, 60)
    fill(stack, pooled)
    before, made = Records.read(stack), vendor.made()
    user = issuer.user()

    served = together([partial(persist, partial(claim, stack, user))] * wanted, CROWD)

    after = Records.read(stack)
    after.require_whole()
    claimed = claimed_by([one.response for one in served], after)
    assert len(claimed) == wanted, "every caller has one"
    assert before.sessions.keys() <= after.sessions.keys(), "none is lost"
    from_pool = {
        one.response.body["sessionId"] for one in served if one.response.body["source"] == "pool"
    }
    assert from_pool == claimed & before.pooled
    failed = sum(one.unserved for one in served)
    assert len(from_pool) >= pooled - failed, "the pool is used up"
    lost = vendor.made() - made - (len(after.sessions) - len(before.sessions))
    require_accounted_for(stack, logs, lost, failed)
    record_property("claimed", len(claimed))
    record_property("from the pool", len(from_pool))
    record_property("retried", failed)
