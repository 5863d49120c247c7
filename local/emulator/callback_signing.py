"""Signatures of callbacks: a JWT that contains the hash of the body."""

from __future__ import annotations

import hashlib
import uuid

import jwt

from local.emulator.projects import Platform
from local.emulator.variants import Variants

__all__ = ["payload_hash", "signature"]

ISSUER = "Vonage"
ACCOUNT_KEY = "a1b2c3d4"
"""The account of every Vonage application here."""


def payload_hash(body: bytes) -> str:
    """Returns the SHA-256 of the raw body in lower-case hex."""
    return hashlib.sha256(body).hexdigest()


def signature(
    secret: str,
    body_hash: str,
    issued_at: int,
    platform: Platform,
    project_id: str,
    variants: Variants,
) -> str:
    """Returns the JWT of a callback.

    Args:
        secret: the project's signature secret, used as text.
        body_hash: see ``payload_hash``.
        issued_at: seconds since the epoch.
    """
    claims: dict[str, object] = {
        "iat": issued_at,
        "jti": str(uuid.uuid4()),
        "iss": ISSUER,
        "payload_hash": body_hash,
    }
    vonage = platform is Platform.VONAGE
    if variants.api_key_claim:
        claims["api_key"] = ACCOUNT_KEY if vonage else project_id
    if vonage and variants.application_id_claim:
        claims["application_id"] = project_id
    return jwt.encode(claims, secret, algorithm="HS256")
