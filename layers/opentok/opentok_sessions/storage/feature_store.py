"""The latest status of each feature of a session, as callbacks report it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from itertools import islice

from ..domain.features import FeatureRecord, rank
from ..domain.problems import DamagedRecord, StorageUnavailable
from .attributes import Item, Value, number, text
from .keys import feature_key, feature_prefix, new_item, session_key
from .table import Refusal, Table

__all__ = ["FeatureStore"]

LIST_MAX = 500
LATER = (
    "attribute_not_exists(pk) OR statusRank < :rank OR (statusRank = :rank AND "
    "(updatedAt < :at OR (updatedAt = :at AND #status < :status)))"
)
"""Never true for both of two records, so their order of arrival does not matter. Of two statuses
with the same rank and time, the one that sorts last wins: `started`, not `paused`."""


class FeatureStore:
    """Every method raises `StorageUnavailable` when DynamoDB fails."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, session_id: str, family: str, feature_id: str) -> FeatureRecord | None:
        """Returns the record of a feature, strongly consistent."""
        item = self._table.get(feature_key(session_id, family, feature_id))
        return _record(item) if item else None

    def find_all(
        self, session_id: str, family: str, feature_ids: Collection[str]
    ) -> dict[str, FeatureRecord]:
        """Returns the records of these features, by feature, strongly consistent."""
        keys = [feature_key(session_id, family, each) for each in dict.fromkeys(feature_ids)]
        records = (_record(item) for item in self._table.get_all(keys))
        return {record.id: record for record in records}

    def list(self, session_id: str, family: str) -> list[FeatureRecord]:
        """Returns records of a family, strongly consistent, in no particular order.

        Of more than `LIST_MAX`, some are left out: a session has no limit of features.
        """
        values = {":pk": session_key(session_id).pk, ":family": feature_prefix(family)}
        condition = "pk = :pk AND begins_with(sk, :family)"
        items = self._table.query_items(condition, values, Limit=LIST_MAX)
        return [_record(item) for item in islice(items, LIST_MAX)]

    def record(
        self, session_id: str, record: FeatureRecord, now: float, retention_seconds: int
    ) -> bool:
        """Records a status; returns False if the same or a later one is known.

        Atomic, idempotent and independent of the order of records.
        """
        status, at = record.status, record.updated_at
        status_rank = rank(status)
        item = new_item(
            feature_key(session_id, record.family, record.id),
            {
                "family": record.family,
                "featureId": record.id,
                "status": status,
                "statusRank": status_rank,
                "updatedAt": at,
                "fields": json.dumps(
                    record.fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True
                ),
                "ttl": int(now) + retention_seconds,
            },
        )
        order: dict[str, Value] = {":rank": status_rank, ":at": at, ":status": status}
        refusal = self._table.put(self._table.put_request(item, LATER, order))
        if refusal is Refusal.CONFLICT:
            raise StorageUnavailable("The session store is unavailable.")
        return refusal is None


def _record(item: Item) -> FeatureRecord:
    return FeatureRecord(
        family=text(item, "family"),
        id=text(item, "featureId"),
        status=text(item, "status"),
        updated_at=number(item, "updatedAt"),
        fields=_fields(item),
    )


def _fields(item: Item) -> Mapping[str, object]:
    try:
        fields = json.loads(text(item, "fields"))
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise DamagedRecord(f"{item['pk']['S']}: fields is not a JSON object")
    return fields
