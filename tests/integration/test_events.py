"""Every file in `events/` works without changes and gives the documented result."""

import json
import re
from pathlib import Path

import pytest

from local.stack.invoke import invoke
from tests.integration.conftest import Stack

EVENTS = Path(__file__).parents[2] / "events"
NOT_DEPLOYED = {"publish_events.json", "publish_events_archive.json"}
"""The local stack has no event bus. A unit test passes these events to their function."""
FILES = sorted(file for file in EVENTS.glob("*.json") if file.name not in NOT_DEPLOYED)

#: The "result" column of the page, by file.
EXPECTED = dict(
    re.findall(r"^\| `(\w+\.json)` \|.*\| ([^|]+) \|$", (EVENTS / "README.md").read_text(), re.M)
)


def test_the_events_page_lists_every_event() -> None:
    assert sorted(EXPECTED) == sorted(file.name for file in EVENTS.glob("*.json"))


def test_every_function_has_an_event(stack: Stack) -> None:
    assert {_function(stack, file) for file in FILES} == set(stack.facts["functions"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_event_gives_the_documented_result(stack: Stack, file: Path) -> None:
    event = json.loads(file.read_text())
    result, log, crashed = invoke(dict(stack.facts), _function(stack, file), event)

    assert not crashed, log
    if EXPECTED[file.name] == "the pools":
        assert len(result["pools"]) == len(event["pools"])
    elif EXPECTED[file.name] == "no failures":
        assert result == {"batchItemFailures": []}
    else:
        assert str(result["statusCode"]) in EXPECTED[file.name].split(" or ")


def _function(stack: Stack, file: Path) -> str:
    names = [name for name in stack.facts["functions"] if file.stem.startswith(name)]
    assert names, f"{file.name} does not start with a function's name"
    return str(max(names, key=len))
