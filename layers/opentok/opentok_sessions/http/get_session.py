"""The query and the response of `GET /sessions`, and the cursor of its pages."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence

from ..domain.claims import Position
from ..domain.models import Caller, Session
from ..domain.requests import ListRequest
from .fields import Fields
from .responses import session_response

__all__ = ["LIMIT_MAX", "cursor_of", "list_response", "parse_list_query"]

PARAMETERS = ("room", "limit", "cursor")
MAY_BE_EMPTY = ("limit", "cursor")
LIMIT_DEFAULT = 20
LIMIT_MAX = 100
CURSOR_MAX = 1024
LIST_BYTES_MAX = 256 * 1024
"""The sessions in one response. A page that would be larger ends earlier."""
CREATED_AT_END = 10**15  # ms, in the year 33658


def parse_list_query(query: Mapping[str, object], caller: Caller) -> ListRequest:
    """Returns the request. An empty `limit` or `cursor` counts as not sent.

    Raises `InvalidRequest` or `InvalidCombination` naming every wrong parameter.
    """
    sent = {name: value for name, value in query.items() if value != "" or name not in MAY_BE_EMPTY}
    # The gateway joins the values of a repeated parameter with commas, which none may contain.
    repeated = [name for name in PARAMETERS if "," in str(sent.get(name, ""))]
    fields = Fields({n: v for n, v in sent.items() if n not in repeated}, PARAMETERS)
    for name in repeated:
        fields.wrong(name, "must be given once, without commas")
    for name in ("limit", "cursor"):
        if "room" in sent and name in sent:
            fields.excluded(name, "cannot be combined with `room`")
    limit = fields.integer_text("limit", 1, LIMIT_MAX)
    cursor = fields.text("cursor", CURSOR_MAX)
    after = _position(cursor, caller) if cursor else None
    if cursor and after is None:
        fields.wrong("cursor", "is invalid")
    room = fields.room("room")
    fields.finish()
    return ListRequest(room, limit or LIMIT_DEFAULT, after)


def list_response(
    sessions: Sequence[Session],
    after: Position | None,
    caller: Caller,
    now: float,
) -> dict[str, object]:
    """Returns the response of `GET /sessions`; `after` is where the next page starts."""
    shown: list[dict[str, object]] = []
    size = 0
    for session in sessions:
        entry = session_response(session, caller, now)
        entry.pop("participants", None)
        size += len(json.dumps(entry, ensure_ascii=False).encode(errors="replace"))
        if shown and size > LIST_BYTES_MAX:
            last = sessions[len(shown) - 1]
            after = (last.session_id, last.created_at)
            break
        shown.append(entry)
    response: dict[str, object] = {"sessions": shown}
    if after is not None:
        response["cursor"] = cursor_of(after, caller)
    return response


def cursor_of(position: Position, caller: Caller) -> str:
    """Returns a position as an opaque text that only this caller can use.

    The checksum detects mistakes. Forging it gains nothing: the list is always the caller's own.
    """
    text = json.dumps([*position, _checksum(position, caller)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _position(cursor: str, caller: Caller) -> Position | None:
    try:
        values = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        return None
    match values:
        case [str(session_id), int(created_at), str(checksum)] if (
            # DynamoDB would reject other values. (JSON's true is the integer 1 in Python.)
            session_id.isascii() and 1 < created_at < CREATED_AT_END
        ):
            position = (session_id, created_at)
            return position if checksum == _checksum(position, caller) else None
    return None


def _checksum(position: Position, caller: Caller) -> str:
    owner = [caller.tenant, caller.sub] if caller.tenant else [caller.sub]
    text = json.dumps([*owner, *position])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
