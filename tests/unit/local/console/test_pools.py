"""The pools as stored in the table: filled, drained, and known from a refill only."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.console.pools import Pools, RefillFailed
from tests.aws import Aws

DECLARED = [{"mediaMode": "routed", "min": 2, "max": 20}]


@dataclass
class Lambda:
    """A fake of Lambda with the pre-creating function: its configuration and its result."""

    result: object = None
    crashed: bool = False
    events: list[Any] = field(default_factory=list)

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:
        return {"Environment": {"Variables": {"POOLS": json.dumps(DECLARED)}}}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.events.append((FunctionName, json.loads(Payload)))
        response = {"Payload": io.BytesIO(json.dumps(self.result).encode())}
        return {**response, "FunctionError": "Unhandled"} if self.crashed else response


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def pools(aws: Aws, function: Lambda | None = None, clock: Clock | None = None) -> Pools:
    return Pools(aws.dynamodb, function or Lambda(), aws.table_name, "precreate", clock or Clock())


def add(aws: Aws, pool: str, *sessions: str) -> None:
    """Adds sessions to a pool."""
    for session in sessions:
        item = {"pk": f"session#{session}", "poolId": pool, "poolKey": session}
        put(aws, {name: {"S": value} for name, value in item.items()})


def refilled(aws: Aws, pool: str, target: int, at: int) -> None:
    numbers = {"target": target, "available": target, "refilledAt": at}
    put(aws, {"pk": {"S": f"refill#{pool}"}, **{k: {"N": str(v)} for k, v in numbers.items()}})


def put(aws: Aws, item: dict[str, Any]) -> None:
    aws.put(item)


def test_without_records_there_are_no_pools(aws: Aws) -> None:
    assert pools(aws).read() == []


def test_available_and_wanted_sessions_are_counted(aws: Aws) -> None:
    add(aws, "123#routed", "a", "b")
    add(aws, "123#routed/always", "c")
    refilled(aws, "123#routed", 5, 1_795_000_000)
    refilled(aws, "456#relayed", 2, 1_795_000_001)

    assert pools(aws).read() == [
        {"name": "routed", "projectId": "123", "ready": 2, "wanted": 5, "refilledAt": 1795000000},
        {"name": "routed/always", "projectId": "123", "ready": 1, "wanted": None,
         "refilledAt": None},
        {"name": "relayed", "projectId": "456", "ready": 0, "wanted": 2, "refilledAt": 1795000001},
    ]  # fmt: skip


def test_an_empty_pool_is_still_shown(aws: Aws) -> None:
    console = pools(aws)
    add(aws, "123#routed", "a")
    assert [pool["ready"] for pool in console.read()] == [1]

    aws.delete("session#a")

    assert [pool["ready"] for pool in console.read()] == [0]


def test_a_pool_that_could_not_be_filled_appears_after_the_cache_expires(aws: Aws) -> None:
    clock = Clock()
    console = pools(aws, clock=clock)
    assert console.read() == []
    refilled(aws, "123#routed", 5, 1_795_000_000)

    clock.now = 31

    assert [pool["wanted"] for pool in console.read()] == [5]


def test_a_refill_uses_the_deployed_pools(aws: Aws) -> None:
    function = Lambda(result={"pools": ["a report"]})

    assert pools(aws, function).refill() == {"pools": ["a report"]}
    assert function.events == [("precreate", {"pools": DECLARED})]


@pytest.mark.parametrize(
    ("result", "reason"),
    [({"errorMessage": "the platform does not respond"}, "does not respond"), (None, "no result")],
)
def test_a_failed_refill_reports_the_reason(aws: Aws, result: object, reason: str) -> None:
    with pytest.raises(RefillFailed, match=reason):
        pools(aws, Lambda(result=result, crashed=True)).refill()
