"""The records of sessions, rooms and idempotency keys in the table.

    session#<id>     a session that is owned (owner, state, …), or waits in a pool (`pool_store`)
    room#<name>      which session a room has now
    idem#<hash>      what an Idempotency-Key of a caller stands for

A session is claimed by writing its whole item, on condition that it still waits in its pool; so it
has one owner or is in the pool, never both and never neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from . import telemetry
from .attributes import Item, decode, encode, number, text
from .errors import DamagedRecord
from .items import session_item, session_of, session_pk
from .models import Reuse, Session
from .table import Conditional, Refusal, Table

__all__ = ["KeyClaim", "Outcome", "Position", "Remembered", "RoomClaim", "Store"]

KEY_LIFE_SECONDS = 24 * 3600

Position = tuple[str, int]
"""Where a list of sessions goes on: after this session id, made at this time (ms)."""


class Outcome(Enum):
    """What became of recording a session."""

    RECORDED = "recorded"
    SESSION_TAKEN = "somebody else has the session"
    ROOM_TAKEN = "the room moved on meanwhile"
    KEY_TAKEN = "the idempotency key was used meanwhile"
    CONFLICT = "another transaction was at it; nothing is known"


class RoomClaim(NamedTuple):
    """A room to be given a session: on condition that it still points to `seen` (None: nowhere),
    and that `idle`, when it is that session's idleness which frees the room, is still idle."""

    name: str
    seen: str | None = None
    idle: Session | None = None


class KeyClaim(NamedTuple):
    """An idempotency key to be taken: its hash with its caller, and the hash of the body."""

    key: str
    body_hash: str


class Remembered(NamedTuple):
    """What an idempotency key stands for. `joined`: the room had its session already."""

    body_hash: str
    session_id: str
    joined: bool


