"""Signals and mutes: what servers and moderators do to connected clients."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from local.emulator.client_messages import connection_content, message, session_uri
from local.emulator.clients import Clients
from local.emulator.errors import NotFound
from local.emulator.sessions import NO_CLIENTS, Connection, Session, Stream

__all__ = ["Moderation"]

_MUTE = {"reason": "mute", "channels": ["audio"], "locked": False}


class Moderation:
    """Sends signals to clients and mutes their streams."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def signal(
        self,
        session: Session,
        signal: Mapping[str, object],
        connection_id: str | None = None,
        sender: Connection | None = None,
    ) -> None:
        """Sends a signal to one client, or to all clients of a session.

        Args:
            session: of the clients.
            signal: ``type`` and ``data``.
            connection_id: of the only receiver.
            sender: None for the server.

        Raises:
            NotFound: if the receiver is not connected.
        """
        if connection_id is None:
            receivers = list(session.connections.values())
        elif connection_id in session.connections:
            receivers = [session.connections[connection_id]]
        else:
            raise NotFound(NO_CLIENTS)
        from_id = sender.id if sender else ""
        content = dict(signal)
        if sender is not None:
            content["fromConnection"] = connection_content(sender)
        uri = f"{session_uri(session)}/signal/{uuid.uuid4()}"
        for receiver in receivers:
            receiver.received.append({"type": "", **signal, "from": from_id})
            self._clients.send(receiver.id, message("signal", uri, content, sender=from_id))

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
        """Mutes all streams except the excluded ones, and later streams until ``active`` is false.

        Nothing is unmuted when ``active`` is false.
        """
        session.muted = active
        for connection in session.connections.values():
            update = message("update", session_uri(session), {**_MUTE, "active": active})
            self._clients.send(connection.id, update)
            for stream in connection.streams:
                if active and stream.id not in excluded:
                    self._mute(session, connection, stream)

    def _mute(self, session: Session, connection: Connection, stream: Stream) -> None:
        stream.muted = True
        uri = f"{session_uri(session)}/stream/{stream.id}"
        self._clients.send(connection.id, message("update", uri, {**_MUTE, "active": True}))
