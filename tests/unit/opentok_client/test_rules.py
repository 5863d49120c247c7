"""The rules for fields: what they accept, what they report, and how errors are collected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.errors import Invalid, Violation
from opentok_client.families import FAMILIES, Family
from opentok_client.feature_fields import LAYOUT, STREAMS
from opentok_client.rules import (
    Field,
    Rule,
    array,
    boolean,
    check,
    choice,
    integer,
    shape,
    text,
    text_map,
    url,
)


def errors(rule: Rule, value: object) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as invalid:
        check(shape(Field("x", rule)), {"x": value})
    return [(violation.field, violation.message) for violation in invalid.value.violations]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (boolean, False),
        (integer(1, 9), 9),
        (text(1, 3), "äöü"),
        (choice("a", "b"), "b"),
        (choice(8000), 8000),
        (url("wss"), "wss://example.com:8443/a?b=c"),
        (url("sip"), "sip:user@example.com;transport=tls"),
        (array(integer(1, 9), 0, 2), [1, 2]),
        (array(integer(1, 9), 0, 2), []),
        (text_map(20), {"a": "b"}),
    ],
)
def test_a_valid_value_is_sent_unchanged(rule: Rule, value: object) -> None:
    assert check(shape(Field("x", rule)), {"x": value}) == {"x": value}


@pytest.mark.parametrize("rule", [integer(1, 60), choice(60)])
def test_an_integer_may_be_written_with_a_fraction_of_zero(rule: Rule) -> None:
    read = check(shape(Field("x", rule)), {"x": 60.0})
    assert read == {"x": 60}
    assert isinstance(read["x"], int)


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        (boolean, 1, "must be true or false"),
        (boolean, "true", "must be true or false"),
        (integer(1, 9), "1", "must be an integer"),
        (integer(1, 9), True, "must be an integer"),
        (integer(1, 9), 1.5, "must be an integer"),
        (integer(1, 9), float("nan"), "must be an integer"),
        (integer(1, 9), 0, "must be from 1 to 9"),
        (integer(1, 9), 10, "must be from 1 to 9"),
        (text(1, 3), 1, "must be a string"),
        (text(1, 3), "", "must have 1 to 3 characters"),
        (text(1, 3), "abcd", "must have 1 to 3 characters"),
        (text(1, 3), "a\n", "must not contain control characters"),
        (text(1, 3), "a\ud800", "must not contain control characters"),
        (choice("a", "b"), "c", "must be one of a, b"),
        (choice("a", "b"), ["a"], "must be one of a, b"),
        (choice(1, 2), True, "must be one of 1, 2"),
        (url("ws", "wss"), "http://example.com", "must be a URL that starts with ws: or wss:"),
        (url("wss"), "wss://", "must be a URL that starts with wss:"),
        (url("wss"), "wss:example.com", "must be a URL that starts with wss:"),
        (url("https"), "https:///page", "must be a URL that starts with https:"),
        (url("wss"), "wss://a b", "must be a URL that starts with wss:"),
        (url("wss"), "wss://example.com:99999/", "must be a URL that starts with wss:"),
        (url("wss"), "wss://[::1", "must be a URL that starts with wss:"),
        (url("sip"), "sip:", "must be a URL that starts with sip:"),
        (url("wss", most=9), "wss://example.com", "must have 1 to 9 characters"),
        (array(boolean, 1, 2), {}, "must be an array"),
        (array(boolean, 1, 2), [], "must have 1 to 2 entries"),
        (array(boolean, 1, 2), [True] * 3, "must have 1 to 2 entries"),
        (text_map(20), [], "must be an object"),
        (text_map(20), {"a": 1}, "must have strings as values"),
        (text_map(20), {"a": "b\r\nc"}, "must not contain control characters"),
        (text_map(20), {"a\x00": "b"}, "must not contain control characters"),
        (text_map(20), {"a": "b" * 20}, "must have at most 20 bytes"),
        (shape(), "a", "must be an object"),
    ],
)
def test_an_invalid_value_is_reported(rule: Rule, value: object, message: str) -> None:
    assert errors(rule, value) == [("x", message)]


def test_every_wrong_field_is_reported_with_its_path() -> None:
    rule = shape(
        Field("a", boolean, required=True),
        Field("b", shape(Field("c", integer(1, 9)), Field("d", text(1, 2), required=True))),
        Field("e", array(shape(Field("f", boolean)), 0, 9)),
    )
    body = {"b": {"c": 0, "d": None, "x": 1}, "e": [{"f": True}, {"f": 1}, 2], "y": 2}
    with pytest.raises(Invalid) as invalid:
        check(rule, body)
    assert set(invalid.value.violations) == {
        Violation("a", "is required"),
        Violation("b.c", "must be from 1 to 9"),
        Violation("b.d", "is required"),
        Violation("b.x", "unknown field"),
        Violation("e[1].f", "must be true or false"),
        Violation("e[2]", "must be an object"),
        Violation("y", "unknown field"),
    }


def test_a_null_field_counts_as_not_sent() -> None:
    assert check(shape(Field("a", boolean)), {"a": None}) == {}


VALID: dict[str, list[dict[str, object]]] = {
    "archives": [
        {},
        {"name": "standup", "hasAudio": False, "resolution": "1920x1080", "maxBitrate": 100_000},
        {"outputMode": "individual", "hasTranscription": True},
        {
            "outputMode": "individual",
            "hasTranscription": True,
            "transcriptionProperties": {"primaryLanguageCode": "en-US", "hasSummary": True},
        },
        {"layout": {"type": "custom", "stylesheet": "stream {}"}, "quantizationParameter": 15},
        {"layout": {"type": "bestFit", "screenshareType": "pip"}, "multiArchiveTag": "a"},
    ],
    "broadcasts": [
        {"outputs": {"hls": {}}},
        {"outputs": {"hls": {"dvr": False, "lowLatency": True}}, "maxDuration": 60},
        {"outputs": {"rtmp": [{"serverUrl": "rtmps://live.example.com/app", "streamName": "k"}]}},
    ],
    "captions": [{}, {"languageCode": "en-US", "maxDuration": 300, "partialCaptions": False}],
    "sip-calls": [
        {"sip": {"uri": "sip:user@example.com;transport=tls"}},
        {
            "sip": {
                "uri": "sips:user@example.com",
                "from": "4670@example.com",
                "headers": {"X-Key": "value"},
                "auth": {"username": "u", "password": "p"},
                "secure": True,
                "video": False,
                "observeForceMute": True,
            }
        },
    ],
    "renders": [
        {"url": "https://example.com/page"},
        {"url": "https://example.com/", "maxDuration": 36_000, "properties": {"name": "n"}},
    ],
    "audio-connectors": [
        {"websocket": {"uri": "wss://example.com/audio"}},
        {
            "websocket": {
                "uri": "wss://example.com/audio",
                "streams": ["a", "b"],
                "headers": {"Authorization": "value"},
                "audioRate": 16_000,
                "bidirectional": True,
            }
        },
    ],
}
CASES = [(FAMILIES[name], body) for name, bodies in VALID.items() for body in bodies]


@pytest.mark.parametrize(("family", "body"), CASES)
def test_a_documented_start_is_accepted(family: Family, body: dict[str, object]) -> None:
    assert check(family.fields, body) == body


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("name", ["token", "sessionId", "statusCallbackUrl", "x"])
def test_a_start_cannot_set_what_the_server_sets(family: Family, name: str) -> None:
    body = {**VALID[family.name][0], name: "a"}
    with pytest.raises(Invalid) as invalid:
        check(family.fields, body)
    assert Violation(name, "unknown field") in invalid.value.violations


@pytest.mark.parametrize(
    ("name", "body", "field", "message"),
    [
        ("archives", {"hasAudio": False, "hasVideo": False}, "hasVideo", "cannot both be false"),
        ("archives", {"outputMode": "individual", "resolution": "640x480"}, "resolution", "comp"),
        ("archives", {"outputMode": "individual", "layout": {"type": "pip"}}, "layout", "composed"),
        ("archives", {"outputMode": "individual", "maxBitrate": 100_000}, "maxBitrate", "composed"),
        (
            "archives",
            {"maxBitrate": 100_000, "quantizationParameter": 20},
            "quantizationParameter",
            "cannot be combined with maxBitrate",
        ),
        ("archives", {"hasTranscription": True}, "hasTranscription", "individual"),
        ("archives", {"transcriptionProperties": {}}, "transcriptionProperties", "requires"),
        ("archives", {"layout": {"type": "custom"}}, "layout.stylesheet", "is required"),
        ("archives", {"layout": {"type": "pip", "stylesheet": "a"}}, "layout.stylesheet", "custom"),
        (
            "archives",
            {"layout": {"type": "pip", "screenshareType": "pip"}},
            "layout.screenshareType",
            "requires type 'bestFit'",
        ),
        ("broadcasts", {"outputs": {}}, "outputs.hls", "must contain hls or rtmp"),
        ("broadcasts", {"outputs": {"rtmp": []}}, "outputs.hls", "must contain hls or rtmp"),
        (
            "broadcasts",
            {"outputs": {"hls": {"dvr": True, "lowLatency": True}}},
            "outputs.hls.lowLatency",
            "cannot be combined with dvr",
        ),
    ],
)
def test_an_excluded_combination_is_reported(
    name: str, body: dict[str, object], field: str, message: str
) -> None:
    with pytest.raises(Invalid) as invalid:
        check(FAMILIES[name].fields, body)
    [violation] = invalid.value.violations
    assert (violation.field, violation.combination) == (field, True)
    assert message in violation.message


@pytest.mark.parametrize(
    ("body", "is_valid"),
    [
        ({"addStream": "a"}, True),
        ({"addStream": "a", "hasAudio": False, "hasVideo": True}, True),
        ({"removeStream": "a"}, True),
        ({}, False),
        ({"addStream": "a", "removeStream": "b"}, False),
        ({"removeStream": "a", "hasAudio": True}, False),
    ],
)
def test_a_change_of_streams_adds_or_removes_one(body: dict[str, object], is_valid: bool) -> None:
    if is_valid:
        assert check(STREAMS, body) == body
    else:
        with pytest.raises(Invalid):
            check(STREAMS, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["name", "layout", "outputs", "sip", "url", "websocket", "type", "hls", "rtmp", "uri", "auth"]
)
BODIES = st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=3), max_size=4)


@given(family=st.sampled_from(list(FAMILIES.values())), body=JSON | BODIES)
def test_any_body_is_accepted_or_refused_with_named_fields(family: Family, body: object) -> None:
    for rule in (family.fields, LAYOUT, STREAMS):
        try:
            check(rule, body)
        except Invalid as invalid:
            assert invalid.violations
            assert all(violation.message for violation in invalid.violations)
