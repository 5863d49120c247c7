"""Many concurrent callers, on threads: no session has two owners, and none is lost.

The counts are a tenth of the full ones, which `SOAK=1` (`make soak`) uses.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from botocore.awsrequest import AWSResponse

from opentok_sessions.domain.models import Caller, Created, Source
from opentok_sessions.http.pools import parse_pools
from tests.aws import API_KEY, Answer, Aws, answer
from tests.unit.opentok_sessions.application import Application, Clock, session_in
from tests.unit.opentok_sessions.vendor_server import VendorServer

SHARE = 1 if os.environ.get("SOAK") == "1" else 10
THREADS = 32
INSTANCES = 4
POOL_ID = f"{API_KEY}#routed"
T = TypeVar("T")


@pytest.fixture
def instances(aws: Aws, vendor: VendorServer, clock: Clock) -> list[Application]:
    """Several, so that nothing that they keep in memory can be what keeps callers apart."""
    return [Application.start(aws, vendor, clock) for _ in range(INSTANCES)]


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


class PoolIndex:
    """The index of one pool: as moto's, which sorts all of it at each query, and far faster.

    `lag` is how many more claims it takes until it knows that a session was claimed.
    """

    def __init__(self, aws: Aws, session_ids: list[str], lag: int = 0) -> None:
        self._lock = threading.Lock()
        self._lag = lag
        self._claimed: deque[str] = deque()
        self._key_of = {session_id: os.urandom(8).hex() for session_id in session_ids}
        self._keys = sorted((key, session_id) for session_id, key in self._key_of.items())
        self.refused = 0
        """Claims of sessions that another caller had claimed."""
        for session_id in session_ids:
            aws.put(self._item(session_id) | {"projectId": {"S": API_KEY}})
        aws.replace("Query", self._query)
        aws.replace("PutItem", self._put)

    def _item(self, session_id: str) -> dict[str, Any]:
        return {
            "pk": {"S": f"session#{session_id}"},
            "poolId": {"S": POOL_ID},
            "poolKey": {"S": self._key_of[session_id]},
        }

    def _query(self, request: dict[str, Any], _: Answer) -> AWSResponse:
        values = request["ExpressionAttributeValues"]
        assert (request["IndexName"], values[":pool"]["S"]) == ("pool", POOL_ID)
        with self._lock:
            start = bisect(self._keys, (values[":start"]["S"], ""))
            right = ">= :start" in request["KeyConditionExpression"]
            found = self._keys[start:] if right else self._keys[:start]
        items = [self._item(session_id) for _, session_id in found[: request["Limit"]]]
        return answer(200, {"Items": items, "Count": len(items)})(_)

    def _put(self, request: dict[str, Any], proceed: Answer) -> AWSResponse:
        response = proceed()
        if str(request.get("ConditionExpression")).startswith("attribute_exists(poolKey)"):
            with self._lock:
                if response.status_code == 200:
                    self._claimed.append(request["Item"]["sessionId"]["S"])
                else:
                    self.refused += 1
                while len(self._claimed) > self._lag:
                    session_id = self._claimed.popleft()
                    self._keys.remove((self._key_of[session_id], session_id))
        return response


@pytest.mark.parametrize("pooled", [0, THREADS], ids=["live", "from the pool"])
def test_a_room_has_one_session_regardless_of_the_number_of_callers(
    aws: Aws, instances: list[Application], vendor: VendorServer, pooled: int
) -> None:
    waiting = {f"pooled-{n}" for n in range(pooled)}
    app = instances[0]
    app.fill("routed", *waiting)

    def join(n: int) -> Created:
        return instances[n % INSTANCES].create({"room": "lobby"}, Caller(f"caller-{n}"))

    created = on_threads(join, THREADS)
    assert len({one.session.session_id for one in created}) == 1
    assert Counter(one.joined for one in created) == {False: 1, True: THREADS - 1}
    assert app.owned() == {created[0].session.session_id}
    assert session_in(app.store, "lobby") == created[0].session.session_id
    # Surplus sessions are in the pool, and no session is missing.
    assert app.owned() | app.pooled() == waiting | set(vendor.made)


def test_an_idle_room_moves_on_once_regardless_of_the_number_of_callers(
    instances: list[Application], vendor: VendorServer, clock: Clock
) -> None:
    app = instances[0]
    old = app.create({"room": "lobby"}).session.session_id
    clock.turn(12 * 3600)

    def join(n: int) -> Created:
        return instances[n % INSTANCES].create({"room": "lobby"}, Caller(f"caller-{n}"))

    [fresh] = {one.session.session_id for one in on_threads(join, THREADS)}
    assert fresh != old
    assert app.owned() == {old, fresh}
    assert app.owned() | app.pooled() == set(vendor.made)


def test_a_key_gives_one_session_regardless_of_the_number_of_requests(
    instances: list[Application], vendor: VendorServer
) -> None:
    def create(n: int) -> Created:
        return instances[n % INSTANCES].create({"token": {}}, key="k")

    created = on_threads(create, 16)
    assert len({one.session.session_id for one in created}) == 1
    tokens = {one.token.text for one in created if one.token}
    assert len(tokens) == 16
    app = instances[0]
    assert len(app.owned()) == 1
    assert app.owned() | app.pooled() == set(vendor.made)


@pytest.mark.parametrize(
    ("size", "lag"),
    [
        pytest.param(3000, 0, id="enough"),
        pytest.param(3000, 50, id="an index that lags"),
        pytest.param(500, 0, id="too few"),
    ],
)
def test_claims(
    aws: Aws,
    instances: list[Application],
    vendor: VendorServer,
    record_property: Callable[[str, object], None],
    size: int,
    lag: int,
) -> None:
    """2,000 claims of a pool of 3,000, and of 500: no doubles, no losses, and few that meet. What
    the pool does not have goes live."""
    claims, pool = 2000 // SHARE, size // SHARE
    waiting = [f"pooled-{n}" for n in range(pool)]
    index = PoolIndex(aws, waiting, lag // SHARE)

    def claim(n: int) -> Created:
        return instances[n % INSTANCES].create({}, Caller(f"caller-{n}"))

    created = on_threads(claim, claims)
    ids = {one.session.session_id for one in created}
    from_pool = sum(one.session.source is Source.POOL for one in created)
    app = instances[0]
    assert len(ids) == claims
    assert app.owned() == ids
    assert app.owned() | app.pooled() == set(waiting) | set(vendor.made)
    assert from_pool + len(app.pooled()) == pool
    assert len(vendor.made) == claims - from_pool
    conflicts = index.refused / claims
    record_property("claims", claims)
    record_property("from the pool", from_pool)
    record_property("conflicts per claim", round(conflicts, 3))
    if size == 3000 and lag == 0:
        # All ten tries of a claim may meet others: seldom, and more often at a tenth of the pool.
        assert len(vendor.made) <= claims // 100
        # As many are in flight in both, and they meet ten times as often in a tenth of the pool.
        assert conflicts <= (0.2 if SHARE == 1 else 1)


def test_claims_and_refills_and_rooms_together(
    aws: Aws, instances: list[Application], vendor: VendorServer
) -> None:
    """Every session has an owner or is pooled, never both and never neither."""
    app = instances[0]
    declared = parse_pools([{"mediaMode": "routed", "min": 10, "max": 40}])

    def act(n: int) -> object:
        instance, caller = instances[n % INSTANCES], Caller(f"caller-{n}")
        if n % 16 == 0:
            return instance.precreate_sessions(declared, 60)
        if n % 4 == 1:
            return instance.create({"room": f"room-{n % 3}"}, caller)
        if n % 4 == 2:
            return instance.create({}, caller, key=f"key-{n % 5}")
        return instance.create({}, caller)

    on_threads(act, 640 // SHARE)
    items = aws.items("session#")
    assert all(("owner" in item) != ("poolKey" in item) for item in items)
    assert app.owned() | app.pooled() == set(vendor.made)
    for n in range(3):
        assert session_in(app.store, f"room-{n}") in app.owned()
