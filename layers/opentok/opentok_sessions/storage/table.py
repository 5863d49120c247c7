"""The DynamoDB calls, with failures translated into domain errors.

A condition that does not hold is a result, not a failure: it is returned as a value.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ..domain.deadline import AWS_RETRY_PAUSES
from ..domain.problems import StorageUnavailable
from ..runtime import telemetry
from .attributes import Item, Value, decode, encode
from .keys import Key, require_known_schema
from .write_requests import Request, WriteRequests

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["Conditional", "Refusal", "Table"]

BATCH_GET_MAX = 100

M = TypeVar("M", bound=Enum)


class Conditional(NamedTuple):
    """One write of a transaction: its `kind` in DynamoDB's API, such as `Put` or `ConditionCheck`.
    `meaning` is the result when its condition does not hold."""

    meaning: Enum
    kind: str
    request: Request


class Refusal(Enum):
    """Why a write was not carried out although DynamoDB works."""

    CONDITION = "the condition does not hold"
    CONFLICT = "conflicting transaction; outcome unknown"


class Table(WriteRequests):
    """One table. Every method raises `StorageUnavailable` when DynamoDB fails, and when an item was
    written by a newer version of this service. Timeouts and retries are those of the client."""

    def __init__(self, dynamodb: BaseClient, name: str) -> None:
        super().__init__(name)
        self._dynamodb = dynamodb

    def get(self, key: Key) -> Item | None:
        """Returns the item, read with strong consistency."""
        with _failures():
            response = self._dynamodb.get_item(
                TableName=self.name, Key=encode(key._asdict()), ConsistentRead=True
            )
        item: Item | None = response.get("Item")
        if item is not None:
            require_known_schema(item)
        return item

    def get_all(self, keys: Sequence[Key]) -> list[Item]:
        """Returns the existing ones of these items, strongly consistent, in no particular order."""
        found: list[Item] = []
        wanted = [encode(key._asdict()) for key in keys]
        while wanted:
            batch = wanted[:BATCH_GET_MAX]
            with _failures():
                response = self._dynamodb.batch_get_item(
                    RequestItems={self.name: {"Keys": batch, "ConsistentRead": True}}
                )
            found += response["Responses"].get(self.name, [])
            again = response.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            if len(again) == len(batch):
                raise StorageUnavailable("The session store is unavailable.")
            wanted = again + wanted[BATCH_GET_MAX:]
        for item in found:
            require_known_schema(item)
        return found

    def query_items(
        self, condition: str, values: Mapping[str, Value], **more: Any
    ) -> Iterator[Item]:
        """Yields the items of one partition, strongly consistent, page by page as needed."""
        start: Request = {}
        while True:
            with _failures():
                page = self._dynamodb.query(
                    TableName=self.name,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=encode(values),
                    ConsistentRead=True,
                    **more,
                    **start,
                )
            for item in page["Items"]:
                require_known_schema(item)
                yield item
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def query(
        self, index: str, condition: str, values: Mapping[str, Value], **more: Any
    ) -> Request:
        """Returns one page of an index (eventually consistent) in DynamoDB's response format."""
        with _failures():
            page: Request = self._dynamodb.query(
                TableName=self.name,
                IndexName=index,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=encode(values),
                **more,
            )
        return page

    def put(self, request: Request, claim_id: str = "") -> Refusal | None:
        """Writes an item; returns None when it was written, even by an earlier attempt whose
        response was lost: then the existing item carries the same claim id."""
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
        """Writes an item unconditionally."""
        with _failures():
            self._dynamodb.put_item(TableName=self.name, Item=item)

    def update(self, request: Request) -> bool:
        """Changes an item; returns False when the condition does not hold."""
        for is_last in _attempts():
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

    def delete(self, request: Request) -> bool:
        """Removes an item; returns False when the condition does not hold."""
        with _failures():
            try:
                self._dynamodb.delete_item(**request)
            except ClientError as error:
                if _refusal(error) is Refusal.CONDITION:
                    return False
                raise
        return True

    def transact(self, writes: Sequence[Conditional], claim_id: str = "") -> Enum | None:
        """Carries out all of the writes or none; returns None when they were carried out.

        That includes an earlier attempt whose response was lost: then the first item carries the
        same claim id. Otherwise returns the meaning of the first write whose condition does not
        hold, or `Refusal.CONFLICT`. Throttled transactions are retried: botocore does not.
        """
        items = [{write.kind: write.request} for write in writes]
        if claim_id:
            items[0][writes[0].kind]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        for is_last in _attempts():
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


def _attempts() -> Iterator[bool]:
    """Yields for each attempt whether it is the last one, with a pause before all but the first."""
    for pause in AWS_RETRY_PAUSES:
        yield False
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (jitter)
    yield True


def _refusal(error: ClientError) -> Refusal:
    """Returns why a write was refused; re-raises the error when it is a failure."""
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
        # AWS's message names the operation and the table, never the items' content.
        telemetry.logger.error("storage_failed", extra={"reason": str(error)})
        raise StorageUnavailable("The session store is unavailable.") from error
