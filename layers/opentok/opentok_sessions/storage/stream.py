"""Records of the table's stream: what changed in one item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .attributes import Item

__all__ = ["ItemChange"]


class ItemChange(NamedTuple):
    """A change of an item: `event` is `INSERT`, `MODIFY` or `REMOVE`. No image is an empty one."""

    event: str
    pk: str
    sk: str
    old: Item
    new: Item
    sequence_number: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> ItemChange:
        """Returns the change in a record as Lambda passes it to a function."""
        data = record["dynamodb"]
        keys = data["Keys"]
        return cls(
            event=str(record["eventName"]),
            pk=str(keys["pk"]["S"]),
            sk=str(keys["sk"]["S"]),
            old=data.get("OldImage") or {},
            new=data.get("NewImage") or {},
            sequence_number=str(data["SequenceNumber"]),
        )

    @property
    def session_id(self) -> str:
        """The session that the item belongs to."""
        return self.pk.removeprefix("session#")
