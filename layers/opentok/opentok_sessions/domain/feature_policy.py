"""Who may use features of routed sessions, and in which sessions. Pure functions, as `policy`."""

from __future__ import annotations

from opentok_client.options import MediaMode

from .feature_problems import NotAvailableWithE2ee, RoutedSessionRequired
from .models import Caller, Session
from .policy import require_manager, require_window
from .problems import NotOwner

__all__ = ["require_feature_manager", "require_startable"]


def require_feature_manager(caller: Caller, session: Session, *, moderators_only: bool) -> None:
    """Raises `NotOwner` unless the caller may use features of the session."""
    if moderators_only and not caller.moderator:
        raise NotOwner("Only moderators may use the features of a session.")
    require_manager(caller, session)


def require_startable(session: Session, now: float, *, allows_e2ee: bool) -> None:
    """Raises a `Problem` unless the session's window and options allow a feature to start.

    `allows_e2ee`: the feature is available in end-to-end encrypted sessions.
    """
    require_window(session, now, "No feature can be started in it.")
    if session.options.media_mode is MediaMode.RELAYED:
        raise RoutedSessionRequired
    if session.options.e2ee and not allows_e2ee:
        raise NotAvailableWithE2ee
