"""Credentials of the vendor: an OpenTok project, or an application of the unified platform."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .errors import InvalidCredentials

__all__ = ["Credentials", "OpenTokCredentials", "Platform", "VonageCredentials", "from_secret"]

_EXACT_FLOAT_MAX = 2**53
_PEM = re.compile(r"(-----BEGIN [A-Z ]+-----)([A-Za-z0-9+/=\s]+)(-----END [A-Z ]+-----)", re.ASCII)


class Platform(StrEnum):
    """The two platforms that serve the same sessions with different credentials."""

    OPENTOK = "opentok"
    VONAGE = "vonage"


@dataclass(frozen=True, slots=True)
class OpenTokCredentials:
    """A project of the OpenTok platform. Secrets are kept out of the `repr`.

    A callback of the vendor is genuine if it is signed with any of `signature_secrets`.
    """

    api_key: str
    api_secret: str = field(repr=False)
    signature_secrets: tuple[str, ...] = field(default=(), repr=False)

    platform = Platform.OPENTOK
    api_url = "https://api.opentok.com"

    @property
    def project_id(self) -> str:
        """Returns the id that session ids carry as their owner."""
        return self.api_key


@dataclass(frozen=True, slots=True)
class VonageCredentials:
    """An application of the unified platform. Secrets are kept out of the `repr`.

    `private_key` is PEM text. A callback of the vendor is genuine if it is signed with any of
    `signature_secrets`.
    """

    application_id: str
    private_key: str = field(repr=False)
    signature_secrets: tuple[str, ...] = field(default=(), repr=False)

    platform = Platform.VONAGE
    api_url = "https://video.api.vonage.com"

    @property
    def project_id(self) -> str:
        """Returns the id that session ids carry as their owner."""
        return self.application_id


Credentials = OpenTokCredentials | VonageCredentials

_FIELDS = {
    Platform.OPENTOK: ("apiKey", "apiSecret"),
    Platform.VONAGE: ("applicationId", "privateKey"),
}


def from_secret(secret: object, platform: Platform) -> Credentials:
    """Returns the platform's credentials from a decoded JSON secret.

    OpenTok needs `{"apiKey", "apiSecret"}`, Vonage `{"applicationId", "privateKey"}`. Both accept
    `signatureSecret`: a text, or a list of texts during a rotation. Other fields are ignored, so
    that a secret can hold the credentials of both platforms while a deployment moves.
    Raises `InvalidCredentials`, which names fields and never shows a value.
    """
    if not isinstance(secret, dict):
        raise InvalidCredentials("the secret must be a JSON object")
    present = {name: value for name, value in secret.items() if not _absent(value)}
    other = Platform.VONAGE if platform is Platform.OPENTOK else Platform.OPENTOK
    if not present.keys() & set(_FIELDS[platform]) and present.keys() & set(_FIELDS[other]):
        raise InvalidCredentials(
            f"the secret contains credentials of the {other} platform, but the parameter Platform"
            f" is {platform}: change one of them"
        )
    if platform is Platform.VONAGE:
        application_id, private_key = (_text(present, name) for name in _FIELDS[platform])
        return VonageCredentials(application_id, _pem(private_key), _signature_secrets(present))
    present["apiKey"] = _digits(present.get("apiKey"))
    api_key, api_secret = (_text(present, name) for name in _FIELDS[platform])
    return OpenTokCredentials(api_key, api_secret, _signature_secrets(present))


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _text(secret: Mapping[str, object], name: str) -> str:
    value = secret.get(name)
    if not isinstance(value, str):
        raise InvalidCredentials(
            f"{name} is missing or empty; the secret must contain apiKey and apiSecret,"
            " or applicationId and privateKey"
        )
    return _well_formed(value, name).strip()


def _well_formed(value: str, name: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidCredentials(f"{name} must be well-formed Unicode") from None
    return value


def _digits(value: object) -> object:
    """Returns an API key as text. JSON editors and spreadsheets turn it into a number."""
    if isinstance(value, float) and value.is_integer() and value <= _EXACT_FLOAT_MAX:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value <= _EXACT_FLOAT_MAX:
        value = str(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]+\s*", value):
        return value
    if value is not None:
        raise InvalidCredentials("apiKey must be digits")
    return None


def _pem(text: str) -> str:
    """Returns the key with its line ends, also from base64 or from a text on one line."""
    if "-----BEGIN" not in text:
        try:
            decoded = base64.b64decode(re.sub(r"(\\+[rn]|\s)+", "", text), validate=True).decode()
        except (binascii.Error, ValueError):
            return text
        text = decoded if "-----BEGIN" in decoded else text
    text = re.sub(r"(\\+[rn])+", "\n", text).strip().strip("\"'").strip()
    if match := _PEM.fullmatch(text):
        header, body, footer = match.groups()
        return "\n".join((header, *body.split(), footer))
    return text


def _signature_secrets(secret: Mapping[str, object]) -> tuple[str, ...]:
    value = secret.get("signatureSecret")
    secrets = []
    for text in value if isinstance(value, list) else [value]:
        if _absent(text):
            continue
        if not isinstance(text, str):
            raise InvalidCredentials("signatureSecret must be a text or a list of texts")
        secrets.append(_well_formed(text, "signatureSecret").strip())
    return tuple(secrets)
