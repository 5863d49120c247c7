"""All archives: start, stop, delete, and what sessions do to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from local.emulator.archives import Archive
from local.emulator.errors import BadRequest, Conflict, MethodNotAllowed, NotFound
from local.emulator.events import Event, EventBus, EventName
from local.emulator.feature_fields import layout as layout_of
from local.emulator.journal import Journal
from local.emulator.options import ArchiveMode, MediaMode
from local.emulator.projects import Project
from local.emulator.sessions import NO_CLIENTS, Sessions
from local.emulator.variants import Variants

__all__ = ["PLACEHOLDER", "Archives"]

# The vendor's codes for conflicts with the state of a session or archive.
NOT_ROUTED = 15008
ALREADY_STARTED = 15001
NOT_STARTED = 15002
NOT_DELETABLE = 15004

RECORDING = ("started", "paused")
PLACEHOLDER = b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom"
"""The file of every archive: an MP4 without content."""


class Archives:
    """Starts and stops archives; publishes an event for each change of status.

    Args:
        clock: seconds since the epoch.
        journal: where archives are kept across restarts.
        records: what the journal has recorded.

    Attributes:
        public_url: where archive files are served.
    """

    def __init__(
        self,
        sessions: Sessions,
        events: EventBus,
        clock: Callable[[], float],
        journal: Journal,
        variants: Callable[[], Variants],
        records: Iterable[Mapping[str, object]] = (),
    ) -> None:
        self._sessions = sessions
        self._events = events
        self._clock = clock
        self._journal = journal
        self._variants = variants
        self._archives: dict[str, Archive] = {}
        self.public_url = "https://archive.invalid"
        for entry in records:
            match entry:
                case {"archive": dict(record)}:
                    archive = Archive(**record)
                    self._archives[archive.id] = archive
                case {"archiveDeleted": str(archive_id)}:
                    self._archives.pop(archive_id, None)
        events.subscribe(self._follow)

    def records(self) -> list[dict[str, object]]:
        """Returns the records for a new state file."""
        return [{"archive": archive.record()} for archive in self._archives.values()]

    def listed(self, project: Project, session_id: str | None) -> list[Archive]:
        """Returns a project's archives, newest first, optionally of one session only."""
        found = [
            archive
            for archive in self._archives.values()
            if archive.project_id == project.id and session_id in (None, archive.session_id)
        ]
        return found[::-1]

    def get(self, project: Project, archive_id: str) -> Archive:
        """Returns an archive of a project.

        Raises:
            NotFound: if there is none.
        """
        archive = self._archives.get(archive_id)
        if archive is None or archive.project_id != project.id:
            raise NotFound("Archive not found")
        return archive

    def start(self, project: Project, session_id: str, settings: Mapping[str, object]) -> Archive:
        """Starts an archive.

        Raises:
            BadRequest: if the session id is malformed.
            NotFound: if there is no such session, or no client is connected to it.
            Conflict: if the session is relayed, or an archive with this tag is running.
        """
        session = self._sessions.of_project(project, session_id)
        if session.options.media_mode is MediaMode.RELAYED:
            raise Conflict("Only routed sessions are allowed to initiate archives.", NOT_ROUTED)
        if not session.connections:
            if self._variants().archive_without_clients == BadRequest.status:
                raise BadRequest(NO_CLIENTS)
            raise NotFound(NO_CLIENTS)
        archive = Archive.begin(session_id, project.id, self._clock(), settings)
        if any(
            other.status in RECORDING and other.multi_archive_tag == archive.multi_archive_tag
            for other in self.listed(project, session_id)
        ):
            raise Conflict("The session is already being archived.", ALREADY_STARTED)
        return self._changed(archive)

    def stop(self, project: Project, archive_id: str) -> Archive:
        """Stops an archive.

        Raises:
            NotFound: if there is none.
            Conflict: if it is already stopped.
        """
        archive = self.get(project, archive_id)
        if archive.status not in RECORDING:
            raise Conflict("The archive is not being recorded.", NOT_STARTED)
        if archive.automatic:  # accepted, without effect
            return archive
        return self._stopped(archive, "user initiated")

    def delete(self, project: Project, archive_id: str) -> None:
        """Deletes an archive.

        Raises:
            NotFound: if there is none.
            Conflict: if it is still being recorded.
        """
        archive = self.get(project, archive_id)
        if archive.status in RECORDING:
            raise Conflict("The archive is still being recorded.", NOT_DELETABLE)
        del self._archives[archive_id]
        self._journal.append({"archiveDeleted": archive_id})

    def set_layout(self, archive: Archive, layout: Mapping[str, object]) -> None:
        """Changes the layout of a composed archive.

        Raises:
            BadRequest: if the layout is invalid or the archive is not composed.
        """
        if archive.output_mode != "composed":
            raise BadRequest("Invalid request: the archive is not composed")
        archive.layout = layout_of(layout)

    def change_streams(self, archive: Archive, change: Mapping[str, object]) -> None:
        """Adds or removes a stream of an archive with ``streamMode`` manual.

        Raises:
            MethodNotAllowed: if the stream mode is auto.
            BadRequest: if the change is invalid.
        """
        if archive.stream_mode != "manual":
            raise MethodNotAllowed("The archive was started with streamMode auto.")
        added, removed = change.get("addStream"), change.get("removeStream")
        if isinstance(added, str) and removed is None:
            archive.streams[added] = {
                "hasAudio": change.get("hasAudio") is not False,
                "hasVideo": change.get("hasVideo") is not False,
            }
        elif isinstance(removed, str) and added is None:
            archive.streams.pop(removed, None)
        else:
            raise BadRequest("Invalid request: addStream or removeStream")

    def _follow(self, event: Event) -> None:
        """Starts automatic archives, and stops all archives of a session that ended."""
        session, options = event.session, event.session.options
        if event.name is EventName.SESSION_CREATED and options.archive_mode is ArchiveMode.ALWAYS:
            archive = Archive.begin_automatic(
                session.id,
                session.project_id,
                self._clock(),
                options.archive_name,
                options.archive_resolution,
            )
            self._changed(archive)
        if event.name is EventName.SESSION_DESTROYED:
            for archive in list(self._archives.values()):
                if archive.session_id == session.id and archive.status in RECORDING:
                    self._stopped(archive, "session ended")

    def report(self, archive_id: str, status: str, reason: str) -> Archive:
        """Sets any status of an archive, as the service does for reasons of its own.

        Raises:
            NotFound: if there is no such archive.
        """
        archive = self._archives.get(archive_id)
        if archive is None:
            raise NotFound("Archive not found")
        archive.status, archive.reason = status, reason
        archive.updated_ms = int(self._clock() * 1000)
        available = status == "available"
        archive.url = f"{self.public_url}/{archive.id}.mp4" if available else None
        archive.size = len(PLACEHOLDER) if status in ("available", "uploaded") else archive.size
        return self._changed(archive)

    def _stopped(self, archive: Archive, reason: str) -> Archive:
        archive.stop(self._clock(), reason)
        if self._variants().archive_uploaded_first:
            stopped = replace(archive)
            self.report(archive.id, "uploaded", reason)
            self._publish(stopped)
            return stopped
        seconds = self._variants().archive_available_after_ms / 1000
        if seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(seconds, self._available, archive, reason)
        return self._changed(archive)

    def _available(self, archive: Archive, reason: str) -> None:
        if archive.status == "stopped" and archive.id in self._archives:
            self.report(archive.id, "available", reason)

    def _changed(self, archive: Archive) -> Archive:
        self._archives[archive.id] = archive
        self._journal.append({"archive": archive.record()})
        self._publish(archive)
        return archive

    def _publish(self, archive: Archive) -> None:
        session = self._sessions.get(archive.session_id)
        if session is not None:
            time_ms = int(self._clock() * 1000)
            self._events.publish(Event(EventName.ARCHIVE, session, time_ms, archive=archive))
