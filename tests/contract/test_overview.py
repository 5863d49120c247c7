"""The vendor's overview of session creation, sentence by sentence, and the tests that show each.

Numbered in the order of the page, from its first paragraph to its last; told in words of our own.
"""

from typing import NamedTuple

import pytest

from tests.contract.named_tests import TESTS, is_there

CREATE = "unit/sessions/test_create_session.py::"
OWN = CREATE + "TestASessionOfItsOwn::"
FIRST = CREATE + "TestTheFirstInARoom::"
ROOM = CREATE + "TestJoiningARoom::"
ASKED = "unit/sessions/test_create_request.py::"
MODE = "unit/sessions/test_media_mode.py::"
ROOMS = "unit/sessions/test_rooms.py::"
ANSWER = "unit/sessions/test_answers.py::"
OPTIONS = "unit/opentok_client/test_options.py::"
CLIENT = "unit/opentok_client/test_client.py::"
LIFECYCLE = "integration/test_lifecycle.py::"
WIRE = "contract/emulator/test_client_agrees.py::test_options_are_read_as_they_were_meant"


class Sentence(NamedTuple):
    """What a sentence says, and which tests show that it holds here."""

    says: str
    tests: tuple[str, ...]


def _sentence(says: str, *tests: str) -> Sentence:
    return Sentence(says, tests)


