"""Rooms move on when their conversation is over, and never while a client is connected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.presence import Connection
from opentok_sessions.domain.problems import RoomOptionsConflict
from tests.aws import Aws, before
from tests.callbacks import connection_event, session_event
from tests.unit.opentok_sessions.application import (
    ALICE,
    BOB,
    EMPTY,
    IDLE,
    MODERATOR,
    NOW,
    Application,
    Clock,
)
from tests.unit.opentok_sessions.model import instant
from tests.unit.opentok_sessions.receiver import Receiver
from tests.unit.opentok_sessions.vendor_server import VendorServer

MS = NOW * 1000
LOBBY = {"room": "lobby", "mediaMode": "routed"}


@pytest.fixture
def receiver(aws: Aws, clock: Clock) -> Receiver:
    return Receiver.start(aws, clock)


@pytest.fixture
def opened(app: Application, receiver: Receiver) -> str:
    """Returns the session of the room `lobby`."""
    return app.create(LOBBY).session.session_id


def connected(receiver: Receiver, session: str, *clients: str) -> None:
    at = int(receiver.clock() * 1000)
    for client in clients:
        receiver.send(connection_event("connectionCreated", session, client, at - 20, at))


def left(receiver: Receiver, session: str, *clients: str) -> None:
    at = int(receiver.clock() * 1000)
    for client in clients:
        receiver.send(connection_event("connectionDestroyed", session, client, at - 20, at))


def test_a_room_moves_on_after_the_last_client_left(
    app: Application, receiver: Receiver, opened: str
) -> None:
    connected(receiver, opened, "a", "b")
    left(receiver, opened, "a", "b")
    receiver.clock.turn(EMPTY - 1)
    assert app.create(LOBBY, BOB).session.session_id == opened
    assert app.in_room("lobby") == opened
    receiver.clock.turn(1)
    assert app.in_room("lobby") is None
    created = app.create(LOBBY, BOB)
    assert created.session.session_id != opened
    assert not created.joined
    assert app.recorded(opened).superseded
    assert app.in_room("lobby") == created.session.session_id


def test_a_page_that_reloads_does_not_end_the_conversation(
    app: Application, receiver: Receiver, opened: str
) -> None:
    connected(receiver, opened, "a")
    left(receiver, opened, "a")
    receiver.clock.turn(2)
    connected(receiver, opened, "a-reloaded")
    receiver.clock.turn(EMPTY)
    assert app.create(LOBBY, BOB).session.session_id == opened


def test_a_room_with_a_connected_client_is_never_idle(
    app: Application, receiver: Receiver, opened: str
) -> None:
    connected(receiver, opened, "a")
    receiver.clock.turn(IDLE - 60)
    left(receiver, opened, "other")  # any event of the last hour
    receiver.clock.turn(120)
    assert app.create(LOBBY, BOB).session.session_id == opened


def test_the_end_that_the_vendor_reports_needs_no_waiting(
    app: Application, receiver: Receiver, opened: str
) -> None:
    connected(receiver, opened, "a")
    receiver.send(session_event("sessionDestroyed", opened, MS + 5))
    assert app.create(LOBBY, BOB).session.session_id != opened


def test_the_end_counts_even_if_the_last_leave_arrives_after_it(
    app: Application, receiver: Receiver, opened: str
) -> None:
    connected(receiver, opened, "a")
    receiver.clock.turn(1)
    receiver.send(session_event("sessionDestroyed", opened, MS + 5))
    left(receiver, opened, "a")
    assert app.create(LOBBY, BOB).session.session_id != opened


def test_after_an_end_a_returning_client_keeps_the_session(
    app: Application, receiver: Receiver, opened: str
) -> None:
    connected(receiver, opened, "a")
    receiver.send(session_event("sessionDestroyed", opened, MS + 5))
    receiver.clock.turn(1)
    connected(receiver, opened, "b")
    assert app.create(LOBBY, BOB).session.session_id == opened
    left(receiver, opened, "b")
    assert app.create(LOBBY, BOB).session.session_id == opened  # the grace period


def test_without_any_callback_the_idle_rule_decides(app: Application, opened: str) -> None:
    app.clock.turn(IDLE - 1)
    assert app.create(LOBBY, BOB).session.session_id == opened


def test_without_any_callback_an_idle_room_moves_on(app: Application, opened: str) -> None:
    app.clock.turn(IDLE)
    assert app.create(LOBBY, BOB).session.session_id != opened


def test_a_permanent_room_does_not_move_on(app: Application, receiver: Receiver) -> None:
    permanent = {**LOBBY, "reuse": "permanent"}
    session = app.create(permanent).session.session_id
    connected(receiver, session, "a")
    left(receiver, session, "a")
    receiver.clock.turn(10 * EMPTY)
    assert app.create(permanent, BOB).session.session_id == session


def test_a_join_of_a_live_room_reads_nothing_about_presence(
    app: Application, receiver: Receiver, opened: str, aws: Aws
) -> None:
    connected(receiver, opened, "a")
    app.create(LOBBY, BOB)
    aws.forget_calls()
    app.create(LOBBY, BOB)
    assert aws.calls == ["GetItem", "GetItem"]


def test_a_client_that_connects_while_the_room_moves_on_is_noticed(
    app: Application, receiver: Receiver, opened: str, aws: Aws
) -> None:
    """The transaction's condition includes the time since when the session is empty."""
    connected(receiver, opened, "a")
    left(receiver, opened, "a")
    receiver.clock.turn(EMPTY)
    other = Receiver.start(aws, receiver.clock)
    aws.meet("TransactWriteItems", before(lambda: connected(other, opened, "late")))
    assert app.create(LOBBY, BOB).session.session_id == opened


