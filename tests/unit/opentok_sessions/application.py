"""The use cases put together for a test: AWS in memory, a vendor on loopback, a clock to turn."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from opentok_client.clock import Clocks
from opentok_client.credentials import Platform
from opentok_client.grant import TokenFormat
from opentok_client.options import SessionOptions
from opentok_sessions.caller_limits import CallerLimits
from opentok_sessions.close_session import CloseSession
from opentok_sessions.conversations import Conversations
from opentok_sessions.create_session import CreateSession
from opentok_sessions.credentials import CredentialCache
from opentok_sessions.domain.claims import KeyClaim
from opentok_sessions.domain.deadline import FUNCTION_SECONDS, RESPONSE_RESERVE_SECONDS, Deadline
from opentok_sessions.domain.limits import Limits
from opentok_sessions.domain.models import Caller, Created, Session, Source, Token, TokenRequest
from opentok_sessions.domain.requests import ListRequest
from opentok_sessions.get_session import GetSession
from opentok_sessions.http.create_session import parse_create_request
from opentok_sessions.http.pools import pools_from_json
from opentok_sessions.http.request import Request
from opentok_sessions.http.update_session import parse_session_update
from opentok_sessions.issue_token import IssueToken, TokenIssuer
from opentok_sessions.join_session import JoinSession
from opentok_sessions.precreate_sessions import PrecreateSessions
from opentok_sessions.release_room import ReleaseRoom
from opentok_sessions.runtime.settings import Settings
from opentok_sessions.session_supply import SessionSupply
from opentok_sessions.storage.limit_store import LimitStore
from opentok_sessions.storage.pool_store import PoolStore
from opentok_sessions.storage.presence_store import PresenceStore
from opentok_sessions.storage.session_changes import SessionChanges
from opentok_sessions.storage.session_list import SessionList
from opentok_sessions.storage.session_store import SessionStore
from opentok_sessions.storage.table import Table
from opentok_sessions.update_session import UpdateSession
from opentok_sessions.vendor import NewSession, Vendor
from tests.aws import API_KEY, ENVIRONMENT, SECRET_ID, TABLE_NAME, Aws
from tests.unit.opentok_sessions.vendor_server import VendorServer

__all__ = [
    "ALICE",
    "BOB",
    "DAY",
    "DEADLINE",
    "EMPTY",
    "IDLE",
    "MODERATOR",
    "NOW",
    "RETENTION",
    "Application",
    "Clock",
    "a_session",
    "session_in",
]

NOW = 1_900_000_000  # 2030-03-17T17:46:40Z
DAY = 24 * 3600
IDLE = 12 * 3600
EMPTY = 60
RETENTION = 30 * DAY
DEADLINE = Deadline(math.inf, time.monotonic)

ALICE = Caller("alice")
BOB = Caller("bob")
MODERATOR = Caller("mo", moderator=True)


UNLIMITED = Limits.of(0, 0, 0)


class Clock:
    """Seconds since the epoch, for as long as the test wants."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


def a_session(number: object = 1, **values: object) -> Session:
    """A session of Alice's, made now; `values` replace what it has."""
    usual: dict[str, object] = {
        "session_id": f"session-{number}",
        "project_id": API_KEY,
        "options": SessionOptions(),
        "media_mode_reason": "as requested",
        "owner": ALICE.sub,
        "created_at": NOW * 1000,
        "source": Source.CREATED,
        "last_used_at": NOW,
        "claim_id": f"claim-{number}",
    }
    return Session(**{**usual, **values})  # type: ignore[arg-type]


def session_in(store: SessionStore, room: str) -> str | None:
    """Returns the id of the room's current session."""
    record = store.find_room(room, "")
    return record.session_id if record else None


class _PatientVendor(Vendor):
    """Waits longer than a caller would: the machine may be busy with other tests."""

    def create_session(self, options: SessionOptions, seconds: float = 60) -> NewSession:
        return super().create_session(options, 60)


