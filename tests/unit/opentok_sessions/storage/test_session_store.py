"""The records of sessions, rooms and keys: what is written together, and the conditions."""

from __future__ import annotations

import pytest

from opentok_client.grant import Role
from opentok_sessions.domain.claims import IdempotencyRecord, KeyClaim, Outcome, RoomClaim
from opentok_sessions.domain.deadline import IDEMPOTENCY_TTL_SECONDS, PERMANENT_TTL_SECONDS
from opentok_sessions.domain.models import Reuse, Session
from opentok_sessions.domain.problems import DamagedRecord, StorageUnavailable
from opentok_sessions.storage.pool_store import PoolStore
from opentok_sessions.storage.session_store import SessionStore
from opentok_sessions.storage.table import Table
from tests.aws import (
    API_KEY,
    TABLE_NAME,
    Aws,
    before,
    canceled,
    refuse,
    reply_lost,
    sent_twice,
)
from tests.unit.opentok_sessions.application import DAY, DEADLINE, IDLE, NOW, a_session, session_in

RETENTION = 30 * DAY
KEY = KeyClaim("k" * 64, "b" * 64)
LATER = NOW + IDLE


@pytest.fixture
def table(aws: Aws) -> Table:
    return Table(aws.client("dynamodb"), TABLE_NAME)


@pytest.fixture
def store(table: Table) -> SessionStore:
    return SessionStore(table, RETENTION)


def pool(table: Table, session: Session) -> None:
    PoolStore(table).add(session.session_id, session.project_id, f"{API_KEY}#routed", NOW)


def in_room(number: object = 1, **values: object) -> Session:
    return a_session(number, **{"room": "lobby", "reuse": Reuse.CONVERSATION, **values})


def ttl(aws: Aws, pk: str) -> int | None:
    item = aws.item(pk)
    assert item is not None
    return int(item["ttl"]["N"]) if "ttl" in item else None


class TestRecordingASession:
    def test_one_that_was_made_just_now(self, aws: Aws, store: SessionStore) -> None:
        session = a_session(participants={"bob": Role.SUBSCRIBER}, closes_at=NOW + 5 * DAY)
        assert store.record(session, NOW, pooled=False) is Outcome.RECORDED
        assert store.find_session(session.session_id) == session
        assert aws.calls == ["PutItem", "GetItem"]

    def test_one_that_waited_in_a_pool_leaves_it(
        self, aws: Aws, table: Table, store: SessionStore
    ) -> None:
        session = a_session()
        pool(table, session)
        assert store.find_session(session.session_id) is None
        assert store.record(session, NOW, pooled=True) is Outcome.RECORDED
        assert store.find_session(session.session_id) == session
        item = aws.item("session#session-1")
        assert item is not None
        assert not {"poolId", "poolKey", "pooledAt"} & item.keys()
        assert list(PoolStore(table).find_pooled(f"{API_KEY}#routed", DEADLINE)) == []

    def test_one_that_has_an_owner_is_taken(self, table: Table, store: SessionStore) -> None:
        first = a_session(owner="bob", claim_id="bobs")
        pool(table, first)
        assert store.record(first, NOW, pooled=True) is Outcome.RECORDED
        for pooled in (True, False):
            outcome = store.record(a_session(), NOW, pooled=pooled)
            assert outcome is Outcome.SESSION_TAKEN
        assert store.find_session("session-1") == first

    def test_one_that_waits_in_a_pool_is_not_free(self, table: Table, store: SessionStore) -> None:
        pool(table, a_session())
        assert store.record(a_session(), NOW, pooled=False) is Outcome.SESSION_TAKEN
        assert store.find_session("session-1") is None

    def test_one_that_the_index_knows_and_the_table_does_not(
        self, aws: Aws, store: SessionStore
    ) -> None:
        assert store.record(a_session(), NOW, pooled=True) is Outcome.SESSION_TAKEN
        assert aws.items() == []

    @pytest.mark.parametrize("pooled", [True, False])
    def test_a_lost_reply(self, aws: Aws, table: Table, store: SessionStore, pooled: bool) -> None:
        if pooled:
            pool(table, a_session())
        aws.meet("PutItem", sent_twice)
        assert store.record(a_session(), NOW, pooled=pooled) is Outcome.RECORDED
        assert store.find_session("session-1") == a_session()

    def test_a_concurrent_transaction_is_a_conflict(self, aws: Aws, store: SessionStore) -> None:
        aws.meet("PutItem", refuse("TransactionConflictException"))
        assert store.record(a_session(), NOW, pooled=False) is Outcome.CONFLICT

    def test_dynamodb_fails(self, aws: Aws, store: SessionStore) -> None:
        aws.meet_always("PutItem", refuse("ResourceNotFoundException"))
        with pytest.raises(StorageUnavailable):
            store.record(a_session(), NOW, pooled=False)


