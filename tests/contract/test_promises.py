"""The page of promises: each line names tests that are there, each chaos test has its line."""

import re
from pathlib import Path

import pytest

from tests.contract.named_tests import TESTS, is_there

PAGE = TESTS.parent / "docs" / "promises.md"

#: Modules that exist to hold a promise: each of them is on the page.
HOLDERS = (
    "access",
    "least_privilege",
    "load",
    "outage",
    "pool_claims",
    "rooms_race",
    "rotation",
    "schedule",
    "schemathesis",
    "secrets_stay_inside",
    "vendor_faults",
    "workers_killed",
)

ROW = re.compile(r"^\| (?P<promise>[^|]+) \| (?P<tests>`[^|]+`) \|$", re.MULTILINE)


def rows() -> dict[str, list[str]]:
    """The tests by the promise that they hold."""
    return {
        found["promise"].strip(): re.findall(r"`([^`]+)`", found["tests"])
        for found in ROW.finditer(PAGE.read_text())
    }


@pytest.mark.parametrize("promise", rows())
def test_what_holds_a_promise_is_there(promise: str) -> None:
    missing = [name for name in rows()[promise] if not is_there(name)]
    assert not missing


def test_every_line_of_the_table_is_read() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    titles = [line for line in lines if line.endswith("| |") or line == "| promise | held by |"]
    assert len(rows()) == len(lines) - len(titles) > 30


@pytest.mark.parametrize("holder", HOLDERS)
def test_every_module_that_holds_a_promise_is_on_the_page(holder: str) -> None:
    path = f"integration/test_{holder}.py"
    assert Path(TESTS, path).is_file()
    assert any(name.startswith(f"{path}::") for names in rows().values() for name in names)
