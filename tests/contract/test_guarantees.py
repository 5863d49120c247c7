"""The page of guarantees: every row names existing tests, and every fault test has a row."""

import re
from pathlib import Path

import pytest

from tests.contract.named_tests import TESTS, exists

PAGE = TESTS.parent / "docs" / "guarantees.md"

#: Modules whose only purpose is to verify a guarantee. Each of them is on the page.
VERIFIERS = (
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

ROW = re.compile(r"^\| (?P<guarantee>[^|]+) \| (?P<tests>`[^|]+`) \|$", re.MULTILINE)


def rows() -> dict[str, list[str]]:
    """Returns the names of the tests by the guarantee that they verify."""
    return {
        found["guarantee"].strip(): re.findall(r"`([^`]+)`", found["tests"])
        for found in ROW.finditer(PAGE.read_text())
    }


@pytest.mark.parametrize("guarantee", rows())
def test_every_test_that_a_guarantee_names_exists(guarantee: str) -> None:
    missing = [name for name in rows()[guarantee] if not exists(name)]
    assert not missing


def test_every_row_of_the_guarantees_table_is_parsed() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    titles = [line for line in lines if line.endswith("| |") or line.startswith("| guarantee |")]
    assert len(rows()) == len(lines) - len(titles) > 30


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_every_fault_test_module_verifies_a_guarantee(verifier: str) -> None:
    path = f"integration/test_{verifier}.py"
    assert Path(TESTS, path).is_file()
    assert any(name.startswith(f"{path}::") for names in rows().values() for name in names)