class TestRecordingForARoom:
    def test_the_first_gets_the_room(self, aws: Aws, store: SessionStore) -> None:
        outcome = store.record(in_room(), NOW, pooled=False, room=RoomClaim("lobby"))
        assert outcome is Outcome.RECORDED
        assert session_in(store, "lobby") == "session-1"
        assert aws.calls == ["TransactWriteItems", "GetItem"]

    def test_the_second_does_not(self, store: SessionStore) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        outcome = store.record(in_room(2), NOW, pooled=False, room=RoomClaim("lobby"))
        assert outcome is Outcome.ROOM_TAKEN
        assert session_in(store, "lobby") == "session-1"
        assert store.find_session("session-2") is None

    def test_a_session_from_the_pool_stays_there_when_the_room_is_lost(
        self, table: Table, store: SessionStore
    ) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        pool(table, in_room(2))
        outcome = store.record(in_room(2), NOW, pooled=True, room=RoomClaim("lobby"))
        assert outcome is Outcome.ROOM_TAKEN
        assert list(PoolStore(table).find_pooled(f"{API_KEY}#routed", DEADLINE)) == ["session-2"]

    def test_the_room_moves_on_from_the_one_that_was_seen(self, store: SessionStore) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        claim = RoomClaim("lobby", seen="session-1")
        assert store.record(in_room(2), NOW, pooled=False, room=claim) is Outcome.RECORDED
        assert session_in(store, "lobby") == "session-2"
        assert store.record(in_room(3), NOW, pooled=False, room=claim) is Outcome.ROOM_TAKEN
        assert session_in(store, "lobby") == "session-2"

    def test_a_pointer_that_is_gone_is_not_the_one_that_was_seen(self, store: SessionStore) -> None:
        claim = RoomClaim("lobby", seen="session-0")
        assert store.record(in_room(1), NOW, pooled=False, room=claim) is Outcome.ROOM_TAKEN
        assert store.find_session("session-1") is None

    def test_the_idle_one_is_marked(self, store: SessionStore) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        claim = RoomClaim("lobby", seen="session-1", superseded=in_room(1))
        assert store.record(in_room(2), LATER, pooled=False, room=claim) is Outcome.RECORDED
        old, new = store.find_session("session-1"), store.find_session("session-2")
        assert old is not None and old.superseded and not old.closed
        assert new is not None and not new.superseded

    def test_one_that_is_idle_no_longer_keeps_its_room(self, store: SessionStore) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        claim = RoomClaim("lobby", seen="session-1", superseded=in_room(1))
        assert store.touch(in_room(1), LATER - 1, joining=True)
        assert store.record(in_room(2), LATER, pooled=False, room=claim) is Outcome.ROOM_TAKEN
        old = store.find_session("session-1")
        assert old is not None and not old.superseded
        assert store.find_session("session-2") is None
        assert session_in(store, "lobby") == "session-1"

    def test_an_idle_one_that_is_removed_meanwhile_leaves_no_rest(
        self, aws: Aws, store: SessionStore
    ) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        claim = RoomClaim("lobby", seen="session-1", superseded=in_room(1))
        aws.delete("session#session-1")
        assert store.record(in_room(2), LATER, pooled=False, room=claim) is Outcome.ROOM_TAKEN
        assert aws.items("session#") == []

    def test_an_idle_one_is_not_its_own_successor(self, store: SessionStore) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        claim = RoomClaim("lobby", seen="session-1", superseded=in_room(1))
        again = in_room(1, claim_id="another")
        assert store.record(again, LATER, pooled=False, room=claim) is Outcome.SESSION_TAKEN
        assert store.find_session("session-1") == in_room(1)

    def test_a_lost_reply(self, aws: Aws, store: SessionStore) -> None:
        aws.meet("TransactWriteItems", sent_twice)
        outcome = store.record(in_room(), NOW, pooled=False, room=RoomClaim("lobby"))
        assert outcome is Outcome.RECORDED

    def test_a_lost_reply_when_an_idle_session_was_replaced(
        self, aws: Aws, store: SessionStore
    ) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        aws.meet("TransactWriteItems", sent_twice)
        claim = RoomClaim("lobby", seen="session-1", superseded=in_room(1))
        assert store.record(in_room(2), LATER, pooled=False, room=claim) is Outcome.RECORDED

    def test_a_lost_reply_through_botocores_own_retry(self, aws: Aws, store: SessionStore) -> None:
        aws.meet("TransactWriteItems", reply_lost)
        outcome = store.record(in_room(), NOW, pooled=False, room=RoomClaim("lobby"), key=KEY)
        assert outcome is Outcome.RECORDED
        assert aws.calls == ["TransactWriteItems"] * 2
        tokens = {request["ClientRequestToken"] for request in aws.requests}
        assert len(tokens) == 1  # by which DynamoDB itself recognises the repeat

    def test_a_concurrent_transaction_is_a_conflict(self, aws: Aws, store: SessionStore) -> None:
        aws.meet("TransactWriteItems", canceled("None", "TransactionConflict"))
        outcome = store.record(in_room(), NOW, pooled=False, room=RoomClaim("lobby"))
        assert outcome is Outcome.CONFLICT


