"""What follows from a change: clients are disconnected, even when the vendor fails for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from opentok_sessions.disconnect_clients import DisconnectClients
from opentok_sessions.domain.deadline import Deadline
from opentok_sessions.domain.presence import Connection, identified_data
from opentok_sessions.domain.problems import (
    ConnectionNotFound,
    InvalidCombination,
    InvalidRequest,
    NotOwner,
    SessionClosed,
    SessionFull,
    SessionNotFound,
    StorageUnavailable,
)
from opentok_sessions.http.update_session import parse_session_update
from opentok_sessions.remove_connection import RemoveConnection
from opentok_sessions.storage.presence_store import PresenceStore
from opentok_sessions.storage.table import Table
from opentok_sessions.stream_handler import stream_handler
from tests.aws import TABLE_NAME, Aws, before
from tests.unit.opentok_sessions.application import (
    ALICE,
    BOB,
    DEADLINE,
    MODERATOR,
    NOW,
    Application,
)
from tests.unit.opentok_sessions.vendor_server import VendorServer

MS = NOW * 1000
Item = Mapping[str, Any]


class Stage:
    """An application with its stream, and one session of alice with clients in it."""

    def __init__(self, app: Application, aws: Aws, vendor: VendorServer) -> None:
        self.app, self.aws, self.server = app, aws, vendor
        table = Table(aws.client("dynamodb"), TABLE_NAME)
        self.presence = PresenceStore(table)
        self.session = app.create({"mediaMode": "routed", "room": "lobby"}).session.session_id
        disconnect = DisconnectClients(app.store, self.presence, app.vendor, True, app.clock)
        self.handler = stream_handler(disconnect)
        self.remove = RemoveConnection(app.store, self.presence, app.vendor, app.clock)
        self.update_session = app.update_session
        server = vendor.connections
        server[self.session] = []

    def connect(self, *clients: str, data: str = "") -> None:
        """Lets clients connect in this order, and records it."""
        for number, client in enumerate(clients):
            self.server.connections[self.session].append(client)
            connection = Connection(client, MS + number, data)
            self.presence.add(self.session, connection, NOW)

    @property
    def connected(self) -> list[str]:
        """The clients that are connected with the vendor."""
        return self.server.connections[self.session]

    def record(self) -> Item:
        item = self.aws.item(f"session#{self.session}")
        assert item is not None
        return item

    def deliver(self, old: Item, new: Item, sk: str = "session") -> list[dict[str, str]]:
        """Passes one change of an item to the handler; returns the failures that it reports."""
        images = {"OldImage": old} if old else {}
        data = {
            "Keys": {"pk": {"S": f"session#{self.session}"}, "sk": {"S": sk}},
            "NewImage": new,
            "SequenceNumber": "100",
            **images,
        }
        record = {"eventName": "MODIFY" if old else "INSERT", "dynamodb": data}
        return self.handler({"Records": [record]}, None)["batchItemFailures"]

    def change(self, action: Callable[[], object]) -> list[dict[str, str]]:
        old = self.record()
        action()
        return self.deliver(old, self.record())

    def joined(self, client: str) -> list[dict[str, str]]:
        sk = f"live#{client}"
        item = self.aws.item(f"session#{self.session}", sk)
        assert item is not None
        return self.deliver({}, item, sk)

    def patch(self, caller: Any = ALICE, **body: object) -> None:
        self.update_session(self.session, parse_session_update(body, NOW), caller)


@pytest.fixture
def stage(app: Application, aws: Aws, vendor: VendorServer) -> Stage:
    return Stage(app, aws, vendor)


class TestClosing:
    def test_closing_disconnects_every_client(self, stage: Stage) -> None:
        stage.connect(*(f"c-{number}" for number in range(50)))
        assert stage.change(lambda: stage.app.close(stage.session)) == []
        assert stage.connected == []

    def test_clients_that_only_the_vendor_knows_are_disconnected_too(self, stage: Stage) -> None:
        stage.connected.append("unknown")
        assert stage.change(lambda: stage.app.close(stage.session)) == []
        assert stage.connected == []

    def test_a_change_is_repeated_until_all_clients_are_out(
        self, stage: Stage, metrics: Callable[[], Counter[str]]
    ) -> None:
        stage.connect(*(f"c-{number}" for number in range(50)))
        old = stage.record()
        stage.app.close(stage.session)
        stage.server.next_replies.extend([(400, {}, b"{}")] * 30)
        assert stage.deliver(old, stage.record()) == [{"itemIdentifier": "100"}]
        assert len(stage.connected) == 30
        for _ in range(20):
            if stage.deliver(old, stage.record()) == []:
                break
        assert stage.connected == []
        assert metrics()["DisconnectFailed"] >= 30

    def test_a_client_with_an_old_token_is_out_again(self, stage: Stage) -> None:
        stage.app.close(stage.session)
        stage.connect("late")
        assert stage.joined("late") == []
        assert stage.connected == []

    def test_a_client_may_stay_in_an_open_session(self, stage: Stage) -> None:
        stage.connect("a")
        assert stage.joined("a") == []
        assert stage.connected == ["a"]

    def test_a_change_that_ends_nothing_disconnects_no_client(self, stage: Stage) -> None:
        stage.connect("a")
        stage.app.close(stage.session)
        closed = stage.record()
        assert stage.deliver(closed, closed) == []
        assert stage.connected == ["a"]

    def test_a_session_whose_record_is_gone_is_skipped(self, stage: Stage) -> None:
        closed = stage.record()
        stage.aws.delete(f"session#{stage.session}")
        assert stage.deliver(closed, closed) == []


class TestRooms:
    def test_a_client_of_a_session_whose_room_moved_on_is_disconnected(self, stage: Stage) -> None:
        stage.connect("a")

        def move_on() -> None:
            stage.app.clock.turn(13 * 3600)
            stage.app.create({"room": "lobby"}, BOB)

        assert stage.change(move_on) == []
        assert stage.connected == []
        stage.connect("late")
        stage.joined("late")
        assert stage.connected == []


class TestMaximum:
    def test_the_latest_clients_beyond_the_maximum_are_disconnected(self, stage: Stage) -> None:
        stage.patch(maxConnections=2)
        stage.connect("a", "b", "c")
        assert stage.joined("a") == []  # whichever event arrives first
        assert stage.connected == ["a", "b"]

    def test_a_lower_maximum_disconnects_the_latest(self, stage: Stage) -> None:
        stage.connect("a", "b", "c")
        assert stage.change(lambda: stage.patch(maxConnections=1)) == []
        assert stage.connected == ["a"]

    def test_a_token_beyond_the_maximum_is_refused(self, stage: Stage) -> None:
        stage.patch(maxConnections=1)
        stage.app.token(stage.session)
        stage.connect("a")
        stage.aws.dynamodb.update_item(
            TableName=TABLE_NAME,
            Key={"pk": {"S": f"session#{stage.session}"}, "sk": {"S": "session"}},
            UpdateExpression="SET monitoredSince = :now",
            ExpressionAttributeValues={":now": {"N": str(MS)}},
        )
        with pytest.raises(SessionFull):
            stage.app.token(stage.session, BOB)
        with pytest.raises(SessionFull):
            stage.app.create({"room": "lobby", "token": {}}, BOB)


class TestParticipants:
    def test_the_clients_of_a_removed_user_are_disconnected(self, stage: Stage) -> None:
        stage.patch(participants={"bob": "publisher", "carol": "publisher"})
        stage.connect("b", data=identified_data("bob", ""))
        stage.connect("c", data=identified_data("carol", "x"))
        assert stage.change(lambda: stage.patch(participants={"bob": None})) == []
        assert stage.connected == ["c"]
        stage.connect("b-again", data=identified_data("bob", ""))
        stage.joined("b-again")
        assert stage.connected == ["c"]

    def test_a_user_who_is_back_on_the_list_may_stay(self, stage: Stage) -> None:
        stage.patch(participants={"bob": "publisher"})
        stage.patch(participants={"bob": None})
        stage.patch(participants={"bob": "subscriber"})
        stage.connect("b", data=identified_data("bob", ""))
        stage.joined("b")
        assert stage.connected == ["b"]

    @pytest.mark.parametrize("data", ["", "bob", '{"sub":"bob"}', '{"sub":7,"data":""}', "[]"])
    def test_other_connection_data_names_no_user(self, stage: Stage, data: str) -> None:
        stage.patch(participants={"bob": "publisher"})
        stage.connect("x", data=data)
        assert stage.change(lambda: stage.patch(participants={"bob": None})) == []
        assert stage.connected == ["x"]


class TestEnds:
    def test_the_end_of_a_session_buries_its_connections(self, stage: Stage) -> None:
        stage.connect("a", "b")
        change = lambda: stage.presence.record_latest(stage.session, "endedAt", MS + 5)  # noqa: E731
        assert stage.change(change) == []
        assert stage.aws.item(f"session#{stage.session}", "live#a") is None
        assert stage.aws.item(f"session#{stage.session}", "gone#b") is not None


class TestRemoving:
    def test_an_owner_removes_a_client(self, stage: Stage) -> None:
        stage.connect("a", "b")
        stage.remove(stage.session, "a", ALICE, DEADLINE)
        assert stage.connected == ["b"]
        stage.remove(stage.session, "b", MODERATOR, DEADLINE)
        assert stage.connected == []

    def test_others_may_not(self, stage: Stage) -> None:
        stage.connect("a")
        with pytest.raises(NotOwner):
            stage.remove(stage.session, "a", BOB, DEADLINE)
        with pytest.raises(SessionNotFound):
            stage.remove("unknown", "a", ALICE, DEADLINE)

    def test_a_client_that_is_not_connected_is_not_found(self, stage: Stage) -> None:
        with pytest.raises(ConnectionNotFound):
            stage.remove(stage.session, "a", ALICE, DEADLINE)

    def test_too_little_time_is_an_error_before_the_vendor_is_called(
        self, stage: Stage, vendor: VendorServer
    ) -> None:
        asked = vendor.asked
        with pytest.raises(StorageUnavailable):
            stage.remove(stage.session, "a", ALICE, Deadline.after(12.5, lambda: 0.0))
        assert vendor.asked == asked

    def test_a_ghost_is_removed(self, stage: Stage) -> None:
        stage.connect("ghost")
        stage.connected.clear()
        stage.remove(stage.session, "ghost", ALICE, DEADLINE)
        with pytest.raises(ConnectionNotFound):
            stage.remove(stage.session, "ghost", ALICE, DEADLINE)


class TestUpdating:
    def test_the_list_of_a_rooms_session_is_the_rooms_list(self, stage: Stage) -> None:
        stage.patch(participants={"bob": "publisher"})
        room = stage.app.store.find_room("lobby", "")
        assert room is not None
        assert room.participants == {"bob": "publisher"}
        stage.patch(participants=None)
        room = stage.app.store.find_room("lobby", "")
        assert room is not None
        assert room.participants is None

    def test_a_patch_of_a_missing_list_creates_one(self, stage: Stage) -> None:
        stage.patch(participants={})
        assert stage.app.recorded(stage.session).participants == {}

    def test_more_removed_users_than_a_record_can_hold_are_refused(self, stage: Stage) -> None:
        for start in range(0, 600, 200):
            users = [f"user-{number}" for number in range(start, start + 200)]
            stage.patch(participants=dict.fromkeys(users, "subscriber"))
            if start < 400:
                stage.patch(participants=dict.fromkeys(users))
        with pytest.raises(InvalidRequest):
            stage.patch(participants=dict.fromkeys(users))

    def test_too_many_participants_are_refused(self, stage: Stage) -> None:
        for names in ("a", "b"):
            roles = {f"{names}-{number}": "subscriber" for number in range(100)}
            stage.patch(participants=roles)
        with pytest.raises(InvalidRequest):
            stage.patch(participants={"one-more": "subscriber"})

    def test_a_window_that_would_be_closed_or_inverted_is_refused(self, stage: Stage) -> None:
        with pytest.raises(InvalidRequest):
            stage.patch(closesAt="2020-01-01T00:00:00Z")
        stage.patch(opensAt="2030-05-01T00:00:00Z")
        with pytest.raises(InvalidCombination):
            stage.patch(closesAt="2030-04-01T00:00:00Z")

    def test_concurrent_changes_are_both_kept(self, stage: Stage, aws: Aws) -> None:
        other = before(lambda: stage.patch(maxConnections=7))
        aws.meet("TransactWriteItems", other)
        stage.patch(participants={"bob": "publisher"})
        session = stage.app.recorded(stage.session)
        assert (session.max_connections, session.participants) == (7, {"bob": "publisher"})

    def test_null_removes_a_value(self, stage: Stage) -> None:
        stage.patch(maxConnections=5, closesAt="2031-01-01T00:00:00Z")
        assert stage.app.recorded(stage.session).max_connections == 5
        stage.patch(maxConnections=None)
        session = stage.app.recorded(stage.session)
        assert (session.max_connections, session.revision) == (None, 2)
        assert session.closes_at is not None

    def test_a_closed_session_cannot_be_changed(self, stage: Stage) -> None:
        stage.app.close(stage.session)
        with pytest.raises(SessionClosed):
            stage.patch(maxConnections=1)

    def test_others_may_not_change_it(self, stage: Stage) -> None:
        with pytest.raises(NotOwner):
            stage.patch(BOB, maxConnections=1)
