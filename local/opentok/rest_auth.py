"""Who makes a REST call: the checks on ``X-OPENTOK-AUTH`` and on ``Authorization: Bearer``.

OpenTok wants a JWT that the project's secret signed, and answers 403 with one of a handful of
known sentences. Vonage wants one that the application's private key signed, and the gateway in
front of it answers 401. The texts are the service's; those that nobody has recorded say so below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.opentok.errors import Forbidden, Unauthorized
from local.opentok.jwts import MalformedJwt, Unverified
from local.opentok.projects import Platform, Project, Projects

__all__ = ["CREDENTIAL_HEADERS", "MAX_JWT_SECONDS", "RestAuth"]

CREDENTIAL_HEADERS = ("X-OPENTOK-AUTH", "Authorization", "X-TB-PARTNER-AUTH", "X-TB-TOKEN-AUTH")
"""Every header, of today or of long ago, that carries a secret or a token."""

MAX_JWT_SECONDS = 300
"""Announced ceiling of a REST JWT's life. Field evidence says that the service does not look."""

CLOCK_LEEWAY_SECONDS = 1
"""How far ahead ``iat`` may be. What the service allows is unknown; one second covers SDKs that
round to the nearest second."""

EXPIRED = "Token has expired"  # not recorded anywhere
LIVES_TOO_LONG = "Token lifetime is too long"  # not recorded anywhere
INCOMPLETE = "Invalid token format"  # recorded for other malformed tokens


@dataclass(frozen=True, slots=True)
class RestAuth:
    """Decides which project a call belongs to.

    Attributes:
        projects: whose keys count.
        strict_jwt_life: hold callers to ``MAX_JWT_SECONDS``.
    """

    projects: Projects
    strict_jwt_life: bool = False

    def caller(self, headers: Mapping[str, str], host: Platform | None) -> Project:
        """The project that the call is made for.

        Args:
            headers: of the request; names in any case.
            host: which of the vendor's hosts was asked; None when one port plays both, and what
                kind of credentials came along decides.

        Raises:
            Forbidden: with OpenTok's message.
            Unauthorized: with the Vonage gateway's.
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
            raise Unauthorized("Token has expired")  # the .NET SDK sends none at all
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
