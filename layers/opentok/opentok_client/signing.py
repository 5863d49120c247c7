"""Signs JWTs as each platform requires: HS256 with the secret, RS256 with the private key.

Signing needs ten lines of JWT and no library for it, which saves its import in every cold start and
half of the time per token. Nothing here verifies a JWT.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING

from .credentials import Credentials, OpenTokCredentials
from .errors import InvalidCredentials

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CLOCK_SKEW_SECONDS", "signed_jwt"]

CLOCK_SKEW_SECONDS = 10
"""How far issue times are backdated.

The vendor rejects a JWT "issued in the future", which happens to callers whose clocks are a few
seconds ahead. Synchronised clocks differ by far less than this.
"""

_compact_json = json.JSONEncoder(separators=(",", ":")).encode
#: What a key or certificate starts with. As a secret it may be public.
_KEY_MARK = re.compile(r"-----BEGIN |(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-")


def signed_jwt(credentials: Credentials, claims: dict[str, object]) -> str:
    """Returns the claims as a compact JWT.

    Raises `InvalidCredentials` for an unusable secret or key.
    """
    payload = _base64url(_compact_json(claims).encode())
    if isinstance(credentials, OpenTokCredentials):
        signed = _HS256 + payload
        signature = hmac.digest(_secret_key(credentials.api_secret), signed, "sha256")
    else:
        signed = _RS256 + payload
        signature = _private_key(credentials.private_key)(signed)
    return (signed + b"." + _base64url(signature)).decode()


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


_HS256 = _base64url(b'{"alg":"HS256","typ":"JWT"}') + b"."
_RS256 = _base64url(b'{"alg":"RS256","typ":"JWT"}') + b"."


@lru_cache(maxsize=2)
def _secret_key(api_secret: str) -> bytes:
    if _KEY_MARK.match(api_secret.lstrip()):
        raise InvalidCredentials("apiSecret holds a key or certificate instead")
    return api_secret.encode()


@lru_cache(maxsize=2)  # parsing costs a hundred signatures; two, as a rotation has an old and a new
def _private_key(pem: str) -> Callable[[bytes], bytes]:
    """Returns what signs with this key."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise InvalidCredentials(
            "a Vonage application signs with RS256, which needs the `cryptography` package:"
            " deploy with the parameter Platform=vonage"
        ) from None
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # `from None`: the parser's message may quote the text that it could not read.
        raise InvalidCredentials("privateKey is not a private key in PEM format") from None
    if not isinstance(key, RSAPrivateKey):
        raise InvalidCredentials("privateKey is not an RSA key")
    padding, digest = PKCS1v15(), SHA256()
    return lambda message: key.sign(message, padding, digest)
