"""Removes one client from a session. The caller waits for the vendor's result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .domain import policy
from .domain.deadline import Deadline
from .domain.models import Caller
from .domain.problems import ConnectionNotFound
from .runtime import telemetry
from .storage.presence_store import PresenceStore
from .storage.session_store import SessionStore
from .vendor import Vendor

__all__ = ["RemoveConnection"]


@dataclass(slots=True, eq=False, repr=False)
class RemoveConnection:
    """`DELETE /sessions/{sessionId}/connections/{connectionId}`."""

    sessions: SessionStore
    presence: PresenceStore
    vendor: Vendor
    clock: Callable[[], float] = time.time

    def __call__(
        self, session_id: str, connection_id: str, caller: Caller, deadline: Deadline
    ) -> None:
        """Disconnects the client. It can connect again for as long as its token is valid.

        Raises `SessionNotFound`, `NotOwner`, `ConnectionNotFound`, `StorageUnavailable` if too
        little time is left, or what `Vendor` raises.
        """
        session, _ = policy.admit(caller, self.sessions.find_session(session_id))
        policy.require_manager(caller, session)
        seconds = deadline.vendor_seconds()
        if self.vendor.disconnect(session_id, session.project_id, connection_id, seconds):
            telemetry.count("ClientDisconnected")
            return
        connection = self.presence.find(session_id, connection_id, session.hints)
        if connection is None:
            raise ConnectionNotFound
        # The callback about its end was lost or is late: the vendor knows better.
        now = self.clock()
        self.presence.remove(session_id, connection, int(now * 1000), "reconciled", now)
        telemetry.count("GhostRemoved")
