"""Many callers at once, on threads: nobody gets what somebody else has, and nothing is lost.

The counts are a tenth of the real ones; `SOAK=1` (`make soak`) takes them in full.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from sessions.models import Caller, Created, Source
from sessions.pools import read_pools
from tests.aws import API_KEY, Aws
from tests.unit.sessions.application import NOW, Application, Clock
from tests.unit.sessions.vendor_server import VendorServer

SHARE = 1 if os.environ.get("SOAK") == "1" else 10
THREADS = 32
CONTAINERS = 4
T = TypeVar("T")


@pytest.fixture
def containers(aws: Aws, vendor: VendorServer, clock: Clock) -> list[Application]:
    """Several, so that nothing that they keep in memory can be what keeps callers apart."""
    return [Application.start(aws, vendor, clock) for _ in range(CONTAINERS)]


def on_threads(action: Callable[[int], T], number: int) -> list[T]:
    """The action so many times, by threads that begin at the same moment."""
    together = threading.Barrier(min(THREADS, number))
    begun = threading.local()

    def run(n: int) -> T:
        if not hasattr(begun, "once"):
            begun.once = True
            together.wait(timeout=120)
        return action(n)

    with ThreadPoolExecutor(min(THREADS, number)) as threads:
        return list(threads.map(run, range(number)))


def wait_in_pool(aws: Aws, number: int) -> set[str]:
    """So many sessions, written quickly."""
    ids = [f"pooled-{n}" for n in range(number)]
    for session_id in ids:
        aws.put(
            {
                "pk": {"S": f"session#{session_id}"},
                "projectId": {"S": API_KEY},
                "poolId": {"S": f"{API_KEY}#routed"},
                "poolKey": {"S": os.urandom(8).hex()},
                "pooledAt": {"N": str(NOW)},
            }
        )
    return set(ids)


def refused_claims(aws: Aws) -> int:
    """Conditional writes that did not win: all that there were, less one for each session."""
    writes = [
        r for r in aws.requests if r.get("ConditionExpression") == "attribute_exists(poolKey)"
    ]
    owned = [item for item in aws.items("session#pooled-") if "owner" in item]
    return len(writes) - len(owned)


@pytest.mark.parametrize("pooled", [0, THREADS], ids=["live", "from the pool"])
def test_a_room_has_one_session_however_many_come_first(
    aws: Aws, containers: list[Application], vendor: VendorServer, pooled: int
) -> None:
    waiting = wait_in_pool(aws, pooled)
    app = containers[0]

    def join(n: int) -> Created:
        return containers[n % CONTAINERS].create({"room": "lobby"}, Caller(f"caller-{n}"))

    created = on_threads(join, THREADS)
    assert len({one.session.session_id for one in created}) == 1
    assert Counter(one.joined for one in created) == {False: 1, True: THREADS - 1}
    assert app.owned() == {created[0].session.session_id}
    assert app.store.room("lobby") == created[0].session.session_id
    # What was made by those who came too late is in the pool, and nothing else is missing.
    assert app.owned() | app.pooled() == waiting | set(vendor.made)


def test_an_idle_room_moves_on_once_however_many_come_back(
    containers: list[Application], vendor: VendorServer, clock: Clock
) -> None:
    app = containers[0]
    old = app.create({"room": "lobby"}).session.session_id
    clock.turn(12 * 3600)

    def join(n: int) -> Created:
        return containers[n % CONTAINERS].create({"room": "lobby"}, Caller(f"caller-{n}"))

    [fresh] = {one.session.session_id for one in on_threads(join, THREADS)}
    assert fresh != old
    assert app.owned() == {old, fresh}
    assert app.owned() | app.pooled() == set(vendor.made)


def test_a_key_stands_for_one_session_however_often_it_comes(
    containers: list[Application], vendor: VendorServer
) -> None:
    def create(n: int) -> Created:
        return containers[n % CONTAINERS].create({"token": {}}, key="k")

    created = on_threads(create, 16)
    assert len({one.session.session_id for one in created}) == 1
    tokens = {one.token.text for one in created if one.token}
    assert len(tokens) == 16
    app = containers[0]
    assert len(app.owned()) == 1
    assert app.owned() | app.pooled() == set(vendor.made)


def test_claims(aws: Aws, containers: list[Application], vendor: VendorServer) -> None:
    """2,000 claims of a pool of 3,000: no doubles, no losses, and few that meet."""
    claims, pool = 2000 // SHARE, 3000 // SHARE
    waiting = wait_in_pool(aws, pool)

    def claim(n: int) -> Created:
        return containers[n % CONTAINERS].create({}, Caller(f"caller-{n}"))

    created = on_threads(claim, claims)
    ids = [one.session.session_id for one in created]
    app = containers[0]
    assert len(set(ids)) == claims
    assert all(one.session.source is Source.POOL for one in created)
    assert vendor.asked == 0
    assert app.owned() == set(ids)
    assert app.pooled() == waiting - set(ids)
    conflicts = refused_claims(aws) / claims
    print(f"{claims} claims of {pool}: {conflicts:.3f} conflicts per claim")
    # Those in flight are the same in both, and meet ten times as often in a tenth of the pool.
    assert conflicts <= (0.2 if SHARE == 1 else 1)


def test_claims_of_a_pool_that_is_too_small(
    aws: Aws, containers: list[Application], vendor: VendorServer
) -> None:
    """The rest goes live, again without doubles and losses."""
    claims, pool = 2000 // SHARE, 500 // SHARE
    waiting = wait_in_pool(aws, pool)

    def claim(n: int) -> Created:
        return containers[n % CONTAINERS].create({}, Caller(f"caller-{n}"))

    created = on_threads(claim, claims)
    ids = {one.session.session_id for one in created}
    sources = Counter(one.session.source for one in created)
    app = containers[0]
    assert len(ids) == claims
    assert app.owned() == ids
    assert app.owned() | app.pooled() == waiting | set(vendor.made)
    assert sources[Source.POOL] + len(app.pooled()) == pool
    assert sources[Source.CREATED] == len(vendor.made) == claims - sources[Source.POOL]
    print(f"{claims} claims of {pool}: {dict(sources)}, {refused_claims(aws)} conflicts")


def test_claims_and_refills_and_rooms_together(
    aws: Aws, containers: list[Application], vendor: VendorServer
) -> None:
    """Every session is somebody's or in the pool, never both and never neither."""
    app = containers[0]
    declared = read_pools([{"mediaMode": "routed", "min": 10, "max": 40}])

    def act(n: int) -> object:
        container, caller = containers[n % CONTAINERS], Caller(f"caller-{n}")
        if n % 16 == 0:
            return container.precreate_sessions(declared, 60)
        if n % 4 == 1:
            return container.create({"room": f"room-{n % 3}"}, caller)
        if n % 4 == 2:
            return container.create({}, caller, key=f"key-{n % 5}")
        return container.create({}, caller)

    on_threads(act, 1280 // SHARE)
    items = aws.items("session#")
    assert all(("owner" in item) != ("poolKey" in item) for item in items)
    assert app.owned() | app.pooled() == set(vendor.made)
    for n in range(3):
        assert app.store.room(f"room-{n}") in app.owned()
