"""Looks sessions up: by id, by room, or the caller's own. The vendor is never called."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .conversations import Conversations
from .domain import policy, rooms
from .domain.claims import Position
from .domain.models import Caller, Session
from .domain.presence import Connection, Live, live
from .domain.problems import SessionNotFound
from .domain.requests import ListRequest
from .storage.session_list import SessionList
from .storage.session_store import SessionStore

__all__ = ["GetSession"]


@dataclass(slots=True, eq=False, repr=False)
class GetSession:
    """`GET /sessions/{sessionId}` and `GET /sessions`."""

    store: SessionStore
    sessions: SessionList
    conversations: Conversations
    clock: Callable[[], float] = time.time

    def by_id(self, session_id: str, caller: Caller) -> Session:
        """Raises `SessionNotFound`, even when the session exists but the caller is not admitted."""
        session, _ = policy.admit(caller, self.store.find_session(session_id))
        return session

    def live(self, session: Session) -> Live:
        """Returns who is in the session; nothing is read for one without callbacks."""
        if session.hints.monitored_since is None:
            return live((), session.hints)
        return live(self._connected(session), session.hints)

    def connections(self, session_id: str, caller: Caller) -> tuple[Live, list[Connection]]:
        """Returns who is in the session, and the clients that are connected, oldest first.

        Raises `SessionNotFound` or `NotOwner`.
        """
        session = self.by_id(session_id, caller)
        policy.require_manager(caller, session)
        connected = self._connected(session)
        return live(connected, session.hints), connected

    def _connected(self, session: Session) -> list[Connection]:
        return self.conversations.presence.connections(session.session_id, session.hints)

    def search(self, request: ListRequest, caller: Caller) -> tuple[list[Session], Position | None]:
        """Returns the requested sessions, and where the next page starts (None at the end)."""
        if request.room is not None:
            session = self._in_room(request.room, caller)
            return ([session] if session else []), None
        return self.sessions.find_owned(caller, request.limit, request.after)

    def _in_room(self, name: str, caller: Caller) -> Session | None:
        """Returns the room's live session, as the room's next caller would get it.

        The vendor is not asked here, so a session whose last callbacks were lost counts as live.
        """
        room = self.store.find_room(name, caller.tenant)
        if room is None or not policy.is_admitted_to_room(caller, room):
            return None  # after one read, so that a private room is like a free name
        session = self.store.find_session_of(room)
        if session is None:
            return None
        # Only the credentials could tell whether its project is still ours; they are not read here.
        now = self.clock()
        if not rooms.is_usable(session, now, session.project_id):
            return None
        if self.conversations.is_over(session, now):
            return None
        try:
            policy.admit(caller, session)
        except SessionNotFound:
            return None
        return session
