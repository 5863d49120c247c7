"""The projects of the emulator, their keys and key rotation.

An OpenTok project has a numeric API key and a secret; a Vonage application has a UUID and an RSA
key pair, of which the service holds the public key. A replaced key can stay valid for a while.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from math import inf

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.emulator.jwts import Key

__all__ = ["InvalidCredentials", "Platform", "Project", "Projects", "generated_credentials"]

MAX_SIGNATURE_SECRET = 50  # characters


class Platform(StrEnum):
    """Which of the vendor's two products."""

    OPENTOK = "opentok"
    VONAGE = "vonage"


class InvalidCredentials(ValueError):
    """The credentials are invalid; the message names the field, never its value."""


@dataclass(frozen=True, slots=True)
class _ValidKey:
    key: Key = field(repr=False)
    until: float = inf


@dataclass(slots=True)
class Project:
    """An OpenTok project or a Vonage application.

    Attributes:
        signature_secret: signs callbacks; None leaves them unsigned.
    """

    def signing_secret(self, now: float) -> str | None:
        """Returns the secret that signs callbacks at this time: a change may take effect later."""
        old = self._old_secret
        if old is not None and now < old.until:
            return str(old.key)
        return self.signature_secret

    def replace_signature_secret(self, new: str, from_time: float) -> None:
        """Changes the signature secret; the old one signs until ``from_time``."""
        if self.signature_secret is not None:
            self._old_secret = _ValidKey(self.signature_secret, from_time)
        self.signature_secret = new

    platform: Platform
    id: str
    _keys: list[_ValidKey] = field(default_factory=list)
    signature_secret: str | None = field(default=None, repr=False)
    _old_secret: _ValidKey | None = field(default=None, repr=False)

    def keys(self, now: float) -> list[Key]:
        """Returns the valid keys, newest first."""
        return [entry.key for entry in self._keys if now < entry.until]

    def replace_keys(self, new: Key | None, old_until: float) -> None:
        """Adds ``new`` and expires the other keys at ``old_until`` (None: no new key)."""
        ended = [_ValidKey(entry.key, min(entry.until, old_until)) for entry in self._keys]
        self._keys = ([] if new is None else [_ValidKey(new)]) + ended


@dataclass(slots=True)
class Projects:
    """All projects, and the current one of each platform."""

    clock: Callable[[], float]
    _known: dict[tuple[Platform, str], Project] = field(default_factory=dict)
    _current: dict[Platform, Project] = field(default_factory=dict)

    def find(self, platform: Platform, project_id: str) -> Project | None:
        """Returns the project; None if it is unknown or all its keys have expired."""
        project = self._known.get((platform, project_id))
        return project if project and project.keys(self.clock()) else None

    def current(self, platform: Platform) -> Project | None:
        return self._current.get(platform)

    def load(self, credentials: object) -> None:
        """Loads credentials: ``{"opentok": {…}, "vonage": {…}}``, or one of them.

        Raises:
            InvalidCredentials: if a field is missing or invalid.
        """
        if not isinstance(credentials, Mapping):
            raise InvalidCredentials("the credentials must be an object")
        for platform, complete in _COMPLETE.items():
            fields = credentials.get(platform.value)
            if fields is None:
                continue
            if not isinstance(fields, Mapping):
                raise InvalidCredentials(f"{platform} must be an object")
            if not any(set(names) <= set(fields) for names in complete):
                raise InvalidCredentials(f"{platform} must have " + " and ".join(complete[0]))
            self.change(platform, fields)
        if not self._current:
            raise InvalidCredentials("the credentials must have opentok or vonage")

    def change(
        self, platform: Platform, fields: Mapping[str, object], old_valid_seconds: float = 0
    ) -> dict[str, str]:
        """Rotates the project's key, or makes another project the current one.

        An omitted project id stays the same; an omitted key is generated. The old keys stay valid
        for ``old_valid_seconds``; a former project disappears with its last key.

        Returns:
            The credentials for a client.

        Raises:
            InvalidCredentials: if a field is invalid.
        """
        before = self._current.get(platform)
        if platform is Platform.OPENTOK:
            known_id = before.id if before else _generated_api_key()
            project_id = _text(fields, "apiKey") or known_id
            if not project_id.isdecimal() or not project_id.isascii():
                raise InvalidCredentials("apiKey must be digits")
            secret = _text(fields, "apiSecret") or secrets.token_hex(20)
            key: Key = secret
            response = {"apiKey": project_id, "apiSecret": secret}
        else:
            known_id = before.id if before else str(uuid.uuid4())
            project_id = _text(fields, "applicationId") or known_id
            public, response = _key_pair(fields)
            key = public
            response["applicationId"] = project_id
        project = self._known.setdefault((platform, project_id), Project(platform, project_id))
        old_until = self.clock() + old_valid_seconds
        if before is not None and before is not project:
            before.replace_keys(None, old_until)
        project.replace_keys(key, old_until)
        new_secret = _signature_secret(fields)
        if new_secret is not None:
            delay = fields.get("signatureSecretDelaySeconds", 0)
            if not isinstance(delay, int | float) or isinstance(delay, bool) or delay < 0:
                raise InvalidCredentials(
                    "signatureSecretDelaySeconds must be a non-negative number"
                )
            project.replace_signature_secret(new_secret, self.clock() + delay)
        if project.signature_secret is None and before is not None and before.signature_secret:
            project.signature_secret = _generated_signature_secret()
        if project.signature_secret is not None:
            response["signatureSecret"] = project.signature_secret
        self._current[platform] = project
        return response


