"""The settings of callbacks: where they go, how fast time passes, and which faults they have.

All fields are optional and replace the previous settings:

``url``              base URL; events go to ``<url>/callbacks/session``, ``/callbacks/archive``, …
``timeScale``        divides the waits between retries: 100 turns 5 s into 50 ms.
``faults``           an object:
``  lose``           share of the callbacks that are never sent.
``  duplicate``      share that is sent twice.
``  reorder``        share that is sent after the next callback of the same session.
``  misSign``        share that is signed with another secret.
``  wrongHash``      share whose signature belongs to another body.
``  unsigned``       share without a signature.
``  delayMs``        wait before the first attempt, in real milliseconds.
``  ageSeconds``     shifts ``iat`` and ``timestamp`` into the past (negative: into the future).
``  stop``           true: nothing is sent, as after the vendor switched monitoring off.
``  events``         names of the events that are affected (default: all).

A share is a number from 0 to 1; the same callbacks are affected each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from local.emulator.events import EventName

__all__ = ["CallbackFaults", "CallbackSettings", "InvalidSettings"]


class InvalidSettings(ValueError):
    """The settings are invalid; the message names the field."""


@dataclass(frozen=True, slots=True)
class CallbackFaults:
    """Faults of callbacks; see the module."""

    lose: float = 0
    duplicate: float = 0
    reorder: float = 0
    mis_sign: float = 0
    wrong_hash: float = 0
    unsigned: float = 0
    delay_ms: float = 0
    age_seconds: float = 0
    stop: bool = False
    events: tuple[str, ...] = ()

    def affect(self, event: str) -> bool:
        """Returns whether callbacks of this event have the faults."""
        return not self.events or event in self.events

    @classmethod
    def from_json(cls, value: object) -> CallbackFaults:
        """Parses faults.

        Raises:
            InvalidSettings: naming the first unknown or invalid field.
        """
        fields = _object(value, "faults", set(_SHARES) | set(_NUMBERS) | {"stop", "events"})
        numbers = {
            _SHARES[name]: _number(number, name, 0, 1)
            for name, number in fields.items()
            if name in _SHARES
        }
        stop, events = fields.get("stop", False), fields.get("events", [])
        if not isinstance(stop, bool):
            raise InvalidSettings("stop must be true or false")
        if not isinstance(events, list) or not set(map(str, events)) <= set(EventName):
            raise InvalidSettings("events must be an array of event names")
        return cls(
            **numbers,
            delay_ms=_number(fields.get("delayMs", 0), "delayMs", 0),
            age_seconds=_number(fields.get("ageSeconds", 0), "ageSeconds"),
            stop=stop,
            events=tuple(events),
        )

    def to_json(self) -> dict[str, object]:
        return {
            **{name: getattr(self, attribute) for name, attribute in _SHARES.items()},
            "delayMs": self.delay_ms,
            "ageSeconds": self.age_seconds,
            "stop": self.stop,
            "events": list(self.events),
        }


@dataclass(frozen=True, slots=True)
class CallbackSettings:
    """Settings of callbacks; see the module."""

    url: str | None = None
    time_scale: float = 1
    faults: CallbackFaults = field(default_factory=CallbackFaults)

    @classmethod
    def from_json(cls, value: object) -> CallbackSettings:
        """Parses settings.

        Raises:
            InvalidSettings: naming the first unknown or invalid field.
        """
        fields = _object(value, "settings", {"url", "timeScale", "faults"})
        url = fields.get("url")
        if url is not None and not _is_url(url):
            raise InvalidSettings("url must be an http or https URL, or null")
        return cls(
            url=None if url is None else str(url).rstrip("/"),
            time_scale=_number(fields.get("timeScale", 1), "timeScale", 0.001),
            faults=CallbackFaults.from_json(fields.get("faults", {})),
        )

    def to_json(self) -> dict[str, object]:
        return {"url": self.url, "timeScale": self.time_scale, "faults": self.faults.to_json()}


_SHARES = {
    "lose": "lose",
    "duplicate": "duplicate",
    "reorder": "reorder",
    "misSign": "mis_sign",
    "wrongHash": "wrong_hash",
    "unsigned": "unsigned",
}
_NUMBERS = ("delayMs", "ageSeconds")


def _object(value: object, name: str, known: set[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InvalidSettings(f"{name} must be a JSON object")
    unknown = set(value) - known
    if unknown:
        raise InvalidSettings(f"unknown field: {min(unknown)}")
    return value


def _number(
    value: object, name: str, lowest: float = float("-inf"), highest: float = float("inf")
) -> float:
    valid = isinstance(value, int | float) and not isinstance(value, bool)
    if not valid or not lowest <= value <= highest:  # type: ignore[operator]
        raise InvalidSettings(f"{name} must be a number from {lowest:g} to {highest:g}")
    return value  # type: ignore[return-value]


def _is_url(value: object) -> bool:
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
