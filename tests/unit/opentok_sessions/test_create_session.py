"""Creating a session: every source of a session, and every race."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import jwt
import pytest
from botocore.awsrequest import AWSResponse

from opentok_client.credentials import Platform
from opentok_client.grant import Role
from opentok_client.options import ArchiveMode, MediaMode, SessionOptions
from opentok_sessions.create_session import FALLBACK_REASON
from opentok_sessions.domain.deadline import RACE_ATTEMPTS
from opentok_sessions.domain.models import Caller, Created, Reuse, Source
from opentok_sessions.domain.problems import (
    AlreadyRegistered,
    CredentialsUnavailable,
    DamagedRecord,
    IdempotencyConflict,
    InvalidRequest,
    RoleNotAllowed,
    RoomOptionsConflict,
    SessionClosed,
    SessionNotFound,
    SessionNotOpenYet,
    StorageUnavailable,
    VendorRejected,
    VendorUnavailable,
)
from tests.aws import (
    API_KEY,
    API_SECRET,
    Answer,
    Aws,
    before,
    canceled,
    refuse,
    sent_twice,
)
from tests.unit.opentok_sessions.application import (
    ALICE,
    BOB,
    DAY,
    IDLE,
    MODERATOR,
    NOW,
    Application,
    Clock,
    session_in,
)
from tests.unit.opentok_sessions.vendor_server import VendorServer, session_id

Metrics = Callable[[], Counter[str]]

NEW_SECRET = "a-new-secret-that-was-made-up-for-tests"
OTHER_KEY, OTHER_SECRET = "46000000", "another-secret-that-was-made-up-for-tests"


def instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def change_project(aws: Aws, vendor: VendorServer) -> None:
    aws.put_secret({"apiKey": OTHER_KEY, "apiSecret": OTHER_SECRET})
    vendor.secrets[OTHER_KEY] = OTHER_SECRET


class TestASessionOfItsOwn:
    def test_a_session_is_created_by_the_vendor(
        self, app: Application, vendor: VendorServer, metrics: Metrics
    ) -> None:
        created = app.create()
        session = created.session
        assert [session.session_id] == vendor.made
        assert session == app.recorded(session.session_id)
        assert (created.joined, created.token) == (False, None)
        assert session.owner == ALICE.sub
        assert session.project_id == API_KEY
        assert session.source is Source.CREATED
        assert session.created_at == NOW * 1000
        assert session.last_used_at == NOW
        assert (session.room, session.reuse, session.participants) == (None, None, None)
        assert metrics() == {"SessionCreated": 1, "routed:PoolMissed": 1}

    def test_every_request_gets_a_new_session(self, app: Application) -> None:
        assert app.create().session.session_id != app.create().session.session_id
        assert len(app.owned()) == 2

    def test_a_session_has_the_requested_options(
        self, app: Application, vendor: VendorServer
    ) -> None:
        body = {
            "archiveMode": "always",
            "archiveName": "standup",
            "archiveResolution": "1280x720",
            "location": "12.34.56.78",
            "participants": {"bob": "subscriber"},
            "closesAt": instant(NOW + DAY),
        }
        session = app.create(body).session
        assert session.options == SessionOptions(
            MediaMode.ROUTED, ArchiveMode.ALWAYS, "standup", "1280x720", "12.34.56.78"
        )
        assert session.participants == {"bob": Role.SUBSCRIBER}
        assert session.closes_at == NOW + DAY
        assert vendor.forms == [
            {
                "p2p.preference": "disabled",
                "archiveMode": "always",
                "archiveName": "standup",
                "archiveResolution": "1280x720",
                "location": "12.34.56.78",
            }
        ]
        assert app.recorded(session.session_id) == session

    def test_auto_gives_the_reason(self, app: Application, vendor: VendorServer) -> None:
        session = app.create({"expectedParticipants": 2}).session
        assert session.options.media_mode is MediaMode.RELAYED
        assert "two participants" in session.media_mode_reason
        assert vendor.forms[0]["p2p.preference"] == "enabled"

    def test_a_rejection_by_the_vendor_writes_nothing(
        self, app: Application, vendor: VendorServer
    ) -> None:
        vendor.next_replies.append((400, {}, b'{"message":"no"}'))
        with pytest.raises(VendorRejected):
            app.create()
        assert app.aws.items() == []

    def test_a_lost_reply_of_the_table(self, app: Application, aws: Aws) -> None:
        aws.meet("PutItem", sent_twice)
        created = app.create()
        assert app.owned() == {created.session.session_id}

    def test_the_table_fails(self, app: Application, aws: Aws, vendor: VendorServer) -> None:
        aws.meet("PutItem", refuse("ResourceNotFoundException"))
        with pytest.raises(StorageUnavailable):
            app.create()
        assert app.owned() == set()
        assert app.pooled() == set(vendor.made)  # nothing is wrong with it: the next one takes it

    def test_the_table_fails_for_good(self, app: Application, aws: Aws, metrics: Metrics) -> None:
        aws.meet_always("PutItem", refuse("ResourceNotFoundException"))
        with pytest.raises(StorageUnavailable):
            app.create()
        assert aws.items() == []
        assert metrics()["SessionDropped"] == 1

    def test_a_conflict_at_the_vendors_new_id_passes(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        aws.meet("PutItem", *[refuse("TransactionConflictException")] * 3)
        assert app.create().session.session_id == vendor.made[0]
        assert vendor.asked == 1


class TestFromThePool:
    def test_a_pooled_session_becomes_the_callers(
        self, app: Application, vendor: VendorServer, metrics: Metrics
    ) -> None:
        app.fill("routed", "pooled-1")
        created = app.create()
        session = created.session
        assert session.session_id == "pooled-1"
        assert session.source is Source.POOL
        assert session.owner == ALICE.sub
        assert session.created_at == NOW * 1000
        assert (app.pooled(), app.owned()) == (set(), {"pooled-1"})
        assert vendor.asked == 0
        assert metrics() == {"SessionCreated": 1, "SessionFromPool": 1, "routed:PoolClaimed": 1}

    def test_each_goes_to_one_caller_and_then_the_vendor_makes_more(
        self, app: Application, vendor: VendorServer
    ) -> None:
        app.fill("routed", "p1", "p2", "p3")
        ids = [app.create(caller=Caller(f"c{n}")).session.session_id for n in range(5)]
        assert sorted(ids[:3]) == ["p1", "p2", "p3"]
        assert ids[3:] == vendor.made

    def test_only_one_with_exactly_these_options(
        self, app: Application, vendor: VendorServer
    ) -> None:
        app.fill("routed", "pooled-routed")
        app.fill("relayed", "pooled-relayed")
        assert app.create({"mediaMode": "relayed"}).session.session_id == "pooled-relayed"
        session = app.create({"mediaMode": "routed", "e2ee": True}).session
        assert session.session_id == vendor.made[0]
        assert app.pooled() == {"pooled-routed"}

    def test_options_without_a_pool_go_live_without_a_read(
        self, app: Application, aws: Aws, metrics: Metrics
    ) -> None:
        app.create({"location": "12.34.56.78"})
        assert "Query" not in aws.calls
        assert metrics() == {"SessionCreated": 1}

    def test_losing_a_race_for_a_session_costs_one_more_attempt(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        app.fill("routed", "p1", "p2")
        rival = Application.start(aws, vendor, app.clock)
        rivals: list[Created] = []

        def snatch() -> None:
            """Claims the session that the caller is about to claim."""
            wanted = aws.requests[-1]["Item"]["pk"]["S"].removeprefix("session#")
            item = aws.item(f"session#{wanted}")
            other = ({"p1", "p2"} - {wanted}).pop()
            aside = aws.item(f"session#{other}")
            assert item is not None and aside is not None
            aws.delete(aside["pk"]["S"])
            rivals.append(rival.create(caller=BOB))
            aws.put(aside)

        aws.meet("PutItem", before(snatch))
        mine = app.create()
        assert {mine.session.session_id, rivals[0].session.session_id} == {"p1", "p2"}
        assert vendor.asked == 0

    def test_a_stale_index_entry_costs_one_attempt(
        self, app: Application, aws: Aws, vendor: VendorServer, metrics: Metrics
    ) -> None:
        app.fill("routed", "gone-1", "gone-2")
        stale = aws.items("session#")

        def lag(proceed: Callable[[], object]) -> object:
            for item in stale:
                aws.put(item)
            page = proceed()
            for item in stale:
                aws.delete(item["pk"]["S"])
            return page

        aws.meet_always("Query", lag)
        assert app.create().session.session_id == vendor.made[0]
        assert app.owned() == {vendor.made[0]}
        assert metrics()["routed:PoolMissed"] == 1

    def test_the_pool_of_another_project_is_not_ours(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        app.fill("routed", "of-the-old-project")
        change_project(aws, vendor)
        session = app.create().session
        assert session.project_id == OTHER_KEY
        assert session.session_id == vendor.made[0]
        assert app.pooled() == {"of-the-old-project"}

    def test_a_slow_table_ends_the_attempts_for_a_pool(
        self, app: Application, aws: Aws, clock: Clock, vendor: VendorServer
    ) -> None:
        app.fill("routed", *(f"p{n}" for n in range(8)))
        aws.forget_calls()
        taken = refuse("ConditionalCheckFailedException")

        def slow(proceed: Answer) -> AWSResponse:
            clock.turn(4)
            return taken(proceed)

        aws.meet_always("PutItem", slow)
        with pytest.raises(StorageUnavailable, match="too slowly"):
            app.create()
        assert aws.calls.count("PutItem") == 4
        assert vendor.asked == 0

    def test_a_lost_reply(self, app: Application, aws: Aws) -> None:
        app.fill("routed", "p1", "p2")
        aws.meet("PutItem", sent_twice)
        created = app.create()
        assert app.owned() == {created.session.session_id}
        assert len(app.pooled()) == 1


class TestWhileTheVendorIsDown:
    @pytest.fixture(autouse=True)
    def down(self, vendor: VendorServer) -> None:
        vendor.is_down = True

    def test_the_pool_serves(self, app: Application, vendor: VendorServer) -> None:
        app.fill("routed", "p1")
        assert app.create().session.session_id == "p1"
        assert vendor.asked == 0

    def test_nothing_fits(self, app: Application, aws: Aws) -> None:
        with pytest.raises(VendorUnavailable) as failure:
            app.create()
        assert failure.value.retry_after > 0
        assert aws.items() == []

    def test_auto_falls_back_to_a_pooled_routed_session(
        self, app: Application, metrics: Metrics
    ) -> None:
        app.fill("routed", "p1")
        session = app.create({"expectedParticipants": 2}).session
        assert session.session_id == "p1"
        assert session.options.media_mode is MediaMode.ROUTED
        assert session.media_mode_reason == FALLBACK_REASON
        assert session == app.recorded("p1")
        counted = metrics()
        assert counted["relayed:PoolMissed"] == 1
        assert counted["routed:PoolClaimed"] == 1

    def test_the_pool_that_was_empty_is_not_searched_again(
        self, app: Application, aws: Aws, metrics: Metrics
    ) -> None:
        with pytest.raises(VendorUnavailable):
            app.create()
        assert aws.calls.count("Query") == 2  # once round
        assert metrics()["routed:PoolMissed"] == 1

    def test_a_request_for_relayed_has_no_fallback(self, app: Application) -> None:
        app.fill("routed", "p1")
        with pytest.raises(VendorUnavailable):
            app.create({"mediaMode": "relayed"})
        assert app.pooled() == {"p1"}

    def test_a_relayed_session_is_never_a_fallback(self, app: Application) -> None:
        app.fill("relayed", "p1")
        with pytest.raises(VendorUnavailable):
            app.create({})
        with pytest.raises(VendorUnavailable):
            app.create({"expectedParticipants": 2, "features": ["archiving"]})
        assert app.pooled("relayed") == {"p1"}

    def test_a_fallback_session_can_be_lost_to_another_request(
        self, app: Application, aws: Aws
    ) -> None:
        app.fill("routed", "p1")
        aws.meet(
            "PutItem",
            before(lambda: aws.put({"pk": {"S": "session#p1"}, "owner": {"S": "bob"}})),
        )
        with pytest.raises(VendorUnavailable):
            app.create({"expectedParticipants": 2})

    def test_a_room_falls_back_to_a_pooled_routed_session(self, app: Application) -> None:
        app.fill("routed", "p1")
        body = {"room": "lobby", "expectedParticipants": 2}
        assert app.create(body).session.session_id == "p1"
        assert app.create(body, BOB).session.session_id == "p1"

    def test_sessions_are_created_again_after_an_outage(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        with pytest.raises(VendorUnavailable):
            app.create()
        vendor.is_down = False
        instance = Application.start(aws, vendor, app.clock)
        assert instance.create().session.session_id == vendor.made[0]


def test_a_session_id_that_the_vendor_repeats_is_not_given_to_a_second_owner(
    app: Application, vendor: VendorServer, log: Callable[[], str]
) -> None:
    first = app.create({"archiveMode": "always"}).session
    repeated = json.dumps([{"session_id": first.session_id}]).encode()
    vendor.next_replies.append((200, {}, repeated))
    second = app.create({"archiveMode": "always"}, BOB).session
    assert second.session_id not in ("", first.session_id)
    assert app.recorded(first.session_id).owner == ALICE.sub
    assert app.recorded(second.session_id).owner == BOB.sub
    assert "vendor_repeated_session_id" in log()


class TestTheFirstInARoom:
    def test_the_first_caller_of_a_room_creates_its_session(
        self, app: Application, vendor: VendorServer
    ) -> None:
        session = app.create({"room": "lobby"}).session
        assert session.room == "lobby"
        assert session.reuse is Reuse.CONVERSATION
        assert session_in(app.store, "lobby") == session.session_id == vendor.made[0]

    def test_the_first_caller_of_a_room_takes_a_pooled_session(
        self, app: Application, vendor: VendorServer
    ) -> None:
        app.fill("routed", "p1")
        session = app.create({"room": "lobby"}).session
        assert session.session_id == "p1"
        assert session.source is Source.POOL
        assert app.pooled() == set()
        assert vendor.asked == 0

    def test_rooms_have_separate_sessions(self, app: Application) -> None:
        ids = {app.create({"room": room}).session.session_id for room in ("a", "b", "A")}
        assert len(ids) == 3

    def test_a_request_that_loses_the_room_joins_it(
        self, app: Application, aws: Aws, vendor: VendorServer, metrics: Metrics
    ) -> None:
        """The surplus session is returned to the matching pool."""
        rival = Application.start(aws, vendor, app.clock)
        rivals: list[Created] = []
        faster = before(lambda: rivals.append(rival.create({"room": "lobby"}, BOB)))
        aws.meet("TransactWriteItems", faster)
        created = app.create({"room": "lobby"})
        assert created.joined
        assert created.session == rivals[0].session
        assert app.owned() == {rivals[0].session.session_id}
        assert app.owned() | app.pooled() == set(vendor.made)
        assert len(vendor.made) == 2
        counted = metrics()
        assert (counted["SessionCreated"], counted["RoomJoined"]) == (1, 1)
        assert counted["SessionDropped"] == 0

    def test_a_surplus_session_without_a_pool_is_dropped(
        self, app: Application, aws: Aws, vendor: VendorServer, metrics: Metrics
    ) -> None:
        body = {"room": "lobby", "location": "12.34.56.78"}
        rival = Application.start(aws, vendor, app.clock)
        aws.meet("TransactWriteItems", before(lambda: rival.create(body, BOB)))
        assert app.create(body).joined
        assert len(vendor.made) == 2
        assert app.pooled() == set()
        assert len(app.owned()) == 1
        assert metrics()["SessionDropped"] == 1

    def test_a_surplus_session_is_dropped_if_the_table_fails(
        self, app: Application, aws: Aws, vendor: VendorServer, metrics: Metrics
    ) -> None:
        rival = Application.start(aws, vendor, app.clock)
        aws.meet("TransactWriteItems", before(lambda: rival.create({"room": "lobby"}, BOB)))
        aws.meet("PutItem", refuse("ResourceNotFoundException"))
        assert app.create({"room": "lobby"}).joined
        assert len(app.owned()) == 1
        assert metrics()["SessionDropped"] == 1

    def test_a_pooled_session_stays_pooled_if_the_room_is_lost(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        app.fill("routed", "p1", "p2")
        rival = Application.start(aws, vendor, app.clock)
        aws.meet("TransactWriteItems", before(lambda: rival.create({"room": "lobby"}, BOB)))
        assert app.create({"room": "lobby"}).joined
        assert len(app.owned()) == len(app.pooled()) == 1
        assert vendor.asked == 0

    def test_the_vendor_is_called_once_regardless_of_lost_races(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        conflicts = [canceled("None", "TransactionConflict")] * 5
        aws.meet("TransactWriteItems", *conflicts)
        session = app.create({"room": "lobby"}).session
        assert [session.session_id] == vendor.made
        assert aws.calls.count("TransactWriteItems") == 6

    def test_a_request_that_loses_every_race_gets_503(
        self, app: Application, aws: Aws, vendor: VendorServer, metrics: Metrics
    ) -> None:
        aws.meet_always("TransactWriteItems", canceled("None", "TransactionConflict"))
        with pytest.raises(StorageUnavailable, match="Too many concurrent requests") as failure:
            app.create({"room": "lobby"})
        assert failure.value.retry_after > 0
        assert aws.calls.count("TransactWriteItems") == RACE_ATTEMPTS
        assert vendor.asked == 1
        assert app.pooled() == set(vendor.made)
        assert app.owned() == set()
        assert "SessionCreated" not in metrics()

    def test_a_lost_reply(self, app: Application, aws: Aws) -> None:
        aws.meet("TransactWriteItems", sent_twice)
        created = app.create({"room": "lobby"})
        assert not created.joined
        assert app.owned() == {created.session.session_id}

    def test_a_slow_table_ends_the_attempts_for_a_room(
        self, app: Application, aws: Aws, clock: Clock
    ) -> None:
        conflict = canceled("None", "TransactionConflict")

        def slow(proceed: Answer) -> AWSResponse:
            clock.turn(4)
            return conflict(proceed)

        aws.meet_always("TransactWriteItems", slow)
        with pytest.raises(StorageUnavailable, match="too slowly"):
            app.create({"room": "lobby"})
        assert aws.calls.count("TransactWriteItems") == 4

    def test_a_room_that_a_stranger_took_is_not_found(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        rival = Application.start(aws, vendor, app.clock)
        body = {"room": "lobby", "participants": {"carol": "publisher"}}
        aws.meet("TransactWriteItems", before(lambda: rival.create(body, BOB)))
        with pytest.raises(SessionNotFound):
            app.create({"room": "lobby"})
        assert len(app.owned()) == 1


def test_a_failed_pool_query_counts_as_a_miss(
    app: Application, aws: Aws, vendor: VendorServer, metrics: Metrics
) -> None:
    app.fill("routed", "pooled-1")
    aws.meet("Query", refuse("ResourceNotFoundException"))
    assert app.create().session.session_id == vendor.made[0]
    assert metrics()["PoolQueryFailed"] == 1


class TestJoiningARoom:
    def test_every_caller_of_a_room_gets_its_session(
        self, app: Application, vendor: VendorServer, metrics: Metrics
    ) -> None:
        first = app.create({"room": "lobby"})
        for caller in (ALICE, BOB, MODERATOR):
            joined = app.create({"room": "lobby"}, caller)
            assert joined.joined
            assert joined.session == first.session
        assert vendor.asked == 1
        counted = metrics()
        assert (counted["SessionCreated"], counted["RoomJoined"]) == (1, 3)

    def test_a_caller_who_joins_gets_a_token(self, app: Application) -> None:
        app.create({"room": "lobby"})
        joined = app.create({"room": "lobby", "token": {"role": "subscriber"}}, BOB)
        assert joined.token is not None
        assert joined.token.role is Role.SUBSCRIBER
        with pytest.raises(RoleNotAllowed):
            app.create({"room": "lobby", "token": {"role": "moderator"}}, BOB)

    def test_a_due_use_is_recorded(self, app: Application, aws: Aws, clock: Clock) -> None:
        session = app.create({"room": "lobby"}).session
        clock.turn(IDLE / 10 - 1)
        app.credentials.current()
        aws.forget_calls()
        app.create({"room": "lobby"}, BOB)
        assert aws.calls == ["GetItem", "GetItem"]
        assert app.recorded(session.session_id).last_used_at == NOW
        clock.turn(1)
        app.create({"room": "lobby"}, BOB)
        assert app.recorded(session.session_id).last_used_at == NOW + IDLE // 10

    def test_a_room_in_use_keeps_its_session(self, app: Application, clock: Clock) -> None:
        session = app.create({"room": "lobby"}).session
        for _ in range(5):
            clock.turn(IDLE - 1)
            assert app.create({"room": "lobby"}, BOB).session.session_id == session.session_id

    def test_a_token_is_use(self, app: Application, clock: Clock) -> None:
        session = app.create({"room": "lobby"}).session
        clock.turn(IDLE - 1)
        app.token(session.session_id, BOB)
        clock.turn(IDLE - 1)
        assert app.create({"room": "lobby"}).session.session_id == session.session_id

    def test_an_idle_room_gets_a_new_session(
        self, app: Application, clock: Clock, vendor: VendorServer
    ) -> None:
        old = app.create({"room": "lobby"}).session
        clock.turn(IDLE)
        fresh = app.create({"room": "lobby"}, BOB)
        assert not fresh.joined
        assert fresh.session.session_id == vendor.made[1]
        assert session_in(app.store, "lobby") == fresh.session.session_id
        assert app.recorded(old.session_id).superseded
        assert not app.recorded(old.session_id).closed
        assert app.create({"room": "lobby"}).session.session_id == fresh.session.session_id

    def test_a_superseded_session_still_issues_tokens_by_id(
        self, app: Application, clock: Clock
    ) -> None:
        old = app.create({"room": "lobby"}).session
        clock.turn(IDLE)
        fresh = app.create({"room": "lobby"}, BOB).session
        assert app.token(old.session_id).session_id == old.session_id
        assert app.create({"room": "lobby"}).session.session_id == fresh.session_id

    def test_a_permanent_room_keeps_its_session(self, app: Application, clock: Clock) -> None:
        body = {"room": "lobby", "reuse": "permanent"}
        session = app.create(body).session
        clock.turn(400 * DAY)
        assert app.create(body, BOB).session.session_id == session.session_id

    def test_a_scheduled_room_is_not_idle_before_it_opens(
        self, app: Application, clock: Clock
    ) -> None:
        opens_at = NOW + 10 * DAY
        session = app.create({"room": "lobby", "opensAt": instant(opens_at)}).session
        clock.turn(9 * DAY)
        assert app.create({"room": "lobby"}, BOB).session.session_id == session.session_id
        clock.now = opens_at + IDLE - 1
        assert app.create({"room": "lobby"}, BOB).session.session_id == session.session_id

    def test_a_scheduled_room_is_not_idle_right_after_it_opens(
        self, app: Application, clock: Clock
    ) -> None:
        session = app.create({"room": "lobby", "opensAt": instant(NOW + 10 * DAY)}).session
        clock.turn(10 * DAY + IDLE)
        assert app.create({"room": "lobby"}, BOB).session.session_id != session.session_id

    def test_a_closed_room_is_free(self, app: Application) -> None:
        old = app.create({"room": "lobby"}).session
        app.close(old.session_id)
        fresh = app.create({"room": "lobby"}, BOB)
        assert not fresh.joined
        assert fresh.session.owner == BOB.sub
        assert fresh.session.session_id != old.session_id
        assert not app.recorded(old.session_id).superseded  # closed says it all

    def test_a_room_whose_time_is_over_is_free(self, app: Application, clock: Clock) -> None:
        old = app.create({"room": "lobby", "closesAt": instant(NOW + 60)}).session
        clock.turn(59)
        assert app.create({"room": "lobby"}, BOB).session == old
        clock.turn(1)
        assert app.create({"room": "lobby"}, BOB).session.session_id != old.session_id

    def test_a_room_whose_record_is_gone_is_free(self, app: Application, aws: Aws) -> None:
        old = app.create({"room": "lobby"}).session
        aws.delete(f"session#{old.session_id}")
        fresh = app.create({"room": "lobby"}, BOB).session
        assert session_in(app.store, "lobby") == fresh.session_id

    def test_a_closed_permanent_room_is_free(self, app: Application) -> None:
        body = {"room": "lobby", "reuse": "permanent"}
        old = app.create(body).session
        app.close(old.session_id)
        assert app.create(body).session.session_id != old.session_id

    def test_contradictions_are_named(self, app: Application) -> None:
        session = app.create({"room": "lobby", "mediaMode": "relayed"}).session
        body = {"room": "lobby", "mediaMode": "routed", "archiveMode": "always"}
        with pytest.raises(RoomOptionsConflict) as conflict:
            app.create(body, BOB)
        assert [error.field for error in conflict.value.errors] == ["mediaMode", "archiveMode"]
        assert "mediaMode, archiveMode" in conflict.value.detail
        assert app.recorded(session.session_id) == session

    def test_a_caller_who_is_not_admitted_gets_404_and_writes_nothing(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app.create({"room": "lobby", "participants": {"carol": "publisher"}})
        items, asked = aws.items(), vendor.asked
        clock.turn(IDLE - 1)
        contradicting = {"room": "lobby", "mediaMode": "relayed"}
        for body in ({"room": "lobby"}, contradicting, {"room": "lobby", "token": {}}):
            with pytest.raises(SessionNotFound):
                app.create(body, BOB, key="k")
        assert (aws.items(), vendor.asked) == (items, asked)

    def test_a_list_admits_its_own(self, app: Application) -> None:
        body = {"room": "lobby", "participants": {"bob": "subscriber"}}
        session = app.create(body).session
        joined = app.create({"room": "lobby", "token": {"role": "subscriber"}}, BOB)
        assert joined.session == session
        with pytest.raises(RoleNotAllowed):
            app.create({"room": "lobby", "token": {}}, BOB)

    def test_a_room_of_another_project_is_free(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        old = app.create({"room": "lobby"}).session
        change_project(aws, vendor)
        clock.turn(61)
        fresh = app.create({"room": "lobby"}, BOB).session
        assert fresh.project_id == OTHER_KEY
        assert session_in(app.store, "lobby") == fresh.session_id
        assert app.recorded(old.session_id) == replace(old, superseded=True)

    def test_an_instance_with_old_credentials_joins_a_room_of_the_new_project(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app.create({"room": "elsewhere"})
        change_project(aws, vendor)
        informed = Application.start(aws, vendor, clock)
        session = informed.create({"room": "lobby"}, BOB).session
        clock.turn(2)
        joined = app.create({"room": "lobby", "token": {}})
        assert joined.joined
        assert joined.session == session
        assert joined.token is not None
        assert joined.token.project_id == OTHER_KEY

    def test_an_instance_that_learns_of_the_new_project_creates_under_it(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        """The room's session is closed and of the new project, and so is its successor."""
        app.create()
        change_project(aws, vendor)
        informed = Application.start(aws, vendor, clock)
        app.fill("routed", "of-the-old-project")
        old = informed.create({"room": "lobby"}, BOB).session
        informed.close(old.session_id, BOB)
        clock.turn(2)
        fresh = app.create({"room": "lobby"}).session
        assert fresh.project_id == OTHER_KEY
        assert app.pooled() == {"of-the-old-project"}