class Store:
    """The records. Every method raises `StorageUnavailable` when DynamoDB fails.

    `retention` is how many seconds a session is kept after its last use.
    """

    def __init__(self, table: Table, retention: int) -> None:
        self._table = table
        self._retention = retention

    def session(self, session_id: str) -> Session | None:
        """The session; None when there is none, or it waits in a pool."""
        item = self._table.get(session_pk(session_id))
        return session_of(item) if item else None

    def room(self, name: str) -> str | None:
        """The id of the session that the room points to."""
        item = self._table.get(f"room#{name}")
        return text(item, "sessionId") if item else None

    def remembered(self, key: str, now: float) -> Remembered | None:
        """What the idempotency key stands for, unless that was more than a day ago."""
        item = self._table.get(f"idem#{key}")
        # Removal by TTL is late by up to days, so age is decided here.
        if item is None or number(item, "expiresAt") <= now:
            return None
        joined = decode(item).get("joined") is True
        return Remembered(text(item, "bodyHash"), text(item, "sessionId"), joined)

    def owned_by(
        self, owner: str, limit: int, after: Position | None
    ) -> tuple[list[Session], Position | None]:
        """The owner's sessions, newest first, and the position to go on after (None at the end).
        The index lags: a session appears some moments after it was recorded. A record that cannot
        be read is left out, and counted as our error."""
        more = {}
        if after is not None:
            pk, created_at = session_pk(after[0]), after[1]
            more["ExclusiveStartKey"] = encode({"pk": pk, "owner": owner, "createdAt": created_at})
        page = self._table.query(
            "owner",
            "#owner = :owner",
            {":owner": owner},
            ExpressionAttributeNames={"#owner": "owner"},
            ScanIndexForward=False,
            Limit=limit,
            **more,
        )
        keys = [text(item, "pk") for item in page["Items"]]
        found = {text(item, "pk"): _readable(item) for item in self._table.get_all(keys)}
        sessions = [session for key in keys if (session := found.get(key))]
        last = page.get("LastEvaluatedKey")
        if not last:
            return sessions, None
        return sessions, (text(last, "pk").removeprefix("session#"), number(last, "createdAt"))

    def record(
        self,
        session: Session,
        now: float,
        *,
        pooled: bool,
        room: RoomClaim | None = None,
        key: KeyClaim | None = None,
    ) -> Outcome:
        """Makes the session its owner's, gives it to the room and takes the key: all or nothing.

        `pooled` says that it waits in a pool; otherwise it must not be recorded yet. A repeat of a
        write whose reply was lost recognises its own claim id.
        """
        ttl = self._ttl(session, now)
        condition = "attribute_exists(poolKey)" if pooled else "attribute_not_exists(pk)"
        put = self._table.put_request(session_item(session, ttl), condition)
        if room is None and key is None:
            return _outcome(self._table.put(put, session.claim_id), Outcome.SESSION_TAKEN)
        writes = [Conditional(Outcome.SESSION_TAKEN, "Put", put)]
        if room is not None:
            writes += self._room_writes(room, session, ttl)
        if key is not None:
            put_key = self._key_put(key, session, now, joined=False)
            writes.append(Conditional(Outcome.KEY_TAKEN, "Put", put_key))
        return _outcome(self._table.transact(writes, session.claim_id))

    def remember_join(self, key: KeyClaim, session: Session, now: float) -> Outcome:
        """Takes an idempotency key for a room's session that was there already."""
        put = self._key_put(key, session, now, joined=True)
        return _outcome(self._table.put(put), Outcome.KEY_TAKEN)

    def touch(self, session: Session, now: float, *, joining: bool) -> bool:
        """Notes that the session is in use, which keeps its room and its record alive.

        False when that could not be noted: the session is gone, or its room moved on, or is
        moving at this moment. Somebody `joining` the room then has to look again.
        """
        ttl = self._ttl(session, now)
        in_use = self._table.update_request(
            session_pk(session.session_id),
            "SET lastUsedAt = :now" + (", #ttl = :ttl" if ttl else ""),
            "attribute_exists(pk)" + (" AND attribute_not_exists(superseded)" if joining else ""),
            {":now": int(now), ":ttl": ttl},
        )
        if session.room is None or session.superseded or ttl is None:
            return self._table.update(in_use)
        pointer = self._table.update_request(  # it has to live as long as its session
            f"room#{session.room}",
            "SET #ttl = :ttl",
            "sessionId = :id",
            {":ttl": ttl, ":id": session.session_id},
        )
        writes = [
            Conditional(Outcome.SESSION_TAKEN, "Update", in_use),
            Conditional(Outcome.ROOM_TAKEN, "Update", pointer),
        ]
        return self._table.transact(writes) is None

    def close(self, session_id: str, now: float) -> None:
        """Closes the session for good; closing a closed one changes nothing."""
        self._table.update(
            self._table.update_request(
                session_pk(session_id),
                "SET #state = :closed, closedAt = :now",
                "attribute_exists(pk) AND #state = :open",
                {":closed": "closed", ":open": "open", ":now": int(now)},
            )
        )

    def _room_writes(
        self, room: RoomClaim, session: Session, ttl: int | None
    ) -> Iterator[Conditional]:
        pointer = encode(
            {
                "pk": f"room#{room.name}",
                "sessionId": session.session_id,
                "claimId": session.claim_id,
                "ttl": ttl,
            }
        )
        if room.seen is None:
            put = self._table.put_request(pointer, "attribute_not_exists(pk)")
        else:
            put = self._table.put_request(pointer, "sessionId = :seen", {":seen": room.seen})
        yield Conditional(Outcome.ROOM_TAKEN, "Put", put)
        # A session that is registered once more for its room is not its own successor.
        if room.idle is not None and room.idle.session_id != session.session_id:
            # Whoever joins the idle session at this moment either is noticed here,
            # or notices the mark: nobody is left behind in it.
            mark = self._table.update_request(
                session_pk(room.idle.session_id),
                "SET superseded = :yes",
                "attribute_exists(pk) AND"  # no record is made of one that TTL removed
                " (attribute_not_exists(lastUsedAt) OR lastUsedAt = :seen)",
                {":yes": True, ":seen": room.idle.last_used_at},
            )
            yield Conditional(Outcome.ROOM_TAKEN, "Update", mark)

    def _key_put(
        self, key: KeyClaim, session: Session, now: float, *, joined: bool
    ) -> dict[str, object]:
        until = int(now) + KEY_LIFE_SECONDS
        item = encode(
            {
                "pk": f"idem#{key.key}",
                "bodyHash": key.body_hash,
                "sessionId": session.session_id,
                "joined": joined,
                "expiresAt": until,
                "ttl": until,
            }
        )
        condition = "attribute_not_exists(pk) OR expiresAt <= :now"
        return self._table.put_request(item, condition, {":now": int(now)})

    def _ttl(self, session: Session, now: float) -> int | None:
        """When the record may go; None for a permanent room's, which stays."""
        if session.reuse is Reuse.PERMANENT:
            return None
        return max(int(now), session.opens_at or 0, session.closes_at or 0) + self._retention


def _readable(item: Item) -> Session | None:
    """The session in an item; None for a damaged one, so that a list shows the others."""
    try:
        return session_of(item)
    except DamagedRecord as damaged:
        telemetry.count_damaged(damaged)
        return None


def _outcome(refusal: Enum | None, condition: Outcome = Outcome.CONFLICT) -> Outcome:
    """`condition` is what a failed condition means where there is only one."""
    if refusal is None:
        return Outcome.RECORDED
    if isinstance(refusal, Outcome):
        return refusal
    return condition if refusal is Refusal.CONDITION else Outcome.CONFLICT