class TestKeys:
    def test_a_key_is_taken_with_the_session(self, aws: Aws, store: SessionStore) -> None:
        assert store.record(a_session(), NOW, pooled=False, key=KEY) is Outcome.RECORDED
        assert store.find_idempotency_record(KEY.key, NOW) == IdempotencyRecord(
            KEY.body_hash, "session-1", False
        )
        assert aws.calls[0] == "TransactWriteItems"

    def test_a_key_that_is_taken_keeps_everything_as_it_was(self, store: SessionStore) -> None:
        store.record(a_session(1), NOW, pooled=False, key=KEY)
        outcome = store.record(
            in_room(2), NOW, pooled=False, room=RoomClaim("lobby"), key=KeyClaim(KEY.key, "other")
        )
        assert outcome is Outcome.KEY_TAKEN
        assert store.find_session("session-2") is None
        assert session_in(store, "lobby") is None
        assert store.find_idempotency_record(KEY.key, NOW) == IdempotencyRecord(
            KEY.body_hash, "session-1", False
        )

    def test_the_room_and_the_key_go_together(self, store: SessionStore) -> None:
        room = RoomClaim("lobby")
        assert store.record(in_room(), NOW, pooled=False, room=room, key=KEY) is Outcome.RECORDED
        assert session_in(store, "lobby") == "session-1"
        assert store.find_idempotency_record(KEY.key, NOW) is not None

    def test_a_key_lives_for_a_day(self, aws: Aws, store: SessionStore) -> None:
        store.record(a_session(1), NOW, pooled=False, key=KEY)
        end = NOW + IDEMPOTENCY_TTL_SECONDS
        assert IDEMPOTENCY_TTL_SECONDS == 24 * 3600
        assert ttl(aws, f"idem#{KEY.key}") == end
        assert store.find_idempotency_record(KEY.key, end - 1) is not None
        assert store.find_idempotency_record(KEY.key, end) is None

    def test_an_expired_key_is_free_although_it_is_still_there(self, store: SessionStore) -> None:
        store.record(a_session(1), NOW, pooled=False, key=KEY)
        end = NOW + IDEMPOTENCY_TTL_SECONDS
        taken = store.record(a_session(2), end - 1, pooled=False, key=KEY)
        assert taken is Outcome.KEY_TAKEN
        assert store.record(a_session(2), end, pooled=False, key=KEY) is Outcome.RECORDED
        assert store.find_idempotency_record(KEY.key, end) == IdempotencyRecord(
            KEY.body_hash, "session-2", False
        )

    def test_a_key_for_a_room_that_had_its_session(self, aws: Aws, store: SessionStore) -> None:
        store.record(in_room(), NOW, pooled=False, room=RoomClaim("lobby"))
        aws.forget_calls()
        assert store.record_join(KEY, in_room(), NOW) is Outcome.RECORDED
        assert aws.calls == ["PutItem"]
        assert store.find_idempotency_record(KEY.key, NOW) == IdempotencyRecord(
            KEY.body_hash, "session-1", True
        )
        assert store.record_join(KEY, in_room(2), NOW) is Outcome.KEY_TAKEN
        assert store.record_join(KEY, in_room(2), NOW + DAY) is Outcome.RECORDED

    def test_a_conflict_at_such_a_key(self, aws: Aws, store: SessionStore) -> None:
        aws.meet("PutItem", refuse("TransactionConflictException"))
        assert store.record_join(KEY, in_room(), NOW) is Outcome.CONFLICT

    def test_no_key_is_remembered_as_none(self, store: SessionStore) -> None:
        assert store.find_idempotency_record(KEY.key, NOW) is None

    @pytest.mark.parametrize("missing", ["expiresAt", "bodyHash", "sessionId"])
    def test_a_damaged_key(self, aws: Aws, store: SessionStore, missing: str) -> None:
        store.record(a_session(), NOW, pooled=False, key=KEY)
        item = aws.item(f"idem#{KEY.key}")
        assert item is not None
        del item[missing]
        aws.put(item)
        with pytest.raises(DamagedRecord, match=missing):
            store.find_idempotency_record(KEY.key, NOW)

    def test_a_key_of_an_older_version_was_a_session_of_its_own(
        self, aws: Aws, store: SessionStore
    ) -> None:
        store.record(a_session(), NOW, pooled=False, key=KEY)
        item = aws.item(f"idem#{KEY.key}")
        assert item is not None
        del item["joined"]
        aws.put(item)
        assert store.find_idempotency_record(KEY.key, NOW) == IdempotencyRecord(
            KEY.body_hash, "session-1", False
        )


