"""Who we are to the vendor: an OpenTok project, or an application of the unified platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .errors import InvalidCredentials

__all__ = ["Credentials", "OpenTokCredentials", "Platform", "VonageCredentials", "from_secret"]


class Platform(StrEnum):
    """The two platforms that serve the same sessions under different credentials."""

    OPENTOK = "opentok"
    VONAGE = "vonage"


@dataclass(frozen=True, slots=True)
class OpenTokCredentials:
    """A project of the OpenTok platform. The secret is kept out of the `repr`."""

    api_key: str
    api_secret: str = field(repr=False)

    platform = Platform.OPENTOK
    api_url = "https://api.opentok.com"

    @property
    def project_id(self) -> str:
        """What session ids carry as their owner."""
        return self.api_key


@dataclass(frozen=True, slots=True)
class VonageCredentials:
    """An application of the unified platform. `private_key` is PEM text, kept out of the `repr`."""

    application_id: str
    private_key: str = field(repr=False)

    platform = Platform.VONAGE
    api_url = "https://video.api.vonage.com"

    @property
    def project_id(self) -> str:
        """What session ids carry as their owner."""
        return self.application_id


Credentials = OpenTokCredentials | VonageCredentials


def from_secret(secret: object) -> Credentials:
    """Credentials from a decoded JSON secret; its shape decides the platform.

    `{"apiKey", "apiSecret"}` is OpenTok, `{"applicationId", "privateKey"}` is Vonage.
    Raises `InvalidCredentials`, which names members and never shows a value.
    """
    if not isinstance(secret, dict):
        raise InvalidCredentials("the secret must be a JSON object")
    if "applicationId" in secret or "privateKey" in secret:
        pem = _text(secret, "privateKey").replace("\\n", "\n")  # as pasted from a one-line file
        return VonageCredentials(_text(secret, "applicationId"), pem)
    api_key = secret.get("apiKey")
    if isinstance(api_key, int) and not isinstance(api_key, bool):
        secret = {**secret, "apiKey": str(api_key)}  # a key is digits; JSON invites a number
    return OpenTokCredentials(_text(secret, "apiKey"), _text(secret, "apiSecret"))


def _text(secret: dict[str, object], member: str) -> str:
    value = secret.get(member)
    if not isinstance(value, str) or not value.strip():
        raise InvalidCredentials(
            f"{member} is missing or empty; the secret must hold apiKey and apiSecret,"
            " or applicationId and privateKey"
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidCredentials(f"{member} is not well-formed Unicode") from None
    return value.strip()
