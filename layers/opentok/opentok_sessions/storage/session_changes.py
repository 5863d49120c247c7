"""Changes of a recorded session: its window, its participants, its maximum of connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..domain.claims import Outcome
from ..domain.models import Session
from .attributes import Value
from .keys import Key, room_key, session_key
from .session_store import SessionStore
from .table import Conditional, Table

__all__ = ["SessionChanges"]

Values = Mapping[str, Value | None]


class SessionChanges:
    """Raises `StorageUnavailable` when DynamoDB fails."""

    def __init__(self, table: Table, store: SessionStore) -> None:
        self._table = table
        self._store = store

    def update(self, session: Session, changed: Session, now: float) -> bool:
        """Writes the changes, unless the session was changed or closed since it was read.

        The list of a room's session is the room's list too: both change or none does. Returns
        False when nothing was written.
        """
        ttl = self._store.expires_at(changed, now)
        participants = None if changed.participants is None else dict(changed.participants)
        values: dict[str, Value | None] = {
            "opensAt": changed.opens_at,
            "closesAt": changed.closes_at,
            "maxConnections": changed.max_connections,
            "participants": participants,
            "removed": dict.fromkeys(sorted(changed.removed), "removed") or None,
            "revision": session.revision + 1,
            "#ttl": ttl,
        }
        seen = "revision = :seen" if session.revision else "attribute_not_exists(revision)"
        condition = f"attribute_exists(pk) AND #state = :open AND {seen}"
        named: Values = {":open": "open", ":seen": session.revision or None}
        write = self._change(session_key(session.session_id), values, condition, named)
        if session.room is None or session.superseded:
            return self._table.update(write)
        of_room: Values = {"participants": participants, "#ttl": ttl}
        same: Values = {":id": session.session_id}
        pointer = self._change(
            room_key(session.room, session.tenant), of_room, "sessionId = :id", same
        )
        writes = [
            Conditional(Outcome.SESSION_TAKEN, "Update", write),
            Conditional(Outcome.ROOM_TAKEN, "Update", pointer),
        ]
        return self._table.transact(writes) is None

    def _change(self, key: Key, values: Values, condition: str, named: Values) -> dict[str, Any]:
        """Returns a write that sets these attributes, and removes those that are None."""
        present = {name: value for name, value in values.items() if value is not None}
        change = "SET " + ", ".join(f"{name} = :{name.lstrip('#')}" for name in present)
        if absent := [name for name in values if name not in present]:
            change += " REMOVE " + ", ".join(absent)
        sent = {f":{name.lstrip('#')}": value for name, value in present.items()}
        return self._table.update_request(key, change, condition, {**sent, **named})