def test_fifty_callers_of_a_room_that_ended_get_one_new_session(
    app: Application, receiver: Receiver, opened: str
) -> None:
    connected(receiver, opened, "a")
    left(receiver, opened, "a")
    receiver.clock.turn(EMPTY)
    callers = [Caller(f"user-{number}") for number in range(50)]
    with ThreadPoolExecutor(50) as threads:
        created = list(threads.map(lambda caller: app.create(LOBBY, caller), callers))
    (session,) = {one.session.session_id for one in created}
    assert session != opened
    assert sum(not one.joined for one in created) == 1


class TestReconciliation:
    """After an hour without events, the vendor is asked who is connected."""

    def test_ghosts_are_removed_and_the_room_moves_on(
        self,
        app: Application,
        receiver: Receiver,
        opened: str,
        vendor: VendorServer,
        metrics: Callable[[], Counter[str]],
    ) -> None:
        connected(receiver, opened, "ghost")
        receiver.clock.turn(3600)
        assert app.create(LOBBY, BOB).session.session_id != opened
        assert metrics()["GhostRemoved"] == 1
        assert receiver.aws.item(f"session#{opened}", "gone#ghost") is not None

    def test_a_client_that_the_vendor_lists_keeps_the_room(
        self, app: Application, receiver: Receiver, opened: str, vendor: VendorServer
    ) -> None:
        connected(receiver, opened, "a", "ghost")
        receiver.clock.turn(3600)
        vendor.connections = {opened: ["a", "unknown"]}
        assert app.create(LOBBY, BOB).session.session_id == opened
        hints = app.recorded(opened).hints
        assert receiver.presence.connections(opened, hints) == [
            Connection("unknown", 1_700_000_000_000, ""),  # the time in the vendor's list
            Connection("a", MS - 20, ""),
        ]

    def test_the_vendor_is_asked_once_an_hour(
        self, app: Application, receiver: Receiver, opened: str, vendor: VendorServer
    ) -> None:
        connected(receiver, opened, "a")
        receiver.clock.turn(3600)
        vendor.connections = {opened: ["a"]}
        app.create(LOBBY, BOB)
        asked = vendor.asked
        app.create(LOBBY, BOB)
        assert vendor.asked == asked

    def test_the_idle_rule_decides_when_the_vendor_fails(
        self, app: Application, receiver: Receiver, opened: str, vendor: VendorServer
    ) -> None:
        connected(receiver, opened, "a")
        receiver.clock.turn(3600)
        vendor.is_down = True
        assert app.create(LOBBY, BOB).session.session_id == opened