_COMPLETE = {
    Platform.OPENTOK: [("apiKey", "apiSecret")],
    Platform.VONAGE: [("applicationId", "privateKey"), ("applicationId", "publicKey")],
}
"""The alternative sets of fields that complete credentials have."""


def generated_credentials() -> dict[str, dict[str, str]]:
    """Returns random credentials for both platforms."""
    return {
        Platform.OPENTOK.value: {
            "apiKey": _generated_api_key(),
            "apiSecret": secrets.token_hex(20),
            "signatureSecret": _generated_signature_secret(),
        },
        Platform.VONAGE.value: {
            "applicationId": str(uuid.uuid4()),
            "privateKey": _generated_private_key(),
            "signatureSecret": _generated_signature_secret(),
        },
    }


def _generated_signature_secret() -> str:
    return secrets.token_urlsafe(32)


def _generated_api_key() -> str:
    return str(40_000_000 + secrets.randbelow(10_000_000))


def _generated_private_key() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode("ascii")


def _key_pair(fields: Mapping[str, object]) -> tuple[rsa.RSAPublicKey, dict[str, str]]:
    """Returns the public key, and the client's field with the private key if it is known."""
    public_pem = _text(fields, "publicKey")
    if public_pem is not None:
        return _public_key(public_pem), {}
    private_pem = _text(fields, "privateKey") or _generated_private_key()
    return _public_half(private_pem), {"privateKey": private_pem}


@lru_cache(maxsize=16)
def _public_half(private_pem: str) -> rsa.RSAPublicKey:
    try:
        private = serialization.load_pem_private_key(private_pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidCredentials("privateKey must be an RSA private key in PEM") from error
    if not isinstance(private, rsa.RSAPrivateKey):
        raise InvalidCredentials("privateKey must be an RSA private key in PEM")
    return private.public_key()


def _public_key(public_pem: str) -> rsa.RSAPublicKey:
    try:
        public = serialization.load_pem_public_key(public_pem.encode())
    except ValueError as error:
        raise InvalidCredentials("publicKey must be an RSA public key in PEM") from error
    if not isinstance(public, rsa.RSAPublicKey):
        raise InvalidCredentials("publicKey must be an RSA public key in PEM")
    return public


def _signature_secret(fields: Mapping[str, object]) -> str | None:
    secret = _text(fields, "signatureSecret")
    if secret is not None and len(secret) > MAX_SIGNATURE_SECRET:
        raise InvalidCredentials("signatureSecret must have at most 50 characters")
    return secret


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise InvalidCredentials(f"{name} must be a non-empty string")
    return value
