"""The page about the vendor's overview of session creation names a test for every statement."""

import re

from tests.contract.named_tests import TESTS, exists

PAGE = TESTS.parent / "docs" / "overview.md"
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
STATEMENTS = 38


def test_every_statement_of_the_overview_names_existing_tests() -> None:
    rows = ROW.findall(PAGE.read_text())
    tests = {statement: re.findall(r"`([^`]+)`", cell) for _, statement, cell in rows}
    assert [int(number) for number, *_ in rows] == list(range(1, STATEMENTS + 1))
    assert len(tests) == STATEMENTS
    assert [statement for statement, names in tests.items() if not names] == []
    assert [name for names in tests.values() for name in names if not exists(name)] == []
