"""JWTs with the signature of each platform: HS256 with the secret, RS256 with the private key."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from jwt import InvalidKeyError, PyJWS
from jwt.algorithms import HMACAlgorithm

from .credentials import Credentials, OpenTokCredentials
from .errors import InvalidCredentials

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["CLOCK_SKEW_SECONDS", "signed_jwt"]

CLOCK_SKEW_SECONDS = 10
"""Issue times (`iat`) are backdated by this for clock skew. The vendor rejects a JWT "issued in the
future", which has happened with clocks a few seconds ahead; synchronised clocks differ by less."""


class _ExaminedSecret(HMACAlgorithm):
    """HS256 with a key that `_secret_key` has examined. PyJWT would examine it for every token,
    which takes longer than signing."""

    def prepare_key(self, key: str | bytes) -> bytes:
        return key if isinstance(key, bytes) else key.encode()


_compact_json = json.JSONEncoder(separators=(",", ":")).encode
_JWS = PyJWS()
_JWS.unregister_algorithm("HS256")
_JWS.register_algorithm("HS256", _ExaminedSecret(HMACAlgorithm.SHA256))


def signed_jwt(credentials: Credentials, claims: dict[str, object]) -> str:
    """Returns the claims as a JWT. Raises `InvalidCredentials` for an unusable secret or key."""
    payload = _compact_json(claims).encode()
    if isinstance(credentials, OpenTokCredentials):
        return _JWS.encode(payload, _secret_key(credentials.api_secret), algorithm="HS256")
    return _JWS.encode(payload, _private_key(credentials.private_key), algorithm="RS256")


@lru_cache(maxsize=2)
def _secret_key(api_secret: str) -> bytes:
    try:
        return HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(api_secret)
    except InvalidKeyError:
        raise InvalidCredentials("apiSecret holds a key or certificate instead") from None


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
