"""The fidelity table lists the routes, and the page contains the table."""

from __future__ import annotations

from docs.generate_fidelity import PAGE, with_table
from local.emulator.app import routes
from local.emulator.fidelity import ROWS
from local.emulator.projects import generated_credentials
from local.emulator.state import EmulatorState


def test_table_lists_exactly_the_routes() -> None:
    answered = {f"{r.method} {r.path}" for r in routes(EmulatorState(generated_credentials()))}
    listed = {row.endpoint for row in ROWS if "`" not in row.endpoint}
    assert listed == answered


def test_fidelity_page_contains_the_table() -> None:
    page = PAGE.read_text("utf-8")
    assert with_table(page) == page, "run `make docs`"


def test_faithful_rows_have_a_source() -> None:
    assert [row for row in ROWS if row.degree == "faithful" and not row.source] == []


def test_rows_are_valid_markdown_cells() -> None:
    for row in ROWS:
        assert "|" not in row.endpoint + row.behaviour + row.source
        assert "\n" not in row.behaviour
