"""The pools in the table: sessions without an owner, and the state of refills.

A pooled session has `poolId` and `poolKey`, which put it into the index `pool`.
`poolKey` is random. So DynamoDB can split a busy pool, and callers that start their search at a
random place rarely collide.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from ..domain.deadline import POOLED_TTL_SECONDS, Deadline
from ..domain.problems import DamagedRecord
from ..runtime import telemetry
from .attributes import number, text
from .keys import new_item, refill_key, session_key
from .table import Table

__all__ = ["PoolStore", "RefillState"]

# The best values in the simulation of docs/scale.md; twenty entries still cost half a read unit.
CANDIDATES = 20
CLAIMS_MAX = 10


class RefillState(NamedTuple):
    """The state after a pool's last refill: the target, the number of sessions, and when the pool
    last reached its target (in seconds; the first refill counts as such)."""

    target: int
    available: int
    refilled_at: int


class PoolStore:
    """Every method raises `StorageUnavailable` when DynamoDB fails."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find_pooled(self, pool_id: str, deadline: Deadline) -> Iterator[str]:
        """Yields the ids of a few pooled sessions, from a random place on and once around.

        The index is eventually consistent: some may be claimed already. Each page is shuffled,
        because adjacent entries are claimed together, so in-order scans hit the same stale ones.

        Sends up to two queries, each when it is needed and `deadline` allows it; raises
        `StorageUnavailable` otherwise.
        """
        return islice(self._nearby(pool_id, deadline), CLAIMS_MAX)

    def _nearby(self, pool_id: str, deadline: Deadline) -> Iterator[str]:
        start = secrets.token_hex(8)
        for comparison in (">=", "<"):
            deadline.require()
            page = self._table.query(
                "pool",
                f"poolId = :pool AND poolKey {comparison} :start",
                {":pool": pool_id, ":start": start},
                Limit=CANDIDATES,
            )
            for item in random.sample(page["Items"], len(page["Items"])):
                yield text(item, "pk").removeprefix("session#")

    def count(self, pool_id: str) -> int:
        """Returns the number of sessions in the pool, according to the index."""
        count = 0
        start: dict[str, object] = {}
        while True:
            page = self._table.query(
                "pool", "poolId = :pool", {":pool": pool_id}, Select="COUNT", **start
            )
            count += int(page["Count"])
            if "LastEvaluatedKey" not in page:
                return count
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def add(self, session_id: str, project_id: str, pool_id: str, now: float) -> None:
        """Adds a session without an owner to the pool.

        A session that is already recorded stays as it is: an earlier attempt was carried out, and
        only its response was lost.
        """
        item = new_item(
            session_key(session_id),
            {
                "projectId": project_id,
                "poolId": pool_id,
                "poolKey": secrets.token_hex(8),
                "pooledAt": int(now),
                "ttl": int(now) + POOLED_TTL_SECONDS,
            },
        )
        self._table.put(self._table.put_request(item, "attribute_not_exists(pk)"))

    def get_refill_state(self, pool_id: str) -> RefillState | None:
        """Returns the state after the pool's last refill; None before the first one.

        A damaged record counts as none: the pool starts from its minimum, and the refill replaces
        the record.
        """
        item = self._table.get(refill_key(pool_id))
        if item is None:
            return None
        try:
            target, available, at = (number(item, n) for n in ("target", "available", "refilledAt"))
        except DamagedRecord as damaged:
            telemetry.count_damaged(damaged)
            return None
        return RefillState(target, available, at)

    def put_refill_state(self, pool_id: str, state: RefillState, now: float) -> None:
        """Stores the state for the next refill."""
        item = new_item(
            refill_key(pool_id),
            {
                "target": state.target,
                "available": state.available,
                "refilledAt": state.refilled_at,
                "ttl": int(now) + POOLED_TTL_SECONDS,
            },
        )
        self._table.overwrite(item)
