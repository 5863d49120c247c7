"""The connections of sessions, and the hints on a session's record.

A connection that has ended leaves a tombstone, so that a late callback cannot resurrect it. One
transaction changes both items of a connection and no other item, so 300 clients that join at the
same time do not conflict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from ..domain.models import Session
from ..domain.presence import Connection, Hints, connected, is_ended
from ..domain.problems import StorageUnavailable
from .attributes import Item, Value, number, text
from .keys import LIVE, gone_key, live_key, new_item, session_key
from .table import Conditional, Table

__all__ = ["GONE_TTL_SECONDS", "Change", "PresenceStore"]

GONE_TTL_SECONDS = 26 * 3600
"""A tombstone outlives the vendor's retries, which end after 24 hours."""
LIVE_TTL_SECONDS = 30 * 24 * 3600
"""No item lives forever, even if the callback about its end was lost."""
LAST_EVENT_INTERVAL_MS = 60_000
"""How precisely the time of the last event is recorded: a busy session has one write per minute."""
CONFLICT_ATTEMPTS = 4
PAGE = 25
ABSENT = "attribute_not_exists(pk)"


class Change(Enum):
    """What an event about a connection has changed."""

    ADDED = "the connection is live"
    REMOVED = "the connection has ended"
    KNOWN = "the same was known already"
    LATE = "the connection had ended before"


class PresenceStore:
    """Every method raises `StorageUnavailable` when DynamoDB fails."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, session_id: str, connection: Connection, now: float) -> Change:
        """Records a live connection, unless it is known or has ended."""
        item = new_item(
            live_key(session_id, connection.id),
            {**_values(connection), "ttl": int(now) + LIVE_TTL_SECONDS},
        )
        tombstone = self._table.key_request(gone_key(session_id, connection.id), ABSENT)
        return self._change(
            Change.ADDED,
            Conditional(Change.LATE, "ConditionCheck", tombstone),
            Conditional(Change.KNOWN, "Put", self._table.put_request(item, ABSENT)),
        )

    def remove(
        self, session_id: str, connection: Connection, ended_at: int, reason: str, now: float
    ) -> Change:
        """Replaces a live connection by its tombstone; an unknown one gets a tombstone too."""
        end: dict[str, Value | None] = {
            "endedAt": ended_at,
            "reason": reason,
            "ttl": int(now) + GONE_TTL_SECONDS,
        }
        item = new_item(gone_key(session_id, connection.id), {**_values(connection), **end})
        live = self._table.key_request(live_key(session_id, connection.id))
        return self._change(
            Change.REMOVED,
            Conditional(Change.KNOWN, "Put", self._table.put_request(item, ABSENT)),
            Conditional(Change.KNOWN, "Delete", live),
        )

    def connections(self, session_id: str, hints: Hints) -> list[Connection]:
        """Returns the session's live connections, strongly consistent, oldest first."""
        return connected(self._stored(session_id), hints)

    def ended_connections(self, session_id: str, hints: Hints) -> list[Connection]:
        """Returns the connections that the session's end has ended and that have no tombstone."""
        return [c for c in self._stored(session_id) if is_ended(c.connected_at, hints)]

    def find(self, session_id: str, connection_id: str, hints: Hints) -> Connection | None:
        """Returns a connection if it is live."""
        item = self._table.get(live_key(session_id, connection_id))
        connection = _connection(item) if item else None
        if connection is None or is_ended(connection.connected_at, hints):
            return None
        return connection

    def is_anyone_connected(self, session_id: str, hints: Hints) -> bool:
        """Returns whether there is a live connection, strongly consistent."""
        stored = self._stored(session_id, Limit=PAGE)
        return any(not is_ended(c.connected_at, hints) for c in stored)

    def record_event(self, session: Session, now: float) -> None:
        """Records that an event arrived for the session, if that is not known to the minute."""
        hints, now_ms = session.hints, int(now * 1000)
        values = {}
        if hints.monitored_since is None:
            values["monitoredSince"] = now_ms
        if now_ms - (hints.last_event_at or 0) >= LAST_EVENT_INTERVAL_MS:
            values["lastEventAt"] = now_ms
        if values:
            self._set(session.session_id, values, "attribute_exists(pk)")

    def record_occupied(self, session: Session) -> None:
        """Withdraws the hint that the session is empty."""
        if session.hints.empty_since is None:
            return
        self._table.update(
            self._table.update_request(
                session_key(session.session_id),
                "REMOVE emptySince",
                "emptySince = :seen",  # a client that left since then has recorded another time
                {":seen": session.hints.empty_since},
            )
        )

    def record_latest(self, session_id: str, name: str, at: int) -> bool:
        """Records a hint (`emptySince`, `startedAt`, `endedAt`, …); returns False if it has the
        same or a later time already."""
        later = f"(attribute_not_exists({name}) OR {name} < :{name})"
        return self._set(session_id, {name: at}, f"attribute_exists(pk) AND {later}")

    def _set(self, session_id: str, values: Mapping[str, int], condition: str) -> bool:
        change = "SET " + ", ".join(f"{name} = :{name}" for name in values)
        named = {f":{name}": value for name, value in values.items()}
        key = session_key(session_id)
        return self._table.update(self._table.update_request(key, change, condition, named))

    def _stored(self, session_id: str, **more: int) -> Iterator[Connection]:
        values: dict[str, Value] = {":pk": session_key(session_id).pk, ":live": LIVE}
        condition = "pk = :pk AND begins_with(sk, :live)"
        return map(_connection, self._table.query_items(condition, values, **more))

    def _change(self, done: Change, *writes: Conditional) -> Change:
        for _ in range(CONFLICT_ATTEMPTS):
            refused = self._table.transact(writes)
            if refused is None:
                return done
            if isinstance(refused, Change):
                return refused
        raise StorageUnavailable("The session store is unavailable.")


def _values(connection: Connection) -> dict[str, Value | None]:
    return {
        "connectionId": connection.id,
        "connectedAt": connection.connected_at,
        "connectionData": connection.data,
    }


def _connection(item: Item) -> Connection:
    data = item.get("connectionData", {}).get("S", "")
    return Connection(text(item, "connectionId"), number(item, "connectedAt"), data)
