"""What the vendor's overview of session creation says, and the test that shows it works here.

One row per statement of that page, in its order and in our words. The promises of the docs are held
against the tests in the same way.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
PROMISES = TESTS.parent / "docs" / "promises.md"

LIFECYCLE = "integration/test_lifecycle.py"
REQUEST = "unit/sessions/test_create_request.py"
MODES = "unit/sessions/test_media_mode.py"
CREATE = "unit/sessions/test_create_session.py"
RULES = "unit/opentok_client/test_options.py"

OVERVIEW = [
    (
        "a client connects to a session by its id",
        f"{LIFECYCLE}::test_somebody_who_knows_the_id_gets_a_token_that_the_vendor_takes",
    ),
    ("an id stands for one session", f"{CREATE}::test_is_another_each_time"),
    (
        "a session is a room where participants meet",
        f"{LIFECYCLE}::test_everybody_who_asks_for_a_room_gets_its_session",
    ),
    ("a one-time meeting gets a session of its own", f"{CREATE}::test_is_another_each_time"),
    ("the same room over several days may keep its session", f"{CREATE}::permanent"),
    ("groups that meet apart get sessions of their own", f"{CREATE}::test_rooms_are_apart"),
    ("sessions do not expire, tokens do", "unit/opentok_client/test_tokens.py"),
    (
        "a session cannot be destroyed: closing stops its tokens",
        f"{LIFECYCLE}::test_a_closed_session_gives_no_more_tokens",
    ),
    (
        "options are given when a session is created",
        f"{CREATE}::test_has_the_options_that_were_asked_for",
    ),
    ("the media mode is relayed or routed", RULES),
    ("adaptive media routing: for whom, and from which versions", "unit/sessions/test_answers.py"),
    ("three or more, and six features, need the router", MODES),
    ("scalable video is an option of the client SDK", "contract/test_overview.py::scalableVideo"),
    ("sessions can be archived automatically, by the archive mode", RULES),
    ("only routed ones", RULES),
    ("by default they are not", f"{REQUEST}"),
    ("a location hint is an IP address", RULES),
    ("without one the first client decides, which is the advice", RULES),
    ("the hint is representative of a place", RULES),
    (
        "distinct conversations get distinct sessions",
        "unit/sessions/test_many_at_once.py::test_an_idle_room_moves_on_once_however_many_come_back",
    ),
    ("because quality is inspected by session id", "unit/sessions/test_rooms.py"),
    ("relayed for two participants without archiving", MODES),
    ("routed for archiving", MODES),
    ("routed for more than two or three", MODES),
    ("a test session may come from the project page", f"{CREATE}::TestRegistering"),
    (
        "sessions are created by the REST API",
        "contract/standin/test_client_agrees.py",
    ),
    (
        "many sessions are created by it, not by the project page",
        "integration/test_schedule.py::test_the_schedule_fills_the_pools_by_itself",
    ),
]


def promised() -> list[str]:
    """The tests that the page of promises names."""
    return re.findall(r"`((?:unit|integration|contract)/[^`]+)`", PROMISES.read_text())


@pytest.mark.parametrize("named", [test for _, test in OVERVIEW] + promised())
def test_the_test_that_is_named_exists(named: str) -> None:
    path, _, name = named.partition("::")
    assert name in (TESTS / path).read_text()


def test_there_are_promises() -> None:
    assert len(promised()) > 30


def test_concepts_say_where_scalable_video_belongs() -> None:
    assert "scalableVideo" in (TESTS.parent / "docs" / "concepts.md").read_text()
