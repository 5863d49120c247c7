"""Validated requests, as the parsers in `http` produce them and the use cases take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from opentok_client.grant import Role
from opentok_client.options import SessionOptions

from .claims import Position
from .models import Reuse, TokenRequest
from .problems import FieldError

__all__ = ["CLOSES_IN_THE_PAST", "ChosenOptions", "CreateRequest", "ListRequest", "SessionUpdate"]

CLOSES_IN_THE_PAST = FieldError("closesAt", "must be in the future")


class ChosenOptions(NamedTuple):
    """Session options with the media mode decided.

    `auto`: the caller left the media mode to us. `needs_router` names the fields that require a
    routed session.
    """

    options: SessionOptions
    reason: str
    auto: bool
    needs_router: frozenset[str] = frozenset()


class CreateRequest(NamedTuple):
    """The body of `POST /sessions`.

    `sent` names the fields that were present, for comparison with a room's live session.
    `session_id` registers an existing session. Times are seconds since the epoch.
    """

    chosen: ChosenOptions
    sent: frozenset[str]
    room: str | None
    reuse: Reuse | None
    opens_at: int | None
    closes_at: int | None
    participants: Mapping[str, Role] | None
    session_id: str | None
    token: TokenRequest | None
    max_connections: int | None = None


class SessionUpdate(NamedTuple):
    """The body of `PATCH /sessions/{sessionId}`.

    `values` are the changed attributes of `Session`. `participants` are the users whose role
    changes; None as a role removes the user.
    """

    values: Mapping[str, object]
    participants: Mapping[str, Role | None] | None


class ListRequest(NamedTuple):
    """The query of `GET /sessions`: a room, or a page of the caller's own sessions."""

    room: str | None
    limit: int
    after: Position | None
