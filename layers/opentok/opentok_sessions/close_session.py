"""Closes a session: no more tokens are issued. `disconnect_clients` consumes the change and
disconnects the clients, because the vendor cannot end a session and issued tokens stay valid."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .domain import policy
from .domain.models import Caller
from .runtime import telemetry
from .storage.session_store import SessionStore

__all__ = ["CloseSession"]


@dataclass(slots=True, eq=False, repr=False)
class CloseSession:
    """`DELETE /sessions/{sessionId}`."""

    store: SessionStore
    clock: Callable[[], float] = time.time

    def __call__(self, session_id: str, caller: Caller) -> None:
        """Closes the session; idempotent. Raises `SessionNotFound` or `NotOwner`."""
        session, _ = policy.admit(caller, self.store.find_session(session_id))
        policy.require_manager(caller, session)
        if not session.closed:
            self.store.close(session, self.clock())
            telemetry.count("SessionClosed")
