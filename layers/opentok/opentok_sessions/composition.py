"""The composition root: one function per Lambda function, called once during initialisation.

Each imports and creates only what its Lambda function needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .runtime import cold_start  # noqa: F401  # isort: skip  (first: suspends garbage collection)

from .runtime import aws
from .runtime.settings import Settings
from .storage.session_store import SessionStore
from .storage.table import Table

if TYPE_CHECKING:
    from .caller_limits import CallerLimits
    from .close_session import CloseSession
    from .conversations import Conversations, ListConnections
    from .create_session import CreateSession
    from .credentials import CredentialCache
    from .disconnect_clients import DisconnectClients
    from .get_session import GetSession
    from .issue_token import IssueToken, TokenIssuer
    from .manage_features import ManageFeatures
    from .precreate_sessions import PrecreateSessions
    from .publish_events import PublishEvents
    from .receive_callback import ReceiveCallback
    from .release_room import ReleaseRoom
    from .remove_connection import RemoveConnection
    from .update_session import UpdateSession

__all__ = [
    "close_session", "create_session", "disconnect_clients", "get_session", "issue_token",
    "manage_features", "precreate_sessions", "publish_events", "receive_callback", "release_room",
    "remove_connection", "update_session",
]  # fmt: skip


def create_session(settings: Settings) -> CreateSession:
    """Returns the use case of `POST /sessions`."""
    from .create_session import CreateSession
    from .http.pools import usable_pools
    from .join_session import JoinSession
    from .session_supply import SessionSupply
    from .storage.pool_store import PoolStore
    from .vendor import Vendor

    table, credentials = _table(settings), _credentials(settings)
    store, tokens = SessionStore(table, settings.retention_seconds), _tokens(settings)
    vendor = Vendor(credentials, settings.api_url)
    conversations = _conversations(settings, table, vendor.list_connections)
    limits = _limits(settings, table)
    return CreateSession(
        store=store,
        supply=SessionSupply(PoolStore(table), usable_pools(settings.pools), vendor),
        credentials=credentials,
        tokens=tokens,
        limits=limits,
        permanent_rooms_by_moderators=settings.permanent_rooms_by == "moderators",
        join=JoinSession(
            store, credentials, tokens, settings.room_idle_seconds, conversations, limits
        ),
    )


def issue_token(settings: Settings) -> IssueToken:
    """Returns the use case of `POST /sessions/{sessionId}/tokens`."""
    from .issue_token import IssueToken

    table = _table(settings)
    return IssueToken(
        store=SessionStore(table, settings.retention_seconds),
        credentials=_credentials(settings),
        tokens=_tokens(settings),
        limits=_limits(settings, table),
        room_idle_seconds=settings.room_idle_seconds,
        conversations=_conversations(settings, table),
    )


def get_session(settings: Settings) -> GetSession:
    """Returns the use case of the lookups."""
    from .get_session import GetSession
    from .storage.session_list import SessionList

    table = _table(settings)
    store = SessionStore(table, settings.retention_seconds)
    return GetSession(store, SessionList(table), _conversations(settings, table))


def close_session(settings: Settings) -> CloseSession:
    """Returns the use case of `DELETE /sessions/{sessionId}`."""
    from .close_session import CloseSession

    return CloseSession(SessionStore(_table(settings), settings.retention_seconds))


def release_room(settings: Settings) -> ReleaseRoom:
    """Returns the use case of `DELETE /rooms/{room}`."""
    from .release_room import ReleaseRoom

    table = _table(settings)
    return ReleaseRoom(SessionStore(table, settings.retention_seconds), _limits(settings, table))


def precreate_sessions(settings: Settings) -> PrecreateSessions:
    """Returns the use case of the schedule."""
    from .precreate_sessions import CONNECTIONS, PrecreateSessions
    from .storage.pool_store import PoolStore
    from .vendor import Vendor

    credentials = _credentials(settings)
    return PrecreateSessions(
        pools=PoolStore(_table(settings)),
        credentials=credentials,
        vendor=Vendor(credentials, settings.api_url, CONNECTIONS),
        limit=settings.refill_limit,
    )


def update_session(settings: Settings) -> UpdateSession:
    """Returns the use case of `PATCH /sessions/{sessionId}`."""
    from .storage.session_changes import SessionChanges
    from .update_session import UpdateSession

    table = _table(settings)
    store = SessionStore(table, settings.retention_seconds)
    return UpdateSession(store, SessionChanges(table, store), _limits(settings, table))


def remove_connection(settings: Settings) -> RemoveConnection:
    """Returns the use case of `DELETE /sessions/{sessionId}/connections/{connectionId}`."""
    from .remove_connection import RemoveConnection
    from .storage.presence_store import PresenceStore
    from .vendor import Vendor

    table = _table(settings)
    return RemoveConnection(
        sessions=SessionStore(table, settings.retention_seconds),
        presence=PresenceStore(table),
        vendor=Vendor(_credentials(settings), settings.api_url),
    )


def manage_features(settings: Settings) -> ManageFeatures:
    """Returns the use case of the routes below `/sessions/{sessionId}/{family}`."""
    from .feature_vendor import FeatureVendor
    from .manage_features import ManageFeatures
    from .storage.feature_store import FeatureStore
    from .vendor import Vendor

    table = _table(settings)
    return ManageFeatures(
        sessions=SessionStore(table, settings.retention_seconds),
        records=FeatureStore(table),
        vendor=FeatureVendor(Vendor(_credentials(settings), settings.api_url)),
        limits=_limits(settings, table),
        moderators_only=settings.features_by == "moderators",
        retention_seconds=settings.retention_seconds,
    )


def disconnect_clients(settings: Settings) -> DisconnectClients:
    """Returns the use case that disconnects clients after a change of the table."""
    from .disconnect_clients import CONNECTIONS, DisconnectClients
    from .storage.presence_store import PresenceStore
    from .vendor import Vendor

    table = _table(settings)
    return DisconnectClients(
        sessions=SessionStore(table, settings.retention_seconds),
        presence=PresenceStore(table),
        vendor=Vendor(_credentials(settings), settings.api_url, CONNECTIONS),
        identified=settings.connection_data == "identified",
    )


def publish_events(settings: Settings) -> PublishEvents:
    """Returns the use case that publishes events after a change of the table."""
    from .publish_events import PublishEvents

    store = SessionStore(_table(settings), settings.retention_seconds)
    identified = settings.connection_data == "identified"
    return PublishEvents(store, aws.client("events"), settings.event_bus_name, identified)


def receive_callback(settings: Settings) -> ReceiveCallback:
    """Returns the use case of `POST /callbacks/{kind}`."""
    from .receive_callback import ReceiveCallback
    from .storage.presence_store import PresenceStore

    table = _table(settings)
    return ReceiveCallback(
        sessions=SessionStore(table, settings.retention_seconds),
        presence=PresenceStore(table),
        table=table,
        credentials=_credentials(settings),
    )


def _conversations(
    settings: Settings, table: Table, list_connections: ListConnections | None = None
) -> Conversations:
    from .conversations import Conversations
    from .storage.presence_store import PresenceStore

    empty, idle = settings.room_empty_seconds, settings.room_idle_seconds
    return Conversations(PresenceStore(table), empty, idle, list_connections)


def _limits(settings: Settings, table: Table) -> CallerLimits:
    from .caller_limits import CallerLimits
    from .domain.limits import Limits
    from .storage.limit_store import LimitStore

    sessions, tokens = settings.caller_sessions_per_hour, settings.caller_tokens_per_minute
    rooms, features = settings.caller_rooms, settings.caller_features_per_hour
    limits = Limits.of(sessions, tokens, rooms, features)
    return CallerLimits(LimitStore(table, settings.retention_seconds), limits)


def _tokens(settings: Settings) -> TokenIssuer:
    from opentok_client.grant import TokenFormat

    from .issue_token import TokenIssuer

    identified = settings.connection_data == "identified"
    return TokenIssuer(TokenFormat(settings.token_format), identified=identified)


def _credentials(settings: Settings) -> CredentialCache:
    from .credentials import CredentialCache

    return CredentialCache(
        aws.client("secretsmanager"),
        settings.secret_id,
        settings.platform,
        settings.secret_cache_seconds,
        settings.project_id,
    )


def _table(settings: Settings) -> Table:
    return Table(aws.client("dynamodb"), settings.table_name)
