"""What happens in sessions, as events that callbacks and the messaging server subscribe to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.emulator.archives import Archive
    from local.emulator.features import Feature
    from local.emulator.sessions import Connection, Session, Stream

__all__ = ["Event", "EventBus", "EventName", "Reason"]


class EventName(StrEnum):
    """The vendor's names of session events, and one name per family of features."""

    SESSION_CREATED = "sessionCreated"
    SESSION_DESTROYED = "sessionDestroyed"
    SESSION_NOTIFICATION = "sessionNotification"
    CONNECTION_CREATED = "connectionCreated"
    CONNECTION_DESTROYED = "connectionDestroyed"
    STREAM_CREATED = "streamCreated"
    STREAM_DESTROYED = "streamDestroyed"
    ARCHIVE = "archive"
    BROADCAST = "broadcast"
    CAPTIONS = "captions"
    SIP = "sip"
    RENDER = "render"
    AUDIO_CONNECTOR = "audioConnector"


class Reason(StrEnum):
    """Why a connection or stream ended."""

    CLIENT = "clientDisconnected"
    FORCED = "forceDisconnected"
    NETWORK = "networkDisconnected"
    UNPUBLISHED = "forceUnpublished"
    MEDIA_STOPPED = "mediaStopped"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a session.

    Attributes:
        time_ms: milliseconds since the epoch.
        fields: further fields of the callback.
        reason: of an end or a warning; the vendor's set is open, so any text is allowed.
    """

    name: EventName
    session: Session
    time_ms: int
    connection: Connection | None = None
    stream: Stream | None = None
    archive: Archive | None = None
    feature: Feature | None = None
    reason: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


Subscriber = Callable[[Event], None]


class EventBus:
    """Passes each event to every subscriber, in the order of subscription.

    An event that a subscriber publishes is passed on after the current one, so that every
    subscriber sees the same order.
    """

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._waiting: deque[Event] = deque()
        self._publishing = False

    def subscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    def publish(self, event: Event) -> None:
        self._waiting.append(event)
        if self._publishing:
            return
        self._publishing = True
        try:
            while self._waiting:
                next_event = self._waiting.popleft()
                for subscriber in self._subscribers:
                    subscriber(next_event)
        finally:
            self._publishing = False
