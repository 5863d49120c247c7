"""Finds the session that a request already has: its idempotency record's, or its room's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from opentok_client.credentials import Credentials
from opentok_client.session_id import other_spelling

from .caller_limits import CallerLimits
from .conversations import Conversations
from .credentials import CredentialCache
from .domain import policy, rooms
from .domain.claims import IdempotencyRecord, KeyClaim, Outcome, RoomClaim
from .domain.deadline import Deadline
from .domain.models import Caller, Created, Room, Session, Token
from .domain.problems import (
    AlreadyRegistered,
    FieldError,
    IdempotencyConflict,
    InvalidRequest,
    RoomOptionsConflict,
    SessionClosed,
    SessionNotFound,
    SessionNotOpenYet,
    StorageUnavailable,
)
from .domain.requests import CLOSES_IN_THE_PAST, CreateRequest
from .domain.rooms import Terms
from .issue_token import TokenIssuer
from .runtime import telemetry
from .storage.session_store import SessionStore

__all__ = ["Attempt", "JoinSession", "LostRace", "Opening"]


class LostRace(Exception):
    """Another request was faster with the room or the idempotency key."""


class Attempt(NamedTuple):
    """One request of `POST /sessions`: what stays the same after it has lost a race."""

    request: CreateRequest
    caller: Caller
    key: KeyClaim | None
    now: float
    claim_id: str
    deadline: Deadline

    def token(
        self, tokens: TokenIssuer, session: Session, credentials: Credentials
    ) -> Token | None:
        """Returns the requested token; None when the request asks for none."""
        if self.request.token is None:
            return None
        return tokens.issue(session, self.caller, self.request.token, self.now, credentials)


class Opening(NamedTuple):
    """A new session is needed: with which credentials, on which terms, and for which room."""

    credentials: Credentials
    terms: Terms
    room: RoomClaim | None


@dataclass(slots=True, eq=False, repr=False)
class JoinSession:
    """The part of `POST /sessions` that needs no new session."""

    store: SessionStore
    credentials: CredentialCache
    tokens: TokenIssuer
    room_idle_seconds: int
    conversations: Conversations
    limits: CallerLimits

    def find(self, attempt: Attempt) -> Created | Opening:
        """Returns the existing session, or what a new one is needed for.

        Raises `LostRace` when the room moved on at this moment, or a `Problem`.
        """
        if attempt.key is not None:
            attempt.deadline.require()
            record = self.store.find_idempotency_record(attempt.key.key, attempt.now)
            if record is not None:
                return self._replay(attempt, attempt.key, record)
        _require_possible(attempt)
        if attempt.request.token is not None:
            self.tokens.require_data_fits(attempt.caller, attempt.request.token)
        attempt.deadline.require()
        credentials = self.credentials.current()
        if attempt.request.room is None:
            return Opening(credentials, _terms(attempt), None)
        return self._find_in_room(attempt, attempt.request.room, credentials)

    def registered(self, attempt: Attempt, session_id: str, credentials: Credentials) -> Created:
        """Returns a session that is registered again, which is idempotent for its owner."""
        attempt.deadline.require()
        session = self.store.find_session(session_id)
        if session is None:
            attempt.deadline.require()
            session = self.store.find_session(other_spelling(session_id))
        session, _ = policy.admit(attempt.caller, session)
        if session.owner != attempt.caller.sub:
            raise AlreadyRegistered("The session is already registered, and has another owner.")
        if session.is_closed(attempt.now):
            raise SessionClosed("The session was closed. Registering it does not reopen it.")
        if session.superseded and attempt.request.room is not None:
            error = FieldError("room", "has moved on to another session")
            raise RoomOptionsConflict("The room has moved on from this session.", [error])
        return self._join(attempt, session, credentials)

    def _replay(self, attempt: Attempt, key: KeyClaim, record: IdempotencyRecord) -> Created:
        """Returns the recorded session, with a new token under the current policy."""
        if record.body_hash != key.body_hash:
            raise IdempotencyConflict(
                "This Idempotency-Key was already used with a different request body."
            )
        attempt.deadline.require()
        session, _ = policy.admit(attempt.caller, self.store.find_session(record.session_id))
        token = None
        if attempt.request.token is not None:
            attempt.deadline.require()
            credentials = self.credentials.for_project(session.project_id)
            token = self._token(attempt, session, credentials)
            self._record_use(attempt, session, joining=False)
        return Created(session, token, joined=record.joined)

    def _find_in_room(
        self, attempt: Attempt, name: str, credentials: Credentials
    ) -> Created | Opening:
        attempt.deadline.require()
        room = self.store.find_room(name, attempt.caller.tenant)
        if room is None:
            return Opening(credentials, _terms(attempt), RoomClaim(name))
        if not policy.is_admitted_to_room(attempt.caller, room):
            self.limits.take_denied(
                attempt.caller, name, _terms(attempt), attempt.now, attempt.deadline
            )
            raise SessionNotFound
        attempt.deadline.require()
        session = self.store.find_session_of(room)
        if session is None:
            claim = RoomClaim(name, room.session_id)
            return Opening(credentials, _terms(attempt, room), claim)
        if session.project_id != credentials.project_id:
            attempt.deadline.require()
            credentials = self.credentials.for_project(session.project_id)
        project_id = credentials.project_id
        usable = rooms.is_usable(session, attempt.now, project_id)
        live = usable and not self.conversations.is_over(session, attempt.now, attempt.deadline)
        details = {"room": name, "session_id": session.session_id, "live": live}
        telemetry.logger.debug("room", extra=details)
        if live:
            return self._join(attempt, session, credentials)
        moved = session.project_id != project_id
        superseded = session if usable or (moved and not session.superseded) else None
        claim = RoomClaim(name, room.session_id, superseded, while_idle=not moved)
        return Opening(credentials, _terms(attempt, room, session, moved=moved), claim)

    def _join(self, attempt: Attempt, session: Session, credentials: Credentials) -> Created:
        policy.admit(attempt.caller, session)
        joining = attempt.request.room is not None  # otherwise it is registered again
        if conflicts := rooms.conflicts(session, attempt.request):
            raise rooms.differs_in(conflicts)
        token = self._token(attempt, session, credentials)
        if not self._record_use(attempt, session, joining=joining) and joining:
            raise LostRace
        if attempt.key is not None:
            attempt.deadline.require()
            outcome = self.store.record_join(attempt.key, session, attempt.now)
            if outcome is not Outcome.RECORDED:
                raise LostRace
        telemetry.count("RoomJoined")
        return Created(session, token, joined=True)

    def _token(self, attempt: Attempt, session: Session, credentials: Credentials) -> Token | None:
        if attempt.request.token is not None:
            self.conversations.require_place(session)
        return attempt.token(self.tokens, session, credentials)

    def _record_use(self, attempt: Attempt, session: Session, *, joining: bool) -> bool:
        """Records that the session is in use, if that is due; returns False if it could not."""
        if not rooms.use_is_due(session, attempt.now, self.room_idle_seconds):
            return True
        try:
            attempt.deadline.require()
            return self.store.touch(session, attempt.now, joining=joining)
        except StorageUnavailable:
            if joining:  # only the write shows whether the room is moving on at this moment
                raise
            telemetry.count("UseNotRecorded")
            return False


def _terms(
    attempt: Attempt,
    room: Room | None = None,
    previous: Session | None = None,
    *,
    moved: bool = False,
) -> Terms:
    return rooms.terms_of_next_session(
        attempt.request, attempt.caller, room, previous, attempt.now, moved=moved
    )


def _require_possible(attempt: Attempt) -> None:
    """Raises the problems that do not depend on the room, before it is read.

    Otherwise the response would reveal whether a private room exists.
    """
    request = attempt.request
    if request.closes_at is not None and request.closes_at <= attempt.now:
        raise InvalidRequest("The session would already be closed.", [CLOSES_IN_THE_PAST])
    opens_later = request.opens_at is not None and attempt.now < request.opens_at
    if request.token is not None and opens_later:
        raise SessionNotOpenYet("The session is not open yet (see `opensAt`).")
