"""Validation of the bodies that start a feature of a routed session."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from local.emulator.errors import BadRequest

__all__ = ["boolean", "choice", "integer", "json_field", "layout", "text"]

LAYOUTS = ("bestFit", "custom", "horizontalPresentation", "pip", "verticalPresentation")

Body = Mapping[str, object]


def text(body: Body, name: str, *, lengths: tuple[int, int] = (1, 2048)) -> str:
    """Returns a required text with a length in this range.

    Raises:
        BadRequest: naming the field.
    """
    value = body.get(name)
    if not isinstance(value, str) or not lengths[0] <= len(value) <= lengths[1]:
        raise BadRequest(f"Invalid request: {name}")
    return value


def integer(body: Body, name: str, limits: tuple[int, int], default: int) -> int:
    """Returns an optional integer in this range."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest(f"Invalid request: {name}")
    if not limits[0] <= value <= limits[1]:
        raise BadRequest(f"Invalid request: {name}")
    return value


def boolean(body: Body, name: str, default: bool) -> bool:
    """Returns an optional boolean; the reference app of the vendor sends it as text."""
    value = body.get(name, default)
    if value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise BadRequest(f"Invalid request: {name}")
    return value


def choice(body: Body, name: str, choices: Collection[str], default: str) -> str:
    """Returns an optional text that is one of these."""
    value = body.get(name) or default
    if value not in choices:
        raise BadRequest(f"Invalid request: {name}")
    return str(value)


def json_field(body: Body, name: str) -> Body:
    """Returns a required JSON object."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise BadRequest(f"Invalid request: {name}")
    return value


def layout(body: Body) -> dict[str, object]:
    """Returns a valid layout: a stylesheet belongs to the custom one, and only there."""
    if body.get("type") not in LAYOUTS:
        raise BadRequest("Invalid request: layout")
    if (body["type"] == "custom") != ("stylesheet" in body):
        raise BadRequest("Invalid request: stylesheet requires the custom layout")
    if "screenshareType" in body and body["type"] != "bestFit":
        raise BadRequest("Invalid request: screenshareType requires the bestFit layout")
    return dict(body)
