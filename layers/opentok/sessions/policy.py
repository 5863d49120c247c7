"""Who may do what. Pure: the caller, the session and the clock come in, a verdict goes out."""

from __future__ import annotations

from opentok_client.grant import Role

from .errors import NotOwner, RoleNotAllowed, SessionClosed, SessionNotFound, SessionNotOpenYet
from .models import Caller, Session

__all__ = ["admit", "grants", "may_manage", "require_manager", "require_role", "require_window"]

# `publisheronly` can neither subscribe nor signal, so it is no step between the others:
# a subscriber may not have it, and whoever has it may not subscribe.
_GRANTS: dict[Role, frozenset[Role]] = {
    Role.SUBSCRIBER: frozenset({Role.SUBSCRIBER}),
    Role.PUBLISHER_ONLY: frozenset({Role.PUBLISHER_ONLY}),
    Role.PUBLISHER: frozenset({Role.SUBSCRIBER, Role.PUBLISHER_ONLY, Role.PUBLISHER}),
    Role.MODERATOR: frozenset(Role),
}


def grants(highest: Role) -> frozenset[Role]:
    """The roles that somebody may have whose highest role is this one."""
    return _GRANTS[highest]


def may_manage(caller: Caller, session: Session) -> bool:
    """The owner and moderators: any role, close, see everything."""
    return caller.moderator or caller.sub == session.owner


def admit(caller: Caller, session: Session | None) -> tuple[Session, Role]:
    """The session and the caller's highest role in it.

    Raises `SessionNotFound` for a caller who is not admitted, exactly as for a missing session.
    """
    if session is None:
        raise SessionNotFound
    if may_manage(caller, session):
        return session, Role.MODERATOR
    if session.participants is None:
        return session, Role.PUBLISHER
    if (highest := session.participants.get(caller.sub)) is None:
        raise SessionNotFound
    return session, highest


def require_window(session: Session, now: float) -> None:
    """Raises `SessionClosed` or `SessionNotOpenYet` unless tokens may be issued now."""
    if session.is_closed(now):
        raise SessionClosed("The session is closed: no more tokens are issued for it.")
    if not session.is_open_yet(now):
        raise SessionNotOpenYet("Tokens are issued from the session's opensAt on.")


def require_role(asked: Role, highest: Role) -> None:
    """Raises `RoleNotAllowed`, naming the highest role that would be granted."""
    if asked not in grants(highest):
        raise RoleNotAllowed(f"You may have at most the role {highest.value!r} in this session.")


def require_manager(caller: Caller, session: Session) -> None:
    """Raises `NotOwner` unless the caller owns the session or is a moderator."""
    if not may_manage(caller, session):
        raise NotOwner("Only the session's owner and moderators may close it.")
