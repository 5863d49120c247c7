"""The gateway's own responses conform to the contract."""

from __future__ import annotations

import pytest

from tests.contract.openapi import Node, Operation, operations, violations
from tests.integration.conftest import Answer, Stack

every_operation = pytest.mark.parametrize("operation", operations(), ids=lambda op: op.name)


@every_operation
def test_the_401_of_the_gateway_conforms_to_the_contract(
    stack: Stack, operation: Operation
) -> None:
    response = stack.call(operation.method, operation.path.replace("{sessionId}", "some-id"))
    assert response.status == 401
    assert _described(response, operation.responses["401"])


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/sessions"), ("GET", "/rooms"), ("POST", "/sessions/1/tokens/2")]
)
def test_the_404_of_the_gateway_conforms_to_the_contract(
    stack: Stack, method: str, path: str
) -> None:
    response = stack.call(method, path, user="alice")
    assert response.status == 404
    assert all(_described(response, operation.responses["404"]) for operation in operations())


def _described(response: Answer, described: Node) -> bool:
    content = described["content"][response.headers["content-type"]]
    return violations(content["schema"], response.body) == []
