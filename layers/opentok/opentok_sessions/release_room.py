"""Releases a room: its name is free for every user again."""

from __future__ import annotations

from .caller_limits import CallerLimits
from .domain import policy
from .domain.models import Caller
from .domain.problems import RoomNotFound, StorageUnavailable
from .storage.session_store import SessionStore

__all__ = ["ReleaseRoom"]

ATTEMPTS = 3


class ReleaseRoom:
    """`DELETE /rooms/{room}`."""

    def __init__(self, store: SessionStore, limits: CallerLimits) -> None:
        self._store = store
        self._limits = limits

    def __call__(self, name: str, caller: Caller) -> None:
        """Removes the room's record; its session gets no further callers from the room.

        Raises `RoomNotFound` unless the caller is the room's owner or a moderator.
        """
        for _ in range(ATTEMPTS):
            room = self._store.find_room(name, caller.tenant)
            if room is None or not policy.may_manage(caller, room):
                raise RoomNotFound
            if self._store.release_room(room):
                self._limits.leave_room(Caller(room.owner, tenant=room.tenant), name)
                return
        raise StorageUnavailable("Too many concurrent requests for this room. Retry later.")
