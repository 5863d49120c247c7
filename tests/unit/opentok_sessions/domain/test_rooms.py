"""When a room's session is the next caller's, and what contradicts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from opentok_client.grant import Role
from opentok_client.options import ArchiveMode, MediaMode, SessionOptions
from opentok_sessions.domain import rooms
from opentok_sessions.domain.models import Reuse, Session
from opentok_sessions.http.create_session import parse_create_request
from tests.unit.opentok_sessions.application import NOW, a_session

IDLE = 3600
PROJECT = "47665971"
ROUTED_ID = "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5hYmNkZWZnaH5-fg"

FRESH = a_session(project_id=PROJECT, room="lobby", reuse=Reuse.CONVERSATION)
PERMANENT = replace(FRESH, reuse=Reuse.PERMANENT)


def live(session: Session, now: float = NOW, project: str = PROJECT) -> bool:
    return rooms.is_usable(session, now, project) and not rooms.is_idle(session, now, IDLE)


def test_a_fresh_session_is_the_next_callers() -> None:
    assert live(FRESH)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"closed": True}, False),
        ({"superseded": True}, False),
        ({"closes_at": NOW}, False),
        ({"closes_at": NOW + 1}, True),
        ({"opens_at": NOW + 99 * IDLE}, True),
        ({"project_id": "47000000"}, False),
        ({"last_used_at": NOW - IDLE}, False),
        ({"last_used_at": NOW - IDLE + 1}, True),
        ({"last_used_at": NOW + 5}, True),
    ],
)
def test_a_room_is_free_when_its_session_is_not_live(
    change: dict[str, Any], expected: bool
) -> None:
    assert live(replace(FRESH, **change)) is expected


def test_a_room_is_idle_after_exactly_the_idle_time() -> None:
    assert live(FRESH, NOW + IDLE - 0.001)
    assert not live(FRESH, NOW + IDLE)
    assert not rooms.is_idle(FRESH, NOW + IDLE - 0.001, IDLE)
    assert rooms.is_idle(FRESH, NOW + IDLE, IDLE)


def test_a_permanent_room_is_never_idle() -> None:
    assert live(PERMANENT, NOW + 1000 * IDLE)
    assert not rooms.is_idle(PERMANENT, NOW + 1000 * IDLE, IDLE)


@pytest.mark.parametrize(
    "change", [{"closed": True}, {"closes_at": NOW}, {"superseded": True}, {"project_id": "4"}]
)
def test_a_permanent_room_is_freed_by_everything_else(change: dict[str, Any]) -> None:
    assert not live(replace(PERMANENT, **change))


def test_a_booked_session_is_not_idle_before_it_has_opened() -> None:
    opens_at = NOW + 10 * IDLE
    booked = replace(FRESH, opens_at=opens_at)
    assert live(booked, opens_at - 1)
    assert live(booked, opens_at + IDLE - 1)
    assert not live(booked, opens_at + IDLE)
    used = replace(booked, last_used_at=opens_at + 100)
    assert live(used, opens_at + IDLE + 99)
    assert not live(used, opens_at + IDLE + 100)


def test_a_session_that_was_booked_long_ago_is_as_idle_as_its_use() -> None:
    used = replace(FRESH, opens_at=NOW - 10 * IDLE)
    assert live(used, NOW + IDLE - 1)
    assert not live(used, NOW + IDLE)


def test_use_is_recorded_every_tenth_of_the_idle_time() -> None:
    assert not rooms.use_is_due(FRESH, NOW, IDLE)
    assert not rooms.use_is_due(FRESH, NOW + IDLE / 10 - 0.001, IDLE)
    assert rooms.use_is_due(FRESH, NOW + IDLE / 10, IDLE)
    assert rooms.use_is_due(FRESH, NOW + IDLE, IDLE)
    assert not rooms.use_is_due(replace(FRESH, last_used_at=NOW + 60), NOW, IDLE)


# --- contradictions -------------------------------------------------------------------------------

RELAYED = replace(FRESH, options=SessionOptions(MediaMode.RELAYED))
ARCHIVED = replace(
    FRESH,
    options=SessionOptions(
        archive_mode=ArchiveMode.ALWAYS,
        archive_name="lesson",
        archive_resolution="640x480",
        location="12.34.56.78",
    ),
    opens_at=NOW + 60,
    closes_at=NOW + 120,
    participants={"bob": Role.PUBLISHER},
)
ENCRYPTED = replace(FRESH, options=SessionOptions(e2ee=True))
OPENS, CLOSES = "2030-03-17T17:47:40Z", "2030-03-17T17:48:40Z"
LATER = "2030-03-17T17:49:40Z"
AS_ARCHIVED: dict[str, object] = {
    "mediaMode": "routed",
    "archiveMode": "always",
    "archiveName": "lesson",
    "archiveResolution": "640x480",
    "location": "12.34.56.78",
    "e2ee": False,
    "reuse": "conversation",
    "opensAt": OPENS,
    "closesAt": CLOSES,
    "participants": {"bob": "publisher"},
}


def contradictions(session: Session, body: Mapping[str, object]) -> list[str]:
    request = parse_create_request({"room": "lobby", **body}, NOW, 86_400)
    return rooms.conflicts(session, request)


def test_the_instants_are_those_of_the_session() -> None:
    request = parse_create_request({"opensAt": OPENS, "closesAt": CLOSES}, NOW, 86_400)
    assert (request.opens_at, request.closes_at) == (ARCHIVED.opens_at, ARCHIVED.closes_at)


@pytest.mark.parametrize(
    ("session", "body", "expected"),
    [
        pytest.param(FRESH, {}, [], id="nothing said of a plain session"),
        pytest.param(ARCHIVED, {}, [], id="nothing said of one with everything"),
        pytest.param(ARCHIVED, AS_ARCHIVED, [], id="everything as it is"),
        pytest.param(
            FRESH, {"mediaMode": "relayed"}, ["mediaMode"], id="relayed, but it is routed"
        ),
        pytest.param(RELAYED, {"mediaMode": "routed"}, ["mediaMode"], id="routed, but relayed"),
        pytest.param(FRESH, {"mediaMode": "auto"}, [], id="auto, routed"),
        pytest.param(RELAYED, {"mediaMode": "auto"}, [], id="auto, relayed"),
        pytest.param(FRESH, {"expectedParticipants": 2}, [], id="auto may live with the router"),
        pytest.param(RELAYED, {"expectedParticipants": 2}, [], id="two in a relayed one"),
        pytest.param(
            RELAYED,
            {"expectedParticipants": 3},
            ["expectedParticipants"],
            id="three in a relayed one",
        ),
        pytest.param(RELAYED, {"features": ["sip"]}, ["features"], id="a feature, relayed"),
        pytest.param(FRESH, {"features": ["sip"]}, [], id="a feature, routed"),
        pytest.param(
            RELAYED, {"archiveMode": "always"}, ["archiveMode"], id="archived, but relayed"
        ),
        pytest.param(RELAYED, {"e2ee": True}, ["e2ee"], id="encrypted, but relayed"),
        pytest.param(FRESH, {"archiveMode": "always"}, ["archiveMode"], id="archived, but manual"),
        pytest.param(ARCHIVED, {"archiveMode": "manual"}, ["archiveMode"], id="manual, but always"),
        pytest.param(
            ARCHIVED,
            {"archiveMode": "always", "archiveName": "other"},
            ["archiveName"],
            id="another name",
        ),
        pytest.param(
            ARCHIVED,
            {"archiveMode": "always", "archiveResolution": "480x640"},
            ["archiveResolution"],
            id="another resolution",
        ),
        pytest.param(FRESH, {"location": "12.34.56.78"}, ["location"], id="a place, but nowhere"),
        pytest.param(ARCHIVED, {"location": "12.34.56.79"}, ["location"], id="another place"),
        pytest.param(FRESH, {"e2ee": True}, ["e2ee"], id="encrypted, but it is not"),
        pytest.param(ENCRYPTED, {"e2ee": False}, ["e2ee"], id="not encrypted, but it is"),
        pytest.param(FRESH, {"reuse": "permanent"}, ["reuse"], id="permanent, but it is not"),
        pytest.param(
            PERMANENT, {"reuse": "conversation"}, ["reuse"], id="not permanent, but it is"
        ),
        pytest.param(PERMANENT, {}, [], id="nothing said of the reuse"),
        pytest.param(ARCHIVED, {"opensAt": LATER}, ["opensAt"], id="opens later"),
        pytest.param(FRESH, {"closesAt": LATER}, ["closesAt"], id="closes, but does not"),
        pytest.param(ARCHIVED, {"closesAt": LATER}, ["closesAt"], id="closes later"),
        pytest.param(FRESH, {"participants": {}}, ["participants"], id="a list, but there is none"),
        pytest.param(
            ARCHIVED,
            {"participants": {"bob": "moderator"}},
            ["participants"],
            id="another role on the list",
        ),
        pytest.param(FRESH, {"sessionId": ROUTED_ID}, ["sessionId"], id="another session"),
        pytest.param(
            replace(FRESH, session_id=ROUTED_ID), {"sessionId": ROUTED_ID}, [], id="this session"
        ),
        pytest.param(
            replace(FRESH, room="hall"), {}, ["room"], id="the session of another room, registered"
        ),
        pytest.param(
            RELAYED,
            {"expectedParticipants": 3, "features": ["sip"], "archiveMode": "always"},
            ["archiveMode", "expectedParticipants", "features"],
            id="everything that needs the router",
        ),
        pytest.param(
            ARCHIVED,
            {
                "mediaMode": "relayed",
                "archiveMode": "manual",
                "location": "12.34.56.79",
                "reuse": "permanent",
            },
            ["mediaMode", "archiveMode", "location", "reuse"],
            id="everything said differs",
        ),
    ],
)
def test_only_sent_fields_are_compared_with_the_room(
    session: Session, body: dict[str, object], expected: list[str]
) -> None:
    assert sorted(contradictions(session, body)) == sorted(expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"expectedParticipants": 3}, ["expectedParticipants"]),
        ({"expectedParticipants": 2}, []),
        ({"features": ["archiving"]}, ["features"]),
        ({"mediaMode": "routed"}, ["mediaMode"]),
    ],
)
def test_an_explicitly_relayed_room_refuses_what_requires_the_router(
    body: Mapping[str, object], expected: list[str]
) -> None:
    relayed = a_session(
        room="lobby", reuse=Reuse.CONVERSATION, options=SessionOptions(MediaMode.RELAYED)
    )
    assert contradictions(relayed, {"room": "lobby", **body}) == expected
