"""The projects that the stand-in knows, with their keys, and how a rotation changes them.

An OpenTok project has a numeric API key and a secret; a Vonage application has a UUID and an RSA
key pair, of which the service holds the public half. A key that was replaced may stay good for a
while beside the new one.
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

from local.opentok.jwts import Key

__all__ = ["InvalidCredentials", "Platform", "Project", "Projects", "made_up_credentials"]


class Platform(StrEnum):
    """Which of the vendor's two products."""

    OPENTOK = "opentok"
    VONAGE = "vonage"


class InvalidCredentials(ValueError):
    """What was given as credentials is not; the text says which member, never its value."""


@dataclass(frozen=True, slots=True)
class _ValidKey:
    key: Key = field(repr=False)
    until: float = inf


@dataclass(slots=True)
class Project:
    """An OpenTok project or a Vonage application."""

    platform: Platform
    id: str
    _keys: list[_ValidKey] = field(default_factory=list)

    def keys(self, now: float) -> list[Key]:
        """The keys that count at this moment, the newest first."""
        return [entry.key for entry in self._keys if now < entry.until]

    def replace_keys(self, new: Key | None, old_until: float) -> None:
        """Put ``new`` in front and end the others at ``old_until`` (None: no new one)."""
        ended = [_ValidKey(entry.key, min(entry.until, old_until)) for entry in self._keys]
        self._keys = ([] if new is None else [_ValidKey(new)]) + ended


@dataclass(slots=True)
class Projects:
    """Every project that ever was one here, and which of them is today's on each platform."""

    clock: Callable[[], float]
    _known: dict[tuple[Platform, str], Project] = field(default_factory=dict)
    _current: dict[Platform, Project] = field(default_factory=dict)

    def find(self, platform: Platform, project_id: str) -> Project | None:
        """The project, unless all its keys have run out: then it is as if deleted."""
        project = self._known.get((platform, project_id))
        return project if project and project.keys(self.clock()) else None

    def current(self, platform: Platform) -> Project | None:
        return self._current.get(platform)

    def load(self, credentials: object) -> None:
        """Take what a credentials file holds: ``{"opentok": {…}, "vonage": {…}}``, or one of them.

        Raises:
            InvalidCredentials: when a member is missing or not what it should be.
        """
        if not isinstance(credentials, Mapping):
            raise InvalidCredentials("the credentials must be an object")
        for platform, complete in _COMPLETE.items():
            members = credentials.get(platform.value)
            if members is None:
                continue
            if not isinstance(members, Mapping):
                raise InvalidCredentials(f"{platform} must be an object")
            if not any(set(names) <= set(members) for names in complete):
                raise InvalidCredentials(f"{platform} must have " + " and ".join(complete[0]))
            self.change(platform, members)
        if not self._current:
            raise InvalidCredentials("neither opentok nor vonage is there")

    def change(
        self, platform: Platform, members: Mapping[str, object], old_valid_seconds: float = 0
    ) -> dict[str, str]:
        """Give the project a new key, or make another project the current one.

        Members that are left out stay (the project) or are made up (its key). The keys that
        counted until now do so for another ``old_valid_seconds``; a project that has been left
        and whose keys have run out is gone.

        Returns:
            The credentials as a client needs them.

        Raises:
            InvalidCredentials: when a member is not what it should be.
        """
        before = self._current.get(platform)
        if platform is Platform.OPENTOK:
            known_id = before.id if before else _made_up_api_key()
            project_id = _text(members, "apiKey") or known_id
            if not project_id.isdecimal() or not project_id.isascii():
                raise InvalidCredentials("apiKey must be digits")
            secret = _text(members, "apiSecret") or secrets.token_hex(20)
            key: Key = secret
            answer = {"apiKey": project_id, "apiSecret": secret}
        else:
            known_id = before.id if before else str(uuid.uuid4())
            project_id = _text(members, "applicationId") or known_id
            public, answer = _key_pair(members)
            key = public
            answer["applicationId"] = project_id
        project = self._known.setdefault((platform, project_id), Project(platform, project_id))
        old_until = self.clock() + old_valid_seconds
        if before is not None and before is not project:
            before.replace_keys(None, old_until)
        project.replace_keys(key, old_until)
        self._current[platform] = project
        return answer


_COMPLETE = {
    Platform.OPENTOK: [("apiKey", "apiSecret")],
    Platform.VONAGE: [("applicationId", "privateKey"), ("applicationId", "publicKey")],
}
"""The members that credentials have, or else these."""


def made_up_credentials() -> dict[str, dict[str, str]]:
    """Credentials for both platforms that are worth nothing anywhere else."""
    return {
        Platform.OPENTOK.value: {
            "apiKey": _made_up_api_key(),
            "apiSecret": secrets.token_hex(20),
        },
        Platform.VONAGE.value: {
            "applicationId": str(uuid.uuid4()),
            "privateKey": _made_up_private_key(),
        },
    }


def _made_up_api_key() -> str:
    return str(40_000_000 + secrets.randbelow(10_000_000))


def _made_up_private_key() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode("ascii")


def _key_pair(members: Mapping[str, object]) -> tuple[rsa.RSAPublicKey, dict[str, str]]:
    """The public key, and the member that a client signs with, when that is known here."""
    public_pem = _text(members, "publicKey")
    if public_pem is not None:
        return _public_key(public_pem), {}
    private_pem = _text(members, "privateKey") or _made_up_private_key()
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


def _text(members: Mapping[str, object], name: str) -> str | None:
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise InvalidCredentials(f"{name} must be a text that is not empty")
    return value
