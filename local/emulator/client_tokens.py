"""Verifies client tokens as the service does when a client connects.

Three formats are accepted: the legacy ``T1==`` text, the JWT signed with an OpenTok secret (HS256),
and the JWT signed by a Vonage application (RS256). A refusal carries the code that client SDKs
report (1004 for authentication) and the service's message. Messages without a recording are marked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl

from local.emulator.jwts import MalformedJwt, Unverified
from local.emulator.projects import Platform, Project, Projects

__all__ = ["ClientTokens", "ConnectRefused", "Grant", "Role"]

AUTHENTICATION = 1004

DAY = 86_400
DEFAULT_LIFE = DAY  # for a token without an expiry
MAX_LIFE = 30 * DAY
MAX_DATA = 1000  # characters
CLOCK_LEEWAY_SECONDS = 1
"""How far in the future a token may be issued. The service's tolerance is unknown; the Node SDK
rounds to the nearest second, up to half a second ahead."""

SENTINEL = "T1=="

MALFORMED = "Invalid token format"
EXPIRED = "token has expired"
WRONG_KEY = "The provided API key does not match this token"
WRONG_SESSION = "Id in the token does not match the one in the url"
BAD_SIGNATURE = "Invalid signature"  # recorded for REST calls, not for this
FROM_THE_FUTURE = "issued time cannot be greater than current time"  # likewise


class ConnectRefused(Exception):
    """The client may not connect.

    Attributes:
        code: as client SDKs report it.
        message: the service's message where it is known.
    """

    def __init__(self, message: str, code: int = AUTHENTICATION) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Role(StrEnum):
    SUBSCRIBER = "subscriber"
    PUBLISHER = "publisher"
    PUBLISHER_ONLY = "publisheronly"
    MODERATOR = "moderator"


@dataclass(frozen=True, slots=True)
class Grant:
    """The content of a valid token.

    Attributes:
        issued_at, expires_at: seconds since the epoch.
        token_format: ``t1`` or ``jwt``.
    """

    project: Project
    session_id: str
    role: Role
    data: str
    layout_classes: tuple[str, ...]
    issued_at: int
    expires_at: int
    token_format: str


@dataclass(frozen=True, slots=True)
class ClientTokens:
    """Verifies tokens against the keys of the known projects."""

    projects: Projects

    def verify(self, text: str) -> Grant:
        """Returns what a token grants.

        Raises:
            ConnectRefused: if the token is invalid.
        """
        if text.startswith(SENTINEL):
            return self._t1(text.removeprefix(SENTINEL))
        return self._jwt(text)

    def _jwt(self, text: str) -> Grant:
        try:
            token = Unverified.read(text)
        except MalformedJwt:
            raise ConnectRefused(MALFORMED) from None
        claims = token.claims
        if "application_id" in claims:
            project = self._project(Platform.VONAGE, claims["application_id"])
        elif token.issuer_type == "project":
            project = self._project(Platform.OPENTOK, claims.get("iss"))
        else:
            raise ConnectRefused(MALFORMED)
        if not any(token.signed_by(key) for key in project.keys(self.projects.clock())):
            raise ConnectRefused(BAD_SIGNATURE)
        if claims.get("scope") != "session.connect":
            raise ConnectRefused(MALFORMED)
        issued, expires = token.time("iat"), token.time("exp")
        if issued is None or ("exp" in claims and expires is None):
            raise ConnectRefused(MALFORMED)
        return self._grant(project, claims, issued, expires, "jwt")

    def _t1(self, encoded: str) -> Grant:
        outer, signed = _t1_parts(encoded)
        project = self._project(Platform.OPENTOK, outer.get("partner_id"))
        for key in project.keys(self.projects.clock()):
            if isinstance(key, str) and hmac.compare_digest(
                _t1_signature(key, signed), outer.get("sig", "").encode()
            ):
                break
        else:
            raise ConnectRefused(BAD_SIGNATURE)
        try:
            fields = dict(parse_qsl(signed.decode("utf-8"), keep_blank_values=True))
            issued = int(fields.get("create_time", ""))
            expires = int(fields["expire_time"]) if "expire_time" in fields else None
        except ValueError:
            raise ConnectRefused(MALFORMED) from None
        if fields.get("scope", "session.connect") != "session.connect":
            raise ConnectRefused(MALFORMED)
        return self._grant(project, fields, issued, expires, "t1")

    def _project(self, platform: Platform, project_id: object) -> Project:
        project = self.projects.find(platform, str(project_id))
        if project is None:
            raise ConnectRefused(WRONG_KEY)
        return project

    def _grant(
        self,
        project: Project,
        fields: Mapping[str, object],
        issued: int,
        expires: int | None,
        token_format: str,
    ) -> Grant:
        now = self.projects.clock()
        if issued > now + CLOCK_LEEWAY_SECONDS:
            raise ConnectRefused(FROM_THE_FUTURE)
        end = issued + DEFAULT_LIFE if expires is None else expires
        if end <= now:
            raise ConnectRefused(EXPIRED)
        if end - issued > MAX_LIFE + CLOCK_LEEWAY_SECONDS:
            raise ConnectRefused(MALFORMED)  # the service's message is not recorded
        session_id = fields.get("session_id")
        data = fields.get("connection_data")
        if data is None:
            data = ""
        if not isinstance(session_id, str) or not isinstance(data, str) or len(data) > MAX_DATA:
            raise ConnectRefused(MALFORMED)
        return Grant(
            project=project,
            session_id=session_id,
            role=_role(fields.get("role")),
            data=data,
            layout_classes=_layout_classes(fields.get("initial_layout_class_list")),
            issued_at=issued,
            expires_at=end,
            token_format=token_format,
        )


def _t1_parts(encoded: str) -> tuple[dict[str, str], bytes]:
    """Returns the outer fields and the signed part, byte for byte as received."""
    standard = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        outer, separator, signed = decoded.partition(b":")
        fields = dict(parse_qsl(outer.decode("ascii")))
    except (binascii.Error, ValueError) as error:
        raise ConnectRefused(MALFORMED) from error
    if not separator:
        raise ConnectRefused(MALFORMED)
    return fields, signed


def _t1_signature(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha1).hexdigest().encode()


def _role(value: object) -> Role:
    if value is None:
        return Role.PUBLISHER  # the PHP SDK's Vonage mode sends no role
    try:
        return Role(str(value))
    except ValueError:
        raise ConnectRefused(MALFORMED) from None  # the service's message is not recorded


def _layout_classes(value: object) -> tuple[str, ...]:
    """Parses a space-separated text, or the JSON list that the Vonage Python SDK sends."""
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ConnectRefused(MALFORMED)
