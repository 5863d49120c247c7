"""Reads the fields of a request and collects everything that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import TypeVar

from .scalar_fields import ScalarFields, one_of, value_of

__all__ = ["Fields"]

E = TypeVar("E", bound=StrEnum)

# Characters that are invisible although Python calls them printable.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]"
)


class Fields(ScalarFields):
    """The fields of one JSON object, including its arrays and objects."""

    def choices(self, name: str, kind: type[E]) -> tuple[E, ...]:
        """Returns a list of different values of an enumeration; empty when it was not sent."""
        values = self._values.get(name, [])
        if not isinstance(values, list):
            self.wrong(name, _ARRAY if values == {} else "must be an array")
            return ()
        chosen = [one for value in values if (one := value_of(kind, value))]
        if len(chosen) < len(values):
            self.wrong(name, "each value " + one_of(kind))
        elif len(set(chosen)) < len(chosen):
            self.wrong(name, "must not contain duplicates")
        return tuple(chosen)

    def texts(self, name: str) -> tuple[str, ...]:
        """Returns a list of texts; empty when it was not sent."""
        values = self._values.get(name, [])
        if isinstance(values, list):
            texts = tuple(value for value in values if isinstance(value, str))
            if len(texts) == len(values):
                return texts
        self.wrong(name, _ARRAY if values == {} else "must be an array of strings")
        return ()

    def mapping(self, name: str, kind: type[E], most: int, longest: int) -> dict[str, E] | None:
        """Returns an object with at most `most` names of 1 to `longest` visible characters, and
        enumerated values."""
        values = self._object(name)
        if values is None:
            return None
        if len(values) > most:
            self.wrong(name, f"must have at most {most} entries")
            return None
        read: dict[str, E] = {}
        for key, value in values.items():
            if message := _wrong_name(key, longest):
                self.wrong(f"{name}.{key}" if key else name, message)
            elif (chosen := value_of(kind, value)) is None:
                self.wrong(f"{name}.{key}", one_of(kind))
            else:
                read[key] = chosen
        return read

    def nested(self, name: str, known: Collection[str]) -> Fields | None:
        """Returns the fields of an object inside this one."""
        value = self._object(name)
        if value is None:
            return None
        return Fields(value, known, within=self._within + name, parent=self)

    def _object(self, name: str) -> dict[str, object] | None:
        value = self._values.get(name)
        if name in self._values and not isinstance(value, dict):
            self.wrong(name, _OBJECT if value == [] else "must be an object")
        return value if isinstance(value, dict) else None


# PHP and Lua write an empty object as an empty array, or the other way round.
_OBJECT = "must be an object; an empty object is {}, not []"
_ARRAY = "must be an array; an empty array is [], not {}"


def _wrong_name(name: str, longest: int) -> str | None:
    """Returns what is wrong with a name in a mapping, or None.

    An invisible character was pasted by mistake: such a name looks right and never matches.
    """
    if not 1 <= len(name) <= longest:
        return f"each name must have 1 to {longest} characters"
    if name != name.strip():
        return "the name must not begin or end with white space"
    for character in name:
        if not character.isprintable() or _INVISIBLE.match(character):
            return f"the name must not contain the invisible character U+{ord(character):04X}"
    return None
