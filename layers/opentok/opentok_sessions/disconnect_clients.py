"""Disconnects clients that must not be in a session any more.

It consumes the table's stream. So the consequence of every change follows, even if the vendor is
down at that moment: a change that failed is repeated for an hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .domain.models import Session
from .domain.presence import Connection, excess, sub_of
from .domain.problems import Problem, SessionOfAnotherProject
from .runtime import telemetry
from .storage.items import session_of
from .storage.keys import LIVE
from .storage.presence_store import PresenceStore
from .storage.session_store import SessionStore
from .storage.stream import ItemChange
from .vendor import Vendor

__all__ = ["CONNECTIONS", "DisconnectClients"]

CONNECTIONS = 10
"""Clients that are disconnected at the same time. The vendor's rate limits are not published."""


@dataclass(slots=True, eq=False, repr=False)
class DisconnectClients:
    """`identified`: connection data names the user, because this service has written it."""

    sessions: SessionStore
    presence: PresenceStore
    vendor: Vendor
    identified: bool
    clock: Callable[[], float] = time.time

    def __call__(self, change: ItemChange) -> None:
        """Disconnects the clients that a change concerns; idempotent.

        Decisions use the session's current record, not the change: a user may be back on the list.
        Raises a `Problem` when a client could not be disconnected.
        """
        session = self.sessions.find_session(change.session_id)
        if session is None:
            return
        if change.sk.startswith(LIVE) and change.event == "INSERT":
            self._check(session, change.sk.removeprefix(LIVE))
        elif change.event == "MODIFY":
            self._enforce(session, change)

    def _check(self, session: Session, connection_id: str) -> None:
        """Disconnects a new client of a session that is closed, superseded or full, and a client of
        a user who was removed."""
        connection = self.presence.find(session.session_id, connection_id, session.hints)
        if connection is None:
            return
        shut = session.is_closed(self.clock()) or session.superseded
        if shut or self._is_removed(session, connection):
            self._disconnect(session, [connection.id])
        elif session.max_connections is not None:
            self._disconnect(session, self._excess(session))

    def _enforce(self, session: Session, change: ItemChange) -> None:
        old, new = session_of(change.old), session_of(change.new)
        if new is None:
            return
        if old is None or new.hints.ended_at != old.hints.ended_at:
            self._bury_ended(session)
        if new.closed and not (old and old.closed):
            self._end(session)
        elif new.superseded and not (old and old.superseded):
            self._disconnect(session, [c.id for c in self._connected(session)])
        elif old and (new.removed, new.max_connections) != (old.removed, old.max_connections):
            removed = [c.id for c in self._connected(session) if self._is_removed(session, c)]
            self._disconnect(session, {*removed, *self._excess(session)})

    def _end(self, session: Session) -> None:
        """Disconnects every client: those that callbacks reported, and those that the vendor lists.

        A list that fails does not keep the others connected until it succeeds.
        """
        self._disconnect(session, [c.id for c in self._connected(session)])
        try:
            listed = self.vendor.list_connections(session.session_id, session.project_id)
        except SessionOfAnotherProject:
            return
        self._disconnect(session, [connection.connection_id for connection in listed])

    def _bury_ended(self, session: Session) -> None:
        """Replaces the connections that the session's end has ended by tombstones."""
        ended_at, now = session.hints.ended_at or 0, self.clock()
        for connection in self.presence.ended_connections(session.session_id, session.hints):
            reason = "sessionDestroyed"
            self.presence.remove(session.session_id, connection, ended_at, reason, now)

    def _connected(self, session: Session) -> Sequence[Connection]:
        return self.presence.connections(session.session_id, session.hints)

    def _excess(self, session: Session) -> list[str]:
        if session.max_connections is None:
            return []
        return [c.id for c in excess(self._connected(session), session.max_connections)]

    def _is_removed(self, session: Session, connection: Connection) -> bool:
        return self.identified and sub_of(connection.data) in session.removed

    def _disconnect(self, session: Session, connection_ids: Collection[str]) -> None:
        """Disconnects the clients; one that is not connected any more is a success.

        Tries all of them, then raises the first `Problem`.
        """
        if not connection_ids:
            return
        with ThreadPoolExecutor(min(CONNECTIONS, len(connection_ids))) as threads:
            problems = list(threads.map(lambda id_: self._try(session, id_), connection_ids))
        failed = [problem for problem in problems if problem is not None]
        if failed:
            raise failed[0]

    def _try(self, session: Session, connection_id: str) -> Problem | None:
        details = {"session_id": session.session_id, "connection_id": connection_id}
        try:
            self.vendor.disconnect(session.session_id, session.project_id, connection_id)
        except SessionOfAnotherProject:
            telemetry.logger.warning("disconnect_impossible", extra=details)
            return None
        except Problem as problem:
            telemetry.count("DisconnectFailed")
            return problem
        telemetry.count("ClientDisconnected")
        telemetry.logger.info("client_disconnected", extra=details)
        return None
