"""A room's name, and whether its session is still the one for the next caller.

Pure: the clock comes in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opentok_client.options import MediaMode

from .models import Reuse, Session

if TYPE_CHECKING:  # lookups need no creation rules, and start faster without them
    from .create_request import CreateRequest
    from .members import Members

__all__ = ["conflicts", "is_idle", "is_live", "room_name", "use_is_due"]

NAME_MAX = 128
NAME = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
NAME_HINT = f"must have 1 to {NAME_MAX} of the characters A-Z a-z 0-9 . _ ~ -"

USE_IS_NOTED_EVERY = 10
"""The fraction of the idle time after which use is written down again: often enough to tell an
idle room, and seldom enough that a busy one costs no writes."""


def room_name(members: Members) -> str | None:
    """The member `room`; noted as wrong when it cannot be a room's name."""
    return members.text("room", NAME_MAX, NAME, NAME_HINT)


def is_live(session: Session, now: float, idle_seconds: int, project_id: str) -> bool:
    """Whether the room's next caller joins this session; otherwise the room is free."""
    return (
        session.project_id == project_id
        and not session.is_closed(now)
        and not session.superseded
        and not is_idle(session, now, idle_seconds)
    )


def is_idle(session: Session, now: float, idle_seconds: int) -> bool:
    """Nobody has joined the room or had a token for so long that the conversation must be over.

    The vendor's advice is a session id per conversation, as its quality inspection goes by id.
    A session booked for later is not idle before it has opened, and a permanent one never.
    """
    if session.reuse is Reuse.PERMANENT:
        return False
    return now - max(session.last_used_at, session.opens_at or 0) >= idle_seconds


def use_is_due(session: Session, now: float, idle_seconds: int) -> bool:
    """Whether the use of the session at this moment has to be written down."""
    return now - session.last_used_at >= idle_seconds / USE_IS_NOTED_EVERY


def conflicts(session: Session, request: CreateRequest) -> list[str]:
    """Names of the members that were sent and contradict the room's live session."""
    chosen, options = request.chosen, session.options
    same: dict[str, bool] = {
        "mediaMode": chosen.auto or chosen.options.media_mode is options.media_mode,
        "archiveMode": chosen.options.archive_mode is options.archive_mode,
        "archiveName": chosen.options.archive_name == options.archive_name,
        "archiveResolution": chosen.options.archive_resolution == options.archive_resolution,
        "location": chosen.options.location == options.location,
        "e2ee": chosen.options.e2ee == options.e2ee,
        "room": request.room == session.room,
        "reuse": request.reuse is session.reuse,
        "opensAt": request.opens_at == session.opens_at,
        "closesAt": request.closes_at == session.closes_at,
        "participants": request.participants == session.participants,
        "sessionId": request.session_id == session.session_id,
    }
    if options.media_mode is MediaMode.RELAYED and chosen.auto:
        same |= dict.fromkeys(chosen.needs_router, False)
    return [name for name, equal in same.items() if name in request.sent and not equal]
