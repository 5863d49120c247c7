"""The body of `POST /sessions`: every field, every rule, and no forbidden combination."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given, settings

from opentok_client.grant import Role
from opentok_client.options import ArchiveMode, MediaMode, SessionOptions
from opentok_sessions.domain.models import Reuse, TokenRequest
from opentok_sessions.domain.problems import FieldError, InvalidCombination, InvalidRequest
from opentok_sessions.domain.requests import CreateRequest
from opentok_sessions.http.create_session import CREATE_FIELDS, parse_create_request
from tests.unit.opentok_sessions.bodies import MEMBERS, RELAYED_ID, ROUTED_ID, bodies

NOW = 1_900_000_000.5  # 2030-03-17T17:46:40.5Z
DAY = 86_400
ROUTED, RELAYED = MediaMode.ROUTED, MediaMode.RELAYED
Body = Mapping[str, object]


def read(body: Body) -> CreateRequest:
    return parse_create_request(body, NOW, DAY)


def refused(body: Body) -> tuple[set[str], set[str]]:
    """Returns the fields that are invalid, and those that cannot be combined."""
    try:
        read(body)
    except InvalidCombination as illegal:
        return set(), {error.field for error in illegal.errors}
    except InvalidRequest as invalid:
        return {error.field for error in invalid.errors}, set()
    raise AssertionError("was not refused")


def test_an_empty_request_is_for_a_new_routed_session() -> None:
    request = read({})
    assert request.chosen.options == SessionOptions()
    assert request.chosen.auto
    assert "unknown" in request.chosen.reason
    assert request == CreateRequest(
        chosen=request.chosen,
        sent=frozenset(),
        room=None,
        reuse=None,
        opens_at=None,
        closes_at=None,
        participants=None,
        session_id=None,
        token=None,
    )


@pytest.mark.parametrize(
    ("body", "options", "auto"),
    [
        ({"mediaMode": "auto"}, SessionOptions(), True),
        ({"mediaMode": "routed"}, SessionOptions(), False),
        ({"mediaMode": "relayed"}, SessionOptions(RELAYED), False),
        ({"expectedParticipants": 2}, SessionOptions(RELAYED), True),
        ({"expectedParticipants": 3}, SessionOptions(), True),
        ({"expectedParticipants": 2, "mediaMode": "routed"}, SessionOptions(), False),
        ({"expectedParticipants": 100, "mediaMode": "relayed"}, SessionOptions(RELAYED), False),
        ({"expectedParticipants": 2, "features": ["sip"]}, SessionOptions(), True),
        ({"expectedParticipants": 2, "features": []}, SessionOptions(RELAYED), True),
        ({"expectedParticipants": 2, "e2ee": True}, SessionOptions(e2ee=True), True),
        ({"expectedParticipants": 2, "e2ee": False}, SessionOptions(RELAYED), True),
        ({"e2ee": True, "features": ["captions"]}, SessionOptions(e2ee=True), True),
        (
            {"expectedParticipants": 2, "archiveMode": "always"},
            SessionOptions(archive_mode=ArchiveMode.ALWAYS),
            True,
        ),
        (
            {"archiveMode": "always", "archiveName": "a", "archiveResolution": "640x480"},
            SessionOptions(
                archive_mode=ArchiveMode.ALWAYS, archive_name="a", archive_resolution="640x480"
            ),
            True,
        ),
        ({"location": "12.34.56.78"}, SessionOptions(location="12.34.56.78"), True),
    ],
)
def test_options_and_media_mode_are_chosen(body: Body, options: SessionOptions, auto: bool) -> None:
    chosen = read(body).chosen
    assert chosen.options == options
    assert chosen.auto is auto
    assert (chosen.reason == "as requested") is not auto


def test_room_window_participants_and_token_are_parsed() -> None:
    request = read(
        {
            "room": "lobby.1_~-",
            "reuse": "permanent",
            "opensAt": "2030-03-18T00:00:00Z",
            "closesAt": "2030-03-18T01:00:00Z",
            "participants": {"bob": "subscriber", "eve": "moderator"},
            "token": {"role": "subscriber", "expiresIn": 60},
        }
    )
    assert request.room == "lobby.1_~-"
    assert request.reuse is Reuse.PERMANENT
    assert request.opens_at == 1_900_022_400
    assert request.closes_at == 1_900_026_000
    assert request.participants == {"bob": Role.SUBSCRIBER, "eve": Role.MODERATOR}
    assert request.token == TokenRequest(Role.SUBSCRIBER, 60)
    assert request.sent == {"room", "reuse", "opensAt", "closesAt", "participants", "token"}


def test_reuse_is_conversation_by_default_in_a_room() -> None:
    assert read({"room": "a"}).reuse is Reuse.CONVERSATION
    assert read({"room": "a", "reuse": "conversation"}).reuse is Reuse.CONVERSATION
    assert read({}).reuse is None


def test_an_empty_list_of_participants_admits_the_owner_only() -> None:
    assert read({"participants": {}}).participants == {}
    assert read({}).participants is None


def test_an_empty_token_object_requests_a_token() -> None:
    assert read({"token": {}}).token == TokenRequest()
    assert read({}).token is None


# --- rules, one by one ----------------------------------------------------------------------------

WRONG: dict[str, tuple[Body, str]] = {
    "an unknown field": ({"mediamode": "routed"}, "mediamode"),
    "an unknown mode": ({"mediaMode": "p2p"}, "mediaMode"),
    "no participants expected": ({"expectedParticipants": 0}, "expectedParticipants"),
    "too many expected": ({"expectedParticipants": 10_001}, "expectedParticipants"),
    "two and a half expected": ({"expectedParticipants": 2.5}, "expectedParticipants"),
    "an unknown feature": ({"features": ["recording"]}, "features"),
    "a feature twice": ({"features": ["sip", "sip"]}, "features"),
    "a feature alone": ({"features": "sip"}, "features"),
    "an unknown archive mode": ({"archiveMode": "never"}, "archiveMode"),
    "an empty archive name": ({"archiveMode": "always", "archiveName": ""}, "archiveName"),
    "a long archive name": ({"archiveMode": "always", "archiveName": "n" * 81}, "archiveName"),
    "an unprintable archive name": ({"archiveMode": "always", "archiveName": "\t"}, "archiveName"),
    "an unknown resolution": (
        {"archiveMode": "always", "archiveResolution": "800x600"},
        "archiveResolution",
    ),
    "a long resolution": (
        {"archiveMode": "always", "archiveResolution": "1920x10800"},
        "archiveResolution",
    ),
    "a private address": ({"location": "10.0.0.1"}, "location"),
    "no address": ({"location": "Berlin"}, "location"),
    "a long address": ({"location": "2001:db8::1:2:3:4"}, "location"),
    "a text for a flag": ({"e2ee": "yes"}, "e2ee"),
    "an empty room": ({"room": ""}, "room"),
    "a long room": ({"room": "r" * 129}, "room"),
    "a room with a space": ({"room": "a b"}, "room"),
    "a room with a slash": ({"room": "a/b"}, "room"),
    "a room with an umlaut": ({"room": "ä"}, "room"),
    "a room with a line end": ({"room": "a\n"}, "room"),
    "a number for a room": ({"room": 1}, "room"),
    "an unknown reuse": ({"room": "a", "reuse": "never"}, "reuse"),
    "a time without an offset": ({"opensAt": "2030-03-18T00:00:00"}, "opensAt"),
    "a number for a time": ({"closesAt": 1_900_022_400}, "closesAt"),
    "participants in a list": ({"participants": ["bob"]}, "participants"),
    "an unknown role": ({"participants": {"bob": "admin"}}, "participants.bob"),
    "an empty name": ({"participants": {"": "publisher"}}, "participants"),
    "a long name": ({"participants": {"s" * 129: "publisher"}}, "participants." + "s" * 87),
    "201 participants": (
        {"participants": {str(n): "publisher" for n in range(201)}},
        "participants",
    ),
    "a flag for a token": ({"token": True}, "token"),
    "a token's role": ({"token": {"role": "admin"}}, "token.role"),
    "a token's lifetime": ({"token": {"expiresIn": 86_401}}, "token.expiresIn"),
    "a token's data": ({"token": {"data": "x" * 1001}}, "token.data"),
    "a token's unknown field": ({"token": {"room": "a"}}, "token.room"),
    "a text that is not a session id": ({"sessionId": "session"}, "sessionId"),
    "an empty session id": ({"sessionId": ""}, "sessionId"),
    "a number for a session id": ({"sessionId": 1}, "sessionId"),
    "a long session id": ({"sessionId": "1_" + "A" * 254}, "sessionId"),
}


@pytest.mark.parametrize(("body", "field"), WRONG.values(), ids=WRONG.keys())
def test_an_invalid_field_is_named(body: Body, field: str) -> None:
    assert refused(body) == ({field}, set())


ILLEGAL: dict[str, tuple[Body, set[str]]] = {
    "relayed and archived": ({"mediaMode": "relayed", "archiveMode": "always"}, {"archiveMode"}),
    "relayed and encrypted": ({"mediaMode": "relayed", "e2ee": True}, {"e2ee"}),
    "relayed with features": ({"mediaMode": "relayed", "features": ["sip"]}, {"features"}),
    "relayed with captions": ({"mediaMode": "relayed", "features": ["captions"]}, {"features"}),
    "a name without always": ({"archiveName": "a"}, {"archiveName"}),
    "a name with manual": ({"archiveMode": "manual", "archiveName": "a"}, {"archiveName"}),
    "a resolution without always": ({"archiveResolution": "640x480"}, {"archiveResolution"}),
    "encrypted and archived": ({"e2ee": True, "archiveMode": "always"}, {"e2ee"}),
    **{
        f"encrypted with {feature}": ({"e2ee": True, "features": [feature]}, {"features"})
        for feature in ("archiving", "broadcast", "sip", "experienceComposer", "audioConnector")
    },
    "reuse without a room": ({"reuse": "permanent"}, {"reuse"}),
    "closing before opening": (
        {"opensAt": "2030-03-18T00:00:00Z", "closesAt": "2030-03-17T23:59:59Z"},
        {"closesAt"},
    ),
    "closing on opening": (
        {"opensAt": "2030-03-18T00:00:00Z", "closesAt": "2030-03-18T00:00:00Z"},
        {"closesAt"},
    ),
    "everything": (
        {
            "mediaMode": "relayed",
            "archiveMode": "always",
            "e2ee": True,
            "features": ["archiving"],
            "reuse": "permanent",
        },
        {"archiveMode", "e2ee", "features", "reuse"},
    ),
}


@pytest.mark.parametrize(("body", "fields"), ILLEGAL.values(), ids=ILLEGAL.keys())
def test_an_invalid_combination_names_its_fields(body: Body, fields: set[str]) -> None:
    assert refused(body) == (set(), fields)


def test_all_validation_errors_are_reported_together() -> None:
    body = {
        "mediaMode": "p2p",
        "archiveMode": "always",
        "archiveName": "n" * 81,
        "archiveResolution": "1x1",
        "location": "127.0.0.1",
        "room": "a b",
        "opensAt": "now",
        "participants": {"bob": "admin"},
        "token": {"role": "admin", "expiresIn": 1},
        "colour": "red",
    }
    assert refused(body)[0] == {
        "mediaMode",
        "archiveName",
        "archiveResolution",
        "location",
        "room",
        "opensAt",
        "participants.bob",
        "token.role",
        "token.expiresIn",
        "colour",
    }


def test_a_window_may_open_in_the_past_and_must_close_in_the_future() -> None:
    assert read({"opensAt": "2000-01-01T00:00:00Z"}).opens_at == 946_684_800
    assert read({"closesAt": "2030-03-17T17:46:41Z"}).closes_at == 1_900_000_001


def test_values_at_their_limits_are_accepted() -> None:
    assert read({"room": "r" * 128}).room == "r" * 128
    assert read({"participants": {str(n): "publisher" for n in range(200)}}).participants
    assert read({"participants": {"s" * 128: "publisher"}}).participants
    assert read({"expectedParticipants": 10_000}).chosen.options.media_mode is ROUTED


# --- registering ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("session_id", "mode"), [(RELAYED_ID, RELAYED), (ROUTED_ID, ROUTED)])
def test_the_media_mode_of_a_registered_session_is_read_from_its_id(
    session_id: str, mode: MediaMode
) -> None:
    request = read({"sessionId": session_id, "room": "a", "token": {}})
    assert request.session_id == session_id
    assert request.chosen.options == SessionOptions(mode)
    assert request.chosen.reason == "read from the session id"
    assert not request.chosen.auto
    assert request.room == "a"
    assert request.token == TokenRequest()


def test_options_cannot_be_set_when_registering_a_session() -> None:
    options: dict[str, object] = {
        "mediaMode": "routed",
        "expectedParticipants": 2,
        "features": ["sip"],
        "archiveMode": "always",
        "archiveName": "a",
        "archiveResolution": "640x480",
        "location": "12.34.56.78",
        "e2ee": True,
    }
    assert refused({"sessionId": ROUTED_ID, **options}) == (set(), set(options))
    for name, value in options.items():
        assert refused({"sessionId": ROUTED_ID, name: value}) == (set(), {name})


# --- generated bodies -----------------------------------------------------------------------------


def test_generated_bodies_cover_every_field() -> None:
    assert MEMBERS.keys() == {*CREATE_FIELDS, "other"}


@given(bodies())
@settings(max_examples=300)
def test_no_request_leads_to_a_forbidden_combination(body: dict[str, object]) -> None:
    try:
        request = read(body)
    except (InvalidRequest, InvalidCombination) as problem:
        assert problem.errors
        assert all(error.field.partition(".")[0] in body for error in problem.errors)
        return
    options = request.chosen.options
    relayed = options.media_mode is RELAYED
    always = options.archive_mode is ArchiveMode.ALWAYS
    features = body.get("features") or []
    assert isinstance(features, list)
    assert not (relayed and (always or options.e2ee or features))
    assert not (options.e2ee and (always or set(features) - {"captions"}))
    assert always or (options.archive_name is None and options.archive_resolution is None)
    assert (body.get("mediaMode") or "auto") in ("auto", options.media_mode.value)
    assert request.sent == {name for name, value in body.items() if value is not None}
    assert (request.reuse is None) is (request.room is None)
    if request.closes_at is not None and request.opens_at is not None:
        assert request.closes_at > request.opens_at
    if request.session_id is not None:
        assert not request.sent & {"mediaMode", "features", "archiveMode", "location", "e2ee"}
    if request.token is not None:
        assert 60 <= request.token.expires_in <= DAY


def test_a_closing_time_in_the_past_is_reported_with_other_errors() -> None:
    with pytest.raises(InvalidRequest) as invalid:
        read({"closesAt": "2030-03-17T17:46:40Z", "room": ""})
    assert {error.field for error in invalid.value.errors} == {"closesAt", "room"}


def test_header_errors_are_reported_with_field_errors() -> None:
    header = FieldError("Idempotency-Key", "is wrong")
    with pytest.raises(InvalidRequest) as invalid:
        parse_create_request({"room": ""}, NOW, 86_400, [header])
    assert {error.field for error in invalid.value.errors} == {"Idempotency-Key", "room"}


def test_a_field_of_the_wrong_type_is_named_once() -> None:
    with pytest.raises(InvalidRequest) as invalid:
        read({"sessionId": 5})
    assert [error.field for error in invalid.value.errors] == ["sessionId"]


ARCHIVED = {"archiveMode": "always"}

# --- clients that send more than they have to -----------------------------------------------------


def test_null_counts_as_omitted_in_every_field() -> None:
    nothing = read(dict.fromkeys(CREATE_FIELDS))
    assert nothing == read({})
    assert read({"room": "a", "location": None}) == read({"room": "a"})
    assert read({"token": {"role": None, "data": None}}).token == TokenRequest()
    assert read({"sessionId": None, "mediaMode": "relayed"}).chosen.options.media_mode is RELAYED


def test_null_is_not_a_value_of_a_list_or_a_participant() -> None:
    assert refused({"features": [None]}) == ({"features"}, set())
    assert refused({"participants": {"bob": None}}) == ({"participants.bob"}, set())
    assert refused({"room": "a", "colour": None}) == ({"colour"}, set())


def test_an_integer_may_be_written_with_a_fraction_of_zero() -> None:
    assert read({"expectedParticipants": 2.0}).chosen.options.media_mode is RELAYED
    assert read({"token": {"expiresIn": 3600.0}}).token == TokenRequest(expires_in=3600)
    assert refused({"token": {"expiresIn": 3600.5}}) == ({"token.expiresIn"}, set())


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"location": "2001:4860:4860::8888"}, "location", "IPv4 address .* IPv6 is not supported"),
        ({"location": "::1"}, "location", "IPv4"),
        ({"location": ""}, "location", "IPv4"),
        ({"location": "12.34.56.78.90.12.34.56"}, "location", "IPv4"),
        (
            {"archiveMode": "always", "archiveResolution": "1920x1080p"},
            "archiveResolution",
            "x480.*",
        ),
        ({"archiveMode": "always", "archiveResolution": ""}, "archiveResolution", "1080x1920"),
        ({"token": []}, "token", "empty object is {}, not"),
        ({"participants": []}, "participants", "empty object is {}, not"),
        ({"features": {}}, "features", "empty array is .., not {}"),
        ({"token": {"initialLayoutClassList": {}}}, "token.initialLayoutClassList", "empty array"),
    ],
)
def test_a_message_names_the_rule_that_was_broken(body: Body, field: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        read(body)
    [error] = invalid.value.errors
    assert error.field == field
    assert re.search(words, error.message), error.message


def test_at_most_20_errors_are_listed_and_the_others_are_counted() -> None:
    with pytest.raises(InvalidRequest) as invalid:
        read({f"n{number:04}": 1 for number in range(7500)})
    assert len(invalid.value.errors) == 20
    assert invalid.value.detail.endswith("n0019. 7480 more errors are not listed.")
    with pytest.raises(InvalidRequest) as twenty:
        read({f"n{number:04}": 1 for number in range(20)})
    assert len(twenty.value.errors) == 20
    assert "more" not in twenty.value.detail
    with pytest.raises(InvalidRequest) as roles:
        read({"participants": {f"sub-{number}": "host" for number in range(200)}})
    assert len(roles.value.errors) == 20


@pytest.mark.parametrize(
    "sub",
    [
        "bob\n",
        "bob\r\n",
        " bob",
        "bob ",
        "\tbob",
        "b\x00ob",
        "bob\u200b",
        "\ufeffbob",
        "bo\u200db",
        "bo\u2060b",
        "bob\u00a0",
        "bo\u00a0b",
        "bo\u00adb",
        "\u202ebob",
        "bob\u2028",
        "bob\u3164",
        "bob\ufe0f",
        "bob\u034f",
        "bob\u3000",
        "bob\ud800",
    ],
)
def test_a_participant_with_an_invisible_character_is_named(sub: str) -> None:
    assert refused({"participants": {sub: "publisher", "eve": "publisher"}}) == (
        {f"participants.{sub}"},
        set(),
    )


@pytest.mark.parametrize(
    "sub", ["auth0|5f7", "Bob Smith", "José", "漢字", "a" * 128, "b+c@d.example"]
)
def test_a_participant_may_have_any_visible_name(sub: str) -> None:
    assert read({"participants": {sub: "publisher"}}).participants == {sub: Role.PUBLISHER}
