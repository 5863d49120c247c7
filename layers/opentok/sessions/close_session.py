"""Close a session: no more tokens. The vendor cannot end a session, and tokens that are out
already stay valid until they expire."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from . import policy, telemetry
from .models import Caller
from .store import Store

__all__ = ["CloseSession"]


@dataclass(slots=True, eq=False, repr=False)
class CloseSession:
    """`DELETE /sessions/{sessionId}`."""

    store: Store
    clock: Callable[[], float] = time.time

    def __call__(self, session_id: str, caller: Caller) -> None:
        """Closing twice is the same as once. Raises `SessionNotFound` or `NotOwner`."""
        session, _ = policy.admit(caller, self.store.session(session_id))
        policy.require_manager(caller, session)
        if not session.closed:
            self.store.close(session_id, self.clock())
            telemetry.count("SessionClosed")
