"""Filling the pools, as the schedule does it."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.integration.polling import until
from tests.integration.stack import Stack

__all__ = ["Refill", "fill", "refill", "waiting"]


class Refill(NamedTuple):
    """What came of one run: its report, or what it failed with."""

    failed: bool
    result: Any


def refill(stack: Stack, *pools: Mapping[str, object]) -> Refill:
    """One run of `precreate_sessions` with these pools."""
    answer = stack.client("lambda").invoke(
        FunctionName=stack.facts["functions"]["precreate_sessions"],
        Payload=json.dumps({"pools": pools}),
    )
    return Refill("FunctionError" in answer, json.loads(answer["Payload"].read()))


def fill(stack: Stack, number: int, media_mode: str = "routed") -> None:
    """Lets exactly so many sessions wait in an empty pool."""
    pool = {"mediaMode": media_mode, "min": number, "max": number}

    def is_full() -> bool:
        run = refill(stack, pool)
        if run.failed:  # its container may have found the vendor down in the test before
            return False
        (report,) = run.result["pools"]
        return bool(report["available"] + report["created"] >= number)

    until(f"{number} sessions wait", is_full)


def waiting(stack: Stack) -> int:
    """How many sessions wait in all pools together."""
    answer = stack.client("dynamodb").scan(
        TableName=stack.facts["table"], IndexName="pool", Select="COUNT"
    )
    assert "LastEvaluatedKey" not in answer
    count: int = answer["Count"]
    return count
