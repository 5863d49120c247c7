"""Session ids in the vendor's layout.

Nobody documents the layout; it was read off ids that the service has given out. An id is
``1_`` and the URL-safe base64, without padding, of

    1~<project>~<location hint or nothing>~<created, ms>~<random>~<P when relayed>~~

``<project>`` is the numeric API key (OpenTok) or the application's UUID (Vonage), ``<random>`` is
18 random bytes in standard base64. All of the text before encoding is ASCII without ``?``, so the
encoded part never holds a ``_`` (six set bits need ``?`` or DEL as every third character): the
.NET SDK, which splits an id at ``_`` and wants two pieces, can read ours too.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

__all__ = ["RANDOM_BYTES", "MalformedSessionId", "SessionId"]

RANDOM_BYTES = 18
MAX_LENGTH = 255
"""Longest id that the vendor announces, in characters."""


class MalformedSessionId(ValueError):
    """The text is not laid out as a session id."""


@dataclass(frozen=True, slots=True)
class SessionId:
    """What a session id says about its session."""

    project: str
    location: str
    created_ms: int
    random: str
    relayed: bool

    @classmethod
    def new(
        cls, *, project: str, location: str | None, created_ms: int, noise: bytes, relayed: bool
    ) -> SessionId:
        """An id of a session made at ``created_ms``, with ``RANDOM_BYTES`` bytes of noise."""
        random = base64.b64encode(noise).decode("ascii")
        return cls(project, location or "", created_ms, random, relayed)

    @classmethod
    def parse(cls, text: str) -> SessionId:
        """Read an id of today's layout.

        Raises:
            MalformedSessionId: when the text is anything else, ids of before 2015 included.
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
