"""The limits and enumerations of openapi.yaml match the code that validates requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

import pytest

from opentok_client import grant, options, session_id
from opentok_sessions.domain import media_mode, models
from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.problems import Problem
from opentok_sessions.http import create_session, get_session, issue_token, scalar_fields
from opentok_sessions.http import request as http_request
from opentok_sessions.http.create_session import parse_create_request
from opentok_sessions.http.issue_token import parse_token_request
from tests.contract.openapi import Node, contract, operations, resolve, violations

NOW = 1_890_000_000.0
MONTH_SECONDS = 30 * 24 * 3600

SCHEMAS: Node = contract()["components"]["schemas"]
CREATE: Node = SCHEMAS["CreateSession"]["properties"]
TOKEN: Node = SCHEMAS["IssueToken"]["properties"]
PARAMETERS: Node = contract()["components"]["parameters"]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ("RequestedMediaMode", create_session.MediaModeField),
        ("MediaMode", options.MediaMode),
        ("ArchiveMode", options.ArchiveMode),
        ("Feature", media_mode.Feature),
        ("Reuse", models.Reuse),
        ("Role", grant.Role),
    ],
)
def test_an_enumeration_matches_its_class(schema: str, kind: type[StrEnum]) -> None:
    assert SCHEMAS[schema]["enum"] == [member.value for member in kind]


def test_enumerations_without_a_class_match_their_constants() -> None:
    assert SCHEMAS["ArchiveResolution"]["enum"] == list(options.ARCHIVE_RESOLUTIONS)
    sources = [source.value for source in models.Source]
    assert SCHEMAS["SessionSource"]["enum"] == [*sources, "room"]
    versions = SCHEMAS["MinimumClientVersions"]["properties"]
    documented = {name: field["examples"][0] for name, field in versions.items()}
    assert documented == media_mode.ADAPTIVE_ROUTING_SINCE


@pytest.mark.parametrize(
    ("fields", "known"),
    [(CREATE, create_session.CREATE_FIELDS), (TOKEN, issue_token.TOKEN_FIELDS)],
    ids=["CreateSession", "IssueToken"],
)
def test_the_fields_of_a_body_are_those_of_its_parser(fields: Node, known: Collection[str]) -> None:
    assert sorted(fields) == sorted(known)


def test_numeric_limits_match_the_code() -> None:
    participants, life = CREATE["expectedParticipants"], TOKEN["expiresIn"]
    limit = PARAMETERS["Limit"]["schema"]
    assert participants["maximum"] == create_session.EXPECTED_PARTICIPANTS_MAX
    assert life["minimum"] == issue_token.TOKEN_SECONDS_MIN
    assert life["maximum"] == grant.LIFETIME_MAX_SECONDS == MONTH_SECONDS
    assert life["x-default"] == models.TOKEN_SECONDS_DEFAULT
    assert limit["maximum"] == get_session.LIMIT_MAX
    assert limit["x-default"] == get_session.LIMIT_DEFAULT
    assert SCHEMAS["SessionList"]["properties"]["sessions"]["maxItems"] == get_session.LIMIT_MAX
    assert SCHEMAS["Participants"]["maxProperties"] == create_session.PARTICIPANTS_MAX
    assert CREATE["features"]["maxItems"] == len(media_mode.Feature)


def test_length_limits_match_the_code() -> None:
    assert SCHEMAS["SessionId"]["maxLength"] == session_id.SESSION_ID_MAX
    assert SCHEMAS["ArchiveName"]["maxLength"] == options.ARCHIVE_NAME_MAX
    assert SCHEMAS["Participants"]["propertyNames"]["maxLength"] == create_session.PARTICIPANT_MAX
    assert TOKEN["data"]["maxLength"] == grant.CONNECTION_DATA_MAX
    layout = TOKEN["initialLayoutClassList"]
    assert layout["items"]["maxLength"] == grant.LAYOUT_CLASSES_MAX
    # The most classes that fit: one letter each, joined with spaces.
    assert layout["maxItems"] == (grant.LAYOUT_CLASSES_MAX + 1) // 2
    assert PARAMETERS["Cursor"]["schema"]["maxLength"] == get_session.CURSOR_MAX
    assert SCHEMAS["SessionList"]["properties"]["cursor"]["maxLength"] == get_session.CURSOR_MAX


def test_the_number_of_listed_errors_matches_the_code() -> None:
    assert SCHEMAS["Problem"]["properties"]["errors"]["maxItems"] == scalar_fields.ERRORS_MAX


@pytest.mark.parametrize("name", ["createSession", "issueToken"])
def test_a_body_of_null_counts_as_no_body(name: str) -> None:
    operation = next(operation for operation in operations() if operation.name == name)
    schema = operation.node["requestBody"]["content"]["application/json"]["schema"]
    assert violations(schema, None) == []
    request = http_request.Request({"body": "null"}, None)  # type: ignore[arg-type]  # no setting is read here
    assert request.json() == {}


def test_the_documented_body_size_matches_the_code() -> None:
    bodies = [resolve(operation.node.get("requestBody", {})) for operation in operations()]
    limit = f"At most {http_request.BODY_MAX_BYTES // 1024} KiB."
    assert {body["description"] for body in bodies if body} == {limit}


def test_the_query_parameters_of_list_sessions() -> None:
    listing = next(operation for operation in operations() if operation.name == "listSessions")
    assert [parameter["name"] for parameter in listing.parameters] == ["room", "limit", "cursor"]


# Values at a limit and just beyond it. The contract and the code must agree on each. ARCHIVED and
# ROOM hold the fields that another field requires.
ARCHIVED = {"archiveMode": "always"}
ROOM = {"room": "lobby"}
AT_THE_LIMITS: list[tuple[str, object, bool, Mapping[str, object]]] = [
    ("mediaMode", "auto", True, {}),
    ("mediaMode", "Auto", False, {}),
    ("mediaMode", None, True, {}),
    ("expectedParticipants", 0, False, {}),
    ("expectedParticipants", 1, True, {}),
    ("expectedParticipants", 10_000, True, {}),
    ("expectedParticipants", 10_001, False, {}),
    ("expectedParticipants", "3", False, {}),
    ("expectedParticipants", 2.5, False, {}),
    ("expectedParticipants", True, False, {}),
    ("features", [], True, {}),
    ("features", [feature.value for feature in media_mode.Feature], True, {}),
    ("features", ["sip", "sip"], False, {}),
    ("features", ["chat"], False, {}),
    ("features", "sip", False, {}),
    ("archiveName", "", False, ARCHIVED),
    ("archiveName", "é" * 80, True, ARCHIVED),
    ("archiveName", "a" * 81, False, ARCHIVED),
    ("archiveName", "a\nb", False, ARCHIVED),
    ("archiveName", "a\x7f", False, ARCHIVED),
    ("archiveResolution", "1920x1080", True, ARCHIVED),
    ("archiveResolution", "800x600", False, ARCHIVED),
    ("location", "12.34.56.78", True, {}),
    ("location", "12.34.56", False, {}),
    ("location", "12.34.56.078", False, {}),
    ("location", "2001:db8::1", False, {}),
    ("e2ee", True, True, {}),
    ("e2ee", "true", False, {}),
    ("room", "a" * 128, True, {}),
    ("room", "a" * 129, False, {}),
    ("room", "A-z_0.9~", True, {}),
    ("room", "a b", False, {}),
    ("room", "a/b", False, {}),
    ("room", "٣", False, {}),
    ("reuse", "permanent", True, ROOM),
    ("reuse", "forever", False, ROOM),
    ("opensAt", "2027-06-30T12:00:00Z", True, {}),
    ("opensAt", "2027-06-30T12:00:00.123456789+05:30", True, {}),
    ("opensAt", "2027-06-30T12:00:00", False, {}),
    ("opensAt", "2027-02-30T12:00:00Z", False, {}),
    ("opensAt", 1_900_000_000, False, {}),
    ("closesAt", "2027-06-30T12:00:00Z", True, {}),
    ("closesAt", "2027-06-30", False, {}),
    ("participants", {}, True, {}),
    ("participants", {"s" * 128: "publisheronly"}, True, {}),
    ("participants", {"s" * 129: "publisher"}, False, {}),
    ("participants", {" bob": "publisher"}, False, {}),
    ("participants", {"bob\u00a0": "publisher"}, False, {}),
    ("participants", {"bob": None}, False, {}),
    ("participants", None, True, {}),
    ("features", [None], False, {}),
    ("expectedParticipants", 3.0, True, {}),
    ("participants", {"": "publisher"}, False, {}),
    ("participants", {"bob": "host"}, False, {}),
    ("participants", {f"sub-{n}": "publisher" for n in range(200)}, True, {}),
    ("participants", {f"sub-{n}": "publisher" for n in range(201)}, False, {}),
    ("participants", ["bob"], False, {}),
    ("sessionId", "1_" + "a" * 254, False, {}),
    ("sessionId", "", False, {}),
    ("sessionId", "not an id", False, {}),
    ("token", {}, True, {}),
    ("token", {"role": "publisher"}, True, {}),
    ("token", {"lifetime": 60}, False, {}),
    ("token", None, True, {}),
    ("token", [], False, {}),
    ("token", {"expiresIn": None, "role": None}, True, {}),
    ("colour", None, False, {}),
    ("colour", "blue", False, {}),
]
TOKENS_AT_THE_LIMITS: list[tuple[str, object, bool]] = [
    ("role", "publisheronly", True),
    ("role", "publisherOnly", False),
    ("expiresIn", None, True),
    ("expiresIn", 3600.0, True),
    ("expiresIn", 3600.5, False),
    ("expiresIn", 59, False),
    ("expiresIn", 60, True),
    ("expiresIn", MONTH_SECONDS, True),
    ("expiresIn", MONTH_SECONDS + 1, False),
    ("expiresIn", 3_600_000, False),
    ("expiresIn", "3600", False),
    ("data", "", True),
    ("data", "é" * 1000, True),
    ("data", "a" * 1001, False),
    ("data", {"name": "Alice"}, False),
    ("initialLayoutClassList", [], True),
    ("initialLayoutClassList", ["a"] * 500, True),
    ("initialLayoutClassList", ["a"] * 501, False),
    ("initialLayoutClassList", ["a" * 1000], True),
    ("initialLayoutClassList", ["a" * 1001], False),
    ("initialLayoutClassList", ["full focus"], False),
    ("initialLayoutClassList", [""], False),
    ("initialLayoutClassList", "full", False),
    ("scope", "session.connect", False),
]


@pytest.mark.parametrize(("field", "value", "valid", "others"), AT_THE_LIMITS)
def test_contract_and_code_agree_on_sessions(
    field: str, value: object, valid: bool, others: Mapping[str, object]
) -> None:
    body = {**others, field: value}
    assert (violations(SCHEMAS["CreateSession"], body) == []) is valid
    assert _accepts(lambda: parse_create_request(body, NOW, MONTH_SECONDS)) is valid


@pytest.mark.parametrize(("field", "value", "valid"), TOKENS_AT_THE_LIMITS)
def test_contract_and_code_agree_on_tokens(field: str, value: object, valid: bool) -> None:
    body = {field: value}
    assert (violations(SCHEMAS["IssueToken"], body) == []) is valid
    assert _accepts(lambda: parse_token_request(body, MONTH_SECONDS)) is valid


@pytest.mark.parametrize(
    ("parameter", "text", "value", "valid"),
    [
        ("limit", "1", 1, True),
        ("limit", "100", 100, True),
        ("limit", "0", 0, False),
        ("limit", "101", 101, False),
        ("room", "a" * 128, "a" * 128, True),
        ("room", "", "", False),
        ("room", "a b", "a b", False),
        ("cursor", "a" * 1025, "a" * 1025, False),
    ],
)
def test_contract_and_code_agree_on_queries(
    parameter: str, text: str, value: object, valid: bool
) -> None:
    schema = PARAMETERS[parameter.capitalize()]["schema"]
    assert (violations(schema, value) == []) is valid
    caller = Caller("alice")
    assert _accepts(lambda: get_session.parse_list_query({parameter: text}, caller)) is valid


@pytest.mark.parametrize(
    ("key", "valid"),
    [("a", True), ("~" * 128, True), ("a" * 129, False), ("", False), ("é", False)],
)
def test_contract_and_code_agree_on_idempotency_keys(key: str, valid: bool) -> None:
    assert (violations(PARAMETERS["IdempotencyKey"]["schema"], key) == []) is valid
    event = {"headers": {"idempotency-key": key}}
    request = http_request.Request(event, None)  # type: ignore[arg-type]  # no setting is read here
    assert (request.header_errors() == []) is valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [("1_abc-DEF_=", True), ("a" * 255, True), ("a" * 256, False), ("a b", False), ("a/b", False)],
)
def test_contract_and_code_agree_on_ids_in_a_path(text: str, valid: bool) -> None:
    assert (violations(SCHEMAS["SessionId"], text) == []) is valid
    event = {"pathParameters": {"sessionId": text}}
    request = http_request.Request(event, None)  # type: ignore[arg-type]  # no setting is read here
    assert _accepts(lambda: request.session_id) is valid


def _accepts(read: Callable[[], object]) -> bool:
    try:
        read()
    except Problem:
        return False
    return True