OVERVIEW = (
    # What a session is.
    _sentence(
        "an app connects to the session whose id it names",
        LIFECYCLE + "test_somebody_who_knows_the_id_gets_a_token_that_the_vendor_takes",
    ),
    _sentence(
        "one id stands for one session",
        OWN + "test_is_another_each_time",
        "unit/opentok_client/test_session_id.py::test_a_session_has_one_spelling_only",
    ),
    _sentence(
        "it is like a room that people meet in",
        LIFECYCLE + "test_everybody_who_asks_for_a_room_gets_its_session",
    ),
    # How many of them.
    _sentence(
        "how many sessions there are is up to the app",
        OWN + "test_is_another_each_time",
        FIRST + "test_rooms_are_apart",
    ),
    _sentence("a single meeting gets one of its own", OWN + "test_is_another_each_time"),
    _sentence(
        "people who come back to one place for days may keep one",
        ROOM + "test_a_permanent_one_stays",
        ROOM + "test_a_room_in_use_goes_on_and_on",
    ),
    _sentence("groups that meet apart have theirs apart", FIRST + "test_rooms_are_apart"),
    # What ends, and what does not.
    _sentence(
        "a session has no end of its own",
        ROOMS + "test_a_permanent_room_is_never_idle",
        "unit/sessions/test_store.py::TestTtl::test_permanent_ones_stay",
    ),
    _sentence(
        "a token has one",
        "unit/sessions/test_issue_token.py::TestTheToken::test_it_lives_as_long_as_the_answer_says",
        "unit/opentok_client/test_grant.py::test_a_token_lives_between_a_second_and_thirty_days",
    ),
    _sentence(
        "nobody can destroy a session: closing one means that it gets no more tokens",
        LIFECYCLE + "test_a_closed_session_gives_no_more_tokens",
        "unit/sessions/test_close_session.py::test_no_more_tokens",
    ),
    # What is chosen when one is created.
    _sentence(
        "options are given at creation", OWN + "test_has_the_options_that_were_asked_for", WIRE
    ),
    _sentence(
        "the media mode says how audio and video travel",
        MODE + "test_what_is_asked_for_is_given",
        WIRE,
    ),
    _sentence("there are two media modes", MODE + "test_what_is_asked_for_is_given"),
    _sentence(
        "from certain client versions on, routed sessions adapt",
        MODE + "test_the_versions_from_which_on_clients_adapt",
        ANSWER + "test_a_plain_session",
    ),
    _sentence(
        "adapting lets the media of two people go past the router",
        ANSWER + "test_a_relayed_session_has_nothing_to_adapt",
        MODE + "test_what_auto_decides_and_why",
    ),
    _sentence(
        "the router comes in for three or more people, and for six features",
        MODE + "test_the_features_are_those_that_need_the_router",
        MODE + "test_each_feature_needs_the_router",
    ),
    _sentence(
        "scalable video is switched in the client: it is no member of ours",
        "contract/test_overview.py::test_the_concepts_say_where_scalable_video_belongs",
        "contract/test_openapi.py::test_unknown_members_are_refused_in_bodies",
    ),
    _sentence("a session can be set to be archived by itself", WIRE),
    _sentence(
        "that goes with routed sessions only",
        ASKED + "test_what_cannot_be_had_together_is_named",
        OPTIONS + "test_whatever_is_asked_for_no_forbidden_combination_reaches_the_vendor",
    ),
    _sentence(
        "by default nothing is archived",
        ASKED + "test_nothing_asked_for_is_a_routed_session_of_its_own",
    ),
    _sentence("an IP address may hint at the place", WIRE),
    _sentence(
        "without a hint, which is the advice, the first client decides",
        ASKED + "test_nothing_asked_for_is_a_routed_session_of_its_own",
        OPTIONS + "test_the_form_of_the_least_and_of_the_most",
    ),
    _sentence(
        "a hint is for who knows the region and expects the first client elsewhere",
        OPTIONS + "test_a_location_is_a_public_ipv4_address",
    ),
    _sentence(
        "the address has to stand for that place",
        OPTIONS + "test_a_location_is_a_public_ipv4_address",
    ),
    # An id per conversation.
    _sentence(
        "an id is better not used for several conversations",
        ROOM + "test_an_idle_room_gets_a_fresh_session",
    ),
    _sentence(
        "each conversation gets a new one",
        OWN + "test_is_another_each_time",
        "unit/sessions/test_many_at_once.py"
        "::test_an_idle_room_moves_on_once_however_many_come_back",
    ),
    _sentence(
        "it matters to who inspects the quality of calls",
        ROOM + "test_an_idle_room_gets_a_fresh_session",
    ),
    _sentence(
        "as that goes by session id",
        ROOMS + "test_a_room_is_idle_from_the_second_on",
    ),
    _sentence(
        "conversations that share an id are hard to tell apart, and look worse than they were",
        ROOM + "test_an_idle_room_gets_a_fresh_session",
        ROOMS + "test_what_frees_a_room",
    ),
    # Which media mode.
    _sentence(
        "two people, perhaps three, who archive nothing are best relayed",
        MODE + "test_what_auto_decides_and_why",
    ),
    _sentence(
        "relayed is quicker and has less to fail: the answer gives the reason",
        OWN + "test_auto_says_why",
    ),
    _sentence(
        "archiving needs a routed session",
        MODE + "test_each_feature_needs_the_router",
        MODE + "test_auto_never_relays_what_needs_the_router",
    ),
    _sentence("more people are better routed", MODE + "test_what_auto_decides_and_why"),
    _sentence(
        "more on that stands elsewhere, where a link leads to",
        "contract/test_docs.py::test_every_link_into_a_page_meets_a_heading",
    ),
    # Where sessions come from.
    _sentence(
        "for a trial the project's page makes an id, which can be registered",
        CREATE + "TestRegistering::test_makes_it_the_callers",
        CREATE + "TestRegistering::test_only_moderators_may",
    ),
    _sentence(
        "a server makes sessions, by a library or the REST API",
        CLIENT + "test_a_session_is_created",
    ),
    _sentence("the REST API is one way", CLIENT + "test_options_are_sent_as_a_form"),
    _sentence(
        "sessions in numbers are made so, and not on the project's page",
        "unit/sessions/test_precreate_sessions.py::test_several_are_made_at_once",
        "integration/test_schedule.py::test_the_schedule_fills_the_pools_by_itself",
    ),
)


@pytest.mark.parametrize("number", range(1, len(OVERVIEW) + 1))
def test_the_tests_that_show_a_sentence_are_there(number: int) -> None:
    sentence = OVERVIEW[number - 1]
    missing = [name for name in sentence.tests if not is_there(name)]
    assert sentence.tests
    assert not missing, f"{number}. {sentence.says}"


def test_every_sentence_has_a_row_of_its_own() -> None:
    assert len(OVERVIEW) == 38
    assert len({sentence.says for sentence in OVERVIEW}) == len(OVERVIEW)


def test_the_concepts_say_where_scalable_video_belongs() -> None:
    assert "scalableVideo" in (TESTS.parent / "docs" / "concepts.md").read_text()
