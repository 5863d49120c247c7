"""How much one caller may use: pure rules. A limit of 0 does not limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .models import Caller, Reuse
from .problems import TooManyRequests

if TYPE_CHECKING:
    from .rooms import Terms

__all__ = ["ROOMS_CHECK_SECONDS", "Limits", "Quota", "is_held", "rooms_refused"]

ROOMS_CHECK_SECONDS = 60
"""How often the rooms of a caller at the limit are checked: rooms that are gone do not count."""


class Quota(NamedTuple):
    """At most `limit` uses in each window of `seconds`, counted from the epoch.

    A window is fixed, so that one atomic write decides. Around its end a caller can use twice the
    limit in a short time.
    """

    name: str
    limit: int
    seconds: int

    def window(self, now: float) -> int:
        """Returns the number of the current window."""
        return int(now) // self.seconds

    def ends_at(self, now: float) -> int:
        """Returns when the current window ends."""
        return (self.window(now) + 1) * self.seconds

    def refused(self, now: float) -> TooManyRequests:
        """Returns the problem of a caller who has used the quota."""
        wait = max(1, self.ends_at(now) - int(now))
        return TooManyRequests(
            f"The limit of {self.limit} {self.name} per {self.seconds} seconds is reached.",
            wait,
            {
                "RateLimit-Policy": f'"{self.name}";q={self.limit};w={self.seconds}',
                "RateLimit": f'"{self.name}";r=0;t={wait}',
            },
        )


class Limits(NamedTuple):
    """The limits of one caller: new sessions, tokens, private and permanent rooms, and features."""

    sessions: Quota
    tokens: Quota
    rooms: int
    features: Quota

    @classmethod
    def of(
        cls, sessions_per_hour: int, tokens_per_minute: int, rooms: int, features_per_hour: int = 0
    ) -> Limits:
        """Returns the limits of a deployment."""
        return cls(
            Quota("sessions", sessions_per_hour, 3600),
            Quota("tokens", tokens_per_minute, 60),
            rooms,
            Quota("features", features_per_hour, 3600),
        )


def is_held(caller: Caller, terms: Terms) -> bool:
    """Returns whether the room counts towards the caller's limit: it is the caller's, and private
    or permanent."""
    exclusive = terms.participants is not None or terms.reuse is Reuse.PERMANENT
    return exclusive and terms.owner == caller.sub


def rooms_refused(limit: int) -> TooManyRequests:
    """Returns the problem of a caller who holds as many rooms as allowed."""
    return TooManyRequests(
        f"The limit of {limit} private and permanent rooms is reached. Release one of them first.",
        ROOMS_CHECK_SECONDS,
        {"RateLimit-Policy": f'"rooms";q={limit}', "RateLimit": '"rooms";r=0'},
    )
