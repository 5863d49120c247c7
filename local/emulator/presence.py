"""Who is in a session: clients connect, publish and leave, and each change is an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from local.emulator.errors import NotFound
from local.emulator.events import Event, EventBus, EventName, Reason
from local.emulator.sessions import NO_CLIENTS, Connection, Session, Sessions, Stream
from local.emulator.variants import Variants

__all__ = ["Presence"]


class Presence:
    """Connects and disconnects clients of any protocol.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        sessions: Sessions,
        events: EventBus,
        clock: Callable[[], float],
        variants: Callable[[], Variants],
    ) -> None:
        self._sessions = sessions
        self._events = events
        self._clock = clock
        self._variants = variants
        self._ends: dict[str, asyncio.TimerHandle] = {}
        self._session_ids: dict[str, str] = {}

    def connect(self, session: Session, connection: Connection) -> None:
        """Connects a client; the first one creates the session in the vendor's sense."""
        pending_end = self._ends.pop(session.id, None)
        if pending_end is not None:
            pending_end.cancel()
        session.connections[connection.id] = connection
        self._session_ids[connection.id] = session.id
        if not session.live:
            session.live = True
            self._publish(EventName.SESSION_CREATED, session)
        self._publish(EventName.CONNECTION_CREATED, session, connection)
        for stream in connection.streams:
            self._publish(EventName.STREAM_CREATED, session, connection, stream)

    def disconnect(
        self, connection_id: str, session: Session | None = None, reason: str = Reason.CLIENT
    ) -> None:
        """Disconnects a client; the session ends with its last one.

        Args:
            connection_id: of the client.
            session: restricts the search to this session.
            reason: as callbacks report it.

        Raises:
            NotFound: if no such client is connected.
        """
        found = session or self._sessions.get(self._session_ids.get(connection_id, ""))
        if found is None or connection_id not in found.connections:
            raise NotFound(NO_CLIENTS)
        self._left(found, found.connections.pop(connection_id), reason)
        if not found.connections:
            self._schedule_end(found)

    def publish(self, session: Session, connection: Connection, stream: Stream) -> None:
        """Adds a stream to a connected client."""
        connection.streams.append(stream)
        self._publish(EventName.STREAM_CREATED, session, connection, stream)

    def unpublish(
        self, session: Session, connection: Connection, stream: Stream, reason: str = Reason.CLIENT
    ) -> None:
        """Removes a stream of a connected client."""
        connection.streams.remove(stream)
        self._publish(EventName.STREAM_DESTROYED, session, connection, stream, reason)

    def end(self, session: Session, reason: str | None) -> None:
        """Ends the session for all clients, as a rotation or a failure of a media server does."""
        connections = list(session.connections.values())
        session.connections.clear()
        for connection in connections:
            if self._variants().end_reports_connections:
                self._left(session, connection, Reason.FORCED)
        self._ended(session, reason)

    def warn(self, session: Session, reason: str) -> None:
        """Announces a rotation."""
        self._publish(EventName.SESSION_NOTIFICATION, session, reason=reason)

    def _left(self, session: Session, connection: Connection, reason: str) -> None:
        self._session_ids.pop(connection.id, None)
        session.departed.append((int(self._clock() * 1000), connection))
        streams = list(connection.streams)
        connection.streams.clear()
        if self._variants().connection_destroyed_first:
            self._publish(EventName.CONNECTION_DESTROYED, session, connection, reason=reason)
        for stream in streams:
            self._publish(EventName.STREAM_DESTROYED, session, connection, stream, reason)
        if not self._variants().connection_destroyed_first:
            self._publish(EventName.CONNECTION_DESTROYED, session, connection, reason=reason)

    def _schedule_end(self, session: Session) -> None:
        seconds = self._variants().session_destroyed_after_ms / 1000
        reason = self._variants().session_destroyed_reason
        if not seconds:
            self._ended(session, reason)
            return
        loop = asyncio.get_running_loop()
        self._ends[session.id] = loop.call_later(seconds, self._ended, session, reason)

    def _ended(self, session: Session, reason: str | None) -> None:
        self._ends.pop(session.id, None)
        session.live = False
        self._publish(EventName.SESSION_DESTROYED, session, reason=reason)

    def _publish(
        self,
        name: EventName,
        session: Session,
        connection: Connection | None = None,
        stream: Stream | None = None,
        reason: str | None = None,
    ) -> None:
        time_ms = int(self._clock() * 1000)
        self._events.publish(
            Event(name, session, time_ms, connection=connection, stream=stream, reason=reason)
        )