def test_the_lookup_shows_who_is_in(app: Application, receiver: Receiver, opened: str) -> None:
    assert app.get_session.live(app.recorded(opened)).state == "unknown"
    connected(receiver, opened, "a", "b")
    live = app.get_session.live(app.recorded(opened))
    assert (live.state, live.connections, live.since) == ("live", 2, MS - 20)
    left(receiver, opened, "a", "b")
    live = app.get_session.live(app.recorded(opened))
    assert (live.state, live.connections, live.empty_since) == ("empty", 0, MS)
    seen, connections = app.get_session.connections(opened, ALICE)
    assert (seen.state, connections) == ("empty", [])


def change_project(aws: Aws, vendor: VendorServer) -> None:
    aws.put_secret({"apiKey": "46000000", "apiSecret": "another-secret-made-up-for-tests"})
    vendor.secrets["46000000"] = "another-secret-made-up-for-tests"


class TestWindow:
    """A scheduled room keeps its window when the conversation ends before it."""

    MEETING: ClassVar[dict[str, object]] = {
        **LOBBY,
        "closesAt": instant(NOW + 7200),
        "maxConnections": 5,
    }

    @pytest.fixture
    def ended(self, app: Application, receiver: Receiver) -> str:
        """Returns alice's session, of a window that lasts, without clients."""
        session = app.create(self.MEETING).session.session_id
        connected(receiver, session, "a")
        left(receiver, session, "a")
        receiver.clock.turn(EMPTY)
        return session

    def test_the_next_session_has_the_window_and_the_maximum(
        self, app: Application, ended: str
    ) -> None:
        created = app.create({**LOBBY, "token": {"expiresIn": 86_400}}, BOB)
        session, token = created.session, created.token
        assert session.session_id != ended
        assert (session.closes_at, session.max_connections) == (NOW + 7200, 5)
        assert token is not None
        assert token.expires_at == NOW + 7200

    def test_the_same_window_may_be_sent_again(self, app: Application, ended: str) -> None:
        session = app.create(self.MEETING, BOB).session
        assert (session.session_id != ended, session.closes_at) == (True, NOW + 7200)

    @pytest.mark.parametrize(
        "change",
        [{"closesAt": instant(NOW + 9000)}, {"opensAt": instant(NOW + 300)}, {"maxConnections": 6}],
    )
    def test_another_user_cannot_change_them(
        self, app: Application, ended: str, change: dict[str, object]
    ) -> None:
        with pytest.raises(RoomOptionsConflict) as conflict:
            app.create({**LOBBY, **change}, BOB)
        assert [error.field for error in conflict.value.errors] == list(change)
        assert not app.recorded(ended).superseded

    @pytest.mark.parametrize("caller", [ALICE, MODERATOR])
    def test_the_owner_and_moderators_may_change_them(
        self, app: Application, ended: str, caller: Caller
    ) -> None:
        change = {"opensAt": instant(NOW + 300), "closesAt": instant(NOW + 9000)}
        session = app.create({**LOBBY, **change}, caller).session
        assert (session.opens_at, session.closes_at) == (NOW + 300, NOW + 9000)
        assert session.max_connections == 5

    def test_a_new_end_replaces_the_whole_window(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        window = {"opensAt": instant(NOW + 3600), "closesAt": instant(NOW + 7200)}
        scheduled = app.create({**LOBBY, **window}).session.session_id
        change_project(aws, vendor)
        clock.turn(61)
        session = app.create({**LOBBY, "closesAt": instant(NOW + 1800)}).session
        assert session.session_id != scheduled
        assert (session.opens_at, session.closes_at) == (None, NOW + 1800)

    def test_a_room_that_moves_to_another_project_keeps_its_window(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        window = {"opensAt": instant(NOW + 3600)}
        scheduled = app.create({**LOBBY, **window}).session.session_id
        change_project(aws, vendor)
        clock.turn(61)
        session = app.create(LOBBY, BOB).session
        assert session.session_id != scheduled
        assert session.opens_at == NOW + 3600

    def test_after_the_end_of_the_window_the_room_is_free_for_another_meeting(
        self, app: Application, ended: str, clock: Clock
    ) -> None:
        clock.turn(7200)
        session = app.create(LOBBY, BOB).session
        assert (session.closes_at, session.max_connections) == (None, None)

    def test_closing_the_session_ends_its_window(self, app: Application, ended: str) -> None:
        app.close(ended)
        session = app.create(LOBBY, BOB).session
        assert (session.closes_at, session.max_connections) == (None, None)
