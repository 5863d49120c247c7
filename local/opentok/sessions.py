"""Sessions, who is connected to them, and their archives: all that the stand-in remembers."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

from local.opentok.archives import Archive
from local.opentok.errors import BadRequest, Conflict, NotFound
from local.opentok.journal import Journal
from local.opentok.options import ArchiveMode, MediaMode, SessionOptions
from local.opentok.projects import Platform, Project
from local.opentok.session_ids import RANDOM_BYTES, MalformedSessionId, SessionId

__all__ = ["Connection", "Session", "Sessions", "Stream"]

SESSION_NOT_FOUND = "Session not found"
NOBODY_CONNECTED = "Not found. No clients are actively connected to the OpenTok session."

# The vendor's numbers for what the state of a session or archive forbids.
NOT_ROUTED = 15008
ALREADY_STARTED = 15001
NOT_STARTED = 15002
NOT_DELETABLE = 15004


@dataclass(frozen=True, slots=True)
class Stream:
    """What a connected client publishes."""

    id: str
    video_type: str
    name: str
    layout_classes: tuple[str, ...]

    def rendered(self) -> dict[str, object]:
        return {
            "id": self.id,
            "videoType": self.video_type,
            "name": self.name,
            "layoutClassList": list(self.layout_classes),
        }


@dataclass(slots=True)
class Connection:
    """A client in a session."""

    id: str
    role: str
    data: str
    created_ms: int
    streams: list[Stream] = field(default_factory=list)

    def rendered(self) -> dict[str, object]:
        return {
            "connectionId": self.id,
            "connectionState": "Connected",
            "createdAt": self.created_ms,
        }


@dataclass(slots=True)
class Session:
    """A session that was created here."""

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
        """For the state file."""
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

    def understood(self) -> dict[str, object]:
        """What the service took the form of ``session/create`` to mean."""
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
                    **connection.rendered(),
                    "role": connection.role,
                    "data": connection.data,
                    "streams": [stream.rendered() for stream in connection.streams],
                }
                for connection in self.connections.values()
            ],
        }


class Sessions:
    """The memory.

    Args:
        clock: seconds since the epoch.
        journal: where sessions and archives outlive the process.
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
        """End the state file."""
        self._journal.close()

    def __len__(self) -> int:
        return len(self._sessions)

    def newest(self, limit: int) -> list[Session]:
        """The last ``limit`` sessions, newest first."""
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
        """A session that this project made.

        Raises:
            BadRequest: when the id isn't one.
            NotFound: when there is none, or another project's.
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
        """The same, when somebody is connected to it.

        Raises:
            BadRequest, NotFound: as ``of_project``; also NotFound when nobody is.
        """
        session = self.of_project(project, session_id)
        if not session.connections:
            raise NotFound(otherwise)
        return session

    def connect(self, session: Session, connection: Connection) -> None:
        """Let a client in; the first one sets an automatic archive going."""
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
        """Let a client go; with the last one every archive of the session stops.

        Args:
            connection_id: of the client.
            session: only when it is in this one.

        Raises:
            NotFound: when no such client is connected.
        """
        everywhere = self._sessions.values() if session is None else (session,)
        for candidate in everywhere:
            if candidate.connections.pop(connection_id, None) is not None:
                if not candidate.connections:
                    self._stop_all(candidate)
                return
        raise NotFound(NOBODY_CONNECTED)

    def archives(self, project: Project, session_id: str | None) -> list[Archive]:
        """A project's archives, newest first, or those of one of its sessions."""
        found = [
            archive
            for archive in self._archives.values()
            if archive.project_id == project.id and session_id in (None, archive.session_id)
        ]
        return found[::-1]

    def archive(self, project: Project, archive_id: str) -> Archive:
        """One archive of a project.

        Raises:
            NotFound: when there is none.
        """
        archive = self._archives.get(archive_id)
        if archive is None or archive.project_id != project.id:
            raise NotFound("Archive not found")
        return archive

    def start_archive(
        self, project: Project, session_id: str, settings: Mapping[str, object]
    ) -> Archive:
        """Begin to archive a session.

        Raises:
            BadRequest, NotFound: as ``joined``.
            Conflict: when it is relayed, or already being archived.
        """
        session = self.of_project(project, session_id)
        if session.options.media_mode is MediaMode.RELAYED:
            raise Conflict("Only routed sessions are allowed to initiate archives.", NOT_ROUTED)
        self.joined(project, session_id, NOBODY_CONNECTED)
        if any(a.status == "started" for a in self.archives(project, session_id)):
            raise Conflict("The session is already being archived.", ALREADY_STARTED)
        return self._keep(Archive.begin(session_id, project.id, self._clock(), settings))

    def stop_archive(self, project: Project, archive_id: str) -> Archive:
        """End an archive.

        Raises:
            NotFound: when there is none.
            Conflict: when it has ended before.
        """
        archive = self.archive(project, archive_id)
        if archive.status != "started":
            raise Conflict("The archive is not being recorded.", NOT_STARTED)
        archive.stop(self._clock())
        return self._keep(archive)

    def delete_archive(self, project: Project, archive_id: str) -> None:
        """Forget an archive.

        Raises:
            NotFound: when there is none.
            Conflict: when it is still being recorded.
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
