"""Authenticates REST calls: ``X-OPENTOK-AUTH`` and ``Authorization: Bearer``.

OpenTok expects a JWT signed with the project's secret and responds 403 with one of a few known
messages. Vonage expects a JWT signed with the application's private key; the gateway in front of it
responds 401. The messages are the service's unless marked as not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.emulator.errors import Forbidden, Unauthorized
from local.emulator.jwts import MalformedJwt, Unverified
from local.emulator.projects import Platform, Project, Projects

__all__ = ["CREDENTIAL_HEADERS", "MAX_JWT_SECONDS", "RestAuth"]

CREDENTIAL_HEADERS = ("X-OPENTOK-AUTH", "Authorization", "X-TB-PARTNER-AUTH", "X-TB-TOKEN-AUTH")
"""Every current or former header that carries a secret or a token."""

MAX_JWT_SECONDS = 300
"""Documented maximum life of a REST JWT. Reports from the field say that it is not enforced."""

CLOCK_LEEWAY_SECONDS = 1
"""How far in the future ``iat`` may be. The service's tolerance is unknown; one second covers SDKs
that round to the nearest second."""

EXPIRED = "Token has expired"  # not recorded anywhere
LIVES_TOO_LONG = "Token lifetime is too long"  # not recorded anywhere
INCOMPLETE = "Invalid token format"  # recorded for other malformed tokens


@dataclass(frozen=True, slots=True)
class RestAuth:
    """Determines the project of a call.

    Attributes:
        projects: the known projects.
        strict_jwt_life: whether to enforce ``MAX_JWT_SECONDS``.
    """

    projects: Projects
    strict_jwt_life: bool = False

    def caller(self, headers: Mapping[str, str], host: Platform | None) -> Project:
        """Returns the caller's project.

        Args:
            headers: of the request; case-insensitive names.
            host: the vendor's host that was called; None if one port serves both, and the
                credentials decide.

        Raises:
            Forbidden: with OpenTok's message.
            Unauthorized: with the Vonage gateway's message.
        """
        opentok_auth = headers.get("X-OPENTOK-AUTH")
        bearer = _bearer(headers)
        if host is None:
            host = Platform.VONAGE if bearer or _is_vonage(opentok_auth) else Platform.OPENTOK
            if opentok_auth is None and "Authorization" in headers:
                host = Platform.VONAGE
        if host is Platform.VONAGE:
            # The PHP SDK's Vonage mode puts the application's JWT into OpenTok's header.
            return self._vonage(bearer or opentok_auth)
        return self._opentok(headers, opentok_auth)

    def _opentok(self, headers: Mapping[str, str], text: str | None) -> Project:
        if text is None:
            if "X-TB-PARTNER-AUTH" in headers:  # switched off in 2017
                raise Forbidden("Invalid partner credentials")
            raise Forbidden("No suitable authentication found")
        try:
            token = Unverified.read(text)
        except MalformedJwt:
            raise Forbidden("Invalid token format") from None
        if "application_id" in token.claims:
            raise Forbidden("No suitable authentication found")
        issuer = str(token.claims.get("iss", ""))
        if not issuer:
            raise Forbidden(INCOMPLETE)
        if not issuer.isdecimal():
            raise Forbidden("Invalid issuer format")
        if token.issuer_type == "account":
            raise Forbidden("Issuer not found")
        if token.issuer_type != "project":
            raise Forbidden(INCOMPLETE)
        project = self.projects.find(Platform.OPENTOK, issuer)
        if project is None:
            raise Forbidden("Issuer not found")
        now = self.projects.clock()
        if not any(token.signed_by(key) for key in project.keys(now)):
            raise Forbidden("Invalid signature")
        issued, expires = token.time("iat"), token.time("exp")
        if issued is None or expires is None:
            raise Forbidden(INCOMPLETE)
        if issued > now + CLOCK_LEEWAY_SECONDS:
            raise Forbidden("issued time cannot be greater than current time")
        if expires <= now:
            raise Forbidden(EXPIRED)
        if self.strict_jwt_life and expires - issued > MAX_JWT_SECONDS:
            raise Forbidden(LIVES_TOO_LONG)
        return project

    def _vonage(self, text: str | None) -> Project:
        if text is None:
            raise Unauthorized("You did not provide correct credentials.")
        try:
            token = Unverified.read(text)
        except MalformedJwt:
            raise Unauthorized("Invalid Token") from None
        project = self.projects.find(Platform.VONAGE, str(token.claims.get("application_id")))
        now = self.projects.clock()
        if project is None or not any(token.signed_by(key) for key in project.keys(now)):
            raise Unauthorized("Invalid Token")
        issued, expires = token.time("iat"), token.time("exp")
        if issued is None or issued > now + CLOCK_LEEWAY_SECONDS:
            raise Unauthorized("Invalid Token")
        if "exp" in token.claims and (expires is None or expires <= now):
            raise Unauthorized("Token has expired")  # the .NET SDK sends no exp
        return project


def _bearer(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _is_vonage(text: str | None) -> bool:
    if text is None:
        return False
    try:
        return "application_id" in Unverified.read(text).claims
    except MalformedJwt:
        return False
