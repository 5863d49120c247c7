"""Every file in `events/` runs as it is, with the result that its index promises."""

import json
import re
from pathlib import Path

import pytest

from local.stack.invoke import invoke
from tests.integration.conftest import Stack

EVENTS = Path(__file__).parents[2] / "events"
FILES = sorted(EVENTS.glob("*.json"))

#: The "expect" column of the index, by file.
EXPECTED = dict(
    re.findall(r"^\| `(\w+\.json)` \|.*\| ([^|]+) \|$", (EVENTS / "README.md").read_text(), re.M)
)


def test_the_index_lists_every_file() -> None:
    assert sorted(EXPECTED) == [file.name for file in FILES]


def test_every_function_has_an_event(stack: Stack) -> None:
    assert {_function(stack, file) for file in FILES} == set(stack.facts["functions"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_runs_as_it_is(stack: Stack, file: Path) -> None:
    event = json.loads(file.read_text())
    result, log, crashed = invoke(dict(stack.facts), _function(stack, file), event)

    assert not crashed, log
    if EXPECTED[file.name] == "the pools":
        assert len(result["pools"]) == len(event["pools"])
    else:
        assert str(result["statusCode"]) in EXPECTED[file.name].split(" or ")


def _function(stack: Stack, file: Path) -> str:
    names = [name for name in stack.facts["functions"] if file.stem.startswith(name)]
    assert names, f"{file.name} begins with no function's name"
    return str(max(names, key=len))
