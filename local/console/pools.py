"""The pools of sessions that were made ahead, as an operator sees them: in the table."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypedDict

from local.console.stack_file import StackFile
from local.stack import cloud

__all__ = ["PoolReading", "Pools", "RefillFailed"]

_REFILL = "refill#"

#: How long the list of pools that were ever refilled is taken as it is; reading it scans the table.
RELIST_SECONDS = 30.0


class RefillFailed(Exception):
    """The function did not run to its end; the text says why."""


class PoolReading(TypedDict):
    """A pool at this moment. `wanted` and `refilledAt` (seconds) are None before its first
    refill."""

    name: str
    projectId: str
    ready: int
    wanted: int | None
    refilledAt: int | None


class Pools:
    """The pools of one stack; every method waits for AWS, and raises what boto3 raises."""

    def __init__(
        self,
        dynamodb: Any,
        lambda_: Any,
        table: str,
        function: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dynamodb = dynamodb
        self._lambda = lambda_
        self._table = table
        self._function = function
        self._monotonic = monotonic
        self._known: set[str] = set()
        self._list_again_at = -math.inf

    @classmethod
    def of(cls, stack: StackFile) -> Pools:
        """The pools in the stack's own table, filled by its own function."""
        return cls(
            cloud.client("dynamodb", stack.aws_url),
            cloud.client("lambda", stack.aws_url),
            stack.table,
            stack.functions["precreate_sessions"],
        )

    def read(self) -> list[PoolReading]:
        """Every pool that has sessions or was ever refilled, in the order of their names."""
        ready = Counter(item["poolId"]["S"] for item in self._scan(IndexName="pool"))
        if self._monotonic() >= self._list_again_at:
            self._list()
        self._known |= ready.keys()
        refills = self._refills()
        return [_reading(pool, ready[pool], refills.get(pool)) for pool in sorted(self._known)]

    def refill(self) -> dict[str, Any]:
        """Run the schedule's function on the deployed pools; its report.

        Raises `RefillFailed`.
        """
        # The pools are the same in every function's environment and in the schedule's input.
        settings = self._lambda.get_function_configuration(FunctionName=self._function)
        pools = json.loads(settings["Environment"]["Variables"]["POOLS"])
        answer = self._lambda.invoke(
            FunctionName=self._function, Payload=json.dumps({"pools": pools}).encode()
        )
        result = json.loads(answer["Payload"].read() or b"null")
        self._list_again_at = -math.inf
        if "FunctionError" in answer or not isinstance(result, dict):
            reason = result.get("errorMessage") if isinstance(result, dict) else None
            raise RefillFailed(str(reason or "the function gave no result"))
        return result

    def _list(self) -> None:
        marks = self._scan(
            FilterExpression="begins_with(pk, :refill)",
            ExpressionAttributeValues={":refill": {"S": _REFILL}},
            ProjectionExpression="pk",
        )
        self._known |= {item["pk"]["S"].removeprefix(_REFILL) for item in marks}
        self._list_again_at = self._monotonic() + RELIST_SECONDS

    def _refills(self) -> dict[str, Mapping[str, Any]]:
        """What the last refill of each known pool left, by pool."""
        found = {}
        for pool in self._known:
            answer = self._dynamodb.get_item(
                TableName=self._table,
                Key={"pk": {"S": _REFILL + pool}, "sk": {"S": "refill"}},
            )
            if "Item" in answer:
                found[pool] = answer["Item"]
        return found

    def _scan(self, **parameters: object) -> Iterator[Mapping[str, Any]]:
        pages = self._dynamodb.get_paginator("scan")
        for page in pages.paginate(TableName=self._table, **parameters):
            yield from page["Items"]


def _reading(pool_id: str, ready: int, refill: Mapping[str, Any] | None) -> PoolReading:
    project, _, name = pool_id.partition("#")
    return {
        "name": name,
        "projectId": project,
        "ready": ready,
        "wanted": int(refill["target"]["N"]) if refill else None,
        "refilledAt": int(refill["refilledAt"]["N"]) if refill else None,
    }
