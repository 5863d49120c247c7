"""Session ids in the vendor's layout.

The layout is not documented; it was derived from published ids. An id is
``1_`` and the URL-safe base64, without padding, of

    1~<project>~<location hint or nothing>~<created, ms>~<random>~<P when relayed>~~

``<project>`` is the numeric API key (OpenTok) or the application's UUID (Vonage), ``<random>`` is
18 random bytes in standard base64. The text before encoding is ASCII without ``?``, so the encoded
part never contains ``_``: the .NET SDK splits an id at ``_`` and expects two parts.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

__all__ = ["RANDOM_BYTES", "MalformedSessionId", "SessionId"]

RANDOM_BYTES = 18
MAX_LENGTH = 255
"""Maximum length documented by the vendor, in characters."""


class MalformedSessionId(ValueError):
    """The text is not a session id."""


@dataclass(frozen=True, slots=True)
class SessionId:
    """The fields of a session id."""

    project: str
    location: str
    created_ms: int
    random: str
    relayed: bool

    @classmethod
    def new(
        cls, *, project: str, location: str | None, created_ms: int, noise: bytes, relayed: bool
    ) -> SessionId:
        """Creates an id from a creation time and ``RANDOM_BYTES`` random bytes."""
        random = base64.b64encode(noise).decode("ascii")
        return cls(project, location or "", created_ms, random, relayed)

    @classmethod
    def parse(cls, text: str) -> SessionId:
        """Parses an id in the current layout.

        Raises:
            MalformedSessionId: for any other text, including ids from before 2015.
        """
        if len(text) > MAX_LENGTH or text[:2] not in ("1_", "2_"):
            raise MalformedSessionId(text[:MAX_LENGTH])
        encoded = text[2:]
        try:
            padded = encoded + "=" * (-len(encoded) % 4)
            decoded = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
            version, project, location, created, random, flag, *rest = decoded.split("~")
            created_ms = int(created)
        except (binascii.Error, ValueError) as error:
            raise MalformedSessionId(text) from error
        if version != "1" or flag not in ("", "P") or any(rest):
            raise MalformedSessionId(text)
        return cls(project, location, created_ms, random, flag == "P")

    def __str__(self) -> str:
        flag = "P" if self.relayed else ""
        text = f"1~{self.project}~{self.location}~{self.created_ms}~{self.random}~{flag}~~"
        return "1_" + base64.urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")
