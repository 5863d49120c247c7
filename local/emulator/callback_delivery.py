"""The state of one callback on its way."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace
from enum import StrEnum

from local.emulator.projects import Project

__all__ = ["Delivery", "DeliveryState"]


class DeliveryState(StrEnum):
    """Where a callback is on its way."""

    PENDING = "pending"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    """Answered with a 4xx that is not retried."""
    DROPPED = "dropped"
    """Retried for 24 hours without success."""
    LOST = "lost"
    """Not sent because of the fault ``lose``."""
    STOPPED = "stopped"
    """Not sent because of the fault ``stop``."""


@dataclass(slots=True)
class Delivery:
    """A callback and its attempts.

    Attributes:
        project: whose secret signs it.
        age_seconds: how far ``iat`` is in the past.
        token: the signature of the last attempt.
        attempts: time and HTTP status of each attempt; the status is None without a response.
    """

    kind: str
    event: str
    session_id: str
    connection_id: str | None
    body: bytes
    created: float
    project: Project | None = field(repr=False)
    age_seconds: float = 0
    mis_signed: bool = False
    wrong_hash: bool = False
    unsigned: bool = False
    duplicated: bool = False
    state: DeliveryState = DeliveryState.PENDING
    token: str | None = field(default=None, repr=False)
    attempts: list[tuple[float, int | None]] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def duplicate(self) -> Delivery:
        """Returns a second delivery of the same bytes."""
        return replace(self, duplicated=True, attempts=[], id=str(uuid.uuid4()))

    def attempted(self, time: float, status: int | None) -> None:
        self.attempts.append((time, status))

    def to_json(self) -> dict[str, object]:
        """Returns the delivery without its signature."""
        return {
            "id": self.id,
            "kind": self.kind,
            "event": self.event,
            "sessionId": self.session_id,
            "connectionId": self.connection_id,
            "state": self.state,
            "createdAt": self.created,
            "duplicate": self.duplicated,
            "attempts": [{"time": time, "status": status} for time, status in self.attempts],
            "body": json.loads(self.body),
        }
