"""Passes events of a session to its browsers."""

from __future__ import annotations

from local.emulator.client_messages import (
    connection_content,
    message,
    session_uri,
    stream_content,
)
from local.emulator.clients import Client, Clients
from local.emulator.events import Event, EventName, Reason
from local.emulator.messaging_frames import Frame

__all__ = ["ClientEvents"]


class ClientEvents:
    """Sends connections, streams and archives to the browsers of a session as they change."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._archives: set[str] = set()

    def notify(self, event: Event) -> None:
        match event.name:
            case EventName.CONNECTION_CREATED | EventName.CONNECTION_DESTROYED:
                self._connection(event)
            case EventName.STREAM_CREATED | EventName.STREAM_DESTROYED:
                self._stream(event)
            case EventName.ARCHIVE:
                self._archive(event)
            case EventName.SESSION_DESTROYED:
                for client in self._clients.in_session(event.session.id):
                    self._disconnect(client, event)

    def _connection(self, event: Event) -> None:
        assert event.connection is not None  # noqa: S101
        uri = f"{session_uri(event.session)}/connection/{event.connection.id}"
        content = connection_content(event.connection)
        created = event.name is EventName.CONNECTION_CREATED
        frame = message("created" if created else "deleted", uri, content, reason=event.reason)
        for client in self._clients.in_session(event.session.id):
            if client.id == event.connection.id:
                if created:
                    client.send(frame)
                else:
                    self._disconnect(client, event)
            elif not client.suppresses_connections:
                client.send(frame)

    def _stream(self, event: Event) -> None:
        assert event.connection is not None and event.stream is not None  # noqa: S101
        uri = f"{session_uri(event.session)}/stream/{event.stream.id}"
        if event.name is EventName.STREAM_CREATED:
            frame = message("created", uri, stream_content(event.stream, event.connection))
        else:
            frame = message("deleted", uri, {}, reason=event.reason)
        self._send(event, frame)

    def _archive(self, event: Event) -> None:
        assert event.archive is not None  # noqa: S101
        archive = event.archive
        uri = f"{session_uri(event.session)}/archive/{archive.id}"
        content = {"id": archive.id, "name": archive.name or "", "status": archive.status}
        if archive.id in self._archives:
            self._send(event, message("updated", uri, {"status": archive.status}))
        else:
            self._archives.add(archive.id)
            self._send(event, message("created", uri, content))

    def _send(self, event: Event, frame: Frame) -> None:
        for client in self._clients.in_session(event.session.id):
            client.send(frame)

    def _disconnect(self, client: Client, event: Event) -> None:
        """Tells a browser that it was disconnected, and closes its socket."""
        uri = f"{session_uri(event.session)}/connection/{client.id}"
        reason = Reason.FORCED if event.reason is None else event.reason
        client.send(message("deleted", uri, {}, reason=reason))
        client.close()
        self._clients.remove(client)
