"""What a request reserves when it records a session, and what became of the attempt."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from .models import Session

__all__ = ["IdempotencyRecord", "KeyClaim", "Outcome", "Position", "RoomClaim"]

Position = tuple[str, int]
"""Where the next page of a list starts: after this session id, created at this time (ms)."""


class Outcome(Enum):
    """The result of recording a session."""

    RECORDED = "recorded"
    SESSION_TAKEN = "another request has the session"
    ROOM_TAKEN = "the room moved on in the meantime"
    KEY_TAKEN = "the idempotency key was used in the meantime"
    CONFLICT = "conflicting transaction; outcome unknown"


class RoomClaim(NamedTuple):
    """A room that is to get a session, if it still points to `seen` (None: it has no record).

    `superseded` is the seen session when it has to be marked, so that its callers notice. With
    `while_idle` it must not have been used, nor entered by a client, in the meantime.
    """

    name: str
    seen: str | None = None
    superseded: Session | None = None
    while_idle: bool = True


class KeyClaim(NamedTuple):
    """An idempotency key to be reserved: the hash of key and caller, and the hash of the body."""

    key: str
    body_hash: str


class IdempotencyRecord(NamedTuple):
    """The first response to an idempotency key. `joined`: the room already had its session."""

    body_hash: str
    session_id: str
    joined: bool
