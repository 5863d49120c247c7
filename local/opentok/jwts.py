"""Reading a JWT before its signature is known to be good, and checking that signature.

Which key has to verify a token depends on what the token says of itself, so its parts are read
first. Nothing read here may be believed before ``Unverified.signed_by``.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm

__all__ = ["Key", "MalformedJwt", "Unverified", "whole_number"]

Key = str | RSAPublicKey
"""A shared secret, for HS256, or a public key, for RS256."""

_HS256 = HMACAlgorithm(HMACAlgorithm.SHA256)
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)


class MalformedJwt(ValueError):
    """The text is not three base64 parts, the first two of them JSON objects."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """Header and claims of a JWT, as it says them."""

    header: dict[str, object]
    claims: dict[str, object]
    signed_part: bytes
    signature: bytes

    @classmethod
    def read(cls, text: str) -> Unverified:
        """Take a JWT apart.

        Raises:
            MalformedJwt: when it is not one.
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
        """``ist``: the Ruby SDK puts it in the header, all others in the claims."""
        return self.claims.get("ist", self.header.get("ist"))

    def time(self, name: Literal["iat", "exp"]) -> int | None:
        return whole_number(self.claims.get(name))

    def signed_by(self, key: Key) -> bool:
        """Whether this key made the signature, with the one algorithm that such a key has."""
        if isinstance(key, str):
            return self.algorithm == "HS256" and _HS256.verify(
                self.signed_part, key.encode(), self.signature
            )
        return self.algorithm == "RS256" and _RS256.verify(self.signed_part, key, self.signature)


def whole_number(value: object) -> int | None:
    """The claim as an integer, or None when it is missing or anything else.

    Fractions count as something else: the vendor's own SDKs had to stop sending them.
    """
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _decoded(part: str) -> bytes:
    """Base64 without stray bits in its last character, so that no altered text passes."""
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
