"""Create a session, or join a room's: one write decides everything.

Where a session can come from, in this order: what an idempotency key stands for, the room's live
session, a registered id, the pool that fits, the vendor. The write makes it the caller's, gives it
to the room and takes the key, all or nothing; who loses it to somebody faster looks again.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from opentok_client.credentials import Credentials
from opentok_client.options import MediaMode, SessionOptions
from opentok_client.session_id import SessionId

from . import policy, rooms, telemetry
from .create_request import CLOSES_IN_THE_PAST, CreateRequest
from .credentials import CredentialCache
from .errors import (
    FieldError,
    IdempotencyConflict,
    InvalidRequest,
    Problem,
    RoleNotAllowed,
    RoomOptionsConflict,
    SessionClosed,
    SessionNotFound,
    StorageUnavailable,
    VendorUnavailable,
)
from .issue_token import TokenIssuer
from .models import Caller, Created, Session, Source, Token
from .pool_store import PoolStore
from .pools import Pools, pool_name
from .store import KeyClaim, Outcome, Remembered, RoomClaim, Store
from .vendor import BUDGET_SECONDS, NewSession, Vendor

__all__ = ["CreateSession"]

ATTEMPTS = 10
"""How often a caller looks again after others were faster, before being told to come back."""
PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 10.0
"""After so long no further step is begun, and the caller is told to come back: what is under way by
then ends before the function's 25 s do."""
VENDOR_PATIENCE_SECONDS = 12.0
"""By then the vendor has answered or is not waited for, so that what it made can be written down
before the 25 s are over."""
STAND_IN_REASON = "the video platform is down, and a routed session stood ready"


class _Candidate(NamedTuple):
    """A session that could become the caller's."""

    session_id: str
    project_id: str
    source: Source
    options: SessionOptions
    media_mode_reason: str


class _LookAgain(Exception):
    """Somebody else was faster with the room or the key."""


@dataclass(slots=True, eq=False, repr=False)
class CreateSession:
    """`POST /sessions`."""

    store: Store
    pool_store: PoolStore
    pools: Pools
    credentials: CredentialCache
    vendor: Vendor
    tokens: TokenIssuer
    room_idle_seconds: int
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, request: CreateRequest, caller: Caller, key: KeyClaim | None) -> Created:
        """Raises `Problem`s only, and then nothing was written."""
        if request.session_id is not None and not caller.moderator:
            raise RoleNotAllowed("Only moderators may register a session that was made elsewhere.")
        attempt = _Attempt(self, request, caller, key)
        try:
            for _ in range(ATTEMPTS):
                try:
                    created = attempt.run()
                    if created.token is not None:
                        telemetry.count("TokenIssued")
                    return created
                except _LookAgain:
                    time.sleep(PAUSE_SECONDS * random.random())  # noqa: S311 (jitter)
            raise StorageUnavailable("Too many callers want the same at once.")
        finally:
            attempt.keep_spare()


