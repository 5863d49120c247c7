"""The JSON Schema that a rule of `opentok_client.rules` enforces, read from the rule itself."""

from __future__ import annotations

import inspect
from typing import Any

from opentok_client.rules import Field, Rule, boolean

__all__ = ["schema_of"]

Schema = dict[str, Any]
NO_CONTROLS = r"^[^\x00-\x1F\x7F-\x9F]+$"
NO_CONTROLS_OR_EMPTY = r"^[^\x00-\x1F\x7F-\x9F]*$"


def schema_of(rule: Rule) -> Schema:
    """Returns the schema of the values that a rule accepts.

    What fields exclude each other is not part of it. A rule is a closure, and what it closes over
    are its limits.
    """
    if rule is boolean:
        return {"type": "boolean"}
    limits: dict[str, Any] = dict(inspect.getclosurevars(rule).nonlocals)
    match rule.__qualname__.split(".")[0]:
        case "shape":
            return _object(limits["fields"])
        case "integer":
            return {"type": "integer", "minimum": limits["least"], "maximum": limits["most"]}
        case "text":
            length = {"minLength": limits["least"], "maxLength": limits["most"]}
            return {"type": "string", **length, "pattern": NO_CONTROLS}
        case "choice":
            kind = "string" if isinstance(limits["values"][0], str) else "integer"
            return {"type": kind, "enum": list(limits["values"])}
        case "url":
            characters = schema_of(limits["characters"])
            schemes = "|".join(limits["schemes"])
            return {**characters, "pattern": rf"^({schemes}):[^\s\x00-\x1F\x7F-\x9F]+$"}
        case "array":
            least = {"minItems": limits["least"]} if limits["least"] else {}
            items = schema_of(limits["items"])
            return {"type": "array", **least, "maxItems": limits["most"], "items": items}
        case "text_map":
            return {
                "type": "object",
                "x-maxBytes": limits["most_bytes"],
                "propertyNames": {"pattern": NO_CONTROLS_OR_EMPTY},
                "additionalProperties": {"type": "string", "pattern": NO_CONTROLS_OR_EMPTY},
            }
    raise AssertionError(f"no schema for the rule {rule.__qualname__}")


def _object(fields: tuple[Field, ...]) -> Schema:
    required = [field.name for field in fields if field.required]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": {
            field.name: schema_of(field.rule) | ({} if field.required else {"nullable": True})
            for field in fields
        },
    }
