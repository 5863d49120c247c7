"""The DynamoDB calls, each with its failures told in this application's terms.

Conditions that do not hold are answers, not failures: they come back as values.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from . import telemetry
from .attributes import Item, Value, decode, encode
from .errors import StorageUnavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["Conditional", "Refusal", "Table"]

BATCH_GET_MAX = 100
PAUSES = (0.02, 0.05, 0.1)

Request = dict[str, Any]
M = TypeVar("M", bound=Enum)


class Conditional(NamedTuple):
    """One write of a transaction: `kind` is `Put` or `Update`, `meaning` what it means when its
    condition does not hold."""

    meaning: Enum
    kind: str
    request: Request


class Refusal(Enum):
    """Why a write was not done although DynamoDB works."""

    CONDITION = "its condition does not hold"
    CONFLICT = "another transaction was at the same item; nothing is known"


class Table:
    """One table. Every method raises `StorageUnavailable` when DynamoDB fails; the client that is
    passed in brings the timeouts and retries."""

    def __init__(self, dynamodb: BaseClient, name: str) -> None:
        self._dynamodb = dynamodb
        self.name = name

    def get(self, pk: str) -> Item | None:
        """The item as it is now (strongly consistent)."""
        with _failures():
            answer = self._dynamodb.get_item(
                TableName=self.name, Key=encode({"pk": pk}), ConsistentRead=True
            )
        item: Item | None = answer.get("Item")
        return item

    def get_all(self, pks: Sequence[str]) -> list[Item]:
        """Those of the items that exist, as they are now, in no particular order."""
        found: list[Item] = []
        wanted = [encode({"pk": pk}) for pk in pks]
        while wanted:
            batch = wanted[:BATCH_GET_MAX]
            with _failures():
                answer = self._dynamodb.batch_get_item(
                    RequestItems={self.name: {"Keys": batch, "ConsistentRead": True}}
                )
            found += answer["Responses"].get(self.name, [])
            again = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            if len(again) == len(batch):
                raise StorageUnavailable("The session records cannot be read right now.")
            wanted = again + wanted[BATCH_GET_MAX:]
        return found

    def query(
        self, index: str, condition: str, values: Mapping[str, Value], **more: Any
    ) -> Request:
        """One page of an index (eventually consistent), in the form that DynamoDB answers."""
        with _failures():
            page: Request = self._dynamodb.query(
                TableName=self.name,
                IndexName=index,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=encode(values),
                **more,
            )
        return page

    def put_request(
        self, item: Item, condition: str, values: Mapping[str, Value] | None = None
    ) -> Request:
        """A write of the whole item, if the condition holds for what is there."""
        request = {"TableName": self.name, "Item": item, "ConditionExpression": condition}
        return request | ({"ExpressionAttributeValues": encode(values)} if values else {})

    def update_request(
        self, pk: str, change: str, condition: str, values: Mapping[str, Value | None]
    ) -> Request:
        """A change of an item, if the condition holds. `#ttl` and `#state` stand for words that
        DynamoDB has reserved."""
        request: Request = {
            "TableName": self.name,
            "Key": encode({"pk": pk}),
            "UpdateExpression": change,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": encode(values),
        }
        reserved = {f"#{word}": word for word in ("ttl", "state") if f"#{word}" in change}
        return request | ({"ExpressionAttributeNames": reserved} if reserved else {})

    def put(self, request: Request, claim_id: str = "") -> Refusal | None:
        """Writes an item; None when it was written, also when by an earlier try whose reply was
        lost: then the item that is found there carries the same claim id."""
        request = request | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        with _failures():
            try:
                self._dynamodb.put_item(**request)
            except ClientError as error:
                refusal = _refusal(error)
                if refusal is Refusal.CONDITION and _is_mine(error.response.get("Item"), claim_id):
                    return None
                return refusal
        return None

    def overwrite(self, item: Item) -> None:
        """Writes an item, whatever was there."""
        with _failures():
            self._dynamodb.put_item(TableName=self.name, Item=item)

    def update(self, request: Request) -> bool:
        """Changes an item; False when the condition does not hold."""
        for is_last in _tries():
            with _failures():
                try:
                    self._dynamodb.update_item(**request)
                except ClientError as error:
                    if _refusal(error) is Refusal.CONDITION:
                        return False
                    if is_last:
                        raise
                    continue
            return True
        raise AssertionError("unreachable")

    def transact(self, writes: Sequence[Conditional], claim_id: str = "") -> Enum | None:
        """All of the writes or none. None when they were done, also when by an earlier try whose
        reply was lost: then the first item carries the same claim id. Otherwise the meaning of
        the first write whose condition does not hold, or `Refusal.CONFLICT`.

        One that DynamoDB throttles is tried again here: botocore does not."""
        items = [{write.kind: write.request} for write in writes]
        if claim_id:
            items[0][writes[0].kind]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        for is_last in _tries():
            with _failures():
                try:
                    self._dynamodb.transact_write_items(TransactItems=items)
                except self._dynamodb.exceptions.TransactionCanceledException as cancelled:
                    reasons = cancelled.response.get("CancellationReasons", [])
                    if reasons and _is_mine(reasons[0].get("Item"), claim_id):
                        return None
                    codes = [reason.get("Code") for reason in reasons]
                    for code, write in zip(codes, writes, strict=False):
                        if code == "ConditionalCheckFailed":
                            return write.meaning
                    if {"None", "TransactionConflict"} >= set(codes):
                        return Refusal.CONFLICT
                    if is_last:
                        raise
                    continue
            return None
        raise AssertionError("unreachable")


def _tries() -> Iterator[bool]:
    """Whether it is the last try, for each; there is a pause before all but the first."""
    for pause in PAUSES:
        yield False
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (jitter)
    yield True


def _refusal(error: ClientError) -> Refusal:
    """What an error says of the write; raises it again when it is a failure."""
    match error.response["Error"]["Code"]:
        case "ConditionalCheckFailedException":
            return Refusal.CONDITION
        case "TransactionConflictException":
            return Refusal.CONFLICT
    raise error


def _is_mine(item: Item | None, claim_id: str) -> bool:
    return bool(item and claim_id and decode(item).get("claimId") == claim_id)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        # AWS's words name the operation and the table, and show nothing of the items.
        telemetry.logger.error("storage_failed", extra={"reason": str(error)})
        raise StorageUnavailable("The session records cannot be reached right now.") from error
