"""What the server side does to connected clients: signals and mutes."""

from __future__ import annotations

from collections.abc import Collection

from local.emulator.errors import NotFound
from local.emulator.sessions import NO_CLIENTS, Connection, Session, Stream

__all__ = ["Moderation"]


class Moderation:
    """Sends signals to clients and mutes their streams."""

    def signal(
        self, session: Session, signal: dict[str, object], connection_id: str | None = None
    ) -> None:
        """Sends a signal from the server to one client, or to all clients of a session.

        Raises:
            NotFound: if the client is not connected.
        """
        if connection_id is None:
            addressees = list(session.connections.values())
        elif connection_id in session.connections:
            addressees = [session.connections[connection_id]]
        else:
            raise NotFound(NO_CLIENTS)
        for connection in addressees:
            self._receive(connection, signal)

    def mute(self, session: Session, stream_id: str) -> None:
        """Mutes one stream.

        Raises:
            NotFound: if there is no such stream.
        """
        for connection in session.connections.values():
            for stream in connection.streams:
                if stream.id == stream_id:
                    self._mute(session, connection, stream)
                    return
        raise NotFound("Stream not found")

    def mute_all(self, session: Session, active: bool, excluded: Collection[str]) -> None:
        """Mutes all streams but the excluded ones, and later streams until ``active`` is false.

        Nothing is unmuted when ``active`` is false.
        """
        session.muted = active
        if not active:
            return
        for connection in session.connections.values():
            for stream in connection.streams:
                if stream.id not in excluded:
                    self._mute(session, connection, stream)

    def _receive(self, connection: Connection, signal: dict[str, object]) -> None:
        connection.received.append(signal)

    def _mute(self, session: Session, connection: Connection, stream: Stream) -> None:
        stream.muted = True
