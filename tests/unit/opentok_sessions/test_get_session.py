"""Looking sessions up: by id, by room, and a page of the caller's own."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_sessions.domain.models import Caller, Session
from opentok_sessions.domain.problems import InvalidCombination, InvalidRequest, SessionNotFound
from opentok_sessions.http.get_session import LIMIT_DEFAULT, LIMIT_MAX, cursor_of, parse_list_query
from tests.aws import Aws
from tests.unit.opentok_sessions.application import (
    ALICE,
    BOB,
    IDLE,
    MODERATOR,
    NOW,
    Application,
    Clock,
)
from tests.unit.opentok_sessions.vendor_server import VendorServer


def page(
    app: Application, caller: Caller = ALICE, **query: object
) -> tuple[list[Session], str | None]:
    """`GET /sessions`."""
    sessions, position = app.get_session.search(parse_list_query(query, caller), caller)
    return sessions, cursor_of(position, caller) if position else None


def ids(sessions: list[Session]) -> list[str]:
    return [session.session_id for session in sessions]


def forged(fields: object, caller: Caller = ALICE) -> str:
    """Returns a cursor in the format of this API, which is public."""
    if isinstance(fields, list) and len(fields) == 2:
        seal = hashlib.sha256(json.dumps([caller.sub, *fields]).encode()).hexdigest()[:16]
        fields = [*fields, seal]
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()


class TestById:
    def test_the_owner_a_participant_and_a_moderator_find_it(self, app: Application) -> None:
        session = app.create({"participants": {"bob": "subscriber"}}).session
        for caller in (ALICE, BOB, MODERATOR):
            assert app.get_session.by_id(session.session_id, caller) == session

    def test_without_a_list_every_caller_finds_it(self, app: Application) -> None:
        session = app.create().session
        assert app.get_session.by_id(session.session_id, BOB) == session

    def test_a_session_that_does_not_admit_the_caller_is_like_a_missing_one(
        self, app: Application
    ) -> None:
        app.fill("routed", "pooled")
        session = app.create({"participants": {}, "mediaMode": "relayed"}).session
        words = set()
        for session_id in (session.session_id, "pooled", "no-such-session"):
            with pytest.raises(SessionNotFound) as missing:
                app.get_session.by_id(session_id, BOB)
            words.add(missing.value.detail)
        assert len(words) == 1

    def test_a_closed_session_is_found(self, app: Application) -> None:
        session = app.create().session
        app.close(session.session_id)
        assert app.get_session.by_id(session.session_id, ALICE).closed

    def test_a_lookup_uses_neither_the_vendor_nor_the_credentials(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        session = app.create({"room": "lobby"}).session
        asked = vendor.asked
        aws.forget_calls()
        app.get_session.by_id(session.session_id, ALICE)
        app.in_room("lobby")
        page(app)
        assert vendor.asked == asked
        assert "GetSecretValue" not in aws.calls


class TestByRoom:
    def test_a_room_lists_its_live_session(self, app: Application) -> None:
        session = app.create({"room": "lobby"}).session
        assert page(app, BOB, room="lobby") == ([session], None)

    def test_an_unknown_room_is_an_empty_list(self, app: Application) -> None:
        assert page(app, room="nowhere") == ([], None)

    def test_a_room_that_does_not_admit_the_caller_is_like_an_unknown_one(
        self, app: Application
    ) -> None:
        app.create({"room": "lobby", "participants": {"carol": "publisher"}})
        assert page(app, BOB, room="lobby") == ([], None)
        assert app.in_room("lobby", Caller("carol")) is not None
        assert app.in_room("lobby", MODERATOR) is not None

    def test_a_room_without_a_live_session_lists_nothing(
        self, app: Application, clock: Clock
    ) -> None:
        closed = app.create({"room": "closed"}).session
        app.close(closed.session_id)
        app.create({"room": "idle"})
        app.create({"room": "over", "closesAt": "2030-03-18T00:00:00Z"})
        clock.turn(IDLE)
        for room in ("closed", "idle", "over"):
            assert page(app, room=room) == ([], None)

    def test_a_room_whose_session_is_missing_lists_nothing(
        self, app: Application, aws: Aws
    ) -> None:
        session_id = app.create({"room": "lobby"}).session.session_id
        aws.delete(f"session#{session_id}")
        assert page(app, room="lobby") == ([], None)

    def test_a_lookup_does_not_count_as_use(self, app: Application, aws: Aws, clock: Clock) -> None:
        session = app.create({"room": "lobby"}).session
        clock.turn(IDLE - 1)
        items = aws.items()
        assert app.in_room("lobby") == session.session_id
        assert aws.items() == items


class TestTheCallersOwn:
    def make(self, app: Application, number: int, caller: Caller = ALICE) -> list[str]:
        """So many sessions, the newest first."""
        made = []
        for _ in range(number):
            app.clock.turn(0.01)
            made.append(app.create(caller=caller).session.session_id)
        return made[::-1]

    def test_a_list_begins_with_the_newest_session(self, app: Application) -> None:
        mine = self.make(app, 4)
        self.make(app, 2, BOB)
        sessions, cursor = page(app)
        assert ids(sessions) == mine
        assert cursor is None

    def test_pages_of_a_list_follow_each_other(self, app: Application) -> None:
        mine = self.make(app, 5)
        seen: list[str] = []
        query: dict[str, object] = {"limit": "2"}
        for more in (True, True, False):
            sessions, cursor = page(app, ALICE, **query)
            seen += ids(sessions)
            assert (cursor is not None) == more
            query["cursor"] = cursor
        assert seen == mine

    def test_a_session_created_between_two_pages_does_not_move_the_second(
        self, app: Application
    ) -> None:
        mine = self.make(app, 4)
        _, cursor = page(app, limit="2")
        self.make(app, 1)
        sessions, _ = page(app, limit="2", cursor=cursor)
        assert ids(sessions) == mine[2:]

    def test_closed_sessions_are_listed(self, app: Application) -> None:
        mine = self.make(app, 2)
        app.close(mine[0])
        assert ids(page(app)[0]) == mine

    def test_sessions_of_other_owners_are_not_listed(self, app: Application) -> None:
        app.create({"room": "lobby"}, BOB)
        app.create({"room": "lobby"}, ALICE)
        assert page(app) == ([], None)
        assert page(app, MODERATOR) == ([], None)

    def test_a_page_has_at_most_the_limit(self, app: Application) -> None:
        self.make(app, 3)
        assert len(page(app, limit="1")[0]) == 1
        assert len(page(app, limit=str(LIMIT_MAX))[0]) == 3
        assert parse_list_query({}, ALICE).limit == LIMIT_DEFAULT

    def test_a_cursor_is_valid_for_its_caller_only(self, app: Application) -> None:
        self.make(app, 3)
        _, cursor = page(app, limit="1")
        with pytest.raises(InvalidRequest) as refused:
            page(app, BOB, limit="1", cursor=cursor)
        assert [error.field for error in refused.value.errors] == ["cursor"]

    def test_an_altered_cursor_is_rejected(self, app: Application) -> None:
        mine = self.make(app, 3)
        _, cursor = page(app, limit="1")
        assert cursor is not None
        session_id, created_at, seal = json.loads(base64.urlsafe_b64decode(cursor))
        assert session_id == mine[0]
        for fields in (
            [mine[1], created_at, seal],
            [session_id, created_at + 1, seal],
            [session_id, created_at, seal[:-1] + "x"],
            [session_id, str(created_at), seal],
            [session_id, created_at, seal, "more"],
            {"session_id": session_id},
        ):
            with pytest.raises(InvalidRequest):
                page(app, cursor=forged(fields))
        with pytest.raises(InvalidRequest):
            page(app, cursor=cursor[:-2])

    def test_a_forged_cursor_gains_nothing(self, app: Application) -> None:
        self.make(app, 2)
        others = self.make(app, 2, BOB)
        created_at = app.recorded(others[0]).created_at
        sessions, _ = page(app, cursor=forged([others[0], created_at + 1]))
        assert not set(ids(sessions)) & set(others)

    @pytest.mark.parametrize(
        "position",
        [["x", -1], ["x", 10**15], ["x", 10**200], ["x", True], ["x", False], ["\ud800", NOW]],
    )
    def test_a_forged_position_that_dynamodb_cannot_read_is_rejected(
        self, app: Application, aws: Aws, position: list[object]
    ) -> None:
        with pytest.raises(InvalidRequest):
            page(app, cursor=forged(position))
        assert aws.calls == []


CURSORS = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=6,
    ).map(lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode()),
)


@given(CURSORS.filter(bool))
def test_an_arbitrary_text_is_not_a_cursor(cursor: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_list_query({"cursor": cursor}, ALICE)
    assert [error.field for error in refused.value.errors] == ["cursor"]


def test_a_deeply_nested_cursor_is_rejected() -> None:
    cursor = base64.urlsafe_b64encode(b"[" * 700).decode()
    with pytest.raises(InvalidRequest):
        parse_list_query({"cursor": cursor}, ALICE)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"limit": "0"}, ["limit"]),
        ({"limit": str(LIMIT_MAX + 1)}, ["limit"]),
        ({"limit": "1000"}, ["limit"]),
        ({"limit": "-1"}, ["limit"]),
        ({"limit": "ten"}, ["limit"]),
        ({"limit": "٣"}, ["limit"]),
        ({"limit": "20.0"}, ["limit"]),
        ({"limit": "1e2"}, ["limit"]),
        ({"limit": "+5"}, ["limit"]),
        ({"limit": " 5"}, ["limit"]),
        ({"limit": "9" * 5000}, ["limit"]),
        ({"limit": "20,30"}, ["limit"]),
        ({"limit": ","}, ["limit"]),
        ({"cursor": "x,y"}, ["cursor"]),
        ({"room": "a,b"}, ["room"]),
        ({"room": "", "limit": ""}, ["room"]),
        ({"room": ""}, ["room"]),
        ({"room": "a room"}, ["room"]),
        ({"room": "r" * 129}, ["room"]),
        ({"cursor": "x" * 2000}, ["cursor"]),
        ({"page": "2"}, ["page"]),
        ({"limit": "0", "cursor": "x", "owner": "bob"}, ["cursor", "limit", "owner"]),
    ],
)
def test_every_wrong_parameter_is_named(query: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_list_query(query, ALICE)
    assert sorted({error.field for error in refused.value.errors}) == fields


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"limit": "20.0"}, "must be an integer from 1 to 100"),
        ({"limit": "0"}, "must be an integer from 1 to 100"),
        ({"limit": "1000"}, "must be an integer from 1 to 100"),
        ({"limit": "20,30"}, "must be given once, without commas"),
        ({"cursor": "a,a"}, "must be given once, without commas"),
        ({"room": "a,b"}, "must be given once, without commas"),
    ],
)
def test_a_message_names_the_rule_that_a_parameter_breaks(
    query: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_list_query(query, ALICE)
    assert [error.message for error in refused.value.errors] == [message]


@pytest.mark.parametrize(
    "query",
    [{"limit": "", "cursor": ""}, {"limit": "20", "cursor": ""}, {"cursor": ""}],
)
def test_an_empty_limit_or_cursor_counts_as_omitted(query: dict[str, Any]) -> None:
    assert parse_list_query(query, ALICE) == parse_list_query({}, ALICE)
    with_room = parse_list_query({"limit": "", "cursor": "", "room": "lobby"}, ALICE)
    assert with_room == parse_list_query({"room": "lobby"}, ALICE)


@pytest.mark.parametrize("other", ["limit", "cursor"])
def test_a_room_cannot_be_combined_with_other_parameters(other: str) -> None:
    query = {"room": "lobby", other: forged(["x", NOW]) if other == "cursor" else "5"}
    with pytest.raises(InvalidCombination) as refused:
        parse_list_query(query, ALICE)
    assert [error.field for error in refused.value.errors] == [other]


def test_query_parameters_at_their_limits_are_accepted() -> None:
    assert parse_list_query({"limit": "100"}, ALICE).limit == LIMIT_MAX
    assert parse_list_query({"limit": "1"}, ALICE).limit == 1
    assert parse_list_query({"room": "r" * 128}, ALICE).room == "r" * 128


def test_a_position_may_lie_in_the_distant_past() -> None:
    assert parse_list_query({"cursor": forged(["x", 2])}, ALICE).after == ("x", 2)
    assert parse_list_query({"cursor": forged(["x", 10**15 - 1])}, ALICE).after is not None
