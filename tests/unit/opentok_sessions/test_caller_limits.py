"""The limits of one caller: sessions per hour, tokens per minute, and rooms held at one time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

import pytest

from opentok_sessions.domain.limits import Limits
from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.problems import (
    RoomOptionsConflict,
    SessionNotFound,
    StorageUnavailable,
    TooManyRequests,
)
from tests.aws import Aws, canceled, refuse
from tests.unit.opentok_sessions.application import (
    ALICE,
    BOB,
    MODERATOR,
    NOW,
    RETENTION,
    Application,
    Clock,
)
from tests.unit.opentok_sessions.vendor_server import VendorServer

HOUR = 3600
LEFT = HOUR - NOW % HOUR
Start = Callable[..., Application]


@pytest.fixture
def start(aws: Aws, vendor: VendorServer, clock: Clock) -> Start:
    def started(sessions: int = 0, tokens: int = 0, rooms: int = 0) -> Application:
        limits = Limits.of(sessions, tokens, rooms)
        return Application.start(aws, vendor, clock, limits=limits)

    return started


def counters(aws: Aws, caller: Caller = ALICE) -> dict[str, int]:
    return {
        item["sk"]["S"]: int(item["used"]["N"])
        for item in aws.items(f"caller##{caller.sub}")
        if "used" in item
    }


def held(aws: Aws, caller: Caller = ALICE) -> set[str]:
    item = aws.item(f"caller##{caller.sub}", "rooms")
    return set(item["rooms"]["SS"]) if item and "rooms" in item else set()


class TestSessions:
    def test_the_session_after_the_limit_is_refused_until_the_next_hour(
        self, start: Start, clock: Clock
    ) -> None:
        app = start(sessions=2)
        app.create()
        app.create({"room": "lobby"})
        with pytest.raises(TooManyRequests) as refused:
            app.create()
        assert refused.value.retry_after == LEFT
        clock.turn(LEFT - 1)
        with pytest.raises(TooManyRequests):
            app.create()
        clock.turn(1)
        app.create()

    def test_callers_are_limited_separately(self, start: Start) -> None:
        app = start(sessions=1)
        app.create()
        app.create(caller=BOB)
        with pytest.raises(TooManyRequests):
            app.create(caller=BOB)

    def test_moderators_are_exempt(self, aws: Aws, start: Start) -> None:
        app = start(sessions=1, tokens=1, rooms=1)
        for number in range(3):
            created = app.create({"room": f"r{number}", "reuse": "permanent"}, MODERATOR)
            app.token(created.session.session_id, MODERATOR)
        assert aws.items("caller#") == []

    def test_neither_a_pool_nor_the_vendor_is_used_beyond_the_limit(
        self, aws: Aws, start: Start, vendor: VendorServer
    ) -> None:
        app = start(sessions=1)
        app.create()
        app.fill("routed", "pooled")
        asked = vendor.asked
        aws.forget_calls()
        with pytest.raises(TooManyRequests):
            app.create()
        assert aws.calls == ["UpdateItem"]
        assert vendor.asked == asked
        assert app.pooled() == {"pooled"}

    def test_joining_and_repeating_are_free(self, aws: Aws, start: Start) -> None:
        app = start(sessions=1)
        first = app.create({"room": "lobby", "token": {}}, key="k")
        for _ in range(3):
            assert app.create({"room": "lobby", "token": {}}).session == first.session
            repeated = app.create({"room": "lobby", "token": {}}, key="k")
            assert repeated.session.session_id == first.session.session_id
        assert list(counters(aws).values()) == [1]

    def test_a_new_session_costs_one_write_more(self, aws: Aws, start: Start) -> None:
        costs = []
        for app in (start(), start(sessions=5)):
            app.fill("routed", "a", "b")
            app.create()
            aws.forget_calls()
            app.create()
            costs.append([call for call in aws.calls if call != "Query"])
        assert sorted([*costs[0], "UpdateItem"]) == sorted(costs[1])

    def test_a_race_is_counted_once(self, aws: Aws, start: Start) -> None:
        app = start(sessions=5)
        aws.meet("TransactWriteItems", canceled("TransactionConflict", "None"), None)
        app.create({"room": "lobby"})
        assert aws.calls.count("TransactWriteItems") == 2
        assert list(counters(aws).values()) == [1]

    def test_concurrent_requests_never_exceed_the_limit(self, aws: Aws, start: Start) -> None:
        app = start(sessions=5)
        app.fill("routed", *(f"p{number}" for number in range(20)))
        results: list[bool] = []

        def create() -> None:
            try:
                app.create()
            except TooManyRequests:
                results.append(False)
            else:
                results.append(True)

        threads = [threading.Thread(target=create) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results.count(True) == 5
        assert results.count(False) == 7

    def test_a_counter_expires_with_its_window(self, aws: Aws, start: Start) -> None:
        start(sessions=5).create()
        [item] = aws.items("caller#")
        assert int(item["ttl"]["N"]) == NOW + LEFT
        assert item["schema"] == {"N": "1"}

    def test_without_limits_nothing_is_written_for_the_caller(self, aws: Aws, start: Start) -> None:
        app = start()
        created = app.create({"room": "lobby", "reuse": "permanent", "participants": {}})
        app.token(created.session.session_id)
        assert aws.items("caller#") == []


class TestTokens:
    def test_the_token_after_the_limit_is_refused_until_the_next_minute(
        self, start: Start, clock: Clock
    ) -> None:
        app = start(tokens=2)
        session_id = app.create().session.session_id
        app.token(session_id)
        app.token(session_id)
        with pytest.raises(TooManyRequests) as refused:
            app.token(session_id)
        assert refused.value.retry_after == 60 - NOW % 60
        clock.turn(60 - NOW % 60)
        app.token(session_id)

    def test_a_caller_who_is_not_admitted_uses_nothing(self, aws: Aws, start: Start) -> None:
        app = start(tokens=1)
        session_id = app.create({"participants": {}}).session.session_id
        for _ in range(3):
            with pytest.raises(SessionNotFound):
                app.token(session_id, BOB)
        assert counters(aws, BOB) == {}

    def test_a_token_in_the_response_of_a_new_session_is_not_counted(
        self, aws: Aws, start: Start
    ) -> None:
        start(tokens=1).create({"token": {}})
        assert counters(aws) == {}


class TestRooms:
    PRIVATE: ClassVar[dict[str, object]] = {"participants": {"bob": "publisher"}}
    PERMANENT: ClassVar[dict[str, object]] = {"reuse": "permanent"}

    def test_private_and_permanent_rooms_are_counted_together(self, aws: Aws, start: Start) -> None:
        app = start(rooms=2)
        app.create({"room": "a", **self.PRIVATE})
        app.create({"room": "b", **self.PERMANENT})
        for body in (self.PRIVATE, self.PERMANENT):
            with pytest.raises(TooManyRequests) as refused:
                app.create({"room": "c", **body})
            assert refused.value.retry_after == 60
        assert held(aws) == {"a", "b"}

    def test_open_rooms_and_sessions_without_a_room_are_free(self, aws: Aws, start: Start) -> None:
        app = start(rooms=1)
        for room in "abc":
            app.create({"room": room})
        app.create(self.PRIVATE)
        assert held(aws) == set()

    def test_the_next_session_of_a_held_room_is_free(
        self, aws: Aws, start: Start, clock: Clock
    ) -> None:
        app = start(rooms=1)
        first = app.create({"room": "a", **self.PRIVATE})
        app.close(first.session.session_id)
        second = app.create({"room": "a"})
        assert second.session != first.session
        assert held(aws) == {"a"}

    def test_a_participant_who_opens_the_next_session_holds_nothing(
        self, aws: Aws, start: Start
    ) -> None:
        app = start(rooms=1)
        first = app.create({"room": "a", **self.PRIVATE})
        app.close(first.session.session_id)
        app.create({"room": "a"}, BOB)
        assert held(aws, BOB) == set()

    def test_a_released_room_makes_room_for_another(self, aws: Aws, start: Start) -> None:
        app = start(rooms=1)
        app.create({"room": "a", **self.PRIVATE})
        with pytest.raises(TooManyRequests):
            app.create({"room": "b", **self.PRIVATE})
        app.release_room("a", ALICE)
        app.create({"room": "b", **self.PRIVATE})
        assert held(aws) == {"b"}

    def test_a_moderator_who_releases_a_room_frees_its_owner(self, aws: Aws, start: Start) -> None:
        app = start(rooms=1)
        app.create({"room": "a", **self.PRIVATE})
        app.release_room("a", MODERATOR)
        assert held(aws) == set()

    def test_a_room_that_has_expired_makes_room_for_another(
        self, aws: Aws, start: Start, clock: Clock
    ) -> None:
        app = start(rooms=2)
        app.create({"room": "a", **self.PRIVATE})
        clock.turn(RETENTION / 2)
        app.create({"room": "b", **self.PRIVATE})
        clock.turn(RETENTION / 2 + 1)  # TTL removes items late, so the record is still there
        app.create({"room": "c", **self.PRIVATE})
        assert held(aws) == {"b", "c"}

    def test_a_room_that_could_not_be_opened_is_not_held_for_long(
        self, aws: Aws, start: Start
    ) -> None:
        app = start(rooms=1)
        aws.meet("TransactWriteItems", refuse("ValidationException", 400))
        with pytest.raises(StorageUnavailable):
            app.create({"room": "a", **self.PRIVATE})
        app.create({"room": "b", **self.PRIVATE})
        assert held(aws) == {"b"}

    def test_the_rooms_at_the_limit_are_read_once_a_minute(
        self, aws: Aws, start: Start, clock: Clock
    ) -> None:
        app = start(rooms=1)
        app.create({"room": "a", **self.PRIVATE})
        for seconds, reads in ((0, 1), (59, 1), (1, 2)):
            clock.turn(seconds)
            with pytest.raises(TooManyRequests):
                app.create({"room": "b", **self.PRIVATE})
            assert aws.calls.count("BatchGetItem") == reads

    def test_refused_callers_learn_nothing_about_a_private_room(self, start: Start) -> None:
        app = start(rooms=1)
        app.create({"room": "a", "participants": {}}, BOB)
        with pytest.raises(SessionNotFound):
            app.create({"room": "a", **self.PRIVATE})

    def test_a_conflict_with_a_live_room_is_reported_before_a_limit(self, start: Start) -> None:
        app = start(sessions=1)
        app.create({"room": "a"})
        with pytest.raises(RoomOptionsConflict):
            app.create({"room": "a", "e2ee": True})
