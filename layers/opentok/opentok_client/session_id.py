"""Parses session ids.

The vendor does not document the layout, but ids of many years agree on it:
`<digit>_<base64url>` of `1~<project>~<location>~<created, ms>~<random>~<P when relayed>~…`.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from .errors import InvalidSessionId
from .options import MediaMode

__all__ = ["POSSIBLE_ID", "SESSION_ID_MAX", "SessionId"]

SESSION_ID_MAX = 255
POSSIBLE_ID = re.compile(rf"[A-Za-z0-9_=-]{{1,{SESSION_ID_MAX}}}", re.ASCII)
"""The characters of any id, which fit into a path, a header and a key."""
_SHAPE = re.compile(r"[0-9]_([A-Za-z0-9_-]+)", re.ASCII)


class SessionId(NamedTuple):
    """A decoded session id. `created_at` is in milliseconds since the epoch; None in ids from
    before about 2015, which carry a date text instead."""

    project_id: str
    location: str | None
    created_at: int | None
    media_mode: MediaMode

    @classmethod
    def decode(cls, text: str) -> SessionId:
        """Returns the parts of an id. Raises `InvalidSessionId` for a text that is none."""
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
        if len(fields) < 5 or not fields[1]:
            raise InvalidSessionId("is not a session id")
        relayed = len(fields) > 5 and fields[5] == "P"
        return cls(
            project_id=fields[1],
            location=fields[2] or None,
            created_at=int(fields[3]) if re.fullmatch(r"[0-9]{1,15}", fields[3]) else None,
            media_mode=MediaMode.RELAYED if relayed else MediaMode.ROUTED,
        )
