"""Fills the pools in the same way as the schedule."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.integration.polling import until
from tests.integration.stack import Stack

__all__ = ["Refill", "fill", "refill", "waiting"]


class Refill(NamedTuple):
    """The result of one run: its report, or its error."""

    failed: bool
    result: Any


def refill(stack: Stack, *pools: Mapping[str, object]) -> Refill:
    """Runs `precreate_sessions` once with these pools."""
    response = stack.client("lambda").invoke(
        FunctionName=stack.facts["functions"]["precreate_sessions"],
        Payload=json.dumps({"pools": pools}),
    )
    return Refill("FunctionError" in response, json.loads(response["Payload"].read()))


def fill(stack: Stack, number: int, media_mode: str = "routed") -> None:
    """Fills an empty pool with exactly this number of sessions."""
    pool = {"mediaMode": media_mode, "min": number, "max": number}

    def is_full() -> bool:
        run = refill(stack, pool)
        if run.failed:  # its circuit breaker may still be open from the previous test
            return False
        (report,) = run.result["pools"]
        return bool(report["available"] + report["created"] >= number)

    until(f"{number} sessions are pooled", is_full)


def waiting(stack: Stack) -> int:
    """Returns the number of pooled sessions in all pools."""
    response = stack.client("dynamodb").scan(
        TableName=stack.facts["table"], IndexName="pool", Select="COUNT"
    )
    assert "LastEvaluatedKey" not in response
    count: int = response["Count"]
    return count
