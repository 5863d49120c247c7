"""Puts the use cases together: one function per Lambda function, called once, at its start.

Only what a function needs is imported and made for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import coldstart  # noqa: F401  (before the large imports: holds garbage collection back)

# First of them, not deep inside botocore's: its large patterns compile slower far down the stack.
import urllib3  # noqa: F401  # isort: skip
from botocore.config import Config
from botocore.session import get_session as aws_session

from . import telemetry
from .errors import Problem
from .settings import Settings
from .store import Store
from .table import Table

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from .close_session import CloseSession
    from .create_session import CreateSession
    from .credentials import CredentialCache
    from .get_session import GetSession
    from .issue_token import IssueToken, TokenIssuer
    from .pools import Pools
    from .precreate_sessions import PrecreateSessions

__all__ = ["close_session", "create_session", "get_session", "issue_token", "precreate_sessions"]

# Three tries of up to three seconds, and the pauses between them: twelve seconds at most.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    max_pool_connections=16,
    # Otherwise botocore describes itself and the machine anew, twice per call: a fifth of its time.
    user_agent="opentok-sessions",
)
# botocore's own session: boto3's would load S3 transfers and resources, a tenth of the whole start.
_AWS = aws_session()
_CA_FILE = Path(__file__).parent.parent / "ca" / "aws.pem"


def create_session(settings: Settings) -> CreateSession:
    """Everything that `POST /sessions` needs."""
    from .create_session import CreateSession
    from .pool_store import PoolStore
    from .vendor import Vendor

    table, credentials = _table(settings), _credentials(settings)
    return CreateSession(
        store=Store(table, settings.retention_seconds),
        pool_store=PoolStore(table),
        pools=_pools(settings),
        credentials=credentials,
        vendor=Vendor(credentials, settings.api_url),
        tokens=_tokens(settings, credentials),
        room_idle_seconds=settings.room_idle_seconds,
    )


def issue_token(settings: Settings) -> IssueToken:
    """Everything that `POST /sessions/{sessionId}/tokens` needs."""
    from .issue_token import IssueToken

    return IssueToken(
        store=Store(_table(settings), settings.retention_seconds),
        tokens=_tokens(settings, _credentials(settings)),
        room_idle_seconds=settings.room_idle_seconds,
    )


def get_session(settings: Settings) -> GetSession:
    """Everything that the lookups need."""
    from .get_session import GetSession

    store = Store(_table(settings), settings.retention_seconds)
    return GetSession(store, settings.room_idle_seconds)


def close_session(settings: Settings) -> CloseSession:
    """Everything that `DELETE /sessions/{sessionId}` needs."""
    from .close_session import CloseSession

    return CloseSession(Store(_table(settings), settings.retention_seconds))


def precreate_sessions(settings: Settings) -> PrecreateSessions:
    """Everything that the schedule's function needs."""
    from .pool_store import PoolStore
    from .precreate_sessions import CONNECTIONS, PrecreateSessions
    from .vendor import Vendor

    credentials = _credentials(settings)
    return PrecreateSessions(
        pools=PoolStore(_table(settings)),
        credentials=credentials,
        vendor=Vendor(credentials, settings.api_url, CONNECTIONS),
        limit=settings.refill_limit,
    )


def _pools(settings: Settings) -> Pools:
    """The declared pools; none when they cannot be read, as callers are better served slowly than
    not at all. The schedule's run, which reads the same parameter, fails then."""
    from .pools import Pools

    try:
        return Pools.parse(settings.pools)
    except Problem as problem:
        telemetry.logger.error("pools_unusable", extra={"reason": problem.detail})
        telemetry.count("InternalError")
        return Pools([])


def _tokens(settings: Settings, credentials: CredentialCache) -> TokenIssuer:
    from opentok_client.grant import TokenFormat

    from .issue_token import TokenIssuer

    return TokenIssuer(credentials, TokenFormat(settings.token_format))


def _credentials(settings: Settings) -> CredentialCache:
    from .credentials import CredentialCache

    return CredentialCache(
        _client("secretsmanager"),
        settings.secret_id,
        settings.platform,
        settings.secret_cache_seconds,
    )


def _table(settings: Settings) -> Table:
    return Table(_client("dynamodb"), settings.table_name)


def _client(service: str) -> BaseClient:
    # A handful of roots is read in a millisecond, the full set in twenty.
    verify = str(_CA_FILE) if _CA_FILE.is_file() else None
    return _AWS.create_client(service, config=_CONFIG, verify=verify)
