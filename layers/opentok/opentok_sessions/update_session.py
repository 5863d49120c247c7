"""Changes a session: its window, its participants, its maximum of connections."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from .caller_limits import CallerLimits
from .domain import policy
from .domain.models import Caller, Session
from .domain.problems import (
    FieldError,
    InvalidCombination,
    InvalidRequest,
    SessionClosed,
    StorageUnavailable,
)
from .domain.requests import CLOSES_IN_THE_PAST, SessionUpdate
from .domain.rooms import Terms
from .storage.session_changes import SessionChanges
from .storage.session_store import SessionStore

__all__ = ["UpdateSession"]

ATTEMPTS = 5
PARTICIPANTS_MAX = 200
REMOVED_MAX = 500
"""Removed users that a session remembers, so that its record stays small."""


@dataclass(slots=True, eq=False, repr=False)
class UpdateSession:
    """`PATCH /sessions/{sessionId}`."""

    sessions: SessionStore
    changes: SessionChanges
    limits: CallerLimits
    clock: Callable[[], float] = time.time

    def __call__(self, session_id: str, update: SessionUpdate, caller: Caller) -> Session:
        """Returns the changed session.

        Raises `SessionNotFound`, `NotOwner`, `SessionClosed`, `InvalidRequest`,
        `InvalidCombination`, `TooManyRequests`, or `StorageUnavailable` after losing too many
        races.
        """
        now = self.clock()
        for _ in range(ATTEMPTS):
            session, _role = policy.admit(caller, self.sessions.find_session(session_id))
            policy.require_manager(caller, session)
            if session.is_closed(now):
                raise SessionClosed("The session is closed and cannot be changed.")
            changed = _apply(session, update)
            _require_valid(changed, update, now)
            self._take_room(session, changed, caller, now)
            if self.changes.update(session, changed, now):
                return changed
        raise StorageUnavailable("Too many concurrent changes of this session. Retry later.")

    def _take_room(self, session: Session, changed: Session, caller: Caller, now: float) -> None:
        """Counts a room that this change makes private. Raises `TooManyRequests`."""
        becomes_private = session.participants is None and changed.participants is not None
        if becomes_private and session.room is not None and not session.superseded:
            terms = Terms(session.owner, changed.participants, session.reuse)
            self.limits.take_room(caller, session.room, terms, now)


def _apply(session: Session, update: SessionUpdate) -> Session:
    """Returns the session with the patch merged in. A patch of a missing list creates one."""
    changed = replace(session, **update.values)  # type: ignore[arg-type]
    if update.participants is None:
        return changed
    participants = dict(session.participants or {})
    removed = set(session.removed)
    for sub, role in update.participants.items():
        if role is not None:
            participants[sub] = role
            removed.discard(sub)
        elif participants.pop(sub, None) is not None:
            removed.add(sub)
    return replace(changed, participants=participants, removed=frozenset(removed))


def _require_valid(session: Session, update: SessionUpdate, now: float) -> None:
    if "closes_at" in update.values and session.is_closed(now):
        raise InvalidRequest("The session would already be closed.", [CLOSES_IN_THE_PAST])
    opens_at, closes_at = session.opens_at, session.closes_at
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        error = FieldError("closesAt", "must be later than opensAt")
        raise InvalidCombination("These fields cannot be combined: closesAt.", [error])
    if len(session.removed) > REMOVED_MAX:
        error = FieldError("participants", "too many users have been removed from this session")
        raise InvalidRequest("The request is invalid: participants.", [error])
    if len(session.participants or ()) > PARTICIPANTS_MAX:
        error = FieldError("participants", f"must have at most {PARTICIPANTS_MAX} entries")
        raise InvalidRequest("The request is invalid: participants.", [error])
