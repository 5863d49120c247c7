"""The pools in the table: sessions that wait for an owner, and what refills remember.

    session#<id>      with `poolId` and `poolKey`, which put it into the index `pool`
    refill#<pool>     what the last refill of a pool left

`poolKey` is random, so that DynamoDB can split a busy pool, and callers who start their search at
a random place meet rarely.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from . import telemetry
from .attributes import encode, number, text
from .errors import DamagedRecord
from .items import session_pk
from .table import Table

__all__ = ["PoolStore", "RefillState"]

# The best of what docs/scale.md simulates; twenty entries still cost half a read unit.
CANDIDATES = 20
TRIES = 10


class RefillState(NamedTuple):
    """What a pool's last refill left: the target, how many were waiting then, and when the pool
    was last filled as wanted (in seconds; the first refill counts as that)."""

    target: int
    available: int
    refilled_at: int


class PoolStore:
    """The pools. Every method raises `StorageUnavailable` when DynamoDB fails."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def waiting(
        self, pool_id: str, before_query: Callable[[], object] = lambda: None
    ) -> Iterator[str]:
        """Ids of a few sessions that wait in the pool, from a random place on and once round.

        The index lags: some of them may be gone already. Each page is shuffled, because neighbours
        go together: who starts nearby, and in order, meets the same stale entries.

        Up to two queries, each when it is needed; what `before_query` raises is raised.
        """
        return islice(self._nearby(pool_id, before_query), TRIES)

    def _nearby(self, pool_id: str, before_query: Callable[[], object]) -> Iterator[str]:
        start = secrets.token_hex(8)
        for comparison in (">=", "<"):
            before_query()
            page = self._table.query(
                "pool",
                f"poolId = :pool AND poolKey {comparison} :start",
                {":pool": pool_id, ":start": start},
                Limit=CANDIDATES,
            )
            for item in random.sample(page["Items"], len(page["Items"])):
                yield text(item, "pk").removeprefix("session#")

    def count(self, pool_id: str) -> int:
        """How many sessions wait in the pool, as far as the index knows."""
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
        """Lets a session that nobody owns wait in the pool. One that is recorded already stays as
        it is: an earlier try was carried out, and only its reply was lost."""
        item = encode(
            {
                "pk": session_pk(session_id),
                "projectId": project_id,
                "poolId": pool_id,
                "poolKey": secrets.token_hex(8),
                "pooledAt": int(now),
            }
        )
        self._table.put(self._table.put_request(item, "attribute_not_exists(pk)"))

    def refill_state(self, pool_id: str) -> RefillState | None:
        """What the pool's last refill left; None before the first, and when it cannot be read: the
        pool then starts anew, and this refill replaces it."""
        item = self._table.get(f"refill#{pool_id}")
        if item is None:
            return None
        try:
            target, available, at = (number(item, n) for n in ("target", "available", "refilledAt"))
        except DamagedRecord as damaged:
            telemetry.count_damaged(damaged)
            return None
        return RefillState(target, available, at)

    def keep_refill_state(self, pool_id: str, state: RefillState) -> None:
        """Keeps what a refill leaves for the next one."""
        item = encode(
            {
                "pk": f"refill#{pool_id}",
                "target": state.target,
                "available": state.available,
                "refilledAt": state.refilled_at,
            }
        )
        self._table.overwrite(item)
