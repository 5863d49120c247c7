"""Decides whether a client may connect to a session."""

from __future__ import annotations

from collections.abc import Mapping

from local.emulator.client_tokens import (
    WRONG_KEY,
    WRONG_SESSION,
    ClientTokens,
    ConnectRefused,
    Grant,
)
from local.emulator.sessions import Session, Sessions

__all__ = ["INVALID_SESSION", "Admission"]

INVALID_SESSION = 1005


class Admission:
    """Checks a client's token against the session that it wants to connect to."""

    def __init__(self, sessions: Sessions, tokens: ClientTokens) -> None:
        self._sessions = sessions
        self._tokens = tokens

    def admit(
        self, session_id: str, token: str, project: Mapping[str, object] | None = None
    ) -> tuple[Session, Grant]:
        """Returns the session and what the token grants in it.

        Args:
            session_id: of the session to connect to.
            token: of the client.
            project: the ``apiKey`` or ``applicationId`` that the client has, if known.

        Raises:
            ConnectRefused: with the code that client SDKs report.
        """
        grant = self._tokens.verify(token)
        for name in ("apiKey", "applicationId"):
            if (project or {}).get(name) not in (None, grant.project.id):
                raise ConnectRefused(WRONG_KEY)
        if grant.session_id != session_id:
            raise ConnectRefused(WRONG_SESSION)
        session = self._sessions.get(session_id)
        if session is None:
            raise ConnectRefused("Invalid session", INVALID_SESSION)
        if session.project_id != grant.project.id:
            raise ConnectRefused(WRONG_KEY)
        return session, grant