class _Attempt:
    """One caller's request, while it looks for a session."""

    def __init__(
        self, use: CreateSession, request: CreateRequest, caller: Caller, key: KeyClaim | None
    ) -> None:
        self._use = use
        self._request = request
        self._caller = caller
        self._key = key
        self._now = use.clock()
        self._began = use.monotonic()
        self._claim_id = secrets.token_hex(8)
        self._spare: NewSession | None = None  # made at the vendor, and nobody's yet

    @property
    def _store(self) -> Store:
        self._require_time()
        return self._use.store

    @property
    def _credentials(self) -> CredentialCache:
        self._require_time()
        return self._use.credentials

    @property
    def _elapsed(self) -> float:
        return self._use.monotonic() - self._began

    def _require_time(self) -> None:
        """Before each step that may take long: while there is time for it."""
        if self._elapsed > PATIENCE_SECONDS:
            raise StorageUnavailable("The session records answer too slowly right now.")

    def run(self) -> Created:
        """Raises `_LookAgain` when somebody else was faster."""
        if self._key and (known := self._store.remembered(self._key.key, self._now)):
            return self._replay(known)
        credentials = self._credentials.current()
        claim = None
        if self._request.room is not None:
            room = self._look_at(self._request.room, credentials)
            if isinstance(room, Session):
                return self._join(room)
            claim = room
        return self._take(claim, self._credentials.current())

    def _replay(self, known: Remembered) -> Created:
        """What the key stands for, with a fresh token under the policy of the moment."""
        if self._key is None or known.body_hash != self._key.body_hash:
            raise IdempotencyConflict("This Idempotency-Key came with another body before.")
        session, _ = policy.admit(self._caller, self._store.session(known.session_id))
        token = self._token(session)
        if token is not None:
            self._note_use(session, joining=False)
        return Created(session, token, joined=known.joined)

    def _look_at(self, name: str, credentials: Credentials) -> Session | RoomClaim:
        """The room's live session, or on which condition the room can be given another one."""
        seen = self._store.room(name)
        session = self._store.session(seen) if seen else None
        if session is None:
            return RoomClaim(name, seen)
        if session.project_id != credentials.project_id:
            # Perhaps the project changed a moment ago, and another container knows already.
            credentials = self._credentials.reread()
        idle_seconds, project_id = self._use.room_idle_seconds, credentials.project_id
        live = rooms.is_live(session, self._now, idle_seconds, project_id)
        telemetry.logger.debug("room", extra={"room": name, "session_id": seen, "live": live})
        if live:
            return session
        idle = rooms.is_idle(session, self._now, idle_seconds) and not session.superseded
        return RoomClaim(name, seen, idle=session if idle else None)

    def _join(self, session: Session) -> Created:
        policy.admit(self._caller, session)
        joining = self._request.room is not None  # or registering once more
        if contradictions := rooms.conflicts(session, self._request):
            names = ", ".join(contradictions)
            errors = [FieldError(name, "differs from the live session") for name in contradictions]
            raise RoomOptionsConflict(f"The room's live session differs in: {names}.", errors)
        token = self._token(session)
        if not self._note_use(session, joining=joining) and joining:
            raise _LookAgain
        if self._key is not None:
            outcome = self._store.remember_join(self._key, session, self._now)
            if outcome is not Outcome.RECORDED:
                raise _LookAgain
        telemetry.count("RoomJoined")
        return Created(session, token, joined=True)

    def _note_use(self, session: Session, *, joining: bool) -> bool:
        """Writes down that the session is in use, when that is due; False if it could not be."""
        if not rooms.use_is_due(session, self._now, self._use.room_idle_seconds):
            return True
        return self._store.touch(session, self._now, joining=joining)

    def _take(self, room: RoomClaim | None, credentials: Credentials) -> Created:
        """Makes the first candidate that nobody else takes the caller's."""
        closes_at = self._request.closes_at
        if closes_at is not None and closes_at <= self._now:
            raise InvalidRequest("The session would be closed already.", [CLOSES_IN_THE_PAST])
        draft = self._draft()
        if self._request.token is not None:
            policy.require_window(draft, self._now)  # before anybody is asked for a session
        for candidate in self._candidates(credentials):
            session = replace(draft, **candidate._asdict())
            token = self._token(session)  # before the write: a failure leaves nothing half done
            if candidate.source is not Source.CREATED:
                self._require_time()
            outcome = self._use.store.record(  # what was made for us is written down in any case
                session,
                self._now,
                pooled=candidate.source is Source.POOL,
                room=room,
                key=self._key,
            )
            told = {"session_id": session.session_id, "from": session.source, "is": outcome.name}
            telemetry.logger.debug("candidate", extra=told)
            if outcome is Outcome.RECORDED:
                self._recorded(session)
                return Created(session, token, joined=False)
            if outcome is not Outcome.SESSION_TAKEN:
                raise _LookAgain
            if candidate.source is Source.REGISTERED:
                return self._registered_before(candidate.session_id)
        raise _LookAgain

    def _recorded(self, session: Session) -> None:
        telemetry.count("SessionCreated")
        if session.source is Source.CREATED:
            self._spare = None
        if session.source is Source.POOL:
            telemetry.count("SessionFromPool")
            telemetry.count_pool(pool_name(session.options), "PoolClaimed")

    def _candidates(self, credentials: Credentials) -> Iterator[_Candidate]:
        chosen = self._request.chosen
        if self._request.session_id is not None:
            yield self._registered(self._request.session_id, credentials)
            return
        if self._spare is None:
            yield from self._waiting(chosen.options, chosen.reason, credentials)
            self._require_time()
            budget = min(BUDGET_SECONDS, VENDOR_PATIENCE_SECONDS - self._elapsed)
            try:
                self._spare = self._use.vendor.create_session(chosen.options, budget)
            except VendorUnavailable:
                stand_in = replace(chosen.options, media_mode=MediaMode.ROUTED)
                if chosen.auto and stand_in != chosen.options:
                    yield from self._waiting(stand_in, STAND_IN_REASON, credentials)
                raise
        yield _Candidate(*self._spare, Source.CREATED, chosen.options, chosen.reason)

    def _waiting(
        self, options: SessionOptions, reason: str, credentials: Credentials
    ) -> Iterator[_Candidate]:
        """Sessions of the declared pool that has exactly these options."""
        if (pool := self._use.pools.fitting(options)) is None:
            return
        project_id = credentials.project_id
        pool_id = pool.id_for(project_id)
        for session_id in self._use.pool_store.waiting(pool_id, self._require_time):
            yield _Candidate(session_id, project_id, Source.POOL, options, reason)
        telemetry.count_pool(pool.name, "PoolMissed")

    def _registered(self, session_id: str, credentials: Credentials) -> _Candidate:
        owner = SessionId.decode(session_id).project_id
        if owner != credentials.project_id:
            owner_now = self._credentials.reread().project_id
            if owner != owner_now:
                error = FieldError("sessionId", "belongs to another project")
                raise InvalidRequest("The session belongs to another project.", [error])
        chosen = self._request.chosen
        return _Candidate(session_id, owner, Source.REGISTERED, chosen.options, chosen.reason)

    def _registered_before(self, session_id: str) -> Created:
        """Registering twice is the same as once; somebody else's session is as good as none."""
        session = self._store.session(session_id)
        if session is None or session.owner != self._caller.sub:
            raise SessionNotFound
        if session.is_closed(self._now):
            raise SessionClosed("The session was closed: registering does not open it again.")
        if session.superseded and self._request.room is not None:
            error = FieldError("room", "has moved on to another session since")
            raise RoomOptionsConflict("The room has moved on from this session.", [error])
        return self._join(session)

    def _draft(self) -> Session:
        """The session as it will be, whichever candidate it becomes."""
        request = self._request
        return Session(
            session_id="",
            project_id="",
            options=request.chosen.options,
            media_mode_reason=request.chosen.reason,
            owner=self._caller.sub,
            created_at=int(self._now * 1000),
            source=Source.CREATED,
            last_used_at=int(self._now),
            claim_id=self._claim_id,
            room=request.room,
            reuse=request.reuse,
            opens_at=request.opens_at,
            closes_at=request.closes_at,
            participants=request.participants,
        )

    def _token(self, session: Session) -> Token | None:
        asked = self._request.token
        if asked is None:
            return None
        return self._use.tokens.issue(session, self._caller, asked, self._now)

    def keep_spare(self) -> None:
        """A session that was made for nothing waits for the next caller, if a pool fits it."""
        if self._spare is None:
            return
        pool = self._use.pools.fitting(self._request.chosen.options)
        try:
            if pool is not None and self._elapsed <= VENDOR_PATIENCE_SECONDS:
                session_id, project_id = self._spare
                pool_id = pool.id_for(project_id)
                self._use.pool_store.add(session_id, project_id, pool_id, self._now)
                return
        except Problem:
            pass  # the caller has an answer already, and a session that nobody knows costs nothing
        telemetry.count("SessionDropped")
