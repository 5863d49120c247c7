"""The table that says how true the stand-in is, held against what it answers and documents."""

from __future__ import annotations

from docs.generate_fidelity import PAGE, with_table
from local.opentok.app import routes
from local.opentok.fidelity import ROWS
from local.opentok.projects import made_up_credentials
from local.opentok.stand_in import StandIn


def test_every_route_is_in_the_table_and_nothing_else() -> None:
    answered = {f"{r.method} {r.path}" for r in routes(StandIn.new(made_up_credentials()))}
    assert {row.endpoint for row in ROWS} == answered


def test_the_page_shows_the_table() -> None:
    page = PAGE.read_text("utf-8")
    assert with_table(page) == page, "run `make docs`"


def test_what_claims_to_be_faithful_says_where_it_is_known_from() -> None:
    assert [row for row in ROWS if row.degree == "faithful" and not row.known_from] == []


def test_rows_fit_into_a_table() -> None:
    for row in ROWS:
        assert "|" not in row.endpoint + row.behaviour + row.known_from
        assert "\n" not in row.behaviour
