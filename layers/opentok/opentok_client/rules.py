"""Rules for the fields of a JSON object, and one check that reports everything that is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from .errors import Invalid, Violation

__all__ = [
    "Field", "Rule", "array", "boolean", "check", "choice", "integer", "shape", "text", "text_map",
    "url",
]  # fmt: skip

Rule = Callable[[object, str, list[Violation]], object]
"""Returns the value as it is sent; appends what is wrong with it, under its name."""
Conflicts = Callable[[Mapping[str, object]], Iterable[tuple[str, str]]]
"""Yields the fields of a valid object that exclude each other, with messages."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NAME_MAX = 100


class Field(NamedTuple):
    """A field of an object."""

    name: str
    rule: Rule
    required: bool = False


def check(rule: Rule, value: object) -> dict[str, object]:
    """Returns the fields of a valid object. Raises `Invalid` naming every wrong field."""
    wrong: list[Violation] = []
    read = rule(value, "", wrong)
    if wrong or not isinstance(read, dict):
        raise Invalid(wrong)
    return read


def shape(*fields: Field, conflicts: Conflicts = lambda _: ()) -> Rule:
    """An object with these fields. A null field counts as not sent."""
    known = {field.name for field in fields}

    def rule(value: object, name: str, wrong: list[Violation]) -> object:
        within = f"{name}." if name else ""
        if not isinstance(value, dict):
            wrong.append(Violation(name, "must be an object"))
            return value
        before = len(wrong)
        wrong += [
            Violation(within + str(unknown)[:_NAME_MAX], "unknown field")
            for unknown in value
            if unknown not in known
        ]
        read = {}
        for field in fields:
            given = value.get(field.name)
            if given is not None:
                read[field.name] = field.rule(given, within + field.name, wrong)
            elif field.required:
                wrong.append(Violation(within + field.name, "is required"))
        if len(wrong) == before:
            wrong += [
                Violation(within + field, message, True) for field, message in conflicts(read)
            ]
        return read

    return rule


def boolean(value: object, name: str, wrong: list[Violation]) -> object:
    """True or false."""
    if not isinstance(value, bool):
        wrong.append(Violation(name, "must be true or false"))
    return value


def integer(least: int, most: int) -> Rule:
    """An integer within limits. `1.0` is one, as in JSON Schema."""

    def rule(value: object, name: str, wrong: list[Violation]) -> object:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            wrong.append(Violation(name, "must be an integer"))
        elif not least <= value <= most:
            wrong.append(Violation(name, f"must be from {least} to {most}"))
        return value

    return rule


def text(least: int, most: int) -> Rule:
    """A text of so many characters, without control characters."""

    def rule(value: object, name: str, wrong: list[Violation]) -> object:
        if not isinstance(value, str):
            wrong.append(Violation(name, "must be a string"))
        elif not least <= len(value) <= most:
            wrong.append(Violation(name, f"must have {least} to {most} characters"))
        elif _CONTROL.search(value):
            wrong.append(Violation(name, "must not contain control characters"))
        return value

    return rule


def choice(*values: str | int) -> Rule:
    """One of these values."""
    listed = ", ".join(str(value) for value in values)

    def rule(value: object, name: str, wrong: list[Violation]) -> object:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or value not in values:
            wrong.append(Violation(name, f"must be one of {listed}"))
        return value

    return rule


def url(*schemes: str, most: int = 2048) -> Rule:
    """An absolute URL with one of these schemes and a host."""
    message = f"must be a URL that starts with {' or '.join(f'{scheme}:' for scheme in schemes)}"
    characters = text(1, most)

    def rule(value: object, name: str, wrong: list[Violation]) -> object:
        before = len(wrong)
        characters(value, name, wrong)
        if len(wrong) == before and not _is_url(str(value), schemes):
            wrong.append(Violation(name, message))
        return value

    return rule


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    if any(character.isspace() for character in value):
        return False
    try:
        parts = urlsplit(value)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    # A SIP URI has no slashes, so its address is in the path.
    has_host = bool(parts.hostname or (parts.scheme in ("sip", "sips") and parts.path))
    return parts.scheme in schemes and has_host and port_is_valid


def array(items: Rule, least: int, most: int) -> Rule:
    """An array of so many values."""

    def rule(value: object, name: str, wrong: list[Violation]) -> object:
        if not isinstance(value, list):
            wrong.append(Violation(name, "must be an array"))
            return value
        if not least <= len(value) <= most:
            wrong.append(Violation(name, f"must have {least} to {most} entries"))
            return value
        return [items(item, f"{name}[{index}]", wrong) for index, item in enumerate(value)]

    return rule


def text_map(most_bytes: int) -> Rule:
    """An object of texts, such as headers, with a limit for all of them together."""

    def rule(value: object, name: str, wrong: list[Violation]) -> object:
        if not isinstance(value, dict):
            wrong.append(Violation(name, "must be an object"))
        elif not all(isinstance(item, str) for item in value.values()):
            wrong.append(Violation(name, "must have strings as values"))
        elif any(_CONTROL.search(part) for pair in value.items() for part in pair):
            wrong.append(Violation(name, "must not contain control characters"))
        elif len(json.dumps(value, ensure_ascii=False).encode()) > most_bytes:
            wrong.append(Violation(name, f"must have at most {most_bytes} bytes"))
        return value

    return rule
