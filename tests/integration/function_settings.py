"""Temporary settings of functions of the running stack."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.stack import Stack

__all__ = ["environment"]


@contextmanager
def environment(stack: Stack, *functions: str, **variables: str) -> Iterator[None]:
    """Sets environment variables during the body, as a deployment with other parameters would.

    The functions cold-start before and after.
    """
    client = stack.client("lambda")
    names = [stack.facts["functions"][function] for function in functions]
    before = {
        name: client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        for name in names
    }

    def change(variables_of: dict[str, dict[str, str]]) -> None:
        for name, values in variables_of.items():
            client.update_function_configuration(
                FunctionName=name, Environment={"Variables": values}
            )

    try:
        change({name: {**values, **variables} for name, values in before.items()})
        yield
    finally:
        change(before)
