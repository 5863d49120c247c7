"""Look sessions up: by id, by room, or the caller's own. The vendor is never asked."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from . import policy, rooms
from .errors import SessionNotFound
from .members import Members
from .models import Caller, Session
from .store import Position, Store

__all__ = ["GetSession", "ListRequest"]

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
CURSOR_MAX = 1024
CREATED_AT_END = 10**15  # ms, in the year 33658


class ListRequest(NamedTuple):
    """The query of `GET /sessions`: a room, or a page of the caller's own sessions."""

    room: str | None
    limit: int
    after: Position | None

    @classmethod
    def read(cls, query: Mapping[str, object], caller: Caller) -> ListRequest:
        """Raises `InvalidRequest` or `IllegalCombination` naming every wrong parameter."""
        members = Members(query, ("room", "limit", "cursor"))
        for name in ("limit", "cursor"):
            if "room" in members and name in members:
                members.illegal(name, "does not go with room, which has one session at most")
        limit_text = members.text("limit", 3, re.compile(r"[0-9]+"), "must be a whole number")
        limit = int(limit_text) if limit_text else LIMIT_DEFAULT
        if not 1 <= limit <= LIMIT_MAX:
            members.wrong("limit", f"must be from 1 to {LIMIT_MAX}")
        cursor = members.text("cursor", CURSOR_MAX)
        after = _position(cursor, caller) if cursor else None
        if cursor and after is None:
            members.wrong("cursor", "is not one that this API gave to you")
        room = rooms.room_name(members)
        members.finish()
        return cls(room, limit, after)


@dataclass(slots=True, eq=False, repr=False)
class GetSession:
    """`GET /sessions/{sessionId}` and `GET /sessions`."""

    store: Store
    room_idle_seconds: int
    clock: Callable[[], float] = time.time

    def by_id(self, session_id: str, caller: Caller) -> Session:
        """Raises `SessionNotFound`, also when the caller is not admitted."""
        session, _ = policy.admit(caller, self.store.session(session_id))
        return session

    def search(self, request: ListRequest, caller: Caller) -> tuple[list[Session], str | None]:
        """The sessions asked for, and the cursor of the next page."""
        if request.room is not None:
            session = self._in_room(request.room, caller)
            return ([session] if session else []), None
        sessions, position = self.store.owned_by(caller.sub, request.limit, request.after)
        return sessions, _cursor(position, caller) if position else None

    def _in_room(self, name: str, caller: Caller) -> Session | None:
        """The room's live session, as the room's next caller would get it."""
        session_id = self.store.room(name)
        session = self.store.session(session_id) if session_id else None
        if session is None:
            return None
        # Whether its project is still ours only the credentials could tell: it is not asked here.
        if not rooms.is_live(session, self.clock(), self.room_idle_seconds, session.project_id):
            return None
        try:
            policy.admit(caller, session)
        except SessionNotFound:
            return None
        return session


def _cursor(position: Position, caller: Caller) -> str:
    """A position as an opaque text that only this caller can use. The hash finds mistakes; forging
    one gains nothing, as the list is the caller's own whatever the cursor says."""
    text = json.dumps([*position, _seal(position, caller)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _position(cursor: str, caller: Caller) -> Position | None:
    try:
        fields = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        return None
    match fields:
        case [str(session_id), int(created_at), str(seal)] if (
            # What DynamoDB would refuse is not passed on, however well it is sealed. (JSON's true
            # and false are the whole numbers 1 and 0 in Python.)
            session_id.isascii() and 1 < created_at < CREATED_AT_END
        ):
            position = (session_id, created_at)
            return position if seal == _seal(position, caller) else None
    return None


def _seal(position: Position, caller: Caller) -> str:
    text = json.dumps([caller.sub, *position])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
