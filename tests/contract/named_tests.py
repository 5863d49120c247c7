"""Checks whether a test that a table names exists: `path::test`, or `path::Class::test`."""

import ast
from functools import cache
from pathlib import Path

__all__ = ["TESTS", "exists"]

TESTS = Path(__file__).parents[1]


def exists(name: str) -> bool:
    """Returns whether pytest would collect a test of this name; its path is below `tests/`."""
    path, _, inside = name.partition("::")
    file = TESTS / path
    return file.is_file() and file.name.startswith("test_") and inside in _tests(file)


@cache
def _tests(file: Path) -> frozenset[str]:
    found = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = (inner for inner in node.body if isinstance(inner, ast.FunctionDef))
            found |= {f"{node.name}::{method.name}" for method in methods}
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))
