"""What a caller has used: a counter per window, and the names of the rooms that the caller holds.

A counter is an item of its own for each window, so that one atomic write counts and decides, and
TTL removes it.
"""

from __future__ import annotations

from ..domain.limits import ROOMS_CHECK_SECONDS, Quota
from ..domain.models import Caller, Reuse
from .attributes import Item, decode
from .keys import SCHEMA, Key, caller_key, room_key
from .table import Table

__all__ = ["LimitStore"]

CHECKS = 3
"""Attempts to replace a list of rooms that changes at the same moment."""


class LimitStore:
    """Every method raises `StorageUnavailable` when DynamoDB fails.

    `retention` is the number of seconds that a caller's list of rooms is kept after its last use.
    """

    def __init__(self, table: Table, retention: int) -> None:
        self._table = table
        self._retention = retention

    def count(self, caller: Caller, quota: Quota, now: float) -> bool:
        """Counts one use of the quota; returns False when it is used up."""
        return self._table.update(
            self._table.update_request(
                caller_key(caller, f"{quota.name}#{quota.window(now)}"),
                "SET #ttl = :ttl, #schema = :schema ADD used :one",
                "attribute_not_exists(used) OR used < :limit",
                {
                    ":one": 1,
                    ":limit": quota.limit,
                    ":ttl": quota.ends_at(now),
                    ":schema": SCHEMA,
                },
            )
        )

    def hold_room(self, caller: Caller, name: str, limit: int, now: float) -> bool:
        """Adds a room to those that the caller holds; returns False when there are too many.

        Adding one again changes nothing. At the limit, the rooms' records are read once a minute to
        find those that the caller no longer holds.
        """
        added = self._table.update(
            self._table.update_request(
                caller_key(caller, "rooms"),
                "SET #ttl = :ttl, #schema = :schema ADD rooms :room",
                "attribute_not_exists(rooms) OR contains(rooms, :name) OR size(rooms) < :limit",
                {
                    ":room": frozenset({name}),
                    ":name": name,
                    ":limit": limit,
                    ":ttl": int(now) + self._retention,
                    ":schema": SCHEMA,
                },
            )
        )
        return added or self._replace_one(caller, name, limit, now)

    def leave_room(self, caller: Caller, name: str) -> None:
        """Removes a room from those that the caller holds."""
        self._table.update(
            self._table.update_request(
                caller_key(caller, "rooms"),
                "DELETE rooms :room",
                "contains(rooms, :name)",
                {":room": frozenset({name}), ":name": name},
            )
        )

    def _replace_one(self, caller: Caller, name: str, limit: int, now: float) -> bool:
        key = caller_key(caller, "rooms")
        for _ in range(CHECKS):
            values = decode(self._table.get(key) or {})
            seen, checked_at = values.get("rooms"), values.get("checkedAt", 0)
            if not isinstance(seen, frozenset) or not isinstance(checked_at, int):
                return False
            if now < checked_at + ROOMS_CHECK_SECONDS:
                return False
            held = self._still_held(caller, seen, now)
            fits = len(held) < limit
            change = self._table.update_request(
                key,
                "SET rooms = :held, checkedAt = :now",
                "rooms = :seen",
                {":held": held | {name} if fits else held, ":seen": seen, ":now": int(now)},
            )
            if self._table.update(change):
                return fits
        return False

    def _still_held(self, caller: Caller, names: frozenset[str], now: float) -> frozenset[str]:
        keys: dict[Key, str] = {room_key(name, caller.tenant): name for name in names}
        held = set()
        for item in self._table.get_all(list(keys)):
            if _is_held(item, caller, now):
                held.add(keys[Key(item["pk"]["S"], item["sk"]["S"])])
        return frozenset(held)


def _is_held(item: Item, caller: Caller, now: float) -> bool:
    values = decode(item)
    ttl = values.get("ttl")
    expired = isinstance(ttl, int) and ttl <= now  # DynamoDB removes expired items days later
    exclusive = "participants" in item or values.get("reuse") == Reuse.PERMANENT
    return exclusive and not expired and values.get("owner") == caller.sub
