"""The fields of a JSON object with single values, and the errors that reading them collects."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from opentok_client.errors import Invalid

from ..domain.models import ROOM, ROOM_MAX
from ..domain.problems import FieldError, InvalidCombination, InvalidRequest

__all__ = ["ScalarFields", "one_of", "value_of"]

E = TypeVar("E", bound=StrEnum)

ERRORS_MAX = 20
"""Errors in one response. A request of 64 KiB can contain thousands."""

_DIGITS = re.compile(r"[0-9]{1,9}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # and surrogates
# RFC 3339: the offset is required, because a server cannot interpret a local time without one. The
# seconds are not: Java's `OffsetDateTime` leaves them out when they are zero.
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII
)

_ROOM_HINT = f"must have 1 to {ROOM_MAX} of the characters A-Z a-z 0-9 . _ ~ -"


class FieldErrors:
    """Collects what is wrong with the fields of one object.

    `within` is the name of the field that holds the object, for error messages. The errors of a
    nested object are collected with those of its `parent`.
    """

    def __init__(self, within: str = "", parent: FieldErrors | None = None) -> None:
        self._within = f"{within}." if within else ""
        self._wrong: list[FieldError] = parent._wrong if parent else []
        self._excluded: list[FieldError] = parent._excluded if parent else []

    @property
    def valid(self) -> bool:
        """Whether no error has been found so far."""
        return not self._wrong and not self._excluded

    def wrong(self, name: str, message: str) -> None:
        """Records an invalid value."""
        self._wrong.append(FieldError(self._within + name[:100], message))

    def excluded(self, name: str, message: str) -> None:
        """Records a conflict with another field."""
        self._excluded.append(FieldError(self._within + name, message))

    def add_violations(self, invalid: Invalid) -> None:
        """Records what the API client found, except for fields that already have an error."""
        known = {error.field for error in self._wrong}
        for violation in invalid.violations:
            if self._within + violation.field not in known:
                record = self.excluded if violation.combination else self.wrong
                record(violation.field, violation.message)

    def finish(self) -> None:
        """Raises `InvalidRequest` or `InvalidCombination` if any error was found."""
        errors = [*self._wrong, *self._excluded]
        if not errors:
            return
        shown = errors[:ERRORS_MAX]
        names = ", ".join(sorted({error.field for error in shown}))
        more = (
            f" {len(errors) - len(shown)} more errors are not listed."
            if errors[len(shown) :]
            else ""
        )
        if self._wrong:
            raise InvalidRequest(f"The request is invalid: {names}.{more}", shown)
        raise InvalidCombination(f"These options cannot be combined: {names}.{more}", shown)


class ScalarFields(FieldErrors):
    """Reads strings, numbers, booleans and times. A wrong value reads as None.

    `known` are the allowed names. A known field that is null counts as not sent: clients that
    serialise every property of a class send one.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        known: Collection[str],
        within: str = "",
        parent: FieldErrors | None = None,
    ) -> None:
        super().__init__(within, parent)
        self._values = {name: value for name, value in values.items() if value is not None}
        self._known = known
        for name in values:
            if name not in known:
                self.wrong(name, "unknown field")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @property
    def sent(self) -> frozenset[str]:
        """The known fields that were sent."""
        return frozenset(self._values) & frozenset(self._known)

    def text(
        self,
        name: str,
        longest: int,
        pattern: re.Pattern[str] | None = None,
        hint: str = "",
        rule: Callable[[str], str | None] = lambda _: None,
    ) -> str | None:
        """Returns a text of 1 to `longest` characters without control characters.

        `rule` returns what is wrong with a text, or None. Its message is more specific than that
        of a length.
        """
        value = self._values.get(name)
        if name not in self._values:
            return None
        if not isinstance(value, str):
            self.wrong(name, "must be a string")
        elif message := rule(value):
            self.wrong(name, message)
        elif not 1 <= len(value) <= longest:
            self.wrong(name, f"must have 1 to {longest} characters")
        elif pattern and not pattern.fullmatch(value):
            self.wrong(name, hint)
        elif _CONTROL.search(value):
            self.wrong(name, "must not contain control characters")
        else:
            return value
        return None

    def room(self, name: str) -> str | None:
        """Returns the name of a room."""
        return self.text(name, ROOM_MAX, ROOM, _ROOM_HINT)

    def free_text(self, name: str) -> str:
        """Returns a text of any length; empty when it was not sent."""
        value = self._values.get(name, "")
        if isinstance(value, str):
            return value
        self.wrong(name, "must be a string")
        return ""

    def integer(
        self, name: str, least: int, most: int, hint: Callable[[int], str] = lambda _: ""
    ) -> int | None:
        """Returns an integer. `1.0` is one, as in JSON Schema. `hint` completes the message for a
        number outside the limits."""
        value = self._values.get(name)
        if name not in self._values:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(name, "must be an integer")
        elif not least <= value <= most:
            self.wrong(name, f"must be from {least} to {most}{hint(value)}")
        else:
            return value
        return None

    def integer_text(self, name: str, least: int, most: int) -> int | None:
        """Returns the integer in a text of digits."""
        if name not in self._values:
            return None
        value = self._values[name]
        if isinstance(value, str) and _DIGITS.fullmatch(value) and least <= int(value) <= most:
            return int(value)
        self.wrong(name, f"must be an integer from {least} to {most}")
        return None

    def flag(self, name: str) -> bool:
        """Returns a boolean; false when it was not sent."""
        value = self._values.get(name, False)
        if isinstance(value, bool):
            return value
        self.wrong(name, "must be true or false")
        return False

    def choice(self, name: str, kind: type[E]) -> E | None:
        """Returns one of the values of an enumeration."""
        if name not in self._values:
            return None
        chosen = value_of(kind, self._values[name])
        if chosen is None:
            self.wrong(name, one_of(kind))
        return chosen

    def instant(self, name: str) -> int | None:
        """Returns a point in time, in seconds since the epoch."""
        if name not in self._values:
            return None
        value = self._values[name]
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            try:
                instant = datetime.fromisoformat(value.upper().replace(" ", "T"))
                # In UTC its year must be 1 to 9999 as well, or a response could not show it.
                return int(instant.astimezone(UTC).timestamp())
            except (ValueError, OverflowError):
                pass  # such as 31 February
        self.wrong(name, "must be a time such as 2030-01-31T12:00:00Z (RFC 3339)")
        return None


def value_of(kind: type[E], value: object) -> E | None:
    return next((one for one in kind if one == value and isinstance(value, str)), None)


def one_of(kind: type[StrEnum]) -> str:
    return "must be one of " + ", ".join(one.value for one in kind)
