"""Whether a room's session is still the one for the next caller. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

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


def terms_of_next_session(
    request: CreateRequest, caller: Caller, room: Room | None, *, moved: bool
) -> Terms:
    """Returns the terms for a new session of this caller, who must be admitted to the room.

    A room with a participant list passes on its owner, list and `reuse`, and so does every room
    that `moved` because the vendor's project changed. The owner and moderators may change list and
    `reuse` with the request. Raises `RoomOptionsConflict` for other callers who try to.
    """
    if room is None or (room.participants is None and not moved):
        return Terms(caller.sub, request.participants, request.reuse)
    sent: dict[str, object] = {"participants": request.participants, "reuse": request.reuse}
    kept: dict[str, object] = {"participants": room.participants, "reuse": room.reuse}
    changed = [name for name in sent if name in request.sent and sent[name] != kept[name]]
    if changed and not policy.may_manage(caller, room):
        raise differs_in(changed)
    return Terms(
        owner=room.owner,
        participants=request.participants if "participants" in changed else room.participants,
        reuse=request.reuse if "reuse" in changed else room.reuse,
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
