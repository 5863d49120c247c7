"""Who is in a session, according to the vendor's callbacks. Pure functions.

Callbacks arrive late, twice, in any order, or never. So the facts are kept in a form that does not
depend on it: one item per connection, a tombstone for each that has ended, and the latest end of
the session, which ends every connection made until then. All times are the vendor's, in ms.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "NO_HINTS",
    "TRUSTED_MS",
    "Connection",
    "ConnectionData",
    "Hints",
    "Live",
    "LiveState",
    "Presence",
    "connected",
    "excess",
    "identified_data",
    "is_ended",
    "live",
    "may_be_over",
    "needs_reconciliation",
    "sub_of",
]

TRUSTED_MS = 3600 * 1000
"""How long a session without any event is believed to be live, before the vendor is asked."""


class ConnectionData(StrEnum):
    """Who writes the connection data of a token: the caller, or this service with the caller's
    `sub`."""

    CALLER = "caller"
    IDENTIFIED = "identified"


class Connection(NamedTuple):
    """A client that is connected. `data` is the connection data of its token."""

    id: str
    connected_at: int
    data: str = ""


class Hints(NamedTuple):
    """What a session's record says about its presence.

    `monitored_since`: when the first callback arrived. `last_event_at`: when a recent one did, to
    the minute. `started_at` and `ended_at`: the latest that the vendor reported. `empty_since`:
    when the last client seemed to leave. A decision verifies it with the connections themselves.
    """

    monitored_since: int | None = None
    last_event_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    empty_since: int | None = None


NO_HINTS = Hints()


class LiveState(StrEnum):
    """Whether clients are connected. `unknown`: no callback was ever received for the session."""

    LIVE = "live"
    EMPTY = "empty"
    UNKNOWN = "unknown"


class Presence(NamedTuple):
    """The connections that are live, oldest first, and the hints they were judged with."""

    connections: Sequence[Connection]
    hints: Hints


class Live(NamedTuple):
    """What a caller sees of a session's presence."""

    state: LiveState
    connections: int = 0
    since: int | None = None
    empty_since: int | None = None


def is_ended(connected_at: int, hints: Hints) -> bool:
    """Returns whether the session's end has ended a connection of this time."""
    return hints.ended_at is not None and connected_at <= hints.ended_at


def connected(stored: Iterable[Connection], hints: Hints) -> list[Connection]:
    """Returns those of the stored connections that the session's end has not ended, in the order
    of their creation, then of their ids."""
    found = (c for c in stored if not is_ended(c.connected_at, hints))
    return sorted(found, key=lambda c: (c.connected_at, c.id))


def live(connections: Sequence[Connection], hints: Hints) -> Live:
    """Returns the presence as a caller sees it; `connections` are those of `connected`."""
    if hints.monitored_since is None:
        return Live(LiveState.UNKNOWN)
    if not connections:
        latest = max(hints.empty_since or 0, hints.ended_at or 0) or None
        return Live(LiveState.EMPTY, empty_since=latest)
    since = connections[0].connected_at
    if hints.started_at is not None and not is_ended(hints.started_at, hints):
        since = min(since, hints.started_at)
    return Live(LiveState.LIVE, len(connections), since=since)


def excess(connections: Sequence[Connection], maximum: int | None) -> Sequence[Connection]:
    """Returns the connections beyond the maximum: the latest ones, never "the one in the event",
    because events arrive in any order."""
    return connections[maximum:] if maximum is not None else ()


def may_be_over(hints: Hints, now: float, empty_seconds: int) -> bool:
    """Returns whether the hints say that the conversation is over; connections have to verify it.

    An end reported by the vendor counts immediately. Otherwise no client was connected for
    `empty_seconds`, because a page that reloads leaves and joins.
    """
    if hints.ended_at is not None and hints.ended_at >= (hints.started_at or 0):
        return True
    return hints.empty_since is not None and now * 1000 - hints.empty_since >= empty_seconds * 1000


def needs_reconciliation(hints: Hints, now: float) -> bool:
    """Returns whether a session that looks live has had no event for so long that the vendor has to
    be asked who is connected."""
    return (
        hints.monitored_since is not None
        and hints.empty_since is None
        and now * 1000 - max(hints.last_event_at or 0, hints.monitored_since) >= TRUSTED_MS
    )


def identified_data(sub: str, data: str) -> str:
    """Returns connection data that names the user; the token's signature makes it authentic."""
    return json.dumps({"sub": sub, "data": data}, ensure_ascii=False, separators=(",", ":"))


def sub_of(data: str) -> str | None:
    """Returns the user in connection data that this service wrote; None for any other text."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict) and set(value) == {"sub", "data"}:
        sub = value["sub"]
        return sub if isinstance(sub, str) else None
    return None
