"""Issue a token: who may have it, for how long, signed for the platform."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from opentok_client.errors import InvalidCredentials
from opentok_client.grant import LIFETIME_MAX_SECONDS, TokenFormat, TokenGrant
from opentok_client.signing import CLOCK_SKEW_SECONDS
from opentok_client.tokens import client_token

from . import policy, telemetry
from .credentials import CredentialCache
from .errors import CredentialsUnavailable, SessionOfAnotherProject
from .models import Caller, Session, Token, TokenRequest
from .rooms import use_is_due
from .store import Store

__all__ = ["IssueToken", "TokenIssuer"]

PATIENCE_SECONDS = 12.0
"""When reading took longer, the use of the session is left for the next token to write down: the
caller has to have an answer within the function's 25 s."""


@dataclass(slots=True, eq=False, repr=False)
class TokenIssuer:
    """Signs tokens under the policy of the moment."""

    credentials: CredentialCache
    token_format: TokenFormat

    def issue(self, session: Session, caller: Caller, asked: TokenRequest, now: float) -> Token:
        """A token for the caller. It never outlives the session's `closes_at`.

        Raises `SessionNotFound` for a caller who is not admitted, `SessionOfAnotherProject`,
        `SessionClosed`, `SessionNotOpenYet`, `RoleNotAllowed` or `CredentialsUnavailable`.
        """
        _, highest = policy.admit(caller, session)
        credentials = self.credentials.current()
        if session.project_id != credentials.project_id:
            # Perhaps the project changed a moment ago, and another container knows already.
            credentials = self.credentials.reread()
        if session.project_id != credentials.project_id:
            raise SessionOfAnotherProject("The session was made under a project that is gone.")
        policy.require_window(session, now)
        policy.require_role(asked.role, highest)
        # Tokens are dated back a little: with the longest life, that is taken off its end.
        latest = int(now) - CLOCK_SKEW_SECONDS + LIFETIME_MAX_SECONDS
        expires_at = min(int(now) + asked.expires_in, latest)
        if session.closes_at is not None:
            expires_at = min(expires_at, session.closes_at)
        grant = TokenGrant(
            session_id=session.session_id,
            role=asked.role,
            issued_at=int(now),
            expires_at=expires_at,
            data=asked.data,
            layout_classes=asked.layout_classes,
        )
        nonce = secrets.token_hex(8)
        try:
            text = client_token(credentials, grant, nonce, self.token_format)
        except InvalidCredentials as invalid:
            telemetry.logger.error("credentials_unusable", extra={"reason": str(invalid)})
            detail = "The video platform's credentials cannot be used."
            raise CredentialsUnavailable(detail) from invalid
        return Token(
            text=text,
            session_id=session.session_id,
            project_id=session.project_id,
            role=asked.role,
            issued_at=grant.issued_at,
            expires_at=grant.expires_at,
        )


@dataclass(slots=True, eq=False, repr=False)
class IssueToken:
    """`POST /sessions/{sessionId}/tokens`."""

    store: Store
    tokens: TokenIssuer
    room_idle_seconds: int
    clock: Callable[[], float] = time.time

    def __call__(self, session_id: str, caller: Caller, asked: TokenRequest) -> Token:
        """Raises `SessionNotFound` and whatever `TokenIssuer.issue` raises."""
        now = self.clock()
        session, _ = policy.admit(caller, self.store.session(session_id))
        token = self.tokens.issue(session, caller, asked, now)
        in_time = self.clock() - now <= PATIENCE_SECONDS
        if in_time and use_is_due(session, now, self.room_idle_seconds):
            self.store.touch(session, now, joining=False)
        telemetry.count("TokenIssued")
        return token
