"""Attacks by a signed-in user: telling private rooms from free names, and avoiding the limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opentok_client.grant import CONNECTION_DATA_MAX, TokenFormat
from opentok_sessions.domain.limits import Limits
from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.problems import (
    InvalidRequest,
    Problem,
    RoleNotAllowed,
    RoomOptionsConflict,
    SessionNotFound,
    TooManyRequests,
)
from opentok_sessions.issue_token import TokenIssuer
from tests.aws import Aws
from tests.unit.opentok_sessions.application import ALICE, BOB, IDLE, Application, Clock
from tests.unit.opentok_sessions.vendor_server import VendorServer

MALLORY = Caller("mallory")
PRIVATE: dict[str, object] = {"room": "secret", "participants": {"bob": "subscriber"}}
SECRET_OR_FREE = ("secret", "free")


def refusals(app: Application, aws: Aws, body: dict[str, object]) -> list[tuple[object, ...]]:
    """Returns what Mallory sees of both names: the problem, its texts and headers, and the calls
    that it took."""
    seen: list[tuple[object, ...]] = []
    for room in SECRET_OR_FREE:
        aws.forget_calls()
        with pytest.raises(Problem) as refused:
            app.create({**body, "room": room}, MALLORY)
        problem = refused.value
        headers = dict(problem.headers)
        seen.append((type(problem), problem.detail, problem.errors, headers, list(aws.calls)))
    return seen


class TestACallerAtALimit:
    @pytest.mark.parametrize("ended", [False, True])
    def test_cannot_tell_a_private_room_from_a_free_name_by_the_limit_of_sessions(
        self, aws: Aws, vendor: VendorServer, clock: Clock, ended: bool
    ) -> None:
        app = Application.start(aws, vendor, clock, limits=Limits.of(1, 0, 0))
        app.create(PRIVATE, ALICE)
        clock.turn(IDLE if ended else 0)
        app.create({}, MALLORY)
        private, free = refusals(app, aws, {})
        assert private[0] is TooManyRequests
        assert private == free

    @pytest.mark.parametrize("body", [{"participants": {}}, {"reuse": "permanent"}], ids=str)
    def test_cannot_tell_a_private_room_from_a_free_name_by_the_limit_of_rooms(
        self, aws: Aws, vendor: VendorServer, clock: Clock, body: dict[str, object]
    ) -> None:
        app = Application.start(aws, vendor, clock, limits=Limits.of(0, 0, 1))
        app.create(PRIVATE, ALICE)
        app.create({"room": "own", "participants": {}}, MALLORY)
        refusals(app, aws, body)  # the first refusal in a minute checks the rooms held
        private, free = refusals(app, aws, body)
        assert private[0] is TooManyRequests
        assert private == free

    def test_is_charged_for_each_private_room_that_is_tried(
        self, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app = Application.start(aws, vendor, clock, limits=Limits.of(3, 0, 0))
        app.create(PRIVATE, ALICE)
        for _ in range(3):
            with pytest.raises(SessionNotFound):
                app.create({"room": "secret"}, MALLORY)
        with pytest.raises(TooManyRequests):
            app.create({"room": "secret"}, MALLORY)

    def test_does_not_hold_the_private_rooms_that_were_tried(
        self, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app = Application.start(aws, vendor, clock, limits=Limits.of(0, 0, 1))
        app.create(PRIVATE, ALICE)
        for _ in range(2):
            with pytest.raises(SessionNotFound):
                app.create({"room": "secret", "participants": {}}, MALLORY)
        app.create({"room": "own", "participants": {}}, MALLORY)

    def test_cannot_make_an_open_room_private_afterwards(
        self, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app = Application.start(aws, vendor, clock, limits=Limits.of(0, 0, 1))
        app.create({"room": "own", "participants": {}}, MALLORY)
        second = app.create({"room": "second"}, MALLORY).session.session_id
        with pytest.raises(TooManyRequests):
            app.update(second, {"participants": {"bob": "publisher"}}, MALLORY)
        assert app.recorded(second).participants is None
        app.release_room("own", MALLORY)
        app.update(second, {"participants": {"bob": "publisher"}}, MALLORY)
        with pytest.raises(TooManyRequests):
            app.create({"room": "third", "participants": {}}, MALLORY)


class TestWithoutLimits:
    def test_connection_data_that_is_too_long_does_not_tell_a_private_room_from_a_free_name(
        self, aws: Aws, app: Application, vendor: VendorServer
    ) -> None:
        tokens = TokenIssuer(TokenFormat.JWT, identified=True)
        join = replace(app.create_session.join, tokens=tokens)
        identified = replace(
            app, create_session=replace(app.create_session, tokens=tokens, join=join)
        )
        app.create(PRIVATE, ALICE)
        asked = vendor.asked
        private, free = refusals(identified, aws, {"token": {"data": "x" * CONNECTION_DATA_MAX}})
        assert private[0] is InvalidRequest
        assert private == free
        assert vendor.asked == asked

    @pytest.mark.parametrize("ended", [False, True])
    def test_a_search_reads_as_much_for_a_private_room_as_for_a_free_name(
        self, aws: Aws, app: Application, clock: Clock, ended: bool
    ) -> None:
        app.create(PRIVATE, ALICE)
        clock.turn(IDLE if ended else 0)
        seen = []
        for room in SECRET_OR_FREE:
            aws.forget_calls()
            seen.append((app.in_room(room, MALLORY), list(aws.calls)))
        assert seen[0] == seen[1] == (None, ["GetItem"])

    @pytest.mark.parametrize("sub", ["bob#x", "bo", "bob ", " bob", "Bob", "bob\u200b", "b.ob"])
    def test_a_participant_is_named_exactly(self, app: Application, sub: str) -> None:
        session = app.create(PRIVATE, ALICE).session
        for call in (
            lambda: app.create({"room": "secret"}, Caller(sub)),
            lambda: app.token(session.session_id, Caller(sub)),
            lambda: app.get_session.by_id(session.session_id, Caller(sub)),
        ):
            with pytest.raises(SessionNotFound):
                call()

    @pytest.mark.parametrize("sub", ["b#ob", "a.b", "a:b", '"', "a,b", "$ne", "a[0]", "ü", ":x"])
    def test_a_participant_may_have_any_name(self, app: Application, sub: str) -> None:
        body = {"room": "secret", "participants": {sub: "publisher"}}
        session = app.create(body, ALICE).session
        assert app.create({"room": "secret"}, Caller(sub)).session == session
        app.update(session.session_id, {"participants": {sub: "subscriber"}})
        with pytest.raises(RoleNotAllowed):
            app.create({"room": "secret", "token": {"role": "publisher"}}, Caller(sub))
        app.update(session.session_id, {"participants": {sub: None}})
        with pytest.raises(SessionNotFound):
            app.create({"room": "secret"}, Caller(sub))

    def test_a_key_of_a_refused_request_opens_nothing_later(self, app: Application) -> None:
        app.create(PRIVATE, ALICE)
        with pytest.raises(SessionNotFound):
            app.create({"room": "secret"}, MALLORY, key="k")
        with pytest.raises(SessionNotFound):
            app.create({"room": "secret"}, MALLORY, key="k")

    def test_a_key_does_not_bring_back_a_user_who_was_removed(self, app: Application) -> None:
        session = app.create(PRIVATE, ALICE).session
        join: dict[str, object] = {"room": "secret", "token": {"role": "subscriber"}}
        app.create(join, BOB, key="k")
        app.update(session.session_id, {"participants": {"bob": None}})
        with pytest.raises(SessionNotFound):
            app.create(join, BOB, key="k")

    def test_a_list_changed_by_patch_is_inherited_by_the_next_session(
        self, app: Application, clock: Clock
    ) -> None:
        session = app.create(PRIVATE, ALICE).session
        app.update(session.session_id, {"participants": {"bob": None, "carol": "publisher"}})
        clock.turn(IDLE)
        with pytest.raises(SessionNotFound):
            app.create({"room": "secret"}, BOB)
        assert app.create({"room": "secret"}, Caller("carol")).session.owner == ALICE.sub

    def test_the_list_of_an_old_session_does_not_change_the_room(
        self, app: Application, clock: Clock
    ) -> None:
        old = app.create({"room": "lobby"}, MALLORY).session
        clock.turn(IDLE)
        app.create({"room": "lobby"}, ALICE)
        app.update(old.session_id, {"participants": {"mallory": "moderator"}}, MALLORY)
        assert app.create({"room": "lobby"}, BOB).session.owner == ALICE.sub

    def test_a_participant_cannot_open_the_next_session_without_the_list(
        self, app: Application, clock: Clock
    ) -> None:
        app.create(PRIVATE, ALICE)
        clock.turn(IDLE)
        changes: list[dict[str, object]] = [{"participants": {}}, {"reuse": "permanent"}]
        for change in changes:
            with pytest.raises(RoomOptionsConflict):
                app.create({"room": "secret", **change}, BOB)
