"""Archives: only the bookkeeping is real, nothing is recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self

__all__ = ["Archive"]

# The service encodes the names of automatic archives in a way that loses these characters.
_LOST_IN_NAMES = str.maketrans("~-_", ":::")


@dataclass(slots=True)
class Archive:
    """An archive of a session.

    Attributes:
        status: ``started``, ``stopped`` and, with the variant ``archiveAvailableAfterMs``,
            ``available``; a control route sets any other.
        automatic: whether the session started it; such an archive cannot be stopped.
        created_ms: start, in milliseconds since the epoch.
        duration: in seconds; 0 until it is stopped.
        reason: why it stopped.
        multi_archive_tag: distinguishes simultaneous archives of a session.
        streams: by id, the streams that were added with ``streamMode`` manual.
    """

    id: str
    session_id: str
    project_id: str
    name: str | None
    resolution: str
    created_ms: int
    has_audio: bool = True
    has_video: bool = True
    output_mode: str = "composed"
    stream_mode: str = "auto"
    status: str = "started"
    duration: int = 0
    reason: str = ""
    multi_archive_tag: str = ""
    updated_ms: int = 0
    automatic: bool = False
    url: str | None = None
    size: int = 0
    layout: dict[str, object] = field(default_factory=lambda: {"type": "bestFit"})
    streams: dict[str, dict[str, bool]] = field(default_factory=dict)

    @classmethod
    def begin(
        cls, session_id: str, project_id: str, now: float, settings: Mapping[str, object]
    ) -> Self:
        """Creates an archive from the body of a start request."""
        name = settings.get("name")
        return cls(
            id=str(uuid.uuid4()),
            session_id=session_id,
            project_id=project_id,
            name=name if isinstance(name, str) else None,
            resolution=str(settings.get("resolution") or "640x480"),
            created_ms=int(now * 1000),
            has_audio=settings.get("hasAudio") is not False,
            has_video=settings.get("hasVideo") is not False,
            output_mode=str(settings.get("outputMode") or "composed"),
            stream_mode=str(settings.get("streamMode") or "auto"),
            multi_archive_tag=str(settings.get("multiArchiveTag") or ""),
            updated_ms=int(now * 1000),
        )

    @classmethod
    def begin_automatic(
        cls, session_id: str, project_id: str, now: float, name: str | None, resolution: str | None
    ) -> Self:
        """Creates the automatic archive of a session with ``archiveMode=always``."""
        recorded_name = (name or "").translate(_LOST_IN_NAMES)
        settings = {"name": recorded_name, "resolution": resolution}
        archive = cls.begin(session_id, project_id, now, settings)
        archive.automatic = True
        return archive

    def stop(self, now: float, reason: str) -> None:
        self.status = "stopped"
        self.reason = reason
        self.updated_ms = int(now * 1000)
        self.duration = int(now - self.created_ms / 1000)

    def record(self) -> dict[str, object]:
        """Returns the record for the state file."""
        return asdict(self)

    def to_json(self) -> dict[str, object]:
        """Returns the archive as the service represents it."""
        return {
            "id": self.id,
            "status": self.status,
            "name": self.name,
            "reason": self.reason,
            "sessionId": self.session_id,
            "projectId": self.project_id,
            "partnerId": self.project_id,
            "createdAt": self.created_ms,
            "size": self.size,
            "duration": self.duration,
            "outputMode": self.output_mode,
            "streamMode": self.stream_mode,
            "hasAudio": self.has_audio,
            "hasVideo": self.has_video,
            "resolution": self.resolution,
            "url": self.url,
            "multiArchiveTag": self.multi_archive_tag,
            "updatedAt": self.updated_ms,
            **({"streams": self._streams()} if self.stream_mode == "manual" else {}),
        }

    def _streams(self) -> list[dict[str, object]]:
        return [{"streamId": stream, **media} for stream, media in self.streams.items()]
