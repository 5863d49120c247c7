"""Who may do what. Pure functions of the caller, the session and the time."""

from __future__ import annotations

from opentok_client.grant import Role

from .models import Caller, Room, Session
from .problems import NotOwner, RoleNotAllowed, SessionClosed, SessionNotFound, SessionNotOpenYet

__all__ = [
    "admit",
    "grants",
    "is_admitted_to_room",
    "may_manage",
    "require_manager",
    "require_role",
    "require_window",
]

# `publisheronly` can neither subscribe nor signal, so it is not a step between the others: a
# subscriber may not have it, and its holder may not subscribe.
_GRANTS: dict[Role, frozenset[Role]] = {
    Role.SUBSCRIBER: frozenset({Role.SUBSCRIBER}),
    Role.PUBLISHER_ONLY: frozenset({Role.PUBLISHER_ONLY}),
    Role.PUBLISHER: frozenset({Role.SUBSCRIBER, Role.PUBLISHER_ONLY, Role.PUBLISHER}),
    Role.MODERATOR: frozenset(Role),
}


def grants(highest: Role) -> frozenset[Role]:
    """Returns the roles that a user with this highest role may request."""
    return _GRANTS[highest]


def may_manage(caller: Caller, owned: Session | Room) -> bool:
    """Returns whether the caller is the owner or a moderator, who may do everything."""
    return caller.moderator or caller.sub == owned.owner


def admit(caller: Caller, session: Session | None) -> tuple[Session, Role]:
    """Returns the session and the caller's highest role in it.

    Raises `SessionNotFound` for a caller who is not admitted, exactly as for a missing session. Not
    even a moderator is admitted to a session of another tenant.
    """
    if session is None or session.tenant != caller.tenant:
        raise SessionNotFound
    if may_manage(caller, session):
        return session, Role.MODERATOR
    if session.participants is None:
        return session, Role.PUBLISHER
    if (highest := session.participants.get(caller.sub)) is None:
        raise SessionNotFound
    return session, highest


def is_admitted_to_room(caller: Caller, room: Room) -> bool:
    """Returns whether the caller may join the room or open its next session."""
    listed = room.participants is None or caller.sub in room.participants
    return listed or may_manage(caller, room)


def require_window(
    session: Session, now: float, closed: str = "No more tokens are issued for it."
) -> None:
    """Raises `SessionClosed` or `SessionNotOpenYet` unless tokens may be issued now."""
    if session.is_closed(now):
        raise SessionClosed(f"The session is closed. {closed}")
    if not session.is_open_yet(now):
        raise SessionNotOpenYet("The session is not open yet (see `opensAt`).")


def require_role(asked: Role, highest: Role) -> None:
    """Raises `RoleNotAllowed`, naming the highest role that the caller may have."""
    if asked not in grants(highest):
        raise RoleNotAllowed(f"The highest role for this caller is {highest.value!r}.")


def require_manager(caller: Caller, session: Session) -> None:
    """Raises `NotOwner` unless the caller owns the session or is a moderator."""
    if not may_manage(caller, session):
        raise NotOwner("Only the session's owner and moderators may do this.")