class TestAnIdleRoomAndTwoCallers:
    """When a room moves on, no caller of the room stays in its old session."""

    @pytest.fixture
    def rival(self, app: Application, aws: Aws, vendor: VendorServer) -> Application:
        """Another instance, with a slightly different clock."""
        return Application.start(aws, vendor, Clock())

    @pytest.fixture
    def old(self, app: Application, rival: Application) -> str:
        session_id = app.create({"room": "lobby"}).session.session_id
        app.clock.turn(IDLE)
        rival.clock.turn(IDLE)
        return session_id

    def test_two_callers_that_find_the_room_idle_get_one_session(
        self, app: Application, rival: Application, old: str
    ) -> None:
        rivals: list[Created] = []
        faster = before(lambda: rivals.append(rival.create({"room": "lobby"}, BOB)))
        app.aws.meet("TransactWriteItems", faster)
        mine = app.create({"room": "lobby"})
        assert mine.joined
        assert mine.session == rivals[0].session
        assert mine.session.session_id != old

    def test_a_joiner_wins_against_a_request_that_finds_the_room_idle(
        self, app: Application, rival: Application, old: str
    ) -> None:
        rival.clock.turn(-1)
        rivals: list[Created] = []
        join = before(lambda: rivals.append(rival.create({"room": "lobby"}, BOB)))
        app.aws.meet("TransactWriteItems", join)
        mine = app.create({"room": "lobby"})
        assert rivals[0].session.session_id == mine.session.session_id == old
        assert not app.recorded(old).superseded
        assert app.owned() == {old}

    def test_a_request_that_finds_the_room_idle_wins_against_a_joiner(
        self, app: Application, rival: Application, old: str
    ) -> None:
        rival.clock.turn(-1)
        fresh: list[Created] = []
        faster = before(lambda: fresh.append(app.create({"room": "lobby"})))
        app.aws.meet("TransactWriteItems", faster)
        joined = rival.create({"room": "lobby"}, BOB)
        assert joined.joined
        assert joined.session == fresh[0].session
        assert joined.session.session_id != old

    def test_between_the_joiners_look_at_the_room_and_at_the_session(
        self, app: Application, rival: Application, old: str
    ) -> None:
        rival.clock.turn(-1)
        fresh: list[Created] = []
        faster = before(lambda: fresh.append(app.create({"room": "lobby"})))
        app.aws.meet("GetItem", None, faster)  # the room's pointer was read, its session was not
        joined = rival.create({"room": "lobby"}, BOB)
        assert joined.session.session_id == fresh[0].session.session_id != old

    def test_a_token_that_is_issued_meanwhile_keeps_the_room(
        self, app: Application, rival: Application, old: str
    ) -> None:
        token = before(lambda: rival.token(old, BOB))
        app.aws.meet("TransactWriteItems", token)
        mine = app.create({"room": "lobby"})
        assert mine.joined
        assert mine.session.session_id == old
        assert app.recorded(old).last_used_at == NOW + IDLE


