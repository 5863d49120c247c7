"""Reading the members of a request, collecting everything that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from opentok_client.errors import Invalid

from .errors import FieldError, IllegalCombination, InvalidRequest

__all__ = ["Members"]

E = TypeVar("E", bound=StrEnum)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # and halves of characters
# RFC 3339: an offset is needed, as a local time without one means nothing to a server.
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII
)


class Members:
    """The members of one JSON object. A wrong one reads as None and is remembered.

    `known` are the names that are allowed; `within` is the name of the member that holds this
    object, for error messages. Nested `Members` share their parent's errors.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        known: Collection[str],
        within: str = "",
        parent: Members | None = None,
    ) -> None:
        self._values = values
        self._within = f"{within}." if within else ""
        self._wrong: list[FieldError] = parent._wrong if parent else []
        self._illegal: list[FieldError] = parent._illegal if parent else []
        self._known = known
        for name in values:
            if name not in known:
                self.wrong(name, "is not known")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @property
    def sent(self) -> frozenset[str]:
        """The known names that were sent."""
        return frozenset(self._values) & frozenset(self._known)

    @property
    def fine(self) -> bool:
        """Whether nothing was wrong so far."""
        return not self._wrong and not self._illegal

    def wrong(self, name: str, message: str) -> None:
        """Remembers that a member's value is wrong."""
        self._wrong.append(FieldError(self._within + name[:100], message))

    def illegal(self, name: str, message: str) -> None:
        """Remembers that a member goes with nothing else that was sent."""
        self._illegal.append(FieldError(self._within + name, message))

    def take_over(self, invalid: Invalid) -> None:
        """Remembers what the API client found, unless the member is known to be wrong already."""
        known = {error.field for error in self._wrong}
        for violation in invalid.violations:
            if self._within + violation.member not in known:
                note = self.illegal if violation.combination else self.wrong
                note(violation.member, violation.message)

    def finish(self) -> None:
        """Raises `InvalidRequest` or `IllegalCombination` when anything was wrong."""
        errors = [*self._wrong, *self._illegal]
        if not errors:
            return
        names = ", ".join(sorted({error.field for error in errors}))
        if self._wrong:
            raise InvalidRequest(f"The request is not valid: {names}.", errors)
        raise IllegalCombination(f"The request asks for what cannot be had: {names}.", errors)

    def text(
        self, name: str, longest: int, pattern: re.Pattern[str] | None = None, hint: str = ""
    ) -> str | None:
        """A text of 1 to `longest` characters without control characters."""
        value = self._values.get(name)
        if name not in self._values:
            return None
        if not isinstance(value, str):
            self.wrong(name, "must be a string")
        elif not 1 <= len(value) <= longest:
            self.wrong(name, f"must have 1 to {longest} characters")
        elif pattern and not pattern.fullmatch(value):
            self.wrong(name, hint)
        elif _CONTROL.search(value):
            self.wrong(name, "must not contain control characters")
        else:
            return value
        return None

    def free_text(self, name: str) -> str:
        """Any text, whatever its length; empty when it was not sent."""
        value = self._values.get(name, "")
        if isinstance(value, str):
            return value
        self.wrong(name, "must be a string")
        return ""

    def integer(
        self, name: str, least: int, most: int, hint: Callable[[int], str] = lambda _: ""
    ) -> int | None:
        """A whole number. `1.0` is none: nobody sends it on purpose. `hint` completes what is said
        of a number outside the limits."""
        value = self._values.get(name)
        if name not in self._values:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(name, "must be a whole number")
        elif not least <= value <= most:
            self.wrong(name, f"must be from {least} to {most}{hint(value)}")
        else:
            return value
        return None

    def flag(self, name: str) -> bool:
        """`true` or `false`; false when it was not sent."""
        value = self._values.get(name, False)
        if isinstance(value, bool):
            return value
        self.wrong(name, "must be true or false")
        return False

    def choice(self, name: str, kind: type[E]) -> E | None:
        """One of the values of an enumeration."""
        if name not in self._values:
            return None
        chosen = _member(kind, self._values[name])
        if chosen is None:
            self.wrong(name, _one_of(kind))
        return chosen

    def choices(self, name: str, kind: type[E]) -> tuple[E, ...]:
        """A list of different values of an enumeration; empty when it was not sent."""
        values = self._values.get(name, [])
        if not isinstance(values, list):
            self.wrong(name, "must be a list")
            return ()
        chosen = [member for value in values if (member := _member(kind, value))]
        if len(chosen) < len(values):
            self.wrong(name, "each " + _one_of(kind))
        elif len(set(chosen)) < len(chosen):
            self.wrong(name, "must not name anything twice")
        return tuple(chosen)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when it was not sent."""
        values = self._values.get(name, [])
        if isinstance(values, list):
            texts = tuple(value for value in values if isinstance(value, str))
            if len(texts) == len(values):
                return texts
        self.wrong(name, "must be a list of strings")
        return ()

    def instant(self, name: str) -> int | None:
        """A point in time, in whole seconds since the epoch."""
        if name not in self._values:
            return None
        value = self._values[name]
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            try:
                instant = datetime.fromisoformat(value.upper().replace(" ", "T"))
                # In UTC it has to be of the years 1 to 9999 as well, or it could not be shown.
                return int(instant.astimezone(UTC).timestamp())
            except (ValueError, OverflowError):
                pass  # such as the 31st of February
        self.wrong(name, "must be a time such as 2030-01-31T12:00:00Z (RFC 3339)")
        return None

    def mapping(self, name: str, kind: type[E], most: int, longest: int) -> dict[str, E] | None:
        """An object of at most `most` names (1 to `longest` characters) with enumerated values."""
        if name not in self._values:
            return None
        values = self._values[name]
        if not isinstance(values, dict):
            self.wrong(name, "must be an object")
            return None
        if len(values) > most:
            self.wrong(name, f"must have at most {most} entries")
            return None
        read: dict[str, E] = {}
        for key, value in values.items():
            if not 1 <= len(key) <= longest:
                self.wrong(name, f"each name must have 1 to {longest} characters")
            elif (chosen := _member(kind, value)) is None:
                self.wrong(f"{name}.{key}", _one_of(kind))
            else:
                read[key] = chosen
        return read

    def inner(self, name: str, known: Collection[str]) -> Members | None:
        """The members of an object inside this one."""
        if name not in self._values:
            return None
        value = self._values[name]
        if not isinstance(value, dict):
            self.wrong(name, "must be an object")
            return None
        return Members(value, known, within=self._within + name, parent=self)


def _member(kind: type[E], value: object) -> E | None:
    return next((member for member in kind if member == value and isinstance(value, str)), None)


def _one_of(kind: type[StrEnum]) -> str:
    return "must be one of " + ", ".join(member.value for member in kind)
