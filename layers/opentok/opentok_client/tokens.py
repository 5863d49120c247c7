"""Client tokens, with which a client SDK connects to a session.

OpenTok accepts a JWT (HS256) or the older `T1==` text, the unified platform a JWT (RS256).
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import quote_plus

from .credentials import Credentials, OpenTokCredentials, VonageCredentials
from .grant import LIFETIME_MAX_SECONDS, TokenFormat, TokenGrant
from .signing import CLOCK_SKEW_SECONDS, signed_jwt

__all__ = ["client_token"]


def client_token(
    credentials: Credentials, grant: TokenGrant, nonce: str, token_format: TokenFormat
) -> str:
    """Returns a token for the grant. `nonce` distinguishes tokens of the same second."""
    if isinstance(credentials, VonageCredentials):
        return _vonage_jwt(credentials, grant, nonce)
    if token_format is TokenFormat.T1:
        return _t1(credentials, grant, nonce)
    return _opentok_jwt(credentials, grant, nonce)


def _opentok_jwt(credentials: OpenTokCredentials, grant: TokenGrant, nonce: str) -> str:
    issued, expires = _dated(grant)
    claims: dict[str, object] = {
        "iss": credentials.api_key,
        "ist": "project",
        "iat": issued,
        "exp": expires,
        "nonce": nonce,
        "scope": "session.connect",
        "session_id": grant.session_id,
        "role": grant.role.value,
    }
    return signed_jwt(credentials, claims | _optional_claims(grant))


def _vonage_jwt(credentials: VonageCredentials, grant: TokenGrant, nonce: str) -> str:
    issued, expires = _dated(grant)
    claims: dict[str, object] = {
        "application_id": credentials.application_id,
        "iat": issued,
        "exp": expires,
        "jti": nonce,
        "sub": "video",
        "acl": {"paths": {"/session/**": {}}},
        "scope": "session.connect",
        "session_id": grant.session_id,
        "role": grant.role.value,
    }
    return signed_jwt(credentials, claims | _optional_claims(grant))


def _dated(grant: TokenGrant) -> tuple[int, int]:
    """Returns issue and expiry time of the token. The issue time is backdated for clock skew, and
    the lifetime stays within the vendor's maximum."""
    issued = grant.issued_at - CLOCK_SKEW_SECONDS
    return issued, min(grant.expires_at, issued + LIFETIME_MAX_SECONDS)


def _optional_claims(grant: TokenGrant) -> dict[str, object]:
    claims: dict[str, object] = {}
    if grant.data:
        claims["connection_data"] = grant.data
    if grant.layout:
        claims["initial_layout_class_list"] = grant.layout
    return claims


def _t1(credentials: OpenTokCredentials, grant: TokenGrant, nonce: str) -> str:
    issued, expires = _dated(grant)
    signed = (
        f"session_id={quote_plus(grant.session_id)}&create_time={issued}&expire_time={expires}"
        f"&role={grant.role.value}&nonce={quote_plus(nonce)}"
        f"&initial_layout_class_list={quote_plus(grant.layout)}"
    )
    if grant.data:
        signed += f"&connection_data={quote_plus(grant.data)}"
    signature = hmac.digest(credentials.api_secret.encode(), signed.encode(), "sha1").hex()
    text = f"partner_id={credentials.api_key}&sig={signature}:{signed}"
    return "T1==" + base64.b64encode(text.encode()).decode()
