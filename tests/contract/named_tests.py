"""Whether a test that a table names is there: `path::test`, or `path::Class::test`."""

import ast
from functools import cache
from pathlib import Path

__all__ = ["TESTS", "is_there"]

TESTS = Path(__file__).parents[1]


def is_there(name: str) -> bool:
    """Whether pytest would find a test under this name; `path` is seen from `tests/`."""
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
