"""Parses session ids.

The vendor does not document the layout, but the ids of many years agree on it: `1_` or `2_`, then
base64url of `1~<project>~<location>~<created>~<random>~<P when relayed>~~`. Ids from before
2023 have one trailing separator less. Ids from before about 2015 have a date as text and no media
mode.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from .errors import InvalidSessionId
from .options import MediaMode

__all__ = ["POSSIBLE_ID", "SESSION_ID_MAX", "SessionId", "other_spelling"]

SESSION_ID_MAX = 255
POSSIBLE_ID = re.compile(rf"[A-Za-z0-9_=-]{{1,{SESSION_ID_MAX}}}", re.ASCII)
"""The characters of any id, which fit into a path, a header and a key."""
_SHAPE = re.compile(r"[12]_([A-Za-z0-9_-]+)", re.ASCII)
_EIGHT_FIELDS_SINCE = 1_672_531_200_000  # 2023-01-01: later ids always have eight


class SessionId(NamedTuple):
    """A decoded session id. `created_at` is in milliseconds since the epoch; None in ids from
    before about 2015, which carry a date text instead."""

    project_id: str
    location: str | None
    created_at: int | None
    media_mode: MediaMode

    @classmethod
    def decode(cls, text: str) -> SessionId:
        """Returns the parts of an id. Raises `InvalidSessionId` if the text is not a session id."""
        shape = _SHAPE.fullmatch(text)
        if shape is None or len(text) > SESSION_ID_MAX:
            raise InvalidSessionId("is not a session id")
        encoded = shape.group(1)
        try:
            decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            fields = decoded.decode("ascii").split("~")
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidSessionId("is not a session id") from None
        if base64.urlsafe_b64encode(decoded).decode().rstrip("=") != encoded:
            # Another spelling of an id would be another record of the same session.
            raise InvalidSessionId("is not a session id")
        created_at = int(fields[3]) if _is_milliseconds(fields) else None
        if not _is_complete(fields, created_at):
            raise InvalidSessionId("is not a session id")
        relayed = fields[5] == "P"
        return cls(
            project_id=fields[1],
            location=fields[2] or None,
            created_at=created_at,
            media_mode=MediaMode.RELAYED if relayed else MediaMode.ROUTED,
        )


def other_spelling(session_id: str) -> str:
    """Returns the same id with the other digit at its front.

    Both have the same random part, so they cannot be the ids of two sessions.
    """
    return ("2" if session_id[:1] == "1" else "1") + session_id[1:]


def _is_milliseconds(fields: list[str]) -> bool:
    return len(fields) > 3 and re.fullmatch(r"[0-9]{1,15}", fields[3]) is not None


def _is_complete(fields: list[str], created_at: int | None) -> bool:
    """Returns whether all fields are there. An id that was cut at its end lacks some."""
    if len(fields) < 6 or fields[0] != "1" or not fields[1] or not fields[4] or fields[-1]:
        return False
    if created_at is None:
        return True
    return len(fields) == 8 or (len(fields) == 7 and created_at < _EIGHT_FIELDS_SINCE)
