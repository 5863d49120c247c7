"""The records of sessions, rooms and idempotency keys.

A session is claimed by writing its whole item, on condition that it is still in its pool. So it
either has one owner or is in the pool, never both and never neither.
"""

from __future__ import annotations

from enum import Enum

from opentok_client.session_id import other_spelling

from ..domain.claims import IdempotencyRecord, KeyClaim, Outcome, RoomClaim
from ..domain.deadline import PERMANENT_TTL_SECONDS
from ..domain.models import Reuse, Room, Session, Source
from .attributes import decode, number, text
from .items import room_of, session_item, session_of
from .keys import SCHEMA, idempotency_key, room_key, session_key
from .session_writes import SessionWrites
from .table import Conditional, Refusal, Table

__all__ = ["SessionStore"]

KNOWN_SCHEMA = "(attribute_not_exists(#schema) OR #schema <= :schema)"
"""A pooled session of a newer version is left to that version."""


class SessionStore:
    """Every method raises `StorageUnavailable` when DynamoDB fails.

    `retention` is the number of seconds that a session is kept after its last use.
    """

    def __init__(self, table: Table, retention: int) -> None:
        self._table = table
        self._writes = SessionWrites(table)
        self._retention = retention

    def find_session(self, session_id: str) -> Session | None:
        """Returns the session; None when there is none, or it is still in a pool."""
        item = self._table.get(session_key(session_id))
        return session_of(item) if item else None

    def find_room(self, name: str, tenant: str) -> Room | None:
        """Returns the room's record."""
        item = self._table.get(room_key(name, tenant))
        return room_of(item, name, tenant) if item else None

    def find_session_of(self, room: Room) -> Session | None:
        """Returns the room's session; None when its record has gone.

        After that its ID may have been registered again, possibly in another tenant: that session
        does not belong to the room.
        """
        session = self.find_session(room.session_id)
        if session is None or (session.room, session.tenant) != (room.name, room.tenant):
            return None
        return session

    def release_room(self, room: Room) -> bool:
        """Removes the room's record and marks its session superseded.

        Returns False when the room moved on in the meantime. A session whose record has expired
        is not recreated, and one that was registered under its ID is not marked.
        """
        remove = self._table.delete_request(
            room_key(room.name, room.tenant), "sessionId = :id", {":id": room.session_id}
        )
        mark = self._writes.superseded(room.session_id, room.name, room.tenant)
        writes = [
            Conditional(Outcome.ROOM_TAKEN, "Delete", remove),
            Conditional(Outcome.SESSION_TAKEN, "Update", mark),
        ]
        outcome = self._table.transact(writes)
        if outcome is Outcome.SESSION_TAKEN:
            return self._table.delete(remove)
        return outcome is None

    def find_idempotency_record(self, key: str, now: float) -> IdempotencyRecord | None:
        """Returns the first response to the idempotency key, unless it has expired."""
        item = self._table.get(idempotency_key(key))
        # DynamoDB removes expired items up to days late, so the age is checked here.
        if item is None or number(item, "expiresAt") <= now:
            return None
        joined = decode(item).get("joined") is True
        return IdempotencyRecord(text(item, "bodyHash"), text(item, "sessionId"), joined)

    def record(
        self,
        session: Session,
        now: float,
        *,
        pooled: bool,
        room: RoomClaim | None = None,
        key: KeyClaim | None = None,
    ) -> Outcome:
        """Records the session with its owner, its room and the idempotency key, all or nothing.

        `pooled`: it must still be in a pool; otherwise it must not be recorded yet. A retry of a
        write whose response was lost recognises its own claim id.
        """
        ttl = self.expires_at(session, now)
        condition, values = "attribute_not_exists(pk)", {}
        if pooled:
            condition, values = f"attribute_exists(poolKey) AND {KNOWN_SCHEMA}", {":schema": SCHEMA}
        put = self._table.put_request(session_item(session, ttl), condition, values)
        registered = session.source is Source.REGISTERED
        if room is None and key is None and not registered:
            return _outcome(self._table.put(put, session.claim_id), Outcome.SESSION_TAKEN)
        writes = [Conditional(Outcome.SESSION_TAKEN, "Put", put)]
        if registered:  # a session must not be recorded under both spellings of its id
            other = session_key(other_spelling(session.session_id))
            check = self._table.key_request(other, "attribute_not_exists(pk)")
            writes.append(Conditional(Outcome.SESSION_TAKEN, "ConditionCheck", check))
        if room is not None:
            writes += self._writes.room(room, session, ttl)
        if key is not None:
            put_key = self._writes.idempotency_record(key, session, now, joined=False)
            writes.append(Conditional(Outcome.KEY_TAKEN, "Put", put_key))
        return _outcome(self._table.transact(writes, session.claim_id))

    def record_join(self, key: KeyClaim, session: Session, now: float) -> Outcome:
        """Reserves an idempotency key for a room's existing session."""
        put = self._writes.idempotency_record(key, session, now, joined=True)
        return _outcome(self._table.put(put), Outcome.KEY_TAKEN)

    def touch(self, session: Session, now: float, *, joining: bool) -> bool:
        """Records that the session is in use, which keeps its room and its record alive.

        Returns False when the session is gone, or its room has moved on or is moving at this
        moment. A caller who is `joining` the room then has to read it again.
        """
        ttl = self.expires_at(session, now)
        in_use = self._table.update_request(
            session_key(session.session_id),
            "SET lastUsedAt = :now, #ttl = :ttl",
            "attribute_exists(pk)" + (" AND attribute_not_exists(superseded)" if joining else ""),
            {":now": int(now), ":ttl": ttl},
        )
        if session.room is None or session.superseded:
            return self._table.update(in_use)
        room = self._writes.room_expiry(session.room, session, ttl)  # lives as long as its session
        writes = [
            Conditional(Outcome.SESSION_TAKEN, "Update", in_use),
            Conditional(Outcome.ROOM_TAKEN, "Update", room),
        ]
        return self._table.transact(writes) is None

    def close(self, session: Session, now: float) -> None:
        """Closes the session permanently; closing a closed one changes nothing.

        The records of the session and of its room expire after the retention time from now on.
        """
        ttl = int(now) + self._retention
        closing = self._table.update_request(
            session_key(session.session_id),
            "SET #state = :closed, closedAt = :now, #ttl = :ttl",
            "attribute_exists(pk) AND #state = :open",
            {":closed": "closed", ":open": "open", ":now": int(now), ":ttl": ttl},
        )
        if session.room is None:
            self._table.update(closing)
            return
        room = self._writes.room_expiry(session.room, session, ttl)
        writes = [
            Conditional(Outcome.SESSION_TAKEN, "Update", closing),
            Conditional(Outcome.ROOM_TAKEN, "Update", room),
        ]
        if self._table.transact(writes) not in (None, Outcome.SESSION_TAKEN):
            self._table.update(closing)  # the room has moved on, or is moving at this moment

    def expires_at(self, session: Session, now: float) -> int:
        """Returns when the record expires, unless the session is used again before that."""
        kept = self._retention
        if session.reuse is Reuse.PERMANENT:
            kept = max(kept, PERMANENT_TTL_SECONDS)
        return max(int(now), session.opens_at or 0, session.closes_at or 0) + kept


def _outcome(refusal: Enum | None, condition: Outcome = Outcome.CONFLICT) -> Outcome:
    """Returns the outcome; `condition` is what a failed condition means when there is only one."""
    if refusal is None:
        return Outcome.RECORDED
    if isinstance(refusal, Outcome):
        return refusal
    return condition if refusal is Refusal.CONDITION else Outcome.CONFLICT
