"""Whether a room's session is still the one for the next caller. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opentok_client.grant import Role
from opentok_client.options import OPTIONS, MediaMode
from opentok_client.session_id import other_spelling

from . import policy
from .models import Caller, Reuse, Room, Session
from .problems import FieldError, RoomOptionsConflict
from .requests import CreateRequest

__all__ = [
    "Terms",
    "conflicts",
    "differs_in",
    "is_idle",
    "is_usable",
    "terms_of_next_session",
    "use_is_due",
]

USE_INTERVALS_PER_IDLE_TIME = 10
"""How often per idle time the use of a session is recorded: often enough to detect an idle room,
rarely enough that a busy room costs no writes."""


def is_usable(session: Session, now: float, project_id: str) -> bool:
    """Returns whether the room's next caller can join this session, if its conversation is not
    over."""
    return (
        session.project_id == project_id and not session.is_closed(now) and not session.superseded
    )


def is_idle(session: Session, now: float, idle_seconds: int) -> bool:
    """Returns whether the session was not joined and no token was issued for `idle_seconds`.

    The vendor advises one session per conversation, because its quality inspection is keyed by
    session id. A session that opens later is not idle before that, and a permanent one never is.
    """
    if session.reuse is Reuse.PERMANENT:
        return False
    return now - max(session.last_used_at, session.opens_at or 0) >= idle_seconds


def use_is_due(session: Session, now: float, idle_seconds: int) -> bool:
    """Returns whether the use of the session at this moment has to be recorded."""
    return now - session.last_used_at >= idle_seconds / USE_INTERVALS_PER_IDLE_TIME


class Terms(NamedTuple):
    """What a room's session takes from the room, or from the request that opens the room."""

    owner: str
    participants: Mapping[str, Role] | None
    reuse: Reuse | None
    opens_at: int | None = None
    closes_at: int | None = None
    max_connections: int | None = None


_FIELDS = {
    "participants": "participants",
    "reuse": "reuse",
    "opens_at": "opensAt",
    "closes_at": "closesAt",
    "max_connections": "maxConnections",
}
"""The requests' names of what a room passes on."""
_WINDOW = {"opens_at", "closes_at"}


def terms_of_next_session(
    request: CreateRequest,
    caller: Caller,
    room: Room | None,
    previous: Session | None,
    now: float,
    *,
    moved: bool,
) -> Terms:
    """Returns the terms for a new session of this caller, who must be admitted to the room.

    A room with a participant list passes on its owner, list and `reuse`, and so does every room
    that `moved` because the vendor's project changed. While the window of the `previous` session
    lasts, the window and the maximum of connections are passed on. The owner and moderators may
    change these with the request. Raises `RoomOptionsConflict` for other callers who try to.
    """
    terms = Terms(
        owner=caller.sub,
        participants=request.participants,
        reuse=request.reuse,
        opens_at=request.opens_at,
        closes_at=request.closes_at,
        max_connections=request.max_connections,
    )
    if room is None:
        return terms
    kept: dict[str, Any] = {}
    if room.participants is not None or moved:
        terms = terms._replace(owner=room.owner)
        kept |= {"participants": room.participants, "reuse": room.reuse}
    if previous is not None and _lasts(previous, now):
        kept |= {"opens_at": previous.opens_at, "closes_at": previous.closes_at}
        kept["max_connections"] = previous.max_connections
    sent = [name for name in kept if _FIELDS[name] in request.sent]
    changed = [name for name in sent if kept[name] != getattr(terms, name)]
    if changed and not policy.may_manage(caller, room):
        raise differs_in([_FIELDS[name] for name in changed])
    if _WINDOW & set(changed):  # a window is changed as a whole
        changed += _WINDOW
    return terms._replace(**{name: kept[name] for name in kept if name not in changed})


def _lasts(session: Session, now: float) -> bool:
    """Returns whether the session has a window that is not over, and was not closed before."""
    return not session.is_closed(now) and (
        session.closes_at is not None or not session.is_open_yet(now)
    )


def differs_in(fields: Sequence[str]) -> RoomOptionsConflict:
    """Returns the problem of a request that contradicts the room in these fields."""
    errors = [FieldError(name, "differs from the room") for name in fields]
    return RoomOptionsConflict(f"The room differs in: {', '.join(fields)}.", errors)


def conflicts(session: Session, request: CreateRequest) -> list[str]:
    """Returns the fields that were sent and contradict the room's live session."""
    chosen, options = request.chosen, session.options
    same = {o.field: o.of(chosen.options) == o.of(options) for o in OPTIONS}
    same["mediaMode"] = same["mediaMode"] or chosen.auto
    same |= {
        "room": request.room == session.room,
        "reuse": request.reuse is session.reuse,
        "opensAt": request.opens_at == session.opens_at,
        "closesAt": request.closes_at == session.closes_at,
        "participants": request.participants == session.participants,
        "maxConnections": request.max_connections == session.max_connections,
        "sessionId": _same_id(request.session_id, session.session_id),
    }
    if options.media_mode is MediaMode.RELAYED and chosen.auto:
        same |= dict.fromkeys(chosen.needs_router, False)
    return [name for name, equal in same.items() if name in request.sent and not equal]


def _same_id(requested: str | None, session_id: str) -> bool:
    return requested is not None and session_id in (requested, other_spelling(requested))
