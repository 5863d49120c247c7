"""Sessions, their connections and their archives."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

from local.emulator.archives import Archive
from local.emulator.errors import BadRequest, Conflict, NotFound
from local.emulator.journal import Journal
from local.emulator.options import ArchiveMode, MediaMode, SessionOptions
from local.emulator.projects import Platform, Project
from local.emulator.session_ids import RANDOM_BYTES, MalformedSessionId, SessionId

__all__ = ["Connection", "Session", "Sessions", "Stream"]

SESSION_NOT_FOUND = "Session not found"
NOBODY_CONNECTED = "Not found. No clients are actively connected to the OpenTok session."

# The vendor's codes for conflicts with the state of a session or archive.
NOT_ROUTED = 15008
ALREADY_STARTED = 15001
NOT_STARTED = 15002
NOT_DELETABLE = 15004


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream that a connected client publishes."""

    id: str
    video_type: str
    name: str
    layout_classes: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "videoType": self.video_type,
            "name": self.name,
            "layoutClassList": list(self.layout_classes),
        }


@dataclass(slots=True)
class Connection:
    """A client connected to a session."""

    id: str
    role: str
    data: str
    created_ms: int
    streams: list[Stream] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        return {
            "connectionId": self.id,
            "connectionState": "Connected",
            "createdAt": self.created_ms,
        }


@dataclass(slots=True)
class Session:
    """A session."""

    id: str
    platform: Platform
    project_id: str
    created_ms: int
    segment_id: str
    options: SessionOptions
    connections: dict[str, Connection] = field(default_factory=dict)

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
            "connections": [
                {
                    **connection.to_json(),
                    "role": connection.role,
                    "data": connection.data,
                    "streams": [stream.to_json() for stream in connection.streams],
                }
                for connection in self.connections.values()
            ],
        }


class Sessions:
    """All sessions and archives.

    Args:
        clock: seconds since the epoch.
        journal: where sessions and archives are kept across restarts.
    """

    def __init__(self, clock: Callable[[], float], journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self._sessions: dict[str, Session] = {}
        self._archives: dict[str, Archive] = {}
        for entry in journal.recorded():
            self._replay(entry)
        journal.start(
            [{"session": session.record()} for session in self._sessions.values()]
            + [{"archive": archive.record()} for archive in self._archives.values()]
        )

    def close(self) -> None:
        """Closes the state file."""
        self._journal.close()

    def __len__(self) -> int:
        return len(self._sessions)

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
            BadRequest, NotFound: as ``of_project``; NotFound also if no client is connected.
        """
        session = self.of_project(project, session_id)
        if not session.connections:
            raise NotFound(otherwise)
        return session

    def connect(self, session: Session, connection: Connection) -> None:
        """Connects a client; the first one starts an automatic archive."""
        options = session.options
        if options.archive_mode is ArchiveMode.ALWAYS and not session.connections:
            self._keep(
                Archive.begin_automatic(
                    session.id,
                    session.project_id,
                    self._clock(),
                    options.archive_name,
                    options.archive_resolution,
                )
            )
        session.connections[connection.id] = connection

    def disconnect(self, connection_id: str, session: Session | None = None) -> None:
        """Disconnects a client; the last one stops every archive of the session.

        Args:
            connection_id: of the client.
            session: restricts the search to this session.

        Raises:
            NotFound: if no such client is connected.
        """
        everywhere = self._sessions.values() if session is None else (session,)
        for candidate in everywhere:
            if candidate.connections.pop(connection_id, None) is not None:
                if not candidate.connections:
                    self._stop_all(candidate)
                return
        raise NotFound(NOBODY_CONNECTED)

    def archives(self, project: Project, session_id: str | None) -> list[Archive]:
        """Returns a project's archives, newest first, optionally of one session only."""
        found = [
            archive
            for archive in self._archives.values()
            if archive.project_id == project.id and session_id in (None, archive.session_id)
        ]
        return found[::-1]

    def archive(self, project: Project, archive_id: str) -> Archive:
        """Returns an archive of a project.

        Raises:
            NotFound: if there is none.
        """
        archive = self._archives.get(archive_id)
        if archive is None or archive.project_id != project.id:
            raise NotFound("Archive not found")
        return archive

    def start_archive(
        self, project: Project, session_id: str, settings: Mapping[str, object]
    ) -> Archive:
        """Starts an archive.

        Raises:
            BadRequest, NotFound: as ``joined``.
            Conflict: if the session is relayed or already being archived.
        """
        session = self.of_project(project, session_id)
        if session.options.media_mode is MediaMode.RELAYED:
            raise Conflict("Only routed sessions are allowed to initiate archives.", NOT_ROUTED)
        self.joined(project, session_id, NOBODY_CONNECTED)
        if any(a.status == "started" for a in self.archives(project, session_id)):
            raise Conflict("The session is already being archived.", ALREADY_STARTED)
        return self._keep(Archive.begin(session_id, project.id, self._clock(), settings))

    def stop_archive(self, project: Project, archive_id: str) -> Archive:
        """Stops an archive.

        Raises:
            NotFound: if there is none.
            Conflict: if it is already stopped.
        """
        archive = self.archive(project, archive_id)
        if archive.status != "started":
            raise Conflict("The archive is not being recorded.", NOT_STARTED)
        archive.stop(self._clock())
        return self._keep(archive)

    def delete_archive(self, project: Project, archive_id: str) -> None:
        """Deletes an archive.

        Raises:
            NotFound: if there is none.
            Conflict: if it is still being recorded.
        """
        archive = self.archive(project, archive_id)
        if archive.status == "started":
            raise Conflict("The archive is still being recorded.", NOT_DELETABLE)
        del self._archives[archive_id]
        self._journal.append({"archiveDeleted": archive_id})

    def _stop_all(self, session: Session) -> None:
        for archive in self._archives.values():
            if archive.session_id == session.id and archive.status == "started":
                archive.stop(self._clock())
                self._keep(archive)

    def _keep(self, archive: Archive) -> Archive:
        self._archives[archive.id] = archive
        self._journal.append({"archive": archive.record()})
        return archive

    def _replay(self, entry: dict[str, object]) -> None:
        match entry:
            case {"session": dict(record)}:
                session = Session.from_record(record)
                self._sessions[session.id] = session
            case {"archive": dict(record)}:
                archive = Archive(**record)
                self._archives[archive.id] = archive
            case {"archiveDeleted": str(archive_id)}:
                self._archives.pop(archive_id, None)