@dataclass(frozen=True)
class Application:
    """One instance: its own clients and caches, with the shared account and clock."""

    aws: Aws
    clock: Clock
    store: SessionStore
    pool_store: PoolStore
    credentials: CredentialCache
    vendor: Vendor
    create_session: CreateSession
    issue_token: IssueToken
    get_session: GetSession
    close_session: CloseSession
    precreate_sessions: PrecreateSessions
    release_room: ReleaseRoom
    update_session: UpdateSession

    @classmethod
    def start(
        cls,
        aws: Aws,
        vendor_server: VendorServer,
        clock: Clock,
        pools: str = ENVIRONMENT["POOLS"],
        platform: Platform = Platform.OPENTOK,
        limits: Limits = UNLIMITED,
    ) -> Application:
        table = Table(aws.client("dynamodb"), TABLE_NAME)
        store, pool_store = SessionStore(table, RETENTION), PoolStore(table)
        secrets_manager = aws.client("secretsmanager")
        credentials = CredentialCache(
            secrets_manager, SECRET_ID, platform, 60, clocks=Clocks(clock, clock)
        )
        vendor = _PatientVendor(credentials, vendor_server.url, 8)
        tokens = TokenIssuer(TokenFormat.JWT)
        caller_limits = CallerLimits(LimitStore(table, RETENTION), limits)
        presence = PresenceStore(table)
        conversations = Conversations(presence, EMPTY, IDLE, vendor.list_connections)
        return cls(
            aws=aws,
            clock=clock,
            store=store,
            pool_store=pool_store,
            credentials=credentials,
            vendor=vendor,
            create_session=CreateSession(
                store,
                SessionSupply(pool_store, pools_from_json(pools), vendor),
                credentials,
                tokens,
                JoinSession(store, credentials, tokens, IDLE, conversations, caller_limits),
                caller_limits,
                clock=clock,
            ),
            issue_token=IssueToken(
                store, credentials, tokens, caller_limits, IDLE, conversations, clock
            ),
            get_session=GetSession(store, SessionList(table), conversations, clock),
            close_session=CloseSession(store, clock),
            release_room=ReleaseRoom(store, caller_limits),
            update_session=UpdateSession(store, SessionChanges(table, store), caller_limits, clock),
            precreate_sessions=PrecreateSessions(
                pool_store, credentials, vendor, 500, clock, clock, lambda _, s: clock.turn(s)
            ),
        )

    def create(
        self,
        body: Mapping[str, object] | None = None,
        caller: Caller = ALICE,
        key: str | None = None,
    ) -> Created:
        """`POST /sessions`."""
        body = body or {}
        request = parse_create_request(body, self.clock(), DAY)
        return self.create_session(request, caller, self.key(key, body, caller), self.deadline())

    def deadline(self) -> Deadline:
        """Returns the deadline of an invocation that starts now, on the test's clock."""
        return Deadline.after(FUNCTION_SECONDS - RESPONSE_RESERVE_SECONDS, self.clock)

    @staticmethod
    def key(key: str | None, body: Mapping[str, object], caller: Caller = ALICE) -> KeyClaim | None:
        """An `Idempotency-Key` header as it is stored."""
        event = {"headers": {"idempotency-key": key}}
        return Request(event, Settings.from_environment(ENVIRONMENT)).idempotency_key(caller, body)

    def token(
        self, session_id: str, caller: Caller = ALICE, asked: TokenRequest | None = None
    ) -> Token:
        """`POST /sessions/{sessionId}/tokens`."""
        return self.issue_token(session_id, caller, asked or TokenRequest(), self.deadline())

    def close(self, session_id: str, caller: Caller = ALICE) -> None:
        """`DELETE /sessions/{sessionId}`."""
        self.close_session(session_id, caller)

    def update(
        self, session_id: str, body: Mapping[str, object], caller: Caller = ALICE
    ) -> Session:
        """`PATCH /sessions/{sessionId}`."""
        update = parse_session_update(body, self.clock())
        return self.update_session(session_id, update, caller)

    def in_room(self, room: str, caller: Caller = ALICE) -> str | None:
        """The id that `GET /sessions?room=…` shows."""
        found, _ = self.get_session.search(ListRequest(room, 20, None), caller)
        return found[0].session_id if found else None

    def fill(self, name: str, *session_ids: str, project: str = API_KEY) -> None:
        """Lets these sessions wait in a pool."""
        for session_id in session_ids:
            self.pool_store.add(session_id, project, f"{project}#{name}", self.clock())

    def pooled(self, name: str = "routed", project: str = API_KEY) -> set[str]:
        """The ids that wait in a pool."""
        items = self.aws.items("session#")
        pool_id = f"{project}#{name}"
        return {i["pk"]["S"][8:] for i in items if i.get("poolId", {}).get("S") == pool_id}

    def owned(self) -> set[str]:
        """The ids that have an owner."""
        return {i["pk"]["S"][8:] for i in self.aws.items("session#") if "owner" in i}

    def recorded(self, session_id: str) -> Session:
        """The record of a session that has an owner."""
        session = self.store.find_session(session_id)
        assert session is not None
        return session
