"""Parses JWTs and verifies their signatures.

The claims decide which key has to verify a token, so they are parsed first. Nothing parsed here may
be trusted before ``Unverified.signed_by``.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm

__all__ = ["Key", "MalformedJwt", "Unverified", "integer_claim"]

Key = str | RSAPublicKey
"""A shared secret, for HS256, or a public key, for RS256."""

_HS256 = HMACAlgorithm(HMACAlgorithm.SHA256)
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)


class MalformedJwt(ValueError):
    """The text is not a JWT: three base64url parts, the first two of them JSON objects."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """Header and claims of a JWT whose signature is not verified yet."""

    header: dict[str, object]
    claims: dict[str, object]
    signed_part: bytes
    signature: bytes

    @classmethod
    def read(cls, text: str) -> Unverified:
        """Parses a JWT.

        Raises:
            MalformedJwt: if the text is not a JWT.
        """
        parts = text.split(".")
        if len(parts) != 3 or not text.isascii():
            raise MalformedJwt
        header, claims, signature = (_decoded(part) for part in parts)
        signed_part = text.rpartition(".")[0].encode("ascii")
        return cls(_json_object(header), _json_object(claims), signed_part, signature)

    @property
    def algorithm(self) -> object:
        return self.header.get("alg")

    @property
    def issuer_type(self) -> object:
        """Returns ``ist``: the Ruby SDK puts it in the header, all others in the claims."""
        return self.claims.get("ist", self.header.get("ist"))

    def time(self, name: Literal["iat", "exp"]) -> int | None:
        return integer_claim(self.claims.get(name))

    def signed_by(self, key: Key) -> bool:
        """Returns whether this key made the signature, with the only algorithm for its type."""
        if isinstance(key, str):
            return self.algorithm == "HS256" and _HS256.verify(
                self.signed_part, key.encode(), self.signature
            )
        return self.algorithm == "RS256" and _RS256.verify(self.signed_part, key, self.signature)


def integer_claim(value: object) -> int | None:
    """Returns the claim as an integer, or None if it is missing or not an integer.

    Fractions are rejected: the vendor's own SDKs had to stop sending them.
    """
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _decoded(part: str) -> bytes:
    """Decodes canonical base64url; stray bits in the last character are rejected."""
    bare = part.rstrip("=")
    try:
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise MalformedJwt from error
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != bare.encode():
        raise MalformedJwt
    return decoded


def _json_object(raw: bytes) -> dict[str, object]:
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedJwt from error
    if not isinstance(value, dict):
        raise MalformedJwt
    return value
