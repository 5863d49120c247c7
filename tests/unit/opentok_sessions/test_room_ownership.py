"""A room owns its owner, its participant list and its `reuse`; sessions come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from opentok_client.grant import Role
from opentok_sessions.domain.models import Caller, Reuse, Session, TokenRequest
from opentok_sessions.domain.problems import (
    InvalidRequest,
    Problem,
    RoleNotAllowed,
    RoomNotFound,
    RoomOptionsConflict,
    SessionNotFound,
    SessionNotOpenYet,
)
from opentok_sessions.http.pools import parse_pools
from tests.aws import API_SECRET, Aws
from tests.unit.opentok_sessions.application import (
    ALICE,
    BOB,
    DAY,
    IDLE,
    MODERATOR,
    Application,
    Clock,
    session_in,
)
from tests.unit.opentok_sessions.vendor_server import VendorServer

MALLORY = Caller("mallory")
RED = Caller("alice", tenant="red")
BLUE_MODERATOR = Caller("mo", moderator=True, tenant="blue")
PRIVATE: dict[str, object] = {"room": "consultation", "participants": {"bob": "subscriber"}}
JOIN: dict[str, object] = {"room": "consultation"}
OTHER_KEY = "46000000"

End = Callable[[Application, Clock, Aws, VendorServer], None]


def close(app: Application, clock: Clock, aws: Aws, vendor: VendorServer) -> None:
    app.close(session_in(app.store, "consultation") or "")


def leave_idle(app: Application, clock: Clock, aws: Aws, vendor: VendorServer) -> None:
    clock.turn(IDLE)


def remove_record(app: Application, clock: Clock, aws: Aws, vendor: VendorServer) -> None:
    aws.delete(f"session#{session_in(app.store, 'consultation')}")


def change_project(app: Application, clock: Clock, aws: Aws, vendor: VendorServer) -> None:
    vendor.secrets[OTHER_KEY] = API_SECRET
    aws.put_secret({"apiKey": OTHER_KEY, "apiSecret": API_SECRET})
    clock.turn(61)


ENDS: dict[str, End] = {
    "closed": close,
    "idle": leave_idle,
    "record expired": remove_record,
    "project changed": change_project,
}
each_end = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)


@each_end
class TestAPrivateRoomWhoseSessionEnded:
    @pytest.fixture(autouse=True)
    def ended(
        self, app: Application, clock: Clock, aws: Aws, vendor: VendorServer, end: End
    ) -> str:
        first = app.create(PRIVATE).session.session_id
        end(app, clock, aws, vendor)
        return first

    def test_is_not_opened_by_a_user_who_is_not_on_its_list(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        before, created = aws.items(), len(vendor.made)
        with pytest.raises(SessionNotFound):
            app.create(JOIN, MALLORY)
        assert aws.items() == before
        assert len(vendor.made) == created

    def test_passes_its_owner_and_list_on_when_a_participant_opens_it(
        self, app: Application, ended: str
    ) -> None:
        session = app.create({**JOIN, "token": {"role": "subscriber"}}, BOB).session
        assert session.session_id != ended
        assert session.owner == ALICE.sub
        assert session.participants == {"bob": Role.SUBSCRIBER}
        assert app.create(JOIN, ALICE).session == session
        with pytest.raises(SessionNotFound):
            app.create(JOIN, MALLORY)

    def test_gives_a_participant_no_more_than_the_role_on_the_list(
        self, app: Application, vendor: VendorServer
    ) -> None:
        with pytest.raises(RoleNotAllowed):
            app.create({**JOIN, "token": {"role": "publisher"}}, BOB)
        assert app.owned() <= {session_in(app.store, "consultation")}

    def test_keeps_its_list_when_a_participant_asks_for_another(self, app: Application) -> None:
        with pytest.raises(RoomOptionsConflict) as problem:
            app.create({**JOIN, "participants": {"mallory": "moderator"}}, BOB)
        assert [error.field for error in problem.value.errors] == ["participants"]

    def test_takes_another_list_from_its_owner(self, app: Application) -> None:
        session = app.create({**JOIN, "participants": {"mallory": "publisher"}}, ALICE).session
        assert session.participants == {"mallory": Role.PUBLISHER}
        with pytest.raises(SessionNotFound):
            app.create(JOIN, BOB)

    def test_keeps_its_owner_when_a_moderator_opens_it(self, app: Application) -> None:
        session = app.create(JOIN, MODERATOR).session
        assert session.owner == ALICE.sub
        assert session.participants == {"bob": Role.SUBSCRIBER}


class TestAnOpenRoom:
    def test_belongs_to_the_user_who_opens_its_next_session(self, app: Application) -> None:
        first = app.create({"room": "lobby"}).session
        app.close(first.session_id)
        assert app.create({"room": "lobby"}, BOB).session.owner == BOB.sub

    def test_keeps_its_owner_and_reuse_when_the_project_changes(
        self, app: Application, clock: Clock, aws: Aws, vendor: VendorServer
    ) -> None:
        first = app.create({"room": "lobby", "reuse": "permanent"}).session
        change_project(app, clock, aws, vendor)
        second = app.create({"room": "lobby"}, BOB).session
        assert (second.owner, second.reuse) == (ALICE.sub, Reuse.PERMANENT)
        assert app.recorded(first.session_id).superseded

    def test_does_not_move_twice_when_the_project_changes_back(
        self, app: Application, clock: Clock, aws: Aws, vendor: VendorServer
    ) -> None:
        app.create({"room": "lobby"})
        change_project(app, clock, aws, vendor)
        elsewhere = Application.start(aws, vendor, clock)
        moved = elsewhere.create({"room": "lobby"}, BOB).session
        clock.turn(2)
        assert app.create({"room": "lobby"}).session == moved


class TestPermanentRooms:
    def test_are_opened_by_moderators_only_if_the_deployment_says_so(
        self, app: Application, aws: Aws
    ) -> None:
        create = replace(app.create_session, permanent_rooms_by_moderators=True)
        limited = replace(app, create_session=create)
        with pytest.raises(RoleNotAllowed):
            limited.create({"room": "lobby", "reuse": "permanent"})
        assert aws.items() == []
        assert limited.create({"room": "lobby", "reuse": "permanent"}, MODERATOR).session.room

    def test_expire_a_year_after_their_last_use(
        self, app: Application, aws: Aws, clock: Clock
    ) -> None:
        app.create({"room": "lobby", "reuse": "permanent"})
        clock.turn(100 * DAY)
        app.create({"room": "lobby"}, BOB)
        assert ttls(aws) == {clock() + 366 * DAY}

    def test_expire_after_the_retention_time_once_they_are_closed(
        self, app: Application, aws: Aws, clock: Clock
    ) -> None:
        app.close(app.create({"room": "lobby", "reuse": "permanent"}).session.session_id)
        assert ttls(aws) == {clock() + 30 * DAY}


def ttls(aws: Aws) -> set[float]:
    """Returns when the items of the table expire."""
    return {float(item["ttl"]["N"]) for item in aws.items()}


def test_closing_a_session_leaves_a_room_alone_that_has_moved_on(
    app: Application, aws: Aws, clock: Clock
) -> None:
    old = app.create({"room": "lobby"}).session
    clock.turn(IDLE)
    app.create({"room": "lobby"}, BOB)
    clock.turn(DAY)
    before = aws.item("room#lobby")
    app.close(old.session_id)
    assert aws.item("room#lobby") == before
    assert app.recorded(old.session_id).closed


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"room": "lobby"},
        {"room": "lobby", "reuse": "permanent"},
        {"opensAt": "2030-06-01T00:00:00Z"},
    ],
)
def test_no_item_lives_forever(app: Application, aws: Aws, body: dict[str, object]) -> None:
    app.create(body, key="key-1")
    app.fill("routed", "pooled-1")
    app.precreate_sessions(parse_pools([{"mediaMode": "routed", "min": 1, "max": 2}]), 60)
    assert {item["pk"]["S"].partition("#")[0] for item in aws.items()} >= {
        "idem",
        "refill",
        "session",
    }
    assert all("ttl" in item for item in aws.items())


class TestReleasing:
    @pytest.mark.parametrize("caller", [ALICE, MODERATOR])
    def test_frees_the_name_for_every_user(self, app: Application, caller: Caller) -> None:
        first = app.create(PRIVATE).session
        app.release_room("consultation", caller)
        second = app.create(JOIN, MALLORY).session
        assert second.owner == MALLORY.sub
        assert app.recorded(first.session_id).superseded

    def test_works_after_the_session_record_has_expired(self, app: Application, aws: Aws) -> None:
        first = app.create(PRIVATE).session
        aws.delete(f"session#{first.session_id}")
        app.release_room("consultation", ALICE)
        assert app.store.find_room("consultation", "") is None
        assert aws.items("session#") == []

    @pytest.mark.parametrize("caller", [BOB, MALLORY])
    def test_is_refused_to_others_as_if_there_were_no_room(
        self, app: Application, aws: Aws, caller: Caller
    ) -> None:
        app.create(PRIVATE)
        before = aws.items()
        with pytest.raises(RoomNotFound) as existing:
            app.release_room("consultation", caller)
        with pytest.raises(RoomNotFound) as missing:
            app.release_room("nowhere", caller)
        assert existing.value.detail == missing.value.detail
        assert aws.items() == before

    def test_lets_tokens_of_the_old_session_go_on(self, app: Application) -> None:
        first = app.create({"room": "lobby"}).session
        app.release_room("lobby", ALICE)
        assert app.issue_token(first.session_id, BOB, TokenRequest(), app.deadline()).text


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"closesAt": "2000-01-01T00:00:00Z"}, InvalidRequest),
        ({"opensAt": "2030-03-18T17:46:40Z", "token": {}}, SessionNotOpenYet),
    ],
)
def test_an_impossible_request_does_not_tell_a_private_room_from_a_free_name(
    app: Application, aws: Aws, body: dict[str, object], problem: type[Problem]
) -> None:
    app.create(PRIVATE)
    details = []
    for room in ("consultation", "free"):
        aws.forget_calls()
        with pytest.raises(problem) as raised:
            app.create({"room": room, **body}, MALLORY)
        details.append((raised.value.detail, tuple(aws.calls)))
    assert details[0] == details[1]


class TestASessionIdThatIsRegisteredAfterItsRecordExpired:
    """The room's record may outlive its session's. The new session does not belong to the room."""

    @pytest.fixture(
        params=[(RED, BLUE_MODERATOR), (ALICE, MODERATOR)], ids=["another tenant", "one tenant"]
    )
    def users(self, request: pytest.FixtureRequest) -> tuple[Caller, Caller]:
        owner, moderator = request.param
        return owner, moderator

    @pytest.fixture
    def registered(self, app: Application, aws: Aws, users: tuple[Caller, Caller]) -> Session:
        owner, moderator = users
        first = app.create({"room": "lobby"}, owner).session
        aws.delete(f"session#{first.session_id}")
        return app.create({"sessionId": first.session_id, "participants": {}}, moderator).session

    def test_the_room_moves_on(
        self, app: Application, users: tuple[Caller, Caller], registered: Session
    ) -> None:
        owner, _ = users
        assert app.in_room("lobby", owner) is None
        second = app.create({"room": "lobby"}, owner).session
        assert second.session_id != registered.session_id
        assert not app.recorded(registered.session_id).superseded

    def test_releasing_the_room_leaves_it_alone(
        self, app: Application, users: tuple[Caller, Caller], registered: Session
    ) -> None:
        owner, _ = users
        app.release_room("lobby", owner)
        assert not app.recorded(registered.session_id).superseded
