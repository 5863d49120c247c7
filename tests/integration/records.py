"""The content of the table, and its consistency: nothing lost, nothing in two places."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.integration.stack import Stack

__all__ = ["Records", "forget"]

Item = Mapping[str, Any]

_POOLED_ONLY = {"poolId", "poolKey", "pooledAt"}
_INSIDE = ("live#", "gone#", "feature#")
"""How the sort keys of items inside a session begin."""
_OWNED_ONLY = {"owner", "state", "sessionId", "claimId", "source"}


@dataclass(frozen=True)
class Records:
    """Every item of the table at one time, and the keys in the index of the pools.

    The items are by partition key, apart from the connections and features of sessions.
    """

    items: Mapping[str, Item]
    index: frozenset[str]
    inside: tuple[Item, ...] = ()
    """The connections and features of sessions."""

    @classmethod
    def read(cls, stack: Stack) -> "Records":
        dynamodb, table = stack.client("dynamodb"), stack.facts["table"]
        scan = dynamodb.get_paginator("scan")
        items: dict[str, Item] = {}
        inside: list[Item] = []
        for page in scan.paginate(TableName=table, ConsistentRead=True):
            for stored in page["Items"]:
                item: dict[str, Any] = {n: _plain(value) for n, value in stored.items()}
                if item["sk"].startswith(_INSIDE):
                    inside.append(item)
                else:
                    items[item["pk"]] = item
        index = {
            item["pk"]["S"]
            for page in scan.paginate(TableName=table, IndexName="pool")
            for item in page["Items"]
        }
        return cls(items, frozenset(index), tuple(inside))

    @cached_property
    def sessions(self) -> dict[str, Item]:
        """Every recorded session by its ID: pooled + open + closed."""
        return self._of_kind("session")

    @cached_property
    def pooled(self) -> set[str]:
        return {id_ for id_, item in self.sessions.items() if "poolKey" in item}

    @cached_property
    def open(self) -> set[str]:
        return {id_ for id_, item in self.sessions.items() if item.get("state") == "open"}

    @cached_property
    def closed(self) -> set[str]:
        return {id_ for id_, item in self.sessions.items() if item.get("state") == "closed"}

    @cached_property
    def rooms(self) -> dict[str, str]:
        """The session ID of each room."""
        return {room: item["sessionId"] for room, item in self._of_kind("room").items()}

    def require_whole(self) -> None:
        """Fails unless each session is exactly one of pooled, open or closed, and every room and
        every idempotency record points to a session with an owner."""
        wrong: list[str] = []
        for id_, item in self.sessions.items():
            pooled = item.keys() >= _POOLED_ONLY and not _OWNED_ONLY & item.keys()
            owned = item.keys() >= _OWNED_ONLY and not _POOLED_ONLY & item.keys()
            if not (pooled or (owned and item["state"] in {"open", "closed"})):
                wrong.append(f"session {id_} is neither pooled nor owned: {sorted(item)}")
            if owned and item["sessionId"] != id_:
                wrong.append(f"session {id_} has the ID {item['sessionId']}")
        if in_doubt := self.index ^ {f"session#{id_}" for id_ in self.pooled}:
            wrong.append(f"in the index or pooled, but not both: {sorted(in_doubt)}")
        owned_sessions = self.open | self.closed
        for room, id_ in self.rooms.items():
            if id_ not in owned_sessions:
                wrong.append(f"room {room} points to {id_}, which has no owner")
            elif self.sessions[id_].get("room") != room:
                wrong.append(f"room {room} points to {id_}, which has another room")
        for key, item in self._of_kind("idem").items():
            if item["sessionId"] not in owned_sessions:
                wrong.append(f"key {key} points to {item['sessionId']}, which has no owner")
        known = ("session#", "room#", "idem#", "refill#")
        wrong += [f"unknown item: {pk}" for pk in self.items if not pk.startswith(known)]
        assert not wrong, "\n".join(wrong)
        assert len(self.sessions) == len(self.pooled) + len(self.open) + len(self.closed)

    def _of_kind(self, kind: str) -> dict[str, Item]:
        prefix = f"{kind}#"
        return {
            pk.removeprefix(prefix): item
            for pk, item in self.items.items()
            if pk.startswith(prefix)
        }


def forget(stack: Stack, *kinds: str) -> None:
    """Removes the items of these kinds (such as `refill`), or all of them."""
    dynamodb, table = stack.client("dynamodb"), stack.facts["table"]
    records = Records.read(stack)
    keys = [
        {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
        for item in [*records.items.values(), *records.inside]
        if not kinds or item["pk"].split("#")[0] in kinds
    ]
    for start in range(0, len(keys), 25):
        batch = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + 25]]
        response = dynamodb.batch_write_item(RequestItems={table: batch})
        assert not response["UnprocessedItems"]


def _plain(value: Mapping[str, Any]) -> object:
    ((kind, content),) = value.items()
    if kind == "M":
        return {name: _plain(member) for name, member in content.items()}
    return int(content) if kind == "N" else content
