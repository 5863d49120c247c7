"""Creates a session, or joins a room's: one write decides everything.

The sources of a session, in this order: the idempotency record, the room's live session
(`join_session`), a registered id, the matching pool, the vendor (`session_supply`). The write
records the session with its owner, its room and the idempotency key, all or nothing. A request that
loses the race for the room or the key restarts (optimistic concurrency).
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from opentok_client.options import MediaMode
from opentok_client.session_id import SessionId

from .caller_limits import CallerLimits
from .credentials import CredentialCache
from .domain.claims import KeyClaim, Outcome
from .domain.deadline import RACE_ATTEMPTS, RACE_PAUSE_SECONDS, Deadline
from .domain.models import Caller, Created, Reuse, Session, Source
from .domain.pools import pool_name
from .domain.problems import (
    FieldError,
    InvalidRequest,
    RoleNotAllowed,
    StorageUnavailable,
    VendorUnavailable,
)
from .domain.requests import CreateRequest
from .issue_token import TokenIssuer
from .join_session import Attempt, JoinSession, LostRace, Opening
from .runtime import telemetry
from .session_supply import Candidate, SessionSupply
from .storage.session_store import SessionStore

__all__ = ["CreateSession"]

FALLBACK_REASON = "the video platform is unavailable; a pooled routed session was used instead"


@dataclass(slots=True, eq=False, repr=False)
class CreateSession:
    """`POST /sessions`."""

    store: SessionStore
    supply: SessionSupply
    credentials: CredentialCache
    tokens: TokenIssuer
    join: JoinSession
    limits: CallerLimits
    permanent_rooms_by_moderators: bool = False
    clock: Callable[[], float] = time.time

    def __call__(
        self, request: CreateRequest, caller: Caller, key: KeyClaim | None, deadline: Deadline
    ) -> Created:
        """Raises only `Problem`s, and then nothing was recorded for the caller."""
        if request.session_id is not None and not caller.moderator:
            raise RoleNotAllowed("Only moderators may register an existing session.")
        permanent = request.reuse is Reuse.PERMANENT
        if permanent and self.permanent_rooms_by_moderators and not caller.moderator:
            raise RoleNotAllowed("Only moderators may open a permanent room.")
        attempt = Attempt(request, caller, key, self.clock(), secrets.token_hex(8), deadline)
        created = self._run(attempt)
        if created.token is not None:
            telemetry.count("TokenIssued")
        return created

    def _run(self, attempt: Attempt) -> Created:
        surplus: Candidate | None = None  # created by the vendor, without an owner so far
        counted = False  # once, however many races the request loses
        try:
            for _ in range(RACE_ATTEMPTS):
                try:
                    found = self.join.find(attempt)
                    if isinstance(found, Created):
                        return found
                    if not counted:
                        self._count(attempt, found)
                        counted = True
                    if surplus is None:
                        if (existing := self._claim_existing(attempt, found)) is not None:
                            return existing
                        try:
                            surplus = self.supply.create(attempt.request.chosen, attempt.deadline)
                        except VendorUnavailable:
                            if (fallback := self._claim_fallback(attempt, found)) is not None:
                                return fallback
                            raise
                    created = self._record(attempt, found, surplus)
                    surplus = None  # it has an owner now
                    if created is not None:
                        return created
                    telemetry.logger.error("vendor_repeated_session_id")
                except LostRace:
                    time.sleep(RACE_PAUSE_SECONDS * random.random())  # noqa: S311 (jitter)
            raise StorageUnavailable(
                "Too many concurrent requests for this room or key. Retry later."
            )
        finally:
            if surplus is not None:
                self.supply.return_surplus(surplus, attempt.now, attempt.deadline)

    def _count(self, attempt: Attempt, opening: Opening) -> None:
        room = attempt.request.room
        self.limits.take_session(attempt.caller, room, opening.terms, attempt.now, attempt.deadline)

    def _claim_existing(self, attempt: Attempt, opening: Opening) -> Created | None:
        """Returns the registered or a pooled session as the caller's; None when none is left."""
        chosen = attempt.request.chosen
        if attempt.request.session_id is not None:
            return self._register(attempt, opening, attempt.request.session_id)
        pooled = self.supply.pooled(
            chosen.options, chosen.reason, opening.credentials, attempt.deadline
        )
        return self._claim_first(attempt, opening, pooled)

    def _claim_fallback(self, attempt: Attempt, opening: Opening) -> Created | None:
        """Returns a pooled routed session, if the caller left the media mode to us."""
        chosen = attempt.request.chosen
        routed = replace(chosen.options, media_mode=MediaMode.ROUTED)
        if not chosen.auto or routed == chosen.options:
            return None
        pooled = self.supply.pooled(routed, FALLBACK_REASON, opening.credentials, attempt.deadline)
        return self._claim_first(attempt, opening, pooled)

    def _claim_first(
        self, attempt: Attempt, opening: Opening, candidates: Iterable[Candidate]
    ) -> Created | None:
        for candidate in candidates:
            attempt.deadline.require()
            if (created := self._record(attempt, opening, candidate)) is not None:
                return created
        return None

    def _register(self, attempt: Attempt, opening: Opening, session_id: str) -> Created:
        project_id = SessionId.decode(session_id).project_id
        attempt.deadline.require()
        credentials = self.credentials.for_project(project_id)
        if project_id != credentials.project_id:
            error = FieldError("sessionId", "belongs to a different project")
            raise InvalidRequest("The session belongs to a different project.", [error])
        chosen = attempt.request.chosen
        candidate = Candidate(
            session_id, credentials, Source.REGISTERED, chosen.options, chosen.reason
        )
        attempt.deadline.require()
        created = self._record(attempt, opening, candidate)
        return created or self.join.registered(attempt, session_id, credentials)

    def _record(self, attempt: Attempt, opening: Opening, candidate: Candidate) -> Created | None:
        """Records the candidate as the caller's session; None when it already has an owner.

        Raises `LostRace`. A session that the vendor created is recorded however late it is.
        """
        session = _session(attempt, opening, candidate)
        # The token is signed before the write, so that a failure leaves nothing half-done.
        token = attempt.token(self.tokens, session, candidate.credentials)
        outcome = self.store.record(
            session,
            attempt.now,
            pooled=candidate.source is Source.POOL,
            room=opening.room,
            key=attempt.key,
        )
        details = {"session_id": session.session_id, "source": session.source.value}
        telemetry.logger.debug("candidate", extra={**details, "outcome": outcome.name})
        if outcome is Outcome.SESSION_TAKEN:
            return None
        if outcome is not Outcome.RECORDED:
            raise LostRace
        telemetry.count("SessionCreated")
        if session.source is Source.POOL:
            telemetry.count("SessionFromPool")
            telemetry.count_pool(pool_name(session.options), "PoolClaimed")
        return Created(session, token, joined=False)


def _session(attempt: Attempt, opening: Opening, candidate: Candidate) -> Session:
    request = attempt.request
    return Session(
        session_id=candidate.session_id,
        project_id=candidate.credentials.project_id,
        options=candidate.options,
        media_mode_reason=candidate.media_mode_reason,
        owner=opening.terms.owner,
        created_at=int(attempt.now * 1000),
        source=candidate.source,
        last_used_at=int(attempt.now),
        claim_id=attempt.claim_id,
        room=request.room,
        reuse=opening.terms.reuse,
        opens_at=opening.terms.opens_at,
        closes_at=opening.terms.closes_at,
        participants=opening.terms.participants,
        tenant=attempt.caller.tenant,
        max_connections=opening.terms.max_connections,
    )
