"""Tells whether the conversation in a room's session is over, according to the vendor's callbacks.

The hints on the session's record cost nothing to read. A hint that a decision depends on is first
verified with the connections themselves, strongly consistent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from .domain.deadline import VENDOR_LIST_SECONDS, Deadline
from .domain.models import Reuse, Session
from .domain.presence import Connection, Hints, may_be_over, needs_reconciliation
from .domain.problems import Problem, SessionFull
from .domain.rooms import is_idle
from .runtime import telemetry
from .storage.presence_store import Change, PresenceStore

if TYPE_CHECKING:
    from opentok_client.moderation import VendorConnection

__all__ = ["Conversation", "Conversations"]

YOUNG_MS = 60_000
"""A connection of this age may not be in the vendor's list yet."""

ListConnections = Callable[[str, str, float], "Sequence[VendorConnection]"]


class Conversation(Enum):
    """What callbacks say about a conversation. `UNKNOWN`: the idle rule decides."""

    GOING_ON = "it is going on, or ended a moment ago"
    OVER = "it is over"
    UNKNOWN = "nothing is known"


class Conversations(NamedTuple):
    """`list_connections` asks the vendor; without it, a quiet session is believed to be live."""

    presence: PresenceStore
    empty_seconds: int
    idle_seconds: int
    list_connections: ListConnections | None = None

    def is_over(self, session: Session, now: float, deadline: Deadline | None = None) -> bool:
        """Returns whether the room's next caller gets a new session.

        Where callbacks say nothing, the session is over after it has been idle. Raises
        `StorageUnavailable`.
        """
        state = self.state(session, now, deadline)
        if state is Conversation.UNKNOWN:
            return is_idle(session, now, self.idle_seconds)
        return state is Conversation.OVER

    def require_place(self, session: Session) -> None:
        """Raises `SessionFull` when as many clients are connected as the session allows.

        Nothing is read for a session without a maximum.
        """
        maximum, hints = session.max_connections, session.hints
        if maximum is None or hints.monitored_since is None:
            return
        if len(self.presence.connections(session.session_id, hints)) >= maximum:
            detail = f"{maximum} clients are connected, which is the maximum (`maxConnections`)."
            raise SessionFull(detail)

    def state(self, session: Session, now: float, deadline: Deadline | None = None) -> Conversation:
        """Returns the state of the conversation in a session.

        Nothing is read while the session looks live. Raises `StorageUnavailable`.
        """
        hints = session.hints
        if hints.monitored_since is None or session.reuse is Reuse.PERMANENT:
            return Conversation.UNKNOWN
        if may_be_over(hints, now, self.empty_seconds):
            if deadline is not None:
                deadline.require()
            if self.presence.is_anyone_connected(session.session_id, hints):
                return Conversation.GOING_ON
            return Conversation.OVER
        if self.list_connections is not None and needs_reconciliation(hints, now):
            return self._reconciled(session, self.list_connections, now, deadline)
        return Conversation.GOING_ON

    def _reconciled(
        self,
        session: Session,
        list_connections: ListConnections,
        now: float,
        deadline: Deadline | None,
    ) -> Conversation:
        """Asks the vendor who is connected, and corrects the stored connections."""
        if deadline is not None:
            deadline.require()
        try:
            listed = list_connections(session.session_id, session.project_id, VENDOR_LIST_SECONDS)
        except Problem as problem:
            telemetry.logger.warning("not_reconciled", extra={"reason": problem.detail})
            return Conversation.UNKNOWN
        hints, now_ms = session.hints, int(now * 1000)
        present = {connection.connection_id for connection in listed}
        stored = self.presence.connections(session.session_id, hints)
        left = [connection for connection in stored if connection.id in present]
        for ghost in _ghosts(stored, present, now_ms):
            change = self.presence.remove(session.session_id, ghost, now_ms, "reconciled", now)
            if change is Change.REMOVED:
                telemetry.count("GhostRemoved")
        known = {connection.id for connection in stored}
        for connection in listed:
            if connection.connection_id not in known:
                at = connection.created_at or now_ms
                self._add(session.session_id, Connection(connection.connection_id, at), hints, now)
        self.presence.record_latest(session.session_id, "lastEventAt", now_ms)
        return Conversation.GOING_ON if left or present else Conversation.OVER

    def _add(self, session_id: str, connection: Connection, hints: Hints, now: float) -> None:
        if connection.connected_at > (hints.ended_at or 0):
            self.presence.add(session_id, connection, now)


def _ghosts(stored: Sequence[Connection], present: set[str], now_ms: int) -> list[Connection]:
    old = (c for c in stored if now_ms - c.connected_at >= YOUNG_MS)
    return [connection for connection in old if connection.id not in present]
