"""JWTs signed as each platform wants them: HS256 with the secret, RS256 with the private key."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import jwt

from .credentials import Credentials, OpenTokCredentials
from .errors import InvalidCredentials

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["CLOCK_SKEW_SECONDS", "signed_jwt"]

CLOCK_SKEW_SECONDS = 10
"""How far issue times are dated back. The vendor refuses a JWT "issued in the future", and callers
have met that with clocks a few seconds ahead; synchronised clocks differ by far less than this."""


def signed_jwt(credentials: Credentials, claims: dict[str, object]) -> str:
    """The claims as a compact JWT. Raises `InvalidCredentials` for an unusable secret or key."""
    if isinstance(credentials, OpenTokCredentials):
        try:
            return jwt.encode(claims, credentials.api_secret, algorithm="HS256")
        except jwt.InvalidKeyError:
            raise InvalidCredentials("apiSecret holds a key or certificate instead") from None
    return jwt.encode(claims, _private_key(credentials.private_key), algorithm="RS256")


@lru_cache(maxsize=2)  # parsing costs a hundred signatures; two, as a rotation has an old and a new
def _private_key(pem: str) -> RSAPrivateKey:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
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
    return key
