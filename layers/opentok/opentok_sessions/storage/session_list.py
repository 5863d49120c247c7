"""The list of a caller's sessions, read from the index `owner` alone.

The index holds what a list shows and nothing that callers can make large: no participants. So a
page of 100 sessions costs at most 60 read units (8 kB each, eventually consistent).
"""

from __future__ import annotations

from ..domain.claims import Position
from ..domain.models import Caller, Session
from ..domain.problems import DamagedRecord
from ..runtime import telemetry
from .attributes import Item, encode, number, text
from .items import session_of
from .keys import owner_key, require_known_schema, session_key
from .table import Table

__all__ = ["SessionList"]


class SessionList:
    """Raises `StorageUnavailable` when DynamoDB fails."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find_owned(
        self, owner: Caller, limit: int, after: Position | None
    ) -> tuple[list[Session], Position | None]:
        """Returns the owner's sessions without their participants, newest first, and where the next
        page starts (None at the end).

        The index is eventually consistent: a change appears moments later. A damaged record is left
        out, and counted as an internal error.
        """
        key = owner_key(owner.sub, owner.tenant)
        more = {}
        if after is not None:
            start = {**session_key(after[0])._asdict(), "ownerKey": key, "createdAt": after[1]}
            more["ExclusiveStartKey"] = encode(start)
        page = self._table.query(
            "owner",
            "ownerKey = :owner",
            {":owner": key},
            ScanIndexForward=False,
            Limit=limit,
            **more,
        )
        sessions = [session for item in page["Items"] if (session := _readable(item))]
        last = page.get("LastEvaluatedKey")
        if not last:
            return sessions, None
        return sessions, (text(last, "pk").removeprefix("session#"), number(last, "createdAt"))


def _readable(item: Item) -> Session | None:
    """Returns the session in an item; None for a damaged one, so that a list shows the others."""
    require_known_schema(item)
    try:
        return session_of(item)
    except DamagedRecord as damaged:
        telemetry.count_damaged(damaged)
        return None
