"""Messages to the browser SDK: JSON in frames, and what they describe."""

from __future__ import annotations

import json
from collections.abc import Mapping

from local.emulator.client_tokens import Role
from local.emulator.messaging_frames import Frame, Kind
from local.emulator.options import MediaMode
from local.emulator.sessions import Connection, Session, Stream

__all__ = [
    "PERMISSIONS",
    "connection_content",
    "message",
    "mute_on_entry",
    "session_state",
    "session_uri",
    "source_of",
    "status",
    "stream_content",
]

CONTENT_TYPE = "application/x-raptor+v2"

PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    Role.SUBSCRIBER: ("subscribe", "signal"),
    Role.PUBLISHER: ("publish", "subscribe", "signal"),
    Role.PUBLISHER_ONLY: ("publish",),
    Role.MODERATOR: (
        "publish",
        "subscribe",
        "signal",
        "forceunpublish",
        "forcedisconnect",
        "forcemute",
    ),
}
"""What each role may do; the SDK shows it as ``session.capabilities``."""

_DEFAULT_CHANNELS: list[dict[str, object]] = [
    {"id": "audio1", "type": "audio", "active": True},
    {"id": "video1", "type": "video", "active": True, "width": 640, "height": 480},
]
"""Channels of a stream that no SDK described."""


def session_uri(session: Session) -> str:
    return f"/v2/partner/{session.project_id}/session/{session.id}"


def source_of(session: Session) -> str:
    """Returns the SDK's name for the way of media in this session."""
    return "P2P" if session.options.media_mode is MediaMode.RELAYED else "MANTIS"


def message(
    method: str,
    uri: str,
    content: Mapping[str, object],
    *,
    sender: str = "",
    reason: str | None = None,
) -> Frame:
    """Returns an event for a client; ``sender`` is a connection id, or empty for the server."""
    body: dict[str, object] = {"method": method, "uri": uri, "content": content}
    if reason is not None:
        body["reason"] = reason
    headers = {"Content-Type": CONTENT_TYPE, "X-TB-FROM-ADDRESS": sender}
    return Frame(Kind.MESSAGE, (), headers, json.dumps(body, separators=(",", ":")))


def status(transaction: str, code: int, body: Mapping[str, object]) -> Frame:
    """Returns the response to a request of a client."""
    headers = {"TRANSACTION-ID": transaction, "STATUS": str(code), "X-TB-FROM-ADDRESS": ""}
    return Frame(Kind.STATUS, (), headers, json.dumps(body, separators=(",", ":")))


def connection_content(connection: Connection) -> dict[str, object]:
    return {
        "id": connection.id,
        "creationTime": connection.created_ms,
        "data": connection.data,
        "permissions": list(PERMISSIONS[connection.role]),
        "capabilities": [],
    }


def stream_content(stream: Stream, connection: Connection) -> dict[str, object]:
    return {
        "channel": _DEFAULT_CHANNELS,
        **stream.content,
        "id": stream.id,
        "name": stream.name,
        "creationTime": stream.created_ms,
        "connection": connection_content(connection),
        "connectionId": connection.id,
    }


def session_state(session: Session) -> dict[str, object]:
    """Returns what a browser receives when it connects."""
    connections = list(session.connections.values())
    return {
        "id": session.id,
        "connection": [connection_content(connection) for connection in connections],
        "stream": [
            stream_content(stream, connection)
            for connection in connections
            for stream in connection.streams
        ],
        "archive": [],
        **mute_on_entry(session),
    }


def mute_on_entry(session: Session) -> dict[str, object]:
    """Returns the field that makes the SDK mute streams from their start."""
    return {"mute": {"active": True}} if session.muted else {}
