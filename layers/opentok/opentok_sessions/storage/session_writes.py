"""The writes that record a session: room, idempotency key, superseded mark. No calls."""

from __future__ import annotations

from collections.abc import Iterator

from ..domain.claims import KeyClaim, Outcome, RoomClaim
from ..domain.deadline import IDEMPOTENCY_TTL_SECONDS
from ..domain.models import Session
from .attributes import Value
from .keys import idempotency_key, new_item, room_key, session_key
from .table import Conditional
from .write_requests import Request, WriteRequests

__all__ = ["SessionWrites"]


class SessionWrites:
    """The writes, as parts of a transaction."""

    def __init__(self, requests: WriteRequests) -> None:
        self._requests = requests

    def room(self, claim: RoomClaim, session: Session, ttl: int) -> Iterator[Conditional]:
        """Yields what points the claimed room to the session and supersedes its old one."""
        pointer = new_item(
            room_key(claim.name, session.tenant),
            {
                "sessionId": session.session_id,
                "claimId": session.claim_id,
                "owner": session.owner,
                "reuse": session.reuse,
                "participants": session.participants,
                "ttl": ttl,
            },
        )
        if claim.seen is None:
            put = self._requests.put_request(pointer, "attribute_not_exists(pk)")
        else:
            put = self._requests.put_request(pointer, "sessionId = :seen", {":seen": claim.seen})
        yield Conditional(Outcome.ROOM_TAKEN, "Put", put)
        # A session that is registered again for its room is not its own successor.
        old = claim.superseded
        if old is not None and old.session_id != session.session_id:
            # A caller who joins the idle session at this moment is either detected here, or
            # detects the mark. So no caller stays in it alone.
            idle = old if claim.while_idle else None
            mark = self.superseded(old.session_id, claim.name, session.tenant, idle)
            yield Conditional(Outcome.ROOM_TAKEN, "Update", mark)

    def superseded(
        self, session_id: str, room: str, tenant: str, idle: Session | None = None
    ) -> Request:
        """Marks a room's session; `idle` is its record as it was read, if it must not be used
        since."""
        # False for a record that TTL removed, even if its ID has been registered again since.
        condition = "room = :room AND "
        condition += "tenant = :tenant" if tenant else "attribute_not_exists(tenant)"
        values: dict[str, Value | None] = {":yes": True, ":room": room, ":tenant": tenant or None}
        if idle is not None:
            condition += " AND (attribute_not_exists(lastUsedAt) OR lastUsedAt = :seen)"
            values[":seen"] = idle.last_used_at
            empty_since = idle.hints.empty_since
            unchanged = "emptySince = :empty" if empty_since else "attribute_not_exists(emptySince)"
            condition += f" AND {unchanged}"
            values[":empty"] = empty_since
        return self._requests.update_request(
            session_key(session_id), "SET superseded = :yes", condition, values
        )

    def room_expiry(self, room: str, session: Session, ttl: int) -> Request:
        """Returns the write of a new expiry of the room, if it still points to the session."""
        return self._requests.update_request(
            room_key(room, session.tenant),
            "SET #ttl = :ttl",
            "sessionId = :id",
            {":ttl": ttl, ":id": session.session_id},
        )

    def idempotency_record(
        self, key: KeyClaim, session: Session, now: float, *, joined: bool
    ) -> Request:
        """Returns the write of an idempotency record, if the key is unused."""
        until = int(now) + IDEMPOTENCY_TTL_SECONDS
        item = new_item(
            idempotency_key(key.key),
            {
                "bodyHash": key.body_hash,
                "sessionId": session.session_id,
                "joined": joined,
                "expiresAt": until,
                "ttl": until,
            },
        )
        condition = "attribute_not_exists(pk) OR expiresAt <= :now"
        return self._requests.put_request(item, condition, {":now": int(now)})