class TestTtl:
    def test_the_ttl_is_the_last_relevant_time_plus_the_retention(
        self, aws: Aws, store: SessionStore
    ) -> None:
        store.record(a_session(1), NOW + 0.9, pooled=False)
        store.record(a_session(2, opens_at=NOW + 50), NOW, pooled=False)
        store.record(a_session(3, opens_at=NOW + 50, closes_at=NOW + 60), NOW, pooled=False)
        assert ttl(aws, "session#session-1") == NOW + RETENTION
        assert ttl(aws, "session#session-2") == NOW + 50 + RETENTION
        assert ttl(aws, "session#session-3") == NOW + 60 + RETENTION

    def test_a_room_lives_as_long_as_its_session(self, aws: Aws, store: SessionStore) -> None:
        store.record(in_room(closes_at=NOW + DAY), NOW, pooled=False, room=RoomClaim("lobby"))
        assert ttl(aws, "room#lobby") == ttl(aws, "session#session-1") == NOW + DAY + RETENTION

    def test_permanent_sessions_are_kept_for_a_year_after_their_last_use(
        self, aws: Aws, store: SessionStore
    ) -> None:
        session = in_room(reuse=Reuse.PERMANENT)
        store.record(session, NOW, pooled=False, room=RoomClaim("lobby"))
        for key in ("session#session-1", "room#lobby"):
            assert ttl(aws, key) == NOW + PERMANENT_TTL_SECONDS
        assert store.touch(session, LATER, joining=True)
        for key in ("session#session-1", "room#lobby"):
            assert ttl(aws, key) == LATER + PERMANENT_TTL_SECONDS


