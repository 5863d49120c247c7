"""The pools of pre-created sessions, read from the table as an operator would."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypedDict

from local.console.stack_file import StackFile

__all__ = ["PoolReading", "Pools", "RefillFailed"]

_REFILL = "refill#"

#: How long the list of all refilled pools is cached, because reading it scans the table.
RELIST_SECONDS = 30.0


class RefillFailed(Exception):
    """The function failed, for the reason in the text."""


class PoolReading(TypedDict):
    """The current state of a pool. `wanted` and `refilledAt` (seconds) are None before its first
    refill."""

    name: str
    projectId: str
    ready: int
    wanted: int | None
    refilledAt: int | None


class Pools:
    """The pools of one stack. Every method blocks on AWS calls and raises boto3's errors."""

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
        """Returns the pools of a running stack."""
        return cls(
            stack.aws.client("dynamodb"),
            stack.aws.client("lambda"),
            stack.table,
            stack.functions["precreate_sessions"],
        )

    def read(self) -> list[PoolReading]:
        """Returns every pool that has sessions or was ever refilled, ordered by name."""
        ready = Counter(item["poolId"]["S"] for item in self._scan(IndexName="pool"))
        if self._monotonic() >= self._list_again_at:
            self._list()
        self._known |= ready.keys()
        refills = self._refills()
        return [_reading(pool, ready[pool], refills.get(pool)) for pool in sorted(self._known)]

    def refill(self) -> dict[str, Any]:
        """Runs the scheduled function on the deployed pools and returns its report.

        Raises `RefillFailed`.
        """
        # The schedule's input contains the same pools as every function's environment.
        settings = self._lambda.get_function_configuration(FunctionName=self._function)
        pools = json.loads(settings["Environment"]["Variables"]["POOLS"])
        response = self._lambda.invoke(
            FunctionName=self._function, Payload=json.dumps({"pools": pools}).encode()
        )
        result = json.loads(response["Payload"].read() or b"null")
        self._list_again_at = -math.inf
        if "FunctionError" in response or not isinstance(result, dict):
            reason = result.get("errorMessage") if isinstance(result, dict) else None
            raise RefillFailed(str(reason or "the function returned no result"))
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
        """Returns the record of the last refill of each known pool."""
        found = {}
        for pool in self._known:
            response = self._dynamodb.get_item(
                TableName=self._table,
                Key={"pk": {"S": _REFILL + pool}, "sk": {"S": "refill"}},
            )
            if "Item" in response:
                found[pool] = response["Item"]
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
