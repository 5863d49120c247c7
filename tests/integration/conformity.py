"""Compares single responses with openapi.yaml, for operations beyond generated requests."""

from tests.contract.openapi import operations, resolve, strict_contract, violations
from tests.integration.stack import Answer

__all__ = ["assert_served"]


def assert_served(operation_id: str, response: Answer) -> None:
    """Asserts that the operation has succeeded with a response of the contract."""
    (operation,) = (found for found in operations() if found.name == operation_id)
    assert response.status < 300, response
    assert str(response.status) in operation.responses, response
    documented = operation.responses[str(response.status)]
    for name, header in documented.get("headers", {}).items():
        required = resolve(header).get("required", False)
        assert not required or name.lower() in response.headers, (name, response)
    content = documented.get("content", {})
    if not content:
        assert response.body is None, response
        return
    media = response.headers["content-type"].partition(";")[0]
    found = violations(content[media]["schema"], response.body, strict_contract())
    assert not found, (found, response)
