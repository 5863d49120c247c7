"""Sessions and tokens in the API's format, and who sees which field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opentok_client.grant import Role
from opentok_client.options import ArchiveMode, MediaMode, SessionOptions
from opentok_sessions.domain.models import Caller, Created, Reuse, Source, Token
from opentok_sessions.http.responses import (
    created_response,
    session_response,
    token_response,
)
from tests.unit.opentok_sessions.application import NOW, a_session

APPLICATION = "29f760f8-7ce1-46c9-ade3-f2dedee4ed5f"
OWNER = Caller("owner")
PLAIN = a_session(
    session_id="1_MX4",
    project_id="47665971",
    owner="owner",
    created_at=NOW * 1000 + 7,
    source=Source.POOL,
)
FULL = replace(
    PLAIN,
    options=SessionOptions(
        archive_mode=ArchiveMode.ALWAYS,
        archive_name="lesson",
        archive_resolution="640x480",
        location="12.34.56.78",
    ),
    room="lobby",
    reuse=Reuse.PERMANENT,
    opens_at=NOW - 60,
    closes_at=NOW + 60,
    participants={"bob": Role.SUBSCRIBER},
)
TOKEN = Token("T1==secret", "1_MX4", "47665971", Role.PUBLISHER, NOW, NOW + 3600)


def test_a_session_with_default_options() -> None:
    assert session_response(PLAIN, OWNER, NOW) == {
        "sessionId": "1_MX4",
        "projectId": "47665971",
        "apiKey": "47665971",
        "mediaMode": "routed",
        "archiveMode": "manual",
        "e2ee": False,
        "mediaModeReason": "as requested",
        "adaptiveMediaRouting": {
            "available": True,
            "minimumClientVersions": {"web": "2.24.7", "native": "2.27.0"},
        },
        "owner": "owner",
        "state": "open",
        "createdAt": "2030-03-17T17:46:40.007Z",
        "source": "pool",
    }


def test_a_session_with_every_field() -> None:
    answer = session_response(FULL, OWNER, NOW)
    assert (
        answer.items()
        >= {
            "archiveMode": "always",
            "archiveName": "lesson",
            "archiveResolution": "640x480",
            "location": "12.34.56.78",
            "room": "lobby",
            "reuse": "permanent",
            "opensAt": "2030-03-17T17:45:40Z",
            "closesAt": "2030-03-17T17:47:40Z",
        }.items()
    )
    assert answer["participants"] == {"bob": "subscriber"}


def test_internal_attributes_of_a_session_are_not_shown() -> None:
    assert not session_response(FULL, OWNER, NOW).keys() & {"claimId", "lastUsedAt", "superseded"}
    assert "claim" not in str(session_response(FULL, OWNER, NOW))


@pytest.mark.parametrize(
    ("caller", "shown"),
    [
        (OWNER, True),
        (Caller("mo", moderator=True), True),
        (Caller("bob"), False),
        (Caller("stranger"), False),
    ],
)
def test_only_the_owner_and_moderators_see_participants(caller: Caller, shown: bool) -> None:
    assert ("participants" in session_response(FULL, caller, NOW)) is shown


def test_an_empty_list_of_participants_is_shown() -> None:
    assert session_response(replace(PLAIN, participants={}), OWNER, NOW)["participants"] == {}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "open"),
        ({"closed": True}, "closed"),
        ({"closes_at": NOW}, "closed"),
        ({"closes_at": NOW + 1}, "open"),
        ({"opens_at": NOW + 1}, "open"),
        ({"superseded": True}, "open"),
    ],
)
def test_the_state_of_a_session(change: dict[str, int], state: str) -> None:
    assert session_response(replace(PLAIN, **change), OWNER, NOW)["state"] == state  # type: ignore[arg-type]


def test_a_session_on_vonage_has_an_application_id() -> None:
    answer = session_response(replace(PLAIN, project_id=APPLICATION), OWNER, NOW)
    assert answer["projectId"] == answer["applicationId"] == APPLICATION
    assert "apiKey" not in answer


def test_a_relayed_session_has_no_adaptive_media_routing() -> None:
    answer = session_response(replace(PLAIN, options=SessionOptions(MediaMode.RELAYED)), OWNER, NOW)
    assert answer["mediaMode"] == "relayed"
    assert answer["adaptiveMediaRouting"] == {"available": False}


@pytest.mark.parametrize("source", Source)
def test_the_source_of_a_session(source: Source) -> None:
    session = replace(PLAIN, source=source)
    assert session_response(session, OWNER, NOW)["source"] == source.value
    assert created_response(Created(session, None, joined=False), OWNER, NOW) == session_response(
        session, OWNER, NOW
    )
    again = created_response(Created(session, None, joined=True), OWNER, NOW)
    assert again == session_response(session, OWNER, NOW)  # registered once more
    in_room = replace(session, room="lobby")
    joined = created_response(Created(in_room, None, joined=True), OWNER, NOW)
    assert joined == {**session_response(in_room, OWNER, NOW), "source": "room"}


def test_the_response_of_a_token() -> None:
    assert token_response(TOKEN) == {
        "token": "T1==secret",
        "sessionId": "1_MX4",
        "projectId": "47665971",
        "apiKey": "47665971",
        "role": "publisher",
        "issuedAt": "2030-03-17T17:46:40Z",
        "expiresAt": "2030-03-17T18:46:40Z",
    }


def test_a_token_on_vonage_has_an_application_id() -> None:
    answer = token_response(replace(TOKEN, project_id=APPLICATION))
    assert answer["applicationId"] == APPLICATION
    assert "apiKey" not in answer


def test_a_requested_token_is_in_the_response_of_its_session() -> None:
    answer = created_response(Created(PLAIN, TOKEN, joined=False), OWNER, NOW)
    assert answer == {**session_response(PLAIN, OWNER, NOW), "token": token_response(TOKEN)}


def test_no_repr_contains_a_token() -> None:
    assert "secret" not in repr(TOKEN)
    assert "secret" not in repr(Created(PLAIN, TOKEN, joined=False))


def test_times_of_any_year_can_be_shown() -> None:
    distant = replace(PLAIN, opens_at=-62_135_596_800, closes_at=253_402_300_799)
    answer = session_response(distant, OWNER, NOW)
    assert answer["opensAt"] == "0001-01-01T00:00:00Z"
    assert answer["closesAt"] == "9999-12-31T23:59:59Z"


def test_options_that_were_not_set_are_left_out() -> None:
    assert SessionOptions(MediaMode.RELAYED).fields() == {
        "mediaMode": "relayed",
        "archiveMode": "manual",
        "e2ee": False,
    }
    assert SessionOptions(e2ee=True).fields()["e2ee"] is True