class TestJoinWindows:
    def test_a_token_before_it_opens_creates_nothing(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        app.fill("routed", "p1")
        items = aws.items()
        body = {"opensAt": instant(NOW + 60), "token": {}}
        for more in ({}, {"room": "lobby"}, {"mediaMode": "relayed"}):
            with pytest.raises(SessionNotOpenYet):
                app.create({**body, **more}, key="k")
        assert (aws.items(), vendor.asked) == (items, 0)

    def test_without_a_token_it_is_booked(self, app: Application, clock: Clock) -> None:
        session = app.create({"opensAt": instant(NOW + 60)}).session
        with pytest.raises(SessionNotOpenYet):
            app.token(session.session_id)
        clock.turn(60)
        assert app.token(session.session_id).session_id == session.session_id

    def test_the_token_does_not_outlive_it(self, app: Application) -> None:
        created = app.create({"closesAt": instant(NOW + 90), "token": {"expiresIn": 3600}})
        assert created.token is not None
        assert created.token.expires_at == NOW + 90


class TestTheTokenInTheAnswer:
    def test_is_for_the_session(
        self, app: Application, vendor: VendorServer, metrics: Metrics
    ) -> None:
        created = app.create({"token": {"role": "moderator", "data": "name=alice"}})
        assert created.token is not None
        assert created.token.session_id == created.session.session_id
        claims = jwt.decode(
            created.token.text, API_SECRET, algorithms=["HS256"], options={"verify_iat": False}
        )
        assert claims["session_id"] == vendor.made[0]
        assert claims["role"] == "moderator"
        assert claims["connection_data"] == "name=alice"
        counted = metrics()
        assert (counted["TokenIssued"], counted["SessionCreated"]) == (1, 1)

    def test_is_signed_before_anything_is_written(
        self, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        """Without a token nothing is recorded, and the surplus session is pooled."""
        vonage = {"applicationId": OTHER_KEY, "privateKey": "not a key"}
        aws.put_secret(vonage)
        app = Application.start(aws, vendor, clock, platform=Platform.VONAGE)
        app.fill("routed", "p1", project=OTHER_KEY)
        with pytest.raises(CredentialsUnavailable):
            app.create({"token": {}})
        assert app.pooled(project=OTHER_KEY) == {"p1"}
        assert "PutItem" not in aws.calls[1:]

    def test_is_not_counted_when_nothing_came_of_it(
        self, app: Application, aws: Aws, metrics: Metrics
    ) -> None:
        aws.meet_always("PutItem", refuse("ResourceNotFoundException"))
        with pytest.raises(StorageUnavailable):
            app.create({"token": {}})
        assert "TokenIssued" not in metrics()


class TestAnEndInThePast:
    def test_is_rejected_before_any_call(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        items = aws.items()
        for key in (None, "k"):
            with pytest.raises(InvalidRequest) as invalid:
                app.create({"closesAt": instant(clock() - 1)}, key=key)
            assert [error.field for error in invalid.value.errors] == ["closesAt"]
        assert (aws.items(), vendor.asked) == (items, 0)


class TestARoomOfAnOlderVersion:
    def test_a_room_without_a_recorded_use_moves_on(
        self, app: Application, aws: Aws, clock: Clock
    ) -> None:
        first = app.create({"room": "lobby"})
        item = aws.item(f"session#{first.session.session_id}")
        assert item is not None
        aws.put({name: value for name, value in item.items() if name != "lastUsedAt"})
        clock.turn(IDLE)
        assert app.create({"room": "lobby"}).session.session_id != first.session.session_id


class TestIdempotencyKeys:
    def test_the_same_request_gives_the_same_session(
        self, app: Application, vendor: VendorServer
    ) -> None:
        first = app.create({"mediaMode": "routed"}, key="k")
        again = app.create({"mediaMode": "routed"}, key="k")
        assert again.session == first.session
        assert (first.joined, again.joined) == (False, False)
        assert vendor.asked == 1

    def test_with_a_fresh_token(self, app: Application, clock: Clock) -> None:
        first = app.create({"token": {}}, key="k")
        clock.turn(30)
        again = app.create({"token": {}}, key="k")
        assert first.token is not None and again.token is not None
        assert again.token.text != first.token.text
        assert again.token.expires_at == first.token.expires_at + 30

    def test_under_the_policy_of_the_moment(self, app: Application) -> None:
        first = app.create({"token": {}}, key="k")
        app.close(first.session.session_id)
        with pytest.raises(SessionClosed):
            app.create({"token": {}}, key="k")

    def test_a_fresh_token_is_use(self, app: Application, clock: Clock) -> None:
        body = {"room": "lobby", "token": {}}
        first = app.create(body, key="k")
        clock.turn(IDLE - 1)
        app.create(body, key="k")
        clock.turn(IDLE - 1)
        assert app.create({"room": "lobby"}, BOB).session.session_id == first.session.session_id

    def test_a_look_at_what_the_key_stands_for_is_not(
        self, app: Application, aws: Aws, clock: Clock
    ) -> None:
        app.create({"room": "lobby"}, key="k")
        clock.turn(IDLE - 1)
        aws.forget_calls()
        app.create({"room": "lobby"}, key="k")
        assert aws.calls == ["GetItem", "GetItem"]

    def test_a_key_is_replayed_after_the_session_has_closed(
        self, app: Application, clock: Clock
    ) -> None:
        body = {"closesAt": instant(clock() + 60)}
        first = app.create(body, key="k")
        clock.turn(61)
        again = app.create(body, key="k")
        assert again.session == first.session
        assert again.session.is_closed(clock())

    def test_another_body_is_a_conflict(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        app.create({"mediaMode": "routed"}, key="k")
        items = aws.items()
        with pytest.raises(IdempotencyConflict):
            app.create({"mediaMode": "relayed"}, key="k")
        assert (aws.items(), vendor.asked) == (items, 1)

    def test_keys_of_different_callers_cannot_collide(self, app: Application) -> None:
        alices, bobs = app.create(key="k"), app.create(caller=BOB, key="k")
        assert alices.session.session_id != bobs.session.session_id
        assert app.create({"mediaMode": "relayed"}, MODERATOR, key="k").session.owner == "mo"

    def test_another_key_is_another_session(self, app: Application) -> None:
        assert app.create(key="k").session != app.create(key="l").session

    def test_a_key_is_good_for_a_day(self, app: Application, clock: Clock) -> None:
        first = app.create(key="k").session
        clock.turn(DAY - 1)
        assert app.create(key="k").session == first
        clock.turn(1)
        other = app.create({"mediaMode": "relayed"}, key="k").session
        assert other.session_id != first.session_id
        assert app.create({"mediaMode": "relayed"}, key="k").session == other

    def test_for_a_room_that_had_its_session(self, app: Application, vendor: VendorServer) -> None:
        session = app.create({"room": "lobby"}).session
        joined = app.create({"room": "lobby"}, BOB, key="k")
        app.close(session.session_id)
        again = app.create({"room": "lobby"}, BOB, key="k")
        assert joined.joined and again.joined
        assert again.session.session_id == session.session_id
        assert again.session.closed
        assert vendor.asked == 1

    def test_for_a_room_that_was_new(self, app: Application) -> None:
        first = app.create({"room": "lobby"}, key="k")
        again = app.create({"room": "lobby"}, key="k")
        assert again.session == first.session
        assert not again.joined

    def test_after_a_lost_reply_of_the_table(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        aws.meet("TransactWriteItems", sent_twice)
        first = app.create(key="k")
        assert app.create(key="k").session == first.session
        assert vendor.asked == 1

    def test_after_an_answer_that_never_came(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        def lost_for_good(proceed: Callable[[], object]) -> object:
            proceed()
            return refuse("ResourceNotFoundException")(proceed)

        aws.meet("TransactWriteItems", lost_for_good)
        with pytest.raises(StorageUnavailable):
            app.create(key="k")
        assert app.owned() == set(vendor.made)
        assert app.pooled() == set()  # a session with an owner is not surplus
        assert app.create(key="k").session.session_id == vendor.made[0]

    def test_concurrent_requests_with_one_key_get_one_session(
        self, app: Application, aws: Aws, vendor: VendorServer, metrics: Metrics
    ) -> None:
        twin = Application.start(aws, vendor, app.clock)
        twins: list[Created] = []
        faster = before(lambda: twins.append(twin.create({"token": {}}, key="k")))
        aws.meet("TransactWriteItems", faster)
        mine = app.create({"token": {}}, key="k")
        assert mine.session == twins[0].session
        assert mine.token is not None
        assert app.owned() == {mine.session.session_id}
        assert app.owned() | app.pooled() == set(vendor.made)
        counted = metrics()
        assert (counted["SessionCreated"], counted["TokenIssued"]) == (1, 2)

    def test_concurrent_requests_with_one_key_and_different_bodies(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        twin = Application.start(aws, vendor, app.clock)
        aws.meet(
            "TransactWriteItems", before(lambda: twin.create({"mediaMode": "relayed"}, key="k"))
        )
        with pytest.raises(IdempotencyConflict):
            app.create(key="k")
        assert len(app.owned()) == 1

    def test_concurrent_requests_with_one_key_for_a_live_room(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        session = app.create({"room": "lobby"}).session
        twin = Application.start(aws, vendor, app.clock)
        aws.meet("PutItem", before(lambda: twin.create({"room": "lobby"}, BOB, key="k")))
        mine = app.create({"room": "lobby"}, BOB, key="k")
        assert mine.joined
        assert mine.session == session

    def test_concurrent_requests_with_one_key_and_different_bodies_for_a_live_room(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        app.create({"room": "lobby"})
        twin = Application.start(aws, vendor, app.clock)
        body = {"room": "lobby", "token": {}}
        aws.meet("PutItem", before(lambda: twin.create(body, BOB, key="k")))
        with pytest.raises(IdempotencyConflict):
            app.create({"room": "lobby"}, BOB, key="k")

    def test_a_refused_request_leaves_its_key_free(
        self, app: Application, vendor: VendorServer
    ) -> None:
        vendor.next_replies.append((400, {}, b"{}"))
        with pytest.raises(VendorRejected):
            app.create(key="k")
        app.create({"mediaMode": "relayed"}, key="k")

    def test_what_the_key_stands_for_is_gone(self, app: Application, aws: Aws) -> None:
        session = app.create(key="k").session
        aws.delete(f"session#{session.session_id}")
        with pytest.raises(SessionNotFound):
            app.create(key="k")


class TestRegistering:
    ID = session_id(77)

    def test_registering_makes_the_caller_the_owner(
        self, app: Application, vendor: VendorServer
    ) -> None:
        created = app.create({"sessionId": self.ID}, MODERATOR)
        session = created.session
        assert (session.session_id, session.owner) == (self.ID, "mo")
        assert session.source is Source.REGISTERED
        assert session.options == SessionOptions(MediaMode.ROUTED)
        assert session.media_mode_reason == "read from the session id"
        assert app.recorded(self.ID) == session
        assert not created.joined
        assert vendor.asked == 0

    def test_the_media_mode_is_in_the_id(self, app: Application) -> None:
        relayed = session_id(78, relayed=True)
        session = app.create({"sessionId": relayed}, MODERATOR).session
        assert session.options.media_mode is MediaMode.RELAYED

    def test_only_moderators_may_register(self, app: Application, aws: Aws) -> None:
        with pytest.raises(RoleNotAllowed):
            app.create({"sessionId": self.ID}, ALICE)
        assert aws.calls == []

    def test_registering_twice_has_the_same_result(self, app: Application) -> None:
        first = app.create({"sessionId": self.ID}, MODERATOR)
        again = app.create({"sessionId": self.ID, "token": {}}, MODERATOR)
        assert again.session == first.session
        assert again.joined
        assert again.token is not None

    def test_twice_after_a_long_time_notes_the_use(self, app: Application, clock: Clock) -> None:
        app.create({"sessionId": self.ID}, MODERATOR)
        clock.turn(IDLE)
        again = app.create({"sessionId": self.ID}, MODERATOR)
        assert again.session.session_id == self.ID
        assert app.recorded(self.ID).last_used_at == NOW + IDLE

    def test_twice_with_a_key(self, app: Application) -> None:
        first = app.create({"sessionId": self.ID}, MODERATOR, key="k")
        assert app.create({"sessionId": self.ID}, MODERATOR, key="k").session == first.session
        assert app.create({"sessionId": self.ID}, MODERATOR, key="l").session == first.session

    def test_twice_with_other_options_is_a_conflict(self, app: Application) -> None:
        app.create({"sessionId": self.ID}, MODERATOR)
        with pytest.raises(RoomOptionsConflict) as conflict:
            app.create({"sessionId": self.ID, "participants": {"bob": "publisher"}}, MODERATOR)
        assert [error.field for error in conflict.value.errors] == ["participants"]

    def test_both_spellings_of_an_id_are_one_session(self, app: Application, aws: Aws) -> None:
        first = app.create({"sessionId": self.ID}, MODERATOR).session
        again = app.create({"sessionId": "2" + self.ID[1:]}, MODERATOR)
        assert again.joined
        assert again.session.session_id == first.session_id
        assert len(aws.items("session#")) == 1

    def test_a_session_with_another_owner_is_already_registered(
        self, app: Application, aws: Aws
    ) -> None:
        app.create({"sessionId": self.ID}, Caller("other-mo", moderator=True))
        items = aws.items()
        with pytest.raises(AlreadyRegistered):
            app.create({"sessionId": self.ID}, MODERATOR)
        assert aws.items() == items

    def test_registering_a_pooled_session_is_not_found(self, app: Application) -> None:
        app.fill("routed", self.ID)
        with pytest.raises(SessionNotFound):
            app.create({"sessionId": self.ID}, MODERATOR)
        assert app.pooled() == {self.ID}

    def test_registering_does_not_reopen_a_closed_session(self, app: Application) -> None:
        app.create({"sessionId": self.ID}, MODERATOR)
        app.close(self.ID, MODERATOR)
        with pytest.raises(SessionClosed):
            app.create({"sessionId": self.ID}, MODERATOR)
        assert app.recorded(self.ID).closed

    def test_registering_a_session_of_another_project_is_rejected(
        self, app: Application, aws: Aws
    ) -> None:
        with pytest.raises(InvalidRequest) as refused:
            app.create({"sessionId": session_id(1, OTHER_KEY)}, MODERATOR)
        assert [error.field for error in refused.value.errors] == ["sessionId"]
        assert aws.items() == []

    def test_registering_a_session_of_a_project_that_an_instance_does_not_know_yet(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app.create()
        change_project(aws, vendor)
        clock.turn(2)
        new = session_id(1, OTHER_KEY)
        created = app.create({"sessionId": new, "token": {}}, MODERATOR)
        assert created.session.project_id == OTHER_KEY
        assert created.token is not None

    def test_with_a_room(self, app: Application) -> None:
        body = {"sessionId": self.ID, "room": "lobby", "reuse": "permanent"}
        created = app.create(body, MODERATOR)
        assert session_in(app.store, "lobby") == self.ID
        assert app.create({"room": "lobby"}, BOB).session == created.session
        assert app.create(body, MODERATOR).session == created.session

    def test_in_a_room_that_has_another(self, app: Application) -> None:
        app.create({"room": "lobby"})
        with pytest.raises(RoomOptionsConflict) as conflict:
            app.create({"sessionId": self.ID, "room": "lobby"}, MODERATOR)
        assert [error.field for error in conflict.value.errors] == ["sessionId"]
        assert app.store.find_session(self.ID) is None

    def test_in_a_room_that_is_free_when_it_has_a_record_without_one(
        self, app: Application
    ) -> None:
        app.create({"sessionId": self.ID}, MODERATOR)
        with pytest.raises(RoomOptionsConflict) as conflict:
            app.create({"sessionId": self.ID, "room": "lobby"}, MODERATOR)
        assert [error.field for error in conflict.value.errors] == ["room"]
        assert session_in(app.store, "lobby") is None

    def test_registering_again_revives_the_idle_room(self, app: Application, clock: Clock) -> None:
        app.create({"sessionId": self.ID, "room": "lobby"}, MODERATOR)
        clock.turn(IDLE)
        again = app.create({"sessionId": self.ID, "room": "lobby"}, MODERATOR)
        assert again.session.session_id == self.ID
        assert app.in_room("lobby") == self.ID

    def test_registering_again_for_a_room_that_moved_on_is_a_conflict(
        self, app: Application, clock: Clock
    ) -> None:
        app.create({"sessionId": self.ID, "room": "lobby"}, MODERATOR)
        clock.turn(IDLE)
        fresh = app.create({"room": "lobby"}, BOB).session
        app.close(fresh.session_id, BOB)
        with pytest.raises(RoomOptionsConflict) as conflict:
            app.create({"sessionId": self.ID, "room": "lobby"}, MODERATOR)
        assert [error.field for error in conflict.value.errors] == ["room"]
        assert session_in(app.store, "lobby") == fresh.session_id

    def test_registering_again_without_the_room_that_moved_on(
        self, app: Application, clock: Clock
    ) -> None:
        app.create({"sessionId": self.ID, "room": "lobby"}, MODERATOR)
        clock.turn(IDLE)
        app.create({"room": "lobby"}, BOB)
        again = app.create({"sessionId": self.ID, "token": {}}, MODERATOR)
        assert again.session.session_id == self.ID
        assert again.token is not None

    def test_with_a_token_before_it_opens(self, app: Application, aws: Aws) -> None:
        body = {"sessionId": self.ID, "opensAt": instant(NOW + 60), "token": {}}
        with pytest.raises(SessionNotOpenYet):
            app.create(body, MODERATOR)
        assert aws.items() == []

    def test_never_looks_into_the_pools(self, app: Application, aws: Aws) -> None:
        app.fill("routed", "p1")
        app.create({"sessionId": self.ID}, MODERATOR)
        assert "Query" not in aws.calls
        assert app.pooled() == {"p1"}


class TestCredentials:
    def test_there_are_none(self, aws: Aws, vendor: VendorServer, clock: Clock) -> None:
        aws.put_secret({"apiKey": "", "apiSecret": ""})
        app = Application.start(aws, vendor, clock)
        with pytest.raises(CredentialsUnavailable):
            app.create({"room": "lobby"})
        assert aws.items() == []

    def test_a_rotation_fails_no_request(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app.create()
        vendor.secrets[API_KEY] = NEW_SECRET
        aws.put_secret({"apiKey": API_KEY, "apiSecret": NEW_SECRET})
        clock.turn(2)
        assert app.create({"token": {}}).session.session_id == vendor.made[1]

    def test_a_project_that_changes_between_the_look_and_the_vendors_answer(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        """The record and its pool are of the project that made it."""
        app.create()
        clock.turn(2)
        del vendor.secrets[API_KEY]
        change_project(aws, vendor)
        created = app.create({"token": {}})
        assert created.session.project_id == OTHER_KEY
        assert created.token is not None
        assert created.token.project_id == OTHER_KEY


def test_a_damaged_room_is_an_internal_error(app: Application, aws: Aws) -> None:
    session = app.create({"room": "lobby"}).session
    item = aws.item(f"session#{session.session_id}")
    assert item is not None
    aws.put({**item, "participants": {"NULL": True}})
    with pytest.raises(DamagedRecord):
        app.create({"room": "lobby"}, BOB)


def test_a_request_decides_by_the_moment_it_came(app: Application, aws: Aws, clock: Clock) -> None:
    aws.meet("PutItem", before(lambda: clock.turn(100)))
    session = app.create().session
    assert session.created_at == NOW * 1000
    assert replace(session) == app.recorded(session.session_id)
