"""What the application speaks of: sessions, those who ask for them, and what they ask for.

Here and elsewhere, records without rules of their own are named tuples: a start makes a frozen
dataclass in 0.7 ms and a named tuple in a fifth of that, and there are two dozen of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from opentok_client.grant import Role
from opentok_client.options import SessionOptions

__all__ = [
    "SUB_MAX",
    "TOKEN_SECONDS_DEFAULT",
    "Caller",
    "Created",
    "Reuse",
    "Session",
    "Source",
    "Token",
    "TokenRequest",
]


SUB_MAX = 255
"""Characters of a user's `sub`, as OpenID Connect limits it."""
TOKEN_SECONDS_DEFAULT = 3600
"""How long a token lives when nothing else is asked for."""


class Source(StrEnum):
    """Where a session came from when it became its owner's."""

    POOL = "pool"
    CREATED = "created"
    REGISTERED = "registered"


class Reuse(StrEnum):
    """Whether a room keeps its session for ever, or gets a fresh one after it has been idle."""

    CONVERSATION = "conversation"
    PERMANENT = "permanent"


class Caller(NamedTuple):
    """Who asks: the `sub` of the JWT, and whether its groups include the moderators'."""

    sub: str
    moderator: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has an owner.

    `created_at` is in milliseconds, all other times in seconds since the epoch. `participants` is
    None when anybody may take part. `superseded` says that its room has moved on to another one.
    `claim_id` names the request that made it its owner's.
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

    def is_closed(self, now: float) -> bool:
        """Closed by somebody, or by its `closes_at`."""
        return self.closed or (self.closes_at is not None and now >= self.closes_at)

    def is_open_yet(self, now: float) -> bool:
        """Whether its `opens_at` has come."""
        return self.opens_at is None or now >= self.opens_at


class TokenRequest(NamedTuple):
    """What is asked of a token: role, life in seconds, connection data, layout classes."""

    role: Role = Role.PUBLISHER
    expires_in: int = TOKEN_SECONDS_DEFAULT
    data: str = ""
    layout_classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was issued; times in seconds. The text itself is kept out of the `repr`."""

    text: str = field(repr=False)
    session_id: str
    project_id: str
    role: Role
    issued_at: int
    expires_at: int


class Created(NamedTuple):
    """What `POST /sessions` came to: a session that is new, or the one that the room had already
    (`joined`), and the token if one was asked for."""

    session: Session
    token: Token | None
    joined: bool
