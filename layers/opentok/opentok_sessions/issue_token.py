"""Issues tokens: who may have one, for how long, signed for the platform."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from opentok_client.credentials import Credentials
from opentok_client.errors import InvalidCredentials
from opentok_client.grant import CONNECTION_DATA_MAX, LIFETIME_MAX_SECONDS, TokenFormat, TokenGrant
from opentok_client.signing import CLOCK_SKEW_SECONDS
from opentok_client.tokens import client_token

from .caller_limits import CallerLimits
from .conversations import Conversations
from .credentials import CredentialCache
from .domain import policy
from .domain.deadline import AWS_CALL_SECONDS, Deadline
from .domain.models import Caller, Session, Token, TokenRequest
from .domain.presence import identified_data
from .domain.problems import (
    CredentialsUnavailable,
    FieldError,
    InvalidRequest,
    SessionOfAnotherProject,
    StorageUnavailable,
)
from .domain.rooms import use_is_due
from .runtime import telemetry
from .storage.session_store import SessionStore

__all__ = ["IssueToken", "TokenIssuer"]


class TokenIssuer:
    """Signs tokens under the current policy. `identified`: the connection data names the user."""

    def __init__(self, token_format: TokenFormat, *, identified: bool = False) -> None:
        self._token_format = token_format
        self._identified = identified

    def issue(
        self,
        session: Session,
        caller: Caller,
        requested: TokenRequest,
        now: float,
        credentials: Credentials,
    ) -> Token:
        """Returns a token for the caller. It never outlives the session's `closes_at`.

        Raises `SessionNotFound` for a caller who is not admitted, `SessionOfAnotherProject`,
        `SessionClosed`, `SessionNotOpenYet`, `RoleNotAllowed` or `CredentialsUnavailable`.
        """
        _, highest = policy.admit(caller, session)
        if session.project_id != credentials.project_id:
            raise SessionOfAnotherProject("The session belongs to a different project.")
        policy.require_window(session, now)
        policy.require_role(requested.role, highest)
        # Tokens are backdated. With the longest lifetime, that is taken off its end.
        latest = int(now) - CLOCK_SKEW_SECONDS + LIFETIME_MAX_SECONDS
        expires_at = min(int(now) + requested.expires_in, latest)
        if session.closes_at is not None:
            expires_at = min(expires_at, session.closes_at)
        grant = TokenGrant(
            session_id=session.session_id,
            role=requested.role,
            issued_at=int(now),
            expires_at=expires_at,
            data=self._data(requested.data, caller),
            layout_classes=requested.layout_classes,
        )
        try:
            text = client_token(credentials, grant, secrets.token_hex(8), self._token_format)
        except InvalidCredentials as invalid:
            telemetry.logger.error("credentials_unusable", extra={"reason": str(invalid)})
            detail = "The video platform's credentials cannot be used."
            raise CredentialsUnavailable(detail) from invalid
        if credentials.signature_secrets:
            # Callbacks are expected. Each reports 0, so the minimum is 1 while none arrives.
            telemetry.count("CallbackSilence")
        return Token(
            text=text,
            session_id=session.session_id,
            project_id=session.project_id,
            role=requested.role,
            issued_at=grant.issued_at,
            expires_at=grant.expires_at,
        )

    def require_data_fits(self, caller: Caller, requested: TokenRequest) -> None:
        """Raises `InvalidRequest` if the connection data is too long together with the user."""
        self._data(requested.data, caller)

    def _data(self, data: str, caller: Caller) -> str:
        """Returns the connection data. Raises `InvalidRequest` if it is too long with the user."""
        if not self._identified:
            return data
        identified = identified_data(caller.sub, data)
        if len(identified) > CONNECTION_DATA_MAX:
            message = f"must have at most {CONNECTION_DATA_MAX} characters together with the user"
            raise InvalidRequest("The connection data is too long.", [FieldError("data", message)])
        return identified


@dataclass(slots=True, eq=False, repr=False)
class IssueToken:
    """`POST /sessions/{sessionId}/tokens`."""

    store: SessionStore
    credentials: CredentialCache
    tokens: TokenIssuer
    limits: CallerLimits
    room_idle_seconds: int
    conversations: Conversations
    clock: Callable[[], float] = time.time

    def __call__(
        self, session_id: str, caller: Caller, requested: TokenRequest, deadline: Deadline
    ) -> Token:
        """Raises `SessionNotFound`, `TooManyRequests`, and what `TokenIssuer.issue` raises."""
        now = self.clock()
        session, _ = policy.admit(caller, self.store.find_session(session_id))
        self.conversations.require_place(session)
        self.limits.take_token(caller, now, deadline)
        deadline.require()
        credentials = self.credentials.for_project(session.project_id)
        token = self.tokens.issue(session, caller, requested, now, credentials)
        # When AWS is slow, the next token records the use: this caller needs a response in time.
        in_time = deadline.allows(AWS_CALL_SECONDS)
        if in_time and use_is_due(session, now, self.room_idle_seconds):
            try:
                self.store.touch(session, now, joining=False)
            except StorageUnavailable:  # logged where it was raised; the token is signed already
                telemetry.count("UseNotRecorded")
        telemetry.count("TokenIssued")
        return token
