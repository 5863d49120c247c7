"""Sessions and the clients that are connected to them."""

from __future__ import annotations

import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

from local.emulator.errors import BadRequest, NotFound
from local.emulator.journal import Journal
from local.emulator.options import ArchiveMode, MediaMode, SessionOptions
from local.emulator.projects import Platform, Project
from local.emulator.session_ids import RANDOM_BYTES, MalformedSessionId, SessionId

__all__ = ["NO_CLIENTS", "Connection", "Session", "Sessions", "Stream"]

KEPT_DEPARTURES = 1000
SESSION_NOT_FOUND = "Session not found"
NO_CLIENTS = "Not found. No clients are actively connected to the OpenTok session."


@dataclass(slots=True)
class Stream:
    """A stream that a connected client publishes.

    Attributes:
        video_type: ``camera``, ``screen`` or ``custom``; None for an audio-only stream.
        content: the stream as the publishing SDK described it.
        muted: whether the REST API or a moderator muted it.
    """

    id: str
    video_type: str | None
    name: str
    layout_classes: tuple[str, ...]
    created_ms: int
    content: dict[str, object] = field(default_factory=dict)
    muted: bool = False

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "videoType": self.video_type,
            "name": self.name,
            "layoutClassList": list(self.layout_classes),
        }


@dataclass(slots=True)
class Connection:
    """A client connected to a session.

    Attributes:
        received: signals that the client received, oldest first.
    """

    id: str
    role: str
    data: str
    created_ms: int
    layout_classes: tuple[str, ...] = ()
    streams: list[Stream] = field(default_factory=list)
    received: list[dict[str, object]] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        return {
            "connectionId": self.id,
            "connectionState": "Connected",
            "createdAt": self.created_ms,
        }

    def details(self) -> dict[str, object]:
        """Returns everything that the emulator knows about the client."""
        return {
            **self.to_json(),
            "role": self.role,
            "data": self.data,
            "streams": [{**stream.to_json(), "muted": stream.muted} for stream in self.streams],
            "received": self.received,
        }


@dataclass(slots=True)
class Session:
    """A session.

    Attributes:
        live: whether ``sessionCreated`` was reported and ``sessionDestroyed`` was not.
        muted: whether streams that are published from now on are muted.
        departed: the last clients that left, with the time in milliseconds since the epoch.
    """

    id: str
    platform: Platform
    project_id: str
    created_ms: int
    segment_id: str
    options: SessionOptions
    connections: dict[str, Connection] = field(default_factory=dict)
    live: bool = False
    muted: bool = False
    departed: deque[tuple[int, Connection]] = field(
        default_factory=lambda: deque(maxlen=KEPT_DEPARTURES)
    )

    def streams(self) -> Iterator[Stream]:
        for connection in self.connections.values():
            yield from connection.streams

    def record(self) -> dict[str, object]:
        """Returns the record for the state file."""
        return {
            "id": self.id,
            "platform": self.platform,
            "project_id": self.project_id,
            "created_ms": self.created_ms,
            "segment_id": self.segment_id,
            "options": asdict(self.options),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> Session:
        options = record["options"]
        assert isinstance(options, dict)  # noqa: S101 - written by ``record``
        media, archive = options.pop("media_mode"), options.pop("archive_mode")
        return cls(
            id=str(record["id"]),
            platform=Platform(str(record["platform"])),
            project_id=str(record["project_id"]),
            created_ms=int(str(record["created_ms"])),
            segment_id=str(record["segment_id"]),
            options=SessionOptions(MediaMode(media), ArchiveMode(archive), **options),
        )

    def details(self) -> dict[str, object]:
        """Returns the session's options as parsed, and its connections."""
        options = self.options
        return {
            "sessionId": self.id,
            "platform": self.platform,
            "projectId": self.project_id,
            "createdAt": self.created_ms,
            "mediaMode": options.media_mode,
            "archiveMode": options.archive_mode,
            "archiveName": options.archive_name,
            "archiveResolution": options.archive_resolution,
            "location": options.location,
            "e2ee": options.e2ee,
            "live": self.live,
            "connections": [connection.details() for connection in self.connections.values()],
        }


class Sessions:
    """All sessions.

    Args:
        clock: seconds since the epoch.
        journal: where sessions are kept across restarts.
        records: what the journal has recorded.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        journal: Journal,
        records: Iterable[Mapping[str, object]] = (),
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._sessions: dict[str, Session] = {}
        for entry in records:
            if isinstance(record := entry.get("session"), dict):
                session = Session.from_record(record)
                self._sessions[session.id] = session

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def records(self) -> list[dict[str, object]]:
        """Returns the records for a new state file."""
        return [{"session": session.record()} for session in self._sessions.values()]

    def newest(self, limit: int) -> list[Session]:
        """Returns the last ``limit`` sessions, newest first."""
        return list(self._sessions.values())[: -limit - 1 : -1]

    def create(self, project: Project, options: SessionOptions) -> Session:
        created_ms = int(self._clock() * 1000)
        session_id = SessionId.new(
            project=project.id,
            location=options.location,
            created_ms=created_ms,
            noise=secrets.token_bytes(RANDOM_BYTES),
            relayed=options.media_mode is MediaMode.RELAYED,
        )
        session = Session(
            id=str(session_id),
            platform=project.platform,
            project_id=project.id,
            created_ms=created_ms,
            segment_id=str(uuid.uuid4()),
            options=options,
        )
        self._sessions[session.id] = session
        self._journal.append({"session": session.record()})
        return session

    def get(self, session_id: str) -> Session | None:
        return self._sessions.get(session_id)

    def of_project(self, project: Project, session_id: str) -> Session:
        """Returns a session of this project.

        Raises:
            BadRequest: if the id is malformed.
            NotFound: if there is none, or it belongs to another project.
        """
        try:
            SessionId.parse(session_id)
        except MalformedSessionId:
            raise BadRequest("Invalid session id") from None
        session = self._sessions.get(session_id)
        if session is None or (session.platform, session.project_id) != (
            project.platform,
            project.id,
        ):
            raise NotFound(SESSION_NOT_FOUND)
        return session

    def joined(
        self, project: Project, session_id: str, otherwise: str = SESSION_NOT_FOUND
    ) -> Session:
        """Returns a session of this project that has connected clients.

        Raises:
            BadRequest, NotFound: as ``of_project``, and NotFound without a connected client.
        """
        session = self.of_project(project, session_id)
        if not session.connections:
            raise NotFound(otherwise)
        return session
