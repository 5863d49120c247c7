"""Enforces the limits of one caller, before a pool or the vendor is used. Moderators are exempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .domain.deadline import Deadline
from .domain.limits import Limits, Quota, is_held, rooms_refused
from .domain.models import Caller
from .storage.limit_store import LimitStore

if TYPE_CHECKING:
    from .domain.rooms import Terms

__all__ = ["CallerLimits"]


class CallerLimits:
    """Every method raises `StorageUnavailable` when DynamoDB fails.

    A use counts even when the request fails afterwards, for instance because the vendor is down.
    """

    def __init__(self, store: LimitStore, limits: Limits) -> None:
        self._store = store
        self._limits = limits

    def take_session(
        self, caller: Caller, room: str | None, terms: Terms, now: float, deadline: Deadline
    ) -> None:
        """Counts a new session, and its room if the caller then holds it.

        Raises `TooManyRequests`.
        """
        self._take(self._limits.sessions, caller, now, deadline)
        if room is not None and not caller.moderator:
            deadline.require()
            self.take_room(caller, room, terms, now)

    def take_denied(
        self, caller: Caller, room: str, terms: Terms, now: float, deadline: Deadline
    ) -> None:
        """Counts a session for a room that the caller may not know of, as if its name were free.

        Otherwise a caller at a limit could tell a private room from a free name by the response.
        Raises `TooManyRequests`.
        """
        self.take_session(caller, room, terms, now, deadline)
        if is_held(caller, terms):
            self.leave_room(caller, room)

    def take_room(self, caller: Caller, room: str, terms: Terms, now: float) -> None:
        """Records that the caller holds a room with these terms, if it is private or permanent.

        Raises `TooManyRequests`.
        """
        rooms = self._limits.rooms
        if (
            rooms
            and not caller.moderator
            and is_held(caller, terms)
            and not self._store.hold_room(caller, room, rooms, now)
        ):
            raise rooms_refused(rooms)

    def take_token(self, caller: Caller, now: float, deadline: Deadline) -> None:
        """Counts a token. Raises `TooManyRequests`."""
        self._take(self._limits.tokens, caller, now, deadline)

    def take_feature(self, caller: Caller, now: float, deadline: Deadline) -> None:
        """Counts the start of a feature. Raises `TooManyRequests`."""
        self._take(self._limits.features, caller, now, deadline)

    def leave_room(self, owner: Caller, name: str) -> None:
        """Records that the owner no longer holds the room."""
        if self._limits.rooms:
            self._store.leave_room(owner, name)

    def _take(self, quota: Quota, caller: Caller, now: float, deadline: Deadline) -> None:
        if quota.limit and not caller.moderator:
            deadline.require()
            if not self._store.count(caller, quota, now):
                raise quota.refused(now)
