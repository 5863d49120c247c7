"""Reading the gateway's events: body, headers, path and query."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_sessions.domain.claims import KeyClaim
from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.problems import (
    BodyTooLarge,
    FieldError,
    InvalidRequest,
    NotJson,
    Problem,
    SessionNotFound,
)
from opentok_sessions.http.request import BODY_MAX_BYTES, Request
from opentok_sessions.runtime.settings import Settings
from tests.aws import ENVIRONMENT

SETTINGS = Settings.from_environment(ENVIRONMENT)
ALICE = Caller("alice")


def request(event: object) -> Request:
    return Request(event, SETTINGS)


def with_body(body: object, **more: object) -> Request:
    return request({"body": body, **more})


def with_claims(claims: object) -> Request:
    return request({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}})


def complaint(sent: Request) -> str:
    """Returns the error of the body."""
    with pytest.raises(InvalidRequest) as invalid:
        sent.json()
    [error] = invalid.value.errors
    assert error.field == "body"
    assert invalid.value.detail == f"The body {error.message}."
    return error.message


# --- body -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, "", "null", " null\n"])
def test_without_a_body_there_are_no_fields(body: object) -> None:
    assert with_body(body).json() == {}
    assert request({}).json() == {}


@pytest.mark.parametrize("body", [None, "", "null", " null\n", "[1]"])
def test_a_required_body_is_an_object(body: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        with_body(body).json(required=True)
    assert list(refused.value.errors) == [FieldError("body", "must be a JSON object")]
    assert with_body("{}").json(required=True) == {}


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("{}", {}),
        (' {"room": "lobby"}\n', {"room": "lobby"}),
        (
            '{"a": {"a": [1, 2.5, null, true, "é🎥\\u00e9"]}}',
            {"a": {"a": [1, 2.5, None, True, "é🎥é"]}},
        ),
        ('{"a": "\\ud83c\\udfa5"}', {"a": "🎥"}),
    ],
)
def test_the_fields_of_a_body_are_returned(text: str, members: dict[str, object]) -> None:
    assert with_body(text).json() == members
    encoded = base64.b64encode(text.encode()).decode()
    assert with_body(encoded, isBase64Encoded=True).json() == members


@pytest.mark.parametrize("body", ['"x"', "1", "true", "1.5", '[{"room": "a"}]'])
def test_a_body_is_an_object(body: str) -> None:
    assert complaint(with_body(body)) == "must be a JSON object"


def test_an_empty_array_for_the_body_is_rejected_with_a_hint() -> None:
    message = "must be a JSON object; an empty object is {}, not []"
    assert complaint(with_body("[]")) == message


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "{}}",
        "{'a': 1}",
        "{a: 1}",
        '{"a": 1,}',
        '{"a": 01}',
        '{"a": 1} // comment',
        "\ufeff{}",
        '{"a": "\x00"}',
        '{"a": "line\nend"}',
        '{"a": "\\x"}',
        "mediaMode=routed",
        '{"a": "\\ud800"}',
        '{"\\ud800": 1}',
        '{"a": ' + "1" * 5000 + "}",
        "\x00",
    ],
)
def test_a_body_that_is_not_json_is_rejected(body: str) -> None:
    assert complaint(with_body(body)) == "is not valid JSON in UTF-8"


def test_a_body_that_is_not_utf8_is_rejected() -> None:
    for raw in (b'{"a": "\xff"}', b"\xff\xfe{\x00}\x00", '{"a": "é"}'.encode("latin-1")):
        encoded = base64.b64encode(raw).decode()
        sent = with_body(encoded, isBase64Encoded=True)
        assert complaint(sent) == "is not valid JSON in UTF-8"
    assert complaint(with_body("\ud800")) == "cannot be decoded"


@pytest.mark.parametrize("encoded", ["{}", "e30", "e30=e30=", "e3 0=", "ä", "=", "e30=\n"])
def test_a_body_that_is_not_base64_is_rejected(encoded: str) -> None:
    assert complaint(with_body(encoded, isBase64Encoded=True)) == "cannot be decoded"


@pytest.mark.parametrize("flag", [False, None, "true", 1, "false"])
def test_only_the_flag_true_means_base64(flag: object) -> None:
    assert with_body('{"a": 1}', isBase64Encoded=flag).json() == {"a": 1}


@pytest.mark.parametrize("body", [{}, {"room": "a"}, [], 1, True, 1.5])
def test_a_body_that_is_not_text_is_rejected(body: object) -> None:
    assert complaint(with_body(body)) == "must be text"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('{"room": "a", "room": "b"}', "room"),
        ('{"a": 1, "b": 2, "a": 1, "b": 2, "b": 3, "c": 1}', "a, b"),
        ('{"token": {"role": "publisher", "role": "moderator"}}', "role"),
        ('{"a": [{"b": 1, "b": 2}]}', "b"),
        ('{"' + "n" * 500 + '": 1, "' + "n" * 500 + '": 2}', "n" * 100),
    ],
)
def test_a_duplicate_key_is_reported(body: str, names: str) -> None:
    assert complaint(with_body(body)) == f"contains duplicate keys: {names}"


def test_thousands_of_duplicate_keys_are_counted_and_20_are_named() -> None:
    names = [f"{number:04}" for number in range(3000)]
    body = "{" + ",".join(f'"{name}":1' for name in names * 2) + "}"
    assert (
        complaint(with_body(body))
        == f"contains duplicate keys: {', '.join(names[:20])} and 2980 more"
    )


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_rejected(constant: str) -> None:
    assert (
        complaint(with_body(f'{{"a": {constant}}}'))
        == f"contains {constant}, which is not valid JSON"
    )


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_deep_nesting_is_rejected(opening: str) -> None:
    deep = opening * (60_000 // len(opening))
    assert complaint(with_body(deep)) == "is nested too deeply"
    assert complaint(with_body(f'{{"a": {"[" * 30_000}{"]" * 30_000}}}')) == "is nested too deeply"


def test_a_body_has_a_limit_in_bytes() -> None:
    def of(length: int, character: str = "x") -> str:
        width = len(character.encode())
        padding, rest = divmod(length - len('{"a":""}'), width)
        return f'{{"a":"{character * padding}{"x" * rest}"}}'

    for character in "xé漢🎥":
        for length, fits in ((BODY_MAX_BYTES, True), (BODY_MAX_BYTES + 1, False)):
            text = of(length, character)
            assert len(text.encode()) == length
            encoded = base64.b64encode(text.encode()).decode()
            for sent in (with_body(text), with_body(encoded, isBase64Encoded=True)):
                if fits:
                    assert sent.json()["a"]
                else:
                    with pytest.raises(BodyTooLarge, match=str(BODY_MAX_BYTES)):
                        sent.json()


def test_a_body_of_megabytes_is_rejected_before_it_is_decoded() -> None:
    with pytest.raises(BodyTooLarge):
        with_body("\ud800" * 6_000_000).json()
    with pytest.raises(BodyTooLarge):
        with_body("!" * 6_000_000, isBase64Encoded=True).json()
    with pytest.raises(BodyTooLarge):
        with_body(" " * (BODY_MAX_BYTES + 1)).json()


# --- content type and other headers ---------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        " application/json ;charset=UTF-8",
        "application/merge-patch+json",
        "application/vnd.example.v1+json",
        "",  # counts as missing
        "application/json, application/json",  # the header was set twice
        "application/json; charset=utf-8,application/json;charset=UTF-8",
        'application/json; profile="a,b"',
        "application/json,",
    ],
)
@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_json_content_types_are_accepted(name: str, value: str) -> None:
    assert with_body("{}", headers={name: value}).json() == {}


@pytest.mark.parametrize(
    "value",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/json",
        "application/jsonp",
        "application/json, text/plain",
        "application/+json",
        "text/plain, application/json",
        'application/json; a="b", text/plain',
        "json",
        ";",
    ],
)
def test_other_content_types_are_rejected(value: str) -> None:
    with pytest.raises(NotJson):
        with_body("{}", headers={"content-type": value}).json()


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_a_header_is_found_in_any_case(name: str) -> None:
    assert request({"headers": {name: "text/plain"}}).header("content-type") == "text/plain"
    with pytest.raises(NotJson):
        with_body("{}", headers={name: "text/plain"}).json()
    assert request({"headers": {name.replace("-", "_"): "x"}}).header("content-type") is None


def test_without_a_body_the_content_type_does_not_matter() -> None:
    assert with_body("", headers={"content-type": "text/plain"}).json() == {}


@pytest.mark.parametrize(
    "headers", [None, [], "x", {"content-type": None}, {"content-type": 1}, {}]
)
def test_malformed_headers_count_as_missing(headers: object) -> None:
    assert with_body("{}", headers=headers).json() == {}
    assert with_body("{}", headers=headers).header("content-type") is None


# --- idempotency key ------------------------------------------------------------------------------


def key_of(
    key: str, caller: Caller = ALICE, body: Mapping[str, object] | None = None
) -> tuple[str, str]:
    claim = request({"headers": {"idempotency-key": key}}).idempotency_key(caller, body or {})
    assert claim is not None
    return claim.key, claim.body_hash


def test_without_the_header_there_is_no_idempotency_key() -> None:
    assert request({}).idempotency_key(ALICE, {}) is None


def test_a_key_is_a_hash_of_caller_and_key() -> None:
    assert key_of("k") == key_of("k")
    others = {key_of("k"), key_of("K"), key_of("k "), key_of("k", Caller("bob"))}
    # The border between caller and key matters.
    others |= {key_of("bc", Caller("a")), key_of("c", Caller("ab"))}
    assert len(others) == 6
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key, _ in others)


def test_an_idempotency_key_does_not_depend_on_the_moderator_role() -> None:
    assert key_of("k", Caller("alice", moderator=True)) == key_of("k")


def test_the_body_hash_depends_on_values_but_not_on_their_order() -> None:
    first: dict[str, Any] = {"room": "a", "token": {"role": "publisher", "data": "é"}}
    same: dict[str, Any] = {"token": {"data": "é", "role": "publisher"}, "room": "a"}
    assert key_of("k", body=first) == key_of("k", body=same)
    bodies: list[dict[str, object]] = [
        first,
        {},
        {"room": "b"},
        {"room": "a"},
        {"room": None},
        {"room": "1"},
        {"room": 1},
        {"room": True},
        {"room": ["a"]},
    ]
    hashes = {key_of("k", body=body)[1] for body in bodies}
    assert len(hashes) == len(bodies)


@pytest.mark.parametrize("key", [" ", "~", "k" * 128, "550e8400-e29b-41d4-a716-446655440000"])
def test_an_idempotency_key_of_printable_ascii_is_accepted(key: str) -> None:
    assert request({"headers": {"idempotency-key": key}}).header_errors() == []
    assert len(key_of(key)[0]) == 64


@pytest.mark.parametrize("key", ["", "k" * 129, "a\tb", "a\nb", "é", "\x7f", "\x00", "\ud800"])
def test_an_invalid_idempotency_key_is_rejected(key: str) -> None:
    wrong = request({"headers": {"idempotency-key": key}}).header_errors()
    assert [error.field for error in wrong] == ["Idempotency-Key"]


@given(st.text(st.characters(), min_size=1), st.text(st.characters(), min_size=1))
def test_idempotency_keys_of_different_callers_never_collide(one: str, other: str) -> None:
    assert (key_of("k", Caller(one)) == key_of("k", Caller(other))) is (one == other)


# --- path, query, id ------------------------------------------------------------------------------


@pytest.mark.parametrize("session_id", ["1_MX4", "a", "A" * 255, "1_MX4-_=", "0"])
def test_a_possible_session_id_in_the_path_is_returned(session_id: str) -> None:
    sent = request({"pathParameters": {"sessionId": session_id}})
    assert sent.has_session_id
    assert sent.session_id == session_id


@pytest.mark.parametrize(
    "session_id",
    [
        "",
        "A" * 256,
        "a/b",
        "..",
        "a b",
        "a%2Fb",
        "é",
        "1_MX4\n",
        "a#b",
        "\x00",
        1,
        ["a"],
        {},
    ],
)
def test_an_impossible_session_id_is_not_found(session_id: object) -> None:
    sent = request({"pathParameters": {"sessionId": session_id}})
    assert sent.has_session_id
    with pytest.raises(SessionNotFound):
        _ = sent.session_id


@pytest.mark.parametrize("event", [{}, None, {"pathParameters": None}, {"pathParameters": {}}])
def test_a_path_without_a_session_id_is_not_found(event: object) -> None:
    assert not request(event).has_session_id
    with pytest.raises(SessionNotFound):
        _ = request(event).session_id


def test_query_parameters_are_returned() -> None:
    assert request({"queryStringParameters": {"room": "a"}}).query == {"room": "a"}
    events: list[object] = [
        {},
        {"queryStringParameters": None},
        {"queryStringParameters": "a=b"},
        [],
    ]
    for event in events:
        assert request(event).query == {}


def test_request_id_and_route_are_read_for_the_log() -> None:
    sent = request({"routeKey": "POST /sessions", "requestContext": {"requestId": "id="}})
    assert (sent.id, sent.route) == ("id=", "POST /sessions")
    events: list[object] = [{}, [], {"routeKey": 1, "requestContext": {"requestId": None}}]
    for event in events:
        assert (request(event).id, request(event).route) == ("", "")


# --- anything -------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
PARTS = ["headers", "body", "isBase64Encoded", "requestContext", "pathParameters", "routeKey"]


@given(JSON | st.dictionaries(st.sampled_from([*PARTS, "queryStringParameters"]), JSON))
def test_any_event_is_either_read_or_rejected(event: object) -> None:
    sent = request(event)
    assert isinstance(sent.id + sent.route, str)
    assert isinstance(sent.query, Mapping)
    for read in (
        lambda: sent.caller,
        lambda: sent.session_id,
        lambda: sent.json(),
        lambda: sent.idempotency_key(ALICE, {}),
    ):
        try:
            read()
        except Problem as problem:
            assert problem.detail


@given(JSON)
def test_any_json_object_is_returned_unchanged(value: object) -> None:
    text = json.dumps({"a": value})
    try:
        read = with_body(text).json()
    except InvalidRequest as invalid:
        assert any(word in text for word in ("NaN", "Infinity", "\\ud")), invalid.detail
        return
    assert read == json.loads(text)


def test_the_stored_hash_of_an_idempotency_key_is_stable() -> None:
    """An upgrade that hashes differently would not recognise the keys of the day before."""
    event = {"headers": {"idempotency-key": "key-1"}}
    claim = Request(event, SETTINGS).idempotency_key(Caller("alice"), {"room": "lobby", "a": 1})
    assert claim == KeyClaim(
        key=hashlib.sha256(b'["alice","key-1"]').hexdigest(),
        body_hash=hashlib.sha256(b'{"a":1,"room":"lobby"}').hexdigest(),
    )
