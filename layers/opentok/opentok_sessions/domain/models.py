"""Domain models: sessions, tokens and callers.

Values without validation are named tuples: defining a frozen dataclass takes 0.7 ms of a cold
start, a named tuple a fifth of that, and there are two dozen of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from opentok_client.grant import Role
from opentok_client.options import SessionOptions

from .presence import NO_HINTS, Hints

__all__ = [
    "ROOM",
    "ROOM_MAX",
    "SUB_MAX",
    "TENANT_MAX",
    "TOKEN_SECONDS_DEFAULT",
    "Caller",
    "Created",
    "Reuse",
    "Room",
    "Session",
    "Source",
    "Token",
    "TokenRequest",
]


ROOM_MAX = 128
ROOM = re.compile(rf"[A-Za-z0-9._~-]{{1,{ROOM_MAX}}}", re.ASCII)
"""The names that a room can have."""
TENANT_MAX = 128
SUB_MAX = 255
"""Characters of a user's `sub`, as OpenID Connect limits it."""
TOKEN_SECONDS_DEFAULT = 3600
"""Lifetime of a token when the request does not name one."""


class Source(StrEnum):
    """Where a session came from when its owner got it."""

    POOL = "pool"
    CREATED = "created"
    REGISTERED = "registered"


class Reuse(StrEnum):
    """Whether a room keeps its session forever, or gets a new one after it has been idle."""

    CONVERSATION = "conversation"
    PERMANENT = "permanent"


class Caller(NamedTuple):
    """The user who sent a request: the JWT's `sub`, and whether its groups include moderators.

    `tenant` is empty in a deployment without tenants. The same `sub` in two tenants is two users.
    """

    sub: str
    moderator: bool = False
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has an owner.

    `created_at` is in milliseconds, all other times in seconds since the epoch. `participants` is
    None when every signed-in user may take part. `superseded`: its room has moved on to another
    session. `claim_id` identifies the request that recorded it. `removed` are users who
    were removed from `participants`, and `revision` counts changes. `hints` are what is known of
    its presence, in milliseconds.
    """

    session_id: str
    project_id: str
    options: SessionOptions
    media_mode_reason: str
    owner: str
    created_at: int
    source: Source
    last_used_at: int
    claim_id: str
    room: str | None = None
    reuse: Reuse | None = None
    opens_at: int | None = None
    closes_at: int | None = None
    participants: Mapping[str, Role] | None = None
    closed: bool = False
    superseded: bool = False
    tenant: str = ""
    max_connections: int | None = None
    removed: frozenset[str] = frozenset()
    revision: int = 0
    hints: Hints = NO_HINTS

    def is_closed(self, now: float) -> bool:
        """Returns whether it was closed, or its `closes_at` has passed."""
        return self.closed or (self.closes_at is not None and now >= self.closes_at)

    def is_open_yet(self, now: float) -> bool:
        """Returns whether its `opens_at` has come."""
        return self.opens_at is None or now >= self.opens_at


class Room(NamedTuple):
    """A room: its current session, and who may open the next one.

    The room outlives its sessions. `participants` is None for a room that is open to every
    signed-in user; otherwise only they, the owner and moderators know that it exists.
    """

    name: str
    session_id: str
    owner: str
    reuse: Reuse
    participants: Mapping[str, Role] | None = None
    tenant: str = ""


class TokenRequest(NamedTuple):
    """A requested token: role, lifetime in seconds, connection data, layout classes."""

    role: Role = Role.PUBLISHER
    expires_in: int = TOKEN_SECONDS_DEFAULT
    data: str = ""
    layout_classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """An issued token; times in seconds since the epoch. The `repr` does not show its text."""

    text: str = field(repr=False)
    session_id: str
    project_id: str
    role: Role
    issued_at: int
    expires_at: int


class Created(NamedTuple):
    """The result of `POST /sessions`: a new session or the room's existing one (`joined`), and the
    token if one was requested."""

    session: Session
    token: Token | None
    joined: bool
