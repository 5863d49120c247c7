"""Features of routed sessions: broadcasts, captions, SIP calls, renders and audio connectors.

A feature is bookkeeping: its status, its callbacks, and for some a connection of its own. No media
is produced.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from local.emulator.admission import Admission
from local.emulator.client_tokens import ConnectRefused, Role
from local.emulator.errors import BadRequest, Conflict, NotFound
from local.emulator.events import Event, EventBus, EventName, Reason
from local.emulator.options import MediaMode
from local.emulator.presence import Presence
from local.emulator.projects import Project
from local.emulator.sessions import Connection, Session, Sessions, Stream

__all__ = ["Family", "Feature", "Features"]

NOT_ROUTED = "Only routed sessions are allowed."
ENCRYPTED = "Not available in end-to-end encrypted sessions."


class Family(StrEnum):
    """The kinds of features, by the path of the vendor."""

    BROADCAST = "broadcast"
    CAPTIONS = "captions"
    SIP = "dial"
    RENDER = "render"
    AUDIO_CONNECTOR = "connect"


@dataclass(slots=True)
class Feature:
    """A feature that was started.

    Attributes:
        content: the fields of its representation that do not change.
        connection_id: of the connection that the feature has in the session.
    """

    family: Family
    id: str
    session: Session
    created_ms: int
    content: dict[str, object] = field(repr=False)
    status: str = "started"
    reason: str | None = None
    updated_ms: int = 0
    connection_id: str | None = None
    stream_id: str | None = None
    tag: str = ""

    @property
    def running(self) -> bool:
        return self.status in ("starting", "started")


class Features:
    """Starts and stops features, with an event for each change of status."""

    def __init__(
        self,
        sessions: Sessions,
        admission: Admission,
        presence: Presence,
        events: EventBus,
        clock: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._admission = admission
        self._presence = presence
        self._events = events
        self._clock = clock
        self._features: dict[str, Feature] = {}
        events.subscribe(self._follow)

    def session(
        self, project: Project, body: Mapping[str, object], *, encrypted: bool = False
    ) -> Session:
        """Returns the session of a start request.

        Args:
            project: of the caller.
            body: with ``sessionId``.
            encrypted: whether the feature is available in encrypted sessions.

        Raises:
            BadRequest, NotFound: if there is no such session.
            Conflict: if the session is relayed, or encrypted.
        """
        session_id = body.get("sessionId")
        if not isinstance(session_id, str):
            raise BadRequest("Invalid request: sessionId")
        session = self._sessions.of_project(project, session_id)
        if session.options.media_mode is MediaMode.RELAYED:
            raise Conflict(NOT_ROUTED)
        if session.options.e2ee and not encrypted:
            raise Conflict(ENCRYPTED)
        return session

    def start(
        self,
        family: Family,
        session: Session,
        content: dict[str, object],
        *,
        status: str = "started",
        tag: str = "",
        conflict: Conflict | None = None,
    ) -> Feature:
        """Starts a feature.

        Raises:
            Conflict: if one with this tag is running and ``conflict`` is given.
        """
        if conflict is not None and any(
            other.running and other.tag == tag for other in self.listed(family, session)
        ):
            raise conflict
        now_ms = int(self._clock() * 1000)
        feature = Feature(family, str(uuid.uuid4()), session, now_ms, content, status, tag=tag)
        self._features[feature.id] = feature
        return feature

    def join(self, feature: Feature, token: object, *, stream: str | None) -> None:
        """Connects a feature to its session as a client.

        Args:
            feature: that joins.
            token: of the start request.
            stream: name of the stream that the feature publishes.

        Raises:
            BadRequest: if the token does not allow it.
        """
        grant = self.check_token(feature.session, token)
        now_ms = int(self._clock() * 1000)
        streams = []
        if stream is not None:
            streams = [Stream(str(uuid.uuid4()), "custom", stream, (), now_ms)]
            feature.stream_id = streams[0].id
        feature.connection_id = str(uuid.uuid4())
        connection = Connection(feature.connection_id, grant[0], grant[1], now_ms, streams=streams)
        self._presence.connect(feature.session, connection)

    def check_token(
        self, session: Session, token: object, role: Role | None = None
    ) -> tuple[Role, str]:
        """Returns role and data of a token for this session.

        Raises:
            BadRequest: if the token is invalid or has another role.
        """
        try:
            _, grant = self._admission.admit(session.id, str(token))
        except ConnectRefused as refusal:
            raise BadRequest(f"Invalid request: token: {refusal.message}") from None
        if role is not None and grant.role is not role:
            raise BadRequest(f"Invalid request: token: role {role} is required")
        return grant.role, grant.data

    def listed(self, family: Family, session: Session | None = None) -> list[Feature]:
        """Returns the features of a family, newest first, optionally of one session only."""
        return [
            feature
            for feature in reversed(self._features.values())
            if feature.family is family and session in (None, feature.session)
        ]

    def of_project(self, family: Family, project: Project) -> list[Feature]:
        """Returns a project's features, newest first."""
        return [
            feature
            for feature in self.listed(family)
            if (feature.session.platform, feature.session.project_id)
            == (project.platform, project.id)
        ]

    def get(self, family: Family, project: Project, feature_id: str) -> Feature:
        """Returns a feature of a project.

        Raises:
            NotFound: if there is none.
        """
        for feature in self.of_project(family, project):
            if feature.id == feature_id:
                return feature
        raise NotFound("Not found")

    def find(self, feature_id: str) -> Feature:
        """Returns any feature; raises `NotFound` if there is none."""
        feature = self._features.get(feature_id)
        if feature is None:
            raise NotFound("Not found")
        return feature

    def report(
        self, feature: Feature, status: str, reason: str | None = None, **fields: object
    ) -> None:
        """Changes the status and publishes the event."""
        feature.status, feature.reason = status, reason
        feature.updated_ms = int(self._clock() * 1000)
        name = _EVENTS[feature.family]
        self._events.publish(
            Event(name, feature.session, feature.updated_ms, feature=feature, fields=fields)
        )

    def stop(self, feature: Feature, reason: str | None = None) -> None:
        """Stops a feature, which also leaves the session."""
        connection_id, feature.connection_id = feature.connection_id, None
        self.report(feature, "stopped", reason)
        if connection_id in feature.session.connections:
            self._presence.disconnect(str(connection_id), feature.session, Reason.FORCED)

    def _follow(self, event: Event) -> None:
        """Stops features whose session ended, or whose connection was disconnected."""
        for feature in list(self._features.values()):
            if not feature.running or feature.session is not event.session:
                continue
            if event.name is EventName.SESSION_DESTROYED:
                feature.connection_id = None
                self.report(feature, "stopped", "session ended")
            elif (
                event.name is EventName.CONNECTION_DESTROYED
                and event.connection is not None
                and event.connection.id == feature.connection_id
            ):
                feature.connection_id = None
                self.report(feature, "stopped", event.reason)


_EVENTS = {
    Family.BROADCAST: EventName.BROADCAST,
    Family.CAPTIONS: EventName.CAPTIONS,
    Family.SIP: EventName.SIP,
    Family.RENDER: EventName.RENDER,
    Family.AUDIO_CONNECTOR: EventName.AUDIO_CONNECTOR,
}
