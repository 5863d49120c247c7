"""The receiver of callbacks for a test: AWS in memory, signed events, a clock to turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opentok_client.clock import Clocks
from opentok_client.credentials import Platform
from opentok_sessions.credentials import CredentialCache
from opentok_sessions.domain.models import Session
from opentok_sessions.receive_callback import ReceiveCallback
from opentok_sessions.storage.feature_store import FeatureStore
from opentok_sessions.storage.presence_store import PresenceStore
from opentok_sessions.storage.session_store import SessionStore
from opentok_sessions.storage.table import Table
from tests.aws import API_KEY, API_SECRET, SECRET_ID, TABLE_NAME, Aws
from tests.callbacks import SIGNATURE_SECRET, authorization, body, connection_event, session_event
from tests.unit.opentok_sessions.application import RETENTION, Clock, a_session

__all__ = ["SESSION", "Receiver"]

SESSION = "session-1"


@dataclass(frozen=True)
class Receiver:
    """One execution environment of `receive_callback`, and the session `SESSION`."""

    aws: Aws
    clock: Clock
    sessions: SessionStore
    presence: PresenceStore
    features: FeatureStore
    receive: ReceiveCallback

    @classmethod
    def start(cls, aws: Aws, clock: Clock) -> Receiver:
        credentials = {"apiKey": API_KEY, "apiSecret": API_SECRET}
        aws.put_secret({**credentials, "signatureSecret": SIGNATURE_SECRET})
        table = Table(aws.client("dynamodb"), TABLE_NAME)
        sessions, presence = SessionStore(table, RETENTION), PresenceStore(table)
        secrets_manager = aws.client("secretsmanager")
        clocks = Clocks(clock, clock)
        cache = CredentialCache(secrets_manager, SECRET_ID, Platform.OPENTOK, 60, clocks=clocks)
        receive = ReceiveCallback(sessions, presence, table, cache, clock)
        return cls(aws, clock, sessions, presence, FeatureStore(table), receive)

    def record_session(self, number: int = 1) -> str:
        session = a_session(number)
        self.sessions.record(session, self.clock(), pooled=False)
        return session.session_id

    def send(self, event: Mapping[str, object], kind: str = "session") -> None:
        """Receives an event that is signed now."""
        raw = body(event)
        self.receive(kind, raw, authorization(raw, self.clock()))

    def join(self, connection: str, created_at: int, at: int | None = None, data: str = "") -> None:
        self._connection("connectionCreated", connection, created_at, at or created_at, data)

    def leave(self, connection: str, created_at: int, at: int) -> None:
        self._connection("connectionDestroyed", connection, created_at, at)

    def session_event(self, name: str, at: int) -> None:
        self.send(session_event(name, SESSION, at))

    def _connection(
        self, name: str, connection: str, created_at: int, at: int, data: str = ""
    ) -> None:
        self.send(connection_event(name, SESSION, connection, created_at, at, data))

    def session(self) -> Session:
        session = self.sessions.find_session(SESSION)
        assert session is not None
        return session

    def connected(self) -> list[str]:
        """Returns the ids of the live connections, oldest first."""
        connections = self.presence.connections(SESSION, self.session().hints)
        return [connection.id for connection in connections]