class TestTouch:
    def test_a_session_without_a_room(self, aws: Aws, store: SessionStore) -> None:
        store.record(a_session(), NOW, pooled=False)
        assert store.touch(a_session(), LATER + 0.7, joining=False)
        touched = store.find_session("session-1")
        assert touched == a_session(last_used_at=LATER)
        assert ttl(aws, "session#session-1") == LATER + RETENTION
        assert aws.calls == ["PutItem", "UpdateItem", "GetItem"]

    @pytest.mark.parametrize("joining", [True, False])
    def test_a_rooms_session_and_its_pointer_live_on(
        self, aws: Aws, store: SessionStore, joining: bool
    ) -> None:
        store.record(in_room(), NOW, pooled=False, room=RoomClaim("lobby"))
        assert store.touch(in_room(), LATER, joining=joining)
        assert store.find_session("session-1") == in_room(last_used_at=LATER)
        assert ttl(aws, "session#session-1") == ttl(aws, "room#lobby") == LATER + RETENTION

    def test_a_permanent_rooms_session(self, aws: Aws, store: SessionStore) -> None:
        session = in_room(reuse=Reuse.PERMANENT)
        store.record(session, NOW, pooled=False, room=RoomClaim("lobby"))
        aws.forget_calls()
        assert store.touch(session, LATER, joining=True)
        assert aws.calls == ["TransactWriteItems"]
        assert store.find_session("session-1") == in_room(reuse=Reuse.PERMANENT, last_used_at=LATER)

    @pytest.mark.parametrize("joining", [True, False])
    def test_one_that_is_gone_is_not_made_again(
        self, aws: Aws, store: SessionStore, joining: bool
    ) -> None:
        assert store.touch(a_session(), LATER, joining=joining) is False
        assert store.touch(in_room(), LATER, joining=joining) is False
        assert aws.items() == []

    def test_joining_one_whose_room_moved_on(self, store: SessionStore) -> None:
        old = in_room(1)
        store.record(old, NOW, pooled=False, room=RoomClaim("lobby"))
        claim = RoomClaim("lobby", seen="session-1", superseded=old)
        store.record(in_room(2), LATER, pooled=False, room=claim)
        assert store.touch(old, LATER, joining=True) is False
        left = store.find_session("session-1")
        assert left is not None and left.last_used_at == NOW

    def test_a_permanent_one_whose_room_moved_on_cannot_be_joined(
        self, store: SessionStore
    ) -> None:
        old = in_room(1, reuse=Reuse.PERMANENT)
        store.record(old, NOW, pooled=False, room=RoomClaim("lobby"))
        claim = RoomClaim("lobby", seen="session-1", superseded=old)
        store.record(in_room(2), LATER, pooled=False, room=claim)
        assert store.touch(old, LATER, joining=True) is False

    def test_using_one_whose_room_moved_on_keeps_its_record(
        self, aws: Aws, store: SessionStore
    ) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        claim = RoomClaim("lobby", seen="session-1", superseded=in_room(1))
        store.record(in_room(2), LATER, pooled=False, room=claim)
        superseded = store.find_session("session-1")
        assert superseded is not None
        assert store.touch(superseded, LATER + 5, joining=False)
        assert ttl(aws, "session#session-1") == LATER + 5 + RETENTION
        assert ttl(aws, "room#lobby") == LATER + RETENTION

    def test_a_room_that_was_closed_and_given_away(self, store: SessionStore) -> None:
        store.record(in_room(1), NOW, pooled=False, room=RoomClaim("lobby"))
        store.record(in_room(2), NOW, pooled=False, room=RoomClaim("lobby", seen="session-1"))
        assert store.touch(in_room(1), LATER, joining=True) is False
        left = store.find_session("session-1")
        assert left is not None and left.last_used_at == NOW

    def test_a_conflict_was_not_noted(self, aws: Aws, store: SessionStore) -> None:
        store.record(in_room(), NOW, pooled=False, room=RoomClaim("lobby"))
        aws.meet("TransactWriteItems", canceled("TransactionConflict", "None"))
        assert store.touch(in_room(), LATER, joining=True) is False

    def test_a_joiner_and_a_successor_at_the_same_moment(
        self, aws: Aws, store: SessionStore
    ) -> None:
        """One of the two writes fails, in either order."""
        old = in_room(1)
        claim = RoomClaim("lobby", seen="session-1", superseded=old)
        store.record(old, NOW, pooled=False, room=RoomClaim("lobby"))
        outcomes: list[Outcome] = []
        succeed = before(
            lambda: outcomes.append(store.record(in_room(2), LATER, pooled=False, room=claim))
        )
        aws.meet("TransactWriteItems", succeed)
        assert store.touch(old, LATER, joining=True) is False
        assert outcomes == [Outcome.RECORDED]

        newest = in_room(2)
        claim = RoomClaim("lobby", seen="session-2", superseded=newest)
        noted: list[bool] = []
        join = before(lambda: noted.append(store.touch(newest, LATER + IDLE, joining=True)))
        aws.meet("TransactWriteItems", join)
        late = store.record(in_room(3), LATER + IDLE, pooled=False, room=claim)
        assert (late, noted) == (Outcome.ROOM_TAKEN, [True])
        assert session_in(store, "lobby") == "session-2"


