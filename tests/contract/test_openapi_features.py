"""The features in openapi.yaml match the families' rules and responses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from opentok_client import features
from opentok_client.errors import Invalid
from opentok_client.families import FAMILIES, Family, Shown
from opentok_client.feature_fields import LAYOUT, STREAMS
from opentok_client.rules import Rule, check
from opentok_sessions.http.manage_features import COUNT_DEFAULT, COUNT_MAX, OFFSET_MAX
from tests.contract.openapi import CONTRACT, Node, contract, operations, resolve, violations
from tests.contract.rule_schemas import schema_of

SCHEMAS: Node = contract()["components"]["schemas"]

# The schemas of the body and of the response of each family.
FEATURES = {
    "archives": ("StartArchive", "Archive"),
    "broadcasts": ("StartBroadcast", "Broadcast"),
    "captions": ("StartCaptions", "Captions"),
    "sip-calls": ("StartSipCall", "SipCall"),
    "renders": ("StartRender", "Render"),
    "audio-connectors": ("StartAudioConnector", "AudioConnector"),
}
FEATURE_BODIES: dict[str, Rule] = {
    **{FEATURES[family.name][0]: family.fields for family in FAMILIES.values()},
    "Layout": LAYOUT,
    "StreamChange": STREAMS,
}
NOT_A_LIMIT = {"description", "x-default", "x-enum-varnames", "writeOnly"}


def _limits(schema: Node) -> Node:
    """Returns the limits of a schema, with every `$ref` followed and null as `nullable`."""
    nullable = {"type": "null"} in schema.get("anyOf", [])
    found = {key: value for key, value in resolve(schema).items() if key not in NOT_A_LIMIT}
    if isinstance(found["type"], list):
        found["type"], null = found["type"]
        nullable = null == "null"
    if "enum" in found:
        found["enum"] = [value for value in found["enum"] if value is not None]
    if "properties" in found:
        found["properties"] = {name: _limits(part) for name, part in found["properties"].items()}
    if "items" in found:
        found["items"] = _limits(found["items"])
    return found | ({"nullable": True} if nullable else {})


@pytest.mark.parametrize(("schema", "rule"), FEATURE_BODIES.items(), ids=FEATURE_BODIES)
def test_the_fields_and_limits_of_a_feature_are_those_of_its_rule(schema: str, rule: Rule) -> None:
    assert _limits(SCHEMAS[schema]) == schema_of(rule)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_start_documents_the_body_of_its_family(family: Family) -> None:
    (start,) = (
        o for o in operations() if o.path.endswith(f"/{family.name}") and o.method == "POST"
    )
    body = start.node["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert resolve(schema) == SCHEMAS[FEATURES[family.name][0]]
    may_be_omitted = _accepts(family.fields, {})
    assert (violations(schema, None) == []) is may_be_omitted
    assert body["required"] is not may_be_omitted


@pytest.mark.parametrize("schema", FEATURE_BODIES)
def test_the_code_accepts_every_example_of_a_body(schema: str) -> None:
    bodies = [
        operation.node["requestBody"]["content"]["application/json"]
        for operation in operations()
        if "{family}" in operation.route[1] and "requestBody" in operation.node
    ]
    examples = [
        example["value"]
        for body in bodies
        if resolve(body["schema"]) == SCHEMAS[schema]
        for example in body["examples"].values()
    ]
    assert examples
    assert [body for body in examples if not _accepts(FEATURE_BODIES[schema], body)] == []


def test_the_code_accepts_the_bodies_of_the_recipes() -> None:
    page = CONTRACT.parent / "docs" / "features.md"
    recipes = page.read_text().split("## Recipes")[1]
    found = re.findall(r"^ +```json\n(.*?)^ +```", recipes, re.S | re.M)
    broadcast, call = map(json.loads, found)
    assert _accepts(FAMILIES["broadcasts"].fields, broadcast)
    assert _accepts(FAMILIES["sip-calls"].fields, call)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_response_of_a_feature_has_the_fields_that_its_family_shows(family: Family) -> None:
    def shown(schema: Node) -> Shown:
        found = resolve(schema)
        found = resolve(found["items"]) if found.get("type") == "array" else found
        return {
            name: shown(part) if resolve(part).get("type") in ("object", "array") else None
            for name, part in found["properties"].items()
        }

    assert shown(SCHEMAS[FEATURES[family.name][1]]) == family.shown


@pytest.mark.parametrize(
    ("text", "valid"),
    [("aZ_-9", True), ("a" * 64, True), ("a" * 65, False), ("", False), ("a/b", False)],
)
def test_contract_and_code_agree_on_ids_of_features(text: str, valid: bool) -> None:
    assert (violations(SCHEMAS["FeatureId"], text) == []) is valid
    assert SCHEMAS["FeatureId"]["pattern"] == f"^{features._ID.pattern}$"


def test_the_limits_of_a_page_match_the_code() -> None:
    offset, count = (contract()["components"]["parameters"][name] for name in ("Offset", "Count"))
    assert offset["schema"]["maximum"] == OFFSET_MAX
    assert count["schema"]["maximum"] == COUNT_MAX
    assert count["schema"]["x-default"] == COUNT_DEFAULT
    for item in ("ArchiveList", "BroadcastList", "RenderList"):
        assert SCHEMAS[item]["properties"]["items"]["maxItems"] == COUNT_MAX


HLS: dict[str, object] = {"outputs": {"hls": {}}}
SIP = {"uri": "sip:user@example.com"}
SOCKET = {"uri": "wss://example.com"}
RTMP = {"serverUrl": "rtmps://example.com/app", "streamName": "key"}
PAGE: dict[str, object] = {"url": "https://example.com"}
AT_THE_LIMITS_OF_FEATURES: list[tuple[str, Mapping[str, object], bool]] = [
    ("StartArchive", {}, True),
    ("StartArchive", {"name": "é" * 256, "hasAudio": None}, True),
    ("StartArchive", {"name": "a" * 257}, False),
    ("StartArchive", {"name": "a\nb"}, False),
    ("StartArchive", {"hasAudio": 1}, False),
    ("StartArchive", {"maxBitrate": 100_000.0}, True),
    ("StartArchive", {"maxBitrate": 6_000_001}, False),
    ("StartArchive", {"quantizationParameter": 14}, False),
    ("StartArchive", {"layout": {"type": "pip"}}, True),
    ("StartArchive", {"layout": {}}, False),
    ("StartArchive", {"layout": {"type": "pip", "colour": "red"}}, False),
    ("StartArchive", {"colour": "red"}, False),
    ("StartBroadcast", HLS, True),
    ("StartBroadcast", {}, False),
    ("StartBroadcast", {"outputs": None}, False),
    ("StartBroadcast", {"outputs": {"rtmp": [RTMP] * 5}}, True),
    ("StartBroadcast", {"outputs": {"rtmp": [RTMP] * 6}}, False),
    ("StartBroadcast", {"outputs": {"rtmp": [RTMP | {"serverUrl": "http://a.b"}]}}, False),
    ("StartBroadcast", {"outputs": {"rtmp": [{"serverUrl": "rtmp://a.b"}]}}, False),
    ("StartBroadcast", {"outputs": {"rtmp": [None]}}, False),
    ("StartBroadcast", HLS | {"maxDuration": 36_000}, True),
    ("StartBroadcast", HLS | {"maxDuration": 59}, False),
    ("StartCaptions", {"languageCode": "d"}, False),
    ("StartCaptions", {"maxDuration": 299}, False),
    ("StartCaptions", {"maxDuration": 14_400, "partialCaptions": False}, True),
    ("StartSipCall", {"sip": SIP}, True),
    ("StartSipCall", {"sip": {}}, False),
    ("StartSipCall", {"sip": SIP | {"auth": {"username": "a", "password": "b"}}}, True),
    ("StartSipCall", {"sip": SIP | {"auth": {"username": "a"}}}, False),
    ("StartSipCall", {"sip": SIP | {"headers": {"X-Id": "", "": "a"}}}, True),
    ("StartSipCall", {"sip": SIP | {"headers": {"X-Id": 1}}}, False),
    ("StartSipCall", {"sip": SIP | {"headers": {"X-Id": "a\r\nb"}}}, False),
    ("StartRender", PAGE, True),
    ("StartRender", {"url": "ftp://example.com"}, False),
    ("StartRender", {"url": "https://example.com/" + "a" * 2029}, False),
    ("StartRender", PAGE | {"properties": {"name": "a" * 201}}, False),
    ("StartAudioConnector", {"websocket": SOCKET | {"streams": ["a" * 64] * 100}}, True),
    ("StartAudioConnector", {"websocket": SOCKET | {"streams": ["a" * 65]}}, False),
    ("StartAudioConnector", {"websocket": SOCKET | {"audioRate": 24_000}}, True),
    ("StartAudioConnector", {"websocket": SOCKET | {"audioRate": 44_100}}, False),
    ("Layout", {"type": "custom", "stylesheet": "a" * 32_768}, True),
    ("Layout", {"type": "custom", "stylesheet": "a" * 32_769}, False),
    ("Layout", {"type": "bestFit", "screenshareType": "custom"}, False),
    ("StreamChange", {"addStream": "a" * 64, "hasVideo": False}, True),
    ("StreamChange", {"removeStream": ""}, False),
]


@pytest.mark.parametrize(("schema", "body", "valid"), AT_THE_LIMITS_OF_FEATURES)
def test_contract_and_code_agree_on_features(
    schema: str, body: Mapping[str, object], valid: bool
) -> None:
    assert (violations(SCHEMAS[schema], body) == []) is valid
    assert _accepts(FEATURE_BODIES[schema], body) is valid


def _accepts(rule: Rule, body: object) -> bool:
    try:
        check(rule, body)
    except Invalid:
        return False
    return True
