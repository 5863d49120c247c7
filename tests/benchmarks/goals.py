"""The performance goals, as ratios within one run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from .subjects import LIMITED, NODE_FLOOR, NODE_SDK, SDK

__all__ = ["SAME_WORK", "Goal", "goals"]

#: Cold start divided by the floor, at most.
COLD_AT_MOST = {
    "get_session": 0.75,
    "close_session": 0.75,
    "issue_token": 0.80,
    "create_session_pool": 0.80,
    "create_session_live": 0.90,
    "receive_callback": 0.85,
}
#: Cold start divided by the bare Node.js function, at most.
NODE_AT_MOST = {"get_session": 1.05, "close_session": 1.05}
#: Cold start of a handler with the vendor's SDK divided by ours, at least.
SDK_AT_LEAST = {NODE_SDK: 1.8, SDK: 2.3}
#: Warm requests divided by the floor's GetItem, at most.
WARM_AT_MOST = {
    "issue_token": 1.2,
    "create_session_pool": 2.1,
    "create_session_room": 2.2,
    "receive_callback": 2.5,
    "receive_callback_leave": 3.5,
}
#: What limits per caller add to a warm request, in the floor's GetItems, at most.
LIMITS_ADD_AT_MOST = 1.0
OPENSSL_AT_LEAST = 0.95
#: The function that does the same work as a handler with the vendor's SDK.
SAME_WORK = "create_session_pool"


class Goal(NamedTuple):
    """A bound on a ratio, and the ratio that this run measured.

    `processor` is the same ratio of processor times, which a busy machine distorts less.
    """

    name: str
    limit: float
    value: float
    at_least: bool = False
    processor: float | None = None

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def bound(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:.2f}"

    def as_json(self) -> dict[str, object]:
        found = {"name": self.name, "bound": self.bound, "value": float(f"{self.value:.3g}")}
        if self.processor is not None:
            found["processor"] = float(f"{self.processor:.3g}")
        return {**found, "met": self.met}


def goals(
    *,
    cold: Callable[..., float],
    processor: Callable[..., float],
    warm: Callable[[str], float],
    vonage_to_openssl: float,
    functions: Collection[str],
) -> list[Goal]:
    """Returns the goals of the `functions` that this run has measured.

    `cold(name, to)` is a ratio of cold starts, to the floor by default. `processor` is the same of
    processor times, and `warm(name)` is a ratio of warm requests.
    """

    def added(name: str) -> float:
        return warm(LIMITED[name]) - warm(name)

    found = [
        Goal(f"cold `{name}` ÷ floor", limit, cold(name), processor=processor(name))
        for name, limit in COLD_AT_MOST.items()
        if name in functions
    ]
    found += [
        Goal(
            f"cold `{name}` ÷ {NODE_FLOOR}",
            limit,
            cold(name, NODE_FLOOR),
            processor=processor(name, NODE_FLOOR),
        )
        for name, limit in NODE_AT_MOST.items()
    ]
    found += [
        Goal(
            f"cold {name} ÷ `{SAME_WORK}`",
            limit,
            cold(name, SAME_WORK),
            at_least=True,
            processor=processor(name, SAME_WORK),
        )
        for name, limit in SDK_AT_LEAST.items()
    ]
    found += [
        Goal(f"warm `{name}` ÷ floor", limit, warm(name)) for name, limit in WARM_AT_MOST.items()
    ]
    found += [
        Goal(f"limits on, added to warm `{name}` ÷ floor", LIMITS_ADD_AT_MOST, added(name))
        for name in LIMITED
    ]
    rate = "Vonage tokens ÷ raw RSA signatures, per second"
    return [*found, Goal(rate, OPENSSL_AT_LEAST, vonage_to_openssl, True)]