class TestClosing:
    def test_closing_is_final(self, aws: Aws, store: SessionStore) -> None:
        store.record(a_session(), NOW, pooled=False)
        store.close(a_session(), NOW + 5.5)
        closed = store.find_session("session-1")
        assert closed == a_session(closed=True)
        store.close(a_session(), NOW + 9)
        item = aws.item("session#session-1")
        assert item is not None
        assert item["closedAt"] == {"N": str(NOW + 5)}
        assert ttl(aws, "session#session-1") == NOW + 5 + RETENTION

    def test_one_that_is_not_there_is_not_made(self, aws: Aws, store: SessionStore) -> None:
        store.close(a_session(), NOW)
        assert aws.items() == []

    def test_one_that_waits_in_a_pool_stays_there(self, table: Table, store: SessionStore) -> None:
        pool(table, a_session())
        store.close(a_session(), NOW)
        assert list(PoolStore(table).find_pooled(f"{API_KEY}#routed", DEADLINE)) == ["session-1"]

    def test_a_lost_reply(self, aws: Aws, store: SessionStore) -> None:
        store.record(a_session(), NOW, pooled=False)
        aws.meet("UpdateItem", sent_twice)
        store.close(a_session(), NOW)
        assert store.find_session("session-1") == a_session(closed=True)


def test_a_damaged_room(aws: Aws, store: SessionStore) -> None:
    aws.put({"pk": {"S": "room#lobby"}})
    with pytest.raises(DamagedRecord, match="room#lobby"):
        session_in(store, "lobby")


def test_what_is_not_there_is_none(store: SessionStore) -> None:
    assert store.find_session("session-1") is None
    assert session_in(store, "lobby") is None
