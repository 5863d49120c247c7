"""Tenants: nothing of one tenant is visible or usable in another, not even for its moderators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opentok_sessions.domain.limits import Limits
from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.problems import (
    AlreadyRegistered,
    InvalidRequest,
    Problem,
    RoomNotFound,
    SessionNotFound,
    TooManyRequests,
)
from opentok_sessions.http.get_session import cursor_of, parse_list_query
from opentok_sessions.http.handler import http_handler
from opentok_sessions.http.request import Request
from opentok_sessions.runtime.settings import Settings
from opentok_sessions.storage.keys import caller_key, owner_key, room_key
from tests.aws import ENVIRONMENT, Aws
from tests.unit.opentok_sessions.application import Application, Clock
from tests.unit.opentok_sessions.vendor_server import VendorServer
from tests.unit.opentok_sessions.vendor_server import session_id as vendor_id

ALICE = Caller("alice", tenant="blue")
BOB = Caller("bob", tenant="blue")
BLUE_MODERATOR = Caller("mo", moderator=True, tenant="blue")
# The same `sub` as Alice's, another user, and a moderator: all of another tenant.
STRANGERS = [
    Caller("alice", tenant="red"),
    Caller("carol", tenant="red"),
    Caller("mo", moderator=True, tenant="red"),
    Caller("alice"),
    Caller("alice", moderator=True),
]
SETTINGS = Settings.from_environment({**ENVIRONMENT, "TENANT_CLAIM": "custom:tenant"})
Call = Callable[[Application, str, Caller], object]

BY_ID: dict[str, Call] = {
    "get": lambda app, session_id, caller: app.get_session.by_id(session_id, caller),
    "token": lambda app, session_id, caller: app.token(session_id, caller),
    "close": lambda app, session_id, caller: app.close(session_id, caller),
}


def caller_of(claims: dict[str, Any], settings: Settings = SETTINGS) -> Caller:
    event = {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}
    return Request(event, settings).caller


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
@pytest.mark.parametrize("call", BY_ID.values(), ids=BY_ID.keys())
@pytest.mark.parametrize("body", [{}, {"participants": {"carol": "moderator"}}], ids=str)
def test_a_session_of_another_tenant_is_like_a_missing_one(
    aws: Aws, app: Application, call: Call, stranger: Caller, body: dict[str, object]
) -> None:
    session_id = app.create(body, ALICE).session.session_id
    seen = []
    for wanted in (session_id, "no-such-session"):
        aws.forget_calls()
        with pytest.raises(SessionNotFound) as missing:
            call(app, wanted, stranger)
        seen.append((missing.value.detail, missing.value.errors, list(aws.calls)))
    assert seen[0] == seen[1]
    assert app.recorded(session_id).closed is False


def test_the_owner_other_users_and_moderators_of_a_tenant_share_its_sessions(
    app: Application,
) -> None:
    session = app.create({}, ALICE).session
    assert session.tenant == "blue"
    for caller in (ALICE, BOB, BLUE_MODERATOR):
        assert app.get_session.by_id(session.session_id, caller) == session
        app.token(session.session_id, caller)
    app.close(session.session_id, BLUE_MODERATOR)


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
def test_rooms_of_two_tenants_are_two_rooms(app: Application, stranger: Caller) -> None:
    private = {"room": "lobby", "participants": {"carol": "publisher"}}
    ours = app.create(private, ALICE).session
    assert app.in_room("lobby", stranger) is None
    with pytest.raises(RoomNotFound):
        app.release_room("lobby", stranger)
    theirs = app.create({"room": "lobby"}, stranger).session
    assert theirs.session_id != ours.session_id
    assert app.in_room("lobby", ALICE) == ours.session_id
    assert app.in_room("lobby", stranger) == theirs.session_id
    app.release_room("lobby", stranger)
    assert app.create({"room": "lobby"}, ALICE).session == ours


def test_the_use_of_a_room_keeps_the_record_of_its_own_tenant(
    aws: Aws, app: Application, clock: Clock
) -> None:
    app.create({"room": "lobby"}, ALICE)
    app.create({"room": "lobby"}, STRANGERS[1])
    before = {item["pk"]["S"]: item["ttl"] for item in aws.items("room#")}
    clock.turn(6 * 3600)
    app.create({"room": "lobby"}, BOB)
    after = {item["pk"]["S"]: item["ttl"] for item in aws.items("room#")}
    changed = {pk for pk in before if before[pk] != after[pk]}
    assert changed == {"room#blue#lobby"}


def test_a_list_shows_the_sessions_of_one_tenant(app: Application) -> None:
    ours = app.create({}, ALICE).session.session_id
    theirs = app.create({}, STRANGERS[0]).session.session_id
    for caller, expected in ((ALICE, ours), (STRANGERS[0], theirs)):
        found, _ = app.get_session.search(parse_list_query({}, caller), caller)
        assert [session.session_id for session in found] == [expected]
    assert app.get_session.search(parse_list_query({}, STRANGERS[3]), STRANGERS[3]) == ([], None)


def test_a_cursor_is_valid_in_its_tenant_only() -> None:
    cursor = cursor_of(("1_x", 1_900_000_000_000), ALICE)
    assert parse_list_query({"cursor": cursor}, ALICE).after == ("1_x", 1_900_000_000_000)
    for stranger in STRANGERS:
        with pytest.raises(InvalidRequest):
            parse_list_query({"cursor": cursor}, stranger)


def test_an_idempotency_key_exists_per_tenant(app: Application) -> None:
    ours = app.create({}, ALICE, key="k").session
    assert app.create({}, ALICE, key="k").session == ours
    for stranger in STRANGERS[:1] + STRANGERS[3:4]:
        assert app.create({}, stranger, key="k").session.session_id != ours.session_id


def test_a_session_registered_in_another_tenant_is_not_found(app: Application) -> None:
    body = {"sessionId": vendor_id(10**9)}
    app.create(body, BLUE_MODERATOR)
    with pytest.raises(SessionNotFound):
        app.create(body, STRANGERS[2])
    with pytest.raises(AlreadyRegistered):
        app.create(body, Caller("other", moderator=True, tenant="blue"))


def test_limits_exist_per_tenant(aws: Aws, vendor: VendorServer, clock: Clock) -> None:
    app = Application.start(aws, vendor, clock, limits=Limits.of(2, 0, 1))
    body: dict[str, object] = {"room": "a", "reuse": "permanent"}
    app.create(body, ALICE)
    app.create(body, STRANGERS[0])
    with pytest.raises(TooManyRequests):
        app.create({**body, "room": "b"}, ALICE)
    app.release_room("a", ALICE)
    assert aws.item("caller#red#alice", "rooms")["rooms"] == {"SS": ["a"]}  # type: ignore[index]
    assert "rooms" not in (aws.item("caller#blue#alice", "rooms") or {})


@pytest.mark.parametrize(
    "tenants", [("a", "a#b"), ("a#b", "a"), ("a%23b", "a#b"), ("", "a"), ("a%", "a%25")], ids=str
)
def test_no_tenant_and_name_form_the_key_of_another_two(tenants: tuple[str, str]) -> None:
    names = ("c", "b#c", "#c", "a#c", "a#b#c")
    callers = [Caller(name, tenant=tenant) for tenant in tenants for name in names]
    assert len({owner_key(caller.sub, caller.tenant) for caller in callers}) == len(callers)
    assert len({caller_key(caller, "rooms") for caller in callers}) == len(callers)
    rooms = [(name, tenant) for tenant in tenants for name in ("c", "a.c")]
    assert len({room_key(*room) for room in rooms}) == len(rooms)


@pytest.mark.parametrize("tenant", ["blue", "é", "t" * 128, "a b", "[x", "47"])
def test_the_tenant_is_read_from_its_claim(tenant: str) -> None:
    assert caller_of({"sub": "alice", "custom:tenant": tenant}) == Caller("alice", False, tenant)


@pytest.mark.parametrize(
    "claim",
    [None, "", "t" * 129, 1, True, ["blue"], "[blue]", "[blue red]", "map[id:blue]", "\ud800"],
)
def test_a_jwt_that_names_no_single_tenant_is_rejected(claim: object) -> None:
    claims = {"sub": "alice", "custom:tenant": claim}
    with pytest.raises(InvalidRequest) as invalid:
        caller_of({name: value for name, value in claims.items() if value is not None})
    [error] = invalid.value.errors
    assert error.field == "custom:tenant"


def test_without_tenants_the_claim_is_ignored() -> None:
    settings = SETTINGS._replace(tenant_claim="")
    assert caller_of({"sub": "alice", "custom:tenant": "blue"}, settings) == Caller("alice")


def test_the_tenant_is_in_the_log_of_the_request(log: Callable[[], str]) -> None:
    def respond(request: Request) -> Any:
        raise Problem("detail")

    claims = {"sub": "alice", "custom:tenant": "blue"}
    event = {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}
    http_handler(SETTINGS)(respond)(event, None)
    assert '"tenant":"blue"' in log()
