"""Writes of single items in the format of DynamoDB's API. Nothing here calls DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .attributes import Item, Value, encode
from .keys import Key

__all__ = ["Request", "WriteRequests"]

RESERVED_WORDS = ("ttl", "state", "schema", "data", "owner", "status")

Request = dict[str, Any]


class WriteRequests:
    """The writes of one table."""

    def __init__(self, name: str) -> None:
        self.name = name

    def put_request(
        self, item: Item, condition: str, values: Mapping[str, Value] | None = None
    ) -> Request:
        """Returns a write of the whole item, on a condition about the existing one."""
        request: Request = {"TableName": self.name, "Item": item, "ConditionExpression": condition}
        if values:
            request["ExpressionAttributeValues"] = encode(values)
        return request | _aliases(condition)

    def key_request(self, key: Key, condition: str = "") -> Request:
        """Returns the deletion of an item, or a check of it, on a condition."""
        request: Request = {"TableName": self.name, "Key": encode(key._asdict())}
        return request | ({"ConditionExpression": condition} if condition else {})

    def update_request(
        self, key: Key, change: str, condition: str, values: Mapping[str, Value | None]
    ) -> Request:
        """Returns a change of an item, on a condition."""
        request: Request = {
            "TableName": self.name,
            "Key": encode(key._asdict()),
            "UpdateExpression": change,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": encode(values),
        }
        return request | _aliases(change + condition)

    def delete_request(
        self, key: Key, condition: str, values: Mapping[str, Value | None]
    ) -> Request:
        """Returns the removal of an item, on a condition."""
        return {
            "TableName": self.name,
            "Key": encode(key._asdict()),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": encode(values),
        }


def _aliases(expression: str) -> Request:
    """Returns the attribute names of an expression's aliases: DynamoDB reserves some words."""
    names = {f"#{word}": word for word in RESERVED_WORDS if f"#{word}" in expression}
    return {"ExpressionAttributeNames": names} if names else {}
