"""The list of a caller's sessions: order, pages, and what it costs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from opentok_client.grant import Role
from opentok_client.options import ArchiveMode, SessionOptions
from opentok_sessions.domain.models import SUB_MAX, Caller, Reuse, Session
from opentok_sessions.domain.problems import StorageUnavailable
from opentok_sessions.http.create_session import PARTICIPANT_MAX, PARTICIPANTS_MAX
from opentok_sessions.http.get_session import LIMIT_MAX, LIST_BYTES_MAX, list_response
from opentok_sessions.storage.attributes import Item
from opentok_sessions.storage.items import UNLISTED, session_item
from opentok_sessions.storage.session_list import SessionList
from opentok_sessions.storage.session_store import SessionStore
from opentok_sessions.storage.table import Table
from tests.aws import TABLE_NAME, Aws
from tests.unit.opentok_sessions.application import DAY, NOW, a_session

ALICE = Caller("alice")
READ_UNITS_MAX = 60
RESPONSE_BYTES_MAX = 300_000


@pytest.fixture
def table(aws: Aws) -> Table:
    return Table(aws.client("dynamodb"), TABLE_NAME)


@pytest.fixture
def store(table: Table) -> SessionStore:
    return SessionStore(table, 90 * DAY)


@pytest.fixture
def sessions(table: Table) -> SessionList:
    return SessionList(table)


def fill(store: SessionStore, number: int, owner: str = "alice", **values: object) -> None:
    for n in range(number):
        created_at = NOW * 1000 + n
        session = a_session(f"{owner}-{n}", owner=owner, created_at=created_at, **values)
        store.record(session, NOW, pooled=False)


def largest(n: int, owner: str) -> Session:
    """Returns a session with the longest value in every field."""
    name = "\U0001f3a5" * 80
    session = a_session(f"{n:03}" + "x" * 244, owner=owner, created_at=NOW * 1000 + n)
    return replace(
        session,
        options=SessionOptions(
            archive_mode=ArchiveMode.ALWAYS,
            archive_name=name,
            archive_resolution="1920x1080",
            location="223.255.255.255",
        ),
        project_id="29f760f8-7ce1-46c9-ade3-f2dedee4ed5f",
        media_mode_reason="the media router is required for " + "x" * 200,
        room="r" * 128,
        reuse=Reuse.CONVERSATION,
        opens_at=253_402_300_798,
        closes_at=253_402_300_799,
        participants={f"{m:03}".ljust(PARTICIPANT_MAX, "p"): Role.PUBLISHER_ONLY for m in range(n)},
    )


def stored_bytes(item: Item) -> int:
    """Returns the size of an item as DynamoDB counts it: names and values."""
    size = 0
    for name, attribute in item.items():
        [(kind, value)] = attribute.items()
        size += len(name.encode()) + (len(value.encode()) if kind == "S" else 21)
    return size


def test_the_newest_come_first_and_only_the_owners(
    store: SessionStore, sessions: SessionList
) -> None:
    fill(store, 3)
    fill(store, 2, owner="bob")
    found, position = sessions.find_owned(ALICE, 10, None)
    assert [s.session_id for s in found] == [f"session-alice-{n}" for n in (2, 1, 0)]
    assert position is None


def test_pages_follow_each_other_with_one_query_each(
    aws: Aws, store: SessionStore, sessions: SessionList
) -> None:
    fill(store, 5)
    aws.forget_calls()
    seen: list[str] = []
    position = None
    for _ in range(3):
        found, position = sessions.find_owned(ALICE, 2, position)
        seen += [s.session_id for s in found]
    assert seen == [f"session-alice-{n}" for n in (4, 3, 2, 1, 0)]
    assert position is None
    assert aws.calls == ["Query"] * 3
    assert not any(request.get("ConsistentRead") for request in aws.requests)


def test_a_position_names_a_session_and_its_time(
    store: SessionStore, sessions: SessionList
) -> None:
    fill(store, 3)
    _, position = sessions.find_owned(ALICE, 2, None)
    assert position == ("session-alice-1", NOW * 1000 + 1)


def test_an_unknown_owner_has_no_sessions(aws: Aws, sessions: SessionList) -> None:
    assert sessions.find_owned(Caller("unknown"), 10, None) == ([], None)
    assert aws.calls == ["Query"]


def test_participants_are_not_read(store: SessionStore, sessions: SessionList) -> None:
    fill(store, 1, participants={"bob": Role.PUBLISHER})
    [found], _ = sessions.find_owned(ALICE, 10, None)
    assert found.participants is None
    whole = store.find_session(found.session_id)
    assert whole is not None
    assert found == replace(whole, participants=None, claim_id="", last_used_at=NOW)


def test_a_page_of_the_largest_sessions_costs_at_most_60_read_units() -> None:
    owner = "\U0001f3a5" * SUB_MAX
    items = [session_item(largest(n, owner), 2**40) for n in range(100, 100 + LIMIT_MAX)]
    listed = [{k: v for k, v in item.items() if k not in UNLISTED} for item in items]
    units = sum(map(stored_bytes, listed)) / 8192
    assert units <= READ_UNITS_MAX
    assert PARTICIPANTS_MAX * PARTICIPANT_MAX > 25_000  # the bound does not come from the lists


@pytest.mark.parametrize("character", ["x", "\U0001f3a5", "\x01", '"'])
def test_a_page_of_the_largest_sessions_has_at_most_300_kb(character: str) -> None:
    caller = Caller(character * SUB_MAX)
    found = [largest(n, caller.sub) for n in range(LIMIT_MAX, 0, -1)]
    seen: list[object] = []
    rest, pages = found, 0
    while rest:
        response = list_response(rest, None, caller, NOW)
        assert len(json.dumps(response, ensure_ascii=False).encode()) <= RESPONSE_BYTES_MAX
        page = response["sessions"]
        assert isinstance(page, list)
        assert page
        assert ("cursor" in response) is (len(page) < len(rest))
        assert not any("participants" in session for session in page)
        seen += [session["sessionId"] for session in page]
        rest, pages = rest[len(page) :], pages + 1
    assert seen == [session.session_id for session in found]
    assert pages <= 2
    assert LIST_BYTES_MAX < RESPONSE_BYTES_MAX


def test_a_record_of_a_newer_version_is_not_listed(
    aws: Aws, store: SessionStore, sessions: SessionList
) -> None:
    fill(store, 1)
    [item] = aws.items()
    aws.put({**item, "schema": {"N": "99"}})
    with pytest.raises(StorageUnavailable):
        sessions.find_owned(ALICE, 10, None)
