"""Receives the vendor's callbacks: verifies them, records who is connected and what is recorded,
broadcast, captioned, rendered or dialled in.

Nothing else happens here. What follows from a change (disconnected clients, events on a bus) is
read from the table's stream, so it cannot be lost between the write and its consequence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from opentok_client.callbacks import FUTURE_MAX_SECONDS, Event, Refusal, verify
from opentok_client.callbacks import Connection as EventConnection

from .credentials import CredentialCache
from .domain.models import Session
from .domain.presence import Connection, is_ended
from .domain.problems import CallbackRefused, CallbackUnverifiable
from .runtime import telemetry
from .storage.presence_store import Change, PresenceStore
from .storage.session_store import SessionStore
from .storage.table import Table

__all__ = ["ReceiveCallback"]

UNVERIFIABLE = (Refusal.UNSIGNED, Refusal.NOT_CONFIGURED)
LATEST = {
    "sessionCreated": "startedAt",
    "sessionDestroyed": "endedAt",
    "sessionNotification": "notifiedAt",
}
"""The hint that an event about the session sets: the latest time wins."""


@dataclass(slots=True, eq=False, repr=False)
class ReceiveCallback:
    """`POST /callbacks/{kind}`."""

    sessions: SessionStore
    presence: PresenceStore
    table: Table
    credentials: CredentialCache
    clock: Callable[[], float] = time.time

    def __call__(self, kind: str, raw: bytes, authorization: str | None) -> None:
        """Records the event; idempotent and independent of the order of events.

        A request that is not an event is accepted without any effect, because the vendor probes new
        URLs. Raises `CallbackRefused` for a forged event, and `CallbackUnverifiable`,
        `CredentialsUnavailable` or `StorageUnavailable` for one that the vendor should send again.
        """
        now = self.clock()
        event = self._verified(raw, authorization, now)
        if event is None:
            return
        if event.timestamp > (now + FUTURE_MAX_SECONDS) * 1000:
            # It would end every later conversation, or make the session look empty forever.
            telemetry.count("CallbackUnusable")
            telemetry.logger.warning("callback_from_the_future", extra=_details(kind, event))
            return
        telemetry.count("CallbackReceived")
        telemetry.count("CallbackSilence", 0)  # a token reports 1: see the alarm `callbacks-silent`
        if event.timestamp:
            telemetry.measure_seconds("CallbackAge", now - event.timestamp / 1000)
        session = self.sessions.find_session(event.session_id) if _storable(event) else None
        if session is None:
            telemetry.count("CallbackUnknownSession")
        elif kind == "session":
            self._record(session, event, now)
        else:
            return self._record_feature(kind, session, event, now)
        telemetry.logger.info("callback", extra=_details(kind, event))

    def _verified(self, raw: bytes, authorization: str | None, now: float) -> Event | None:
        event = verify(raw, authorization, (), now)
        if event is Refusal.NOT_AN_EVENT:  # before the secret is read: a probe costs nothing
            telemetry.count("CallbackProbe")
            return None
        if event is not Refusal.UNSIGNED:
            secrets = self.credentials.current().signature_secrets
            event = verify(raw, authorization, secrets, now)
            if event is Refusal.FORGED:  # the secret may have been rotated a moment ago
                secrets = self.credentials.reread().signature_secrets
                event = verify(raw, authorization, secrets, now)
        if isinstance(event, Event):
            return event
        telemetry.logger.warning("callback_refused", extra={"reason": event.value})
        if event in UNVERIFIABLE:
            raise CallbackUnverifiable(f"The callback cannot be verified: {event.value}.")
        telemetry.count("CallbackForged")
        raise CallbackRefused(f"The callback is refused: {event.value}.")

    def _record(self, session: Session, event: Event, now: float) -> None:
        if event.connection is None and event.name not in LATEST:
            # The path is not signed: a replayed status of a feature does not tell who is connected.
            telemetry.count("CallbackUnusable")
            return
        changed = False
        at = event.timestamp or int(now * 1000)
        if (hint := LATEST.get(event.name)) is not None:
            changed = self.presence.record_latest(session.session_id, hint, at)
        elif event.connection is not None:
            changed = self._record_connection(session, event, event.connection, at, now)
        # A repeated event may be a replay, so it does not prove that the session is live.
        if changed or session.hints.monitored_since is None:
            self.presence.record_event(session, now)

    def _record_connection(
        self, session: Session, event: Event, sent: EventConnection, at: int, now: float
    ) -> bool:
        connection = Connection(sent.id, sent.created_at or at, sent.data)
        if event.name in ("connectionCreated", "streamCreated"):  # a stream proves its connection
            return self._connected(session, event, connection, now)
        if event.name == "connectionDestroyed":
            return self._disconnected(session, connection, at, event.reason, now)
        return False

    def _connected(
        self, session: Session, event: Event, connection: Connection, now: float
    ) -> bool:
        change = Change.LATE
        if not is_ended(connection.connected_at, session.hints):
            change = self.presence.add(session.session_id, connection, now)
        if change is Change.LATE:
            telemetry.count("CallbackLate")
            return False
        if change is Change.KNOWN and event.name == "connectionCreated":
            telemetry.count("CallbackDuplicate")
        self.presence.record_occupied(session)  # even if an earlier attempt failed before this
        hints = session.hints
        if hints.ended_at is not None and hints.ended_at >= (hints.started_at or 0):
            # A new conversation, even if the event about its start was lost.
            self.presence.record_latest(session.session_id, "startedAt", connection.connected_at)
        return change is Change.ADDED

    def _disconnected(
        self, session: Session, connection: Connection, at: int, reason: str, now: float
    ) -> bool:
        change = self.presence.remove(session.session_id, connection, at, reason, now)
        if change is Change.KNOWN:
            telemetry.count("CallbackDuplicate")
            if session.hints.empty_since is not None:
                return False
        if not self.presence.is_anyone_connected(session.session_id, session.hints):
            # Other clients may have left after this one, so the time of arrival counts. Not for a
            # repeated event: it may arrive hours later.
            since = max(at, int(now * 1000)) if change is Change.REMOVED else at
            self.presence.record_latest(session.session_id, "emptySince", since)
        return change is Change.REMOVED

    def _record_feature(self, kind: str, session: Session, event: Event, now: float) -> None:
        # Loaded when needed: most callbacks are about connections.
        from .domain.feature_events import reported
        from .storage.feature_store import FeatureStore

        record, details = reported(kind, event), _details(kind, event)
        if record is None:
            telemetry.count("CallbackUnusable")
            telemetry.logger.warning("callback_unusable", extra=details)
            return
        # A time in the future would keep the status from ever being replaced by the next one.
        latest = int((now + FUTURE_MAX_SECONDS) * 1000)
        record = record._replace(updated_at=min(record.updated_at, latest))
        kept_seconds = self.sessions.expires_at(session, now) - int(now)  # as long as the session
        if not FeatureStore(self.table).record(session.session_id, record, now, kept_seconds):
            telemetry.count("CallbackDuplicate")  # or a later status is known
        details |= {"feature_id": record.id, "status": record.status}
        telemetry.logger.info("callback", extra=details)


def _storable(event: Event) -> bool:
    return 1 <= len(event.session_id) <= 255 and event.session_id.isascii()


def _details(kind: str, event: Event) -> dict[str, object]:
    return {
        "kind": kind,
        "event": event.name,
        "session_id": event.session_id,
        "connection_id": event.connection.id if event.connection else None,
        # Not that of a broadcast, which may contain a stream name.
        "reason": (event.reason or None) if kind == "session" else None,
    }
