"""Converts values to DynamoDB attributes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..domain.problems import DamagedRecord

__all__ = ["Attribute", "Item", "Value", "decode", "encode", "number", "text"]

Value = str | int | bool | Mapping[str, str] | frozenset[str]
Attribute = dict[str, Any]
Item = Mapping[str, Attribute]


def encode(values: Mapping[str, Value | None]) -> dict[str, Attribute]:
    """Returns values as DynamoDB attributes, without those that are None."""
    return {name: _attribute(value) for name, value in values.items() if value is not None}


def _attribute(value: Value) -> Attribute:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, frozenset):
        return {"SS": sorted(value)}
    return {"M": encode(value)}


def decode(item: Item) -> dict[str, Value]:
    """Returns DynamoDB attributes as values; unexpected types are ignored."""
    values: dict[str, Value] = {}
    for name, attribute in item.items():
        match attribute:
            case {"S": str(text)}:
                values[name] = text
            case {"N": str(number)}:
                values[name] = int(float(number))
            case {"BOOL": bool(flag)}:
                values[name] = flag
            case {"SS": list(texts)}:
                values[name] = frozenset(texts)
            case {"M": dict(entries)} if all("S" in entry for entry in entries.values()):
                values[name] = {key: entry["S"] for key, entry in entries.items()}
    return values


def text(item: Item, name: str) -> str:
    """Returns a required string. Raises `DamagedRecord`."""
    value = item.get(name, {}).get("S")
    if not isinstance(value, str):
        raise DamagedRecord(f"{_key(item)}: {name} is missing or not a string")
    return value


def number(item: Item, name: str) -> int:
    """Returns a required integer. Raises `DamagedRecord`."""
    value = decode(item).get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DamagedRecord(f"{_key(item)}: {name} is missing or not a number")
    return value


def _key(item: Item) -> object:
    return item.get("pk", {}).get("S")
