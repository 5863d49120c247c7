"""Calls for live sessions and features, compared with the vendor's Python SDK field by field.

Both sides send the same wish to a server that records it. A field that differs is listed in
`DIFFERENCES` with its reason; there are no others.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import opentok
import pytest
from vonage_video.models.archive import (  # type: ignore[import-untyped]
    CreateArchiveRequest,
)
from vonage_video.models.audio_connector import (  # type: ignore[import-untyped]
    AudioConnectorOptions,
    AudioConnectorWebSocket,
)
from vonage_video.models.broadcast import (  # type: ignore[import-untyped]
    BroadcastOutputSettings,
    CreateBroadcastRequest,
)
from vonage_video.models.captions import CaptionsOptions  # type: ignore[import-untyped]
from vonage_video.models.experience_composer import (  # type: ignore[import-untyped]
    ExperienceComposerOptions,
)
from vonage_video.models.sip import (  # type: ignore[import-untyped]
    InitiateSipRequest,
    SipOptions,
)

from opentok_client import features
from opentok_client.credentials import OpenTokCredentials
from opentok_client.errors import Invalid
from opentok_client.families import (
    ARCHIVES,
    AUDIO_CONNECTORS,
    BROADCASTS,
    CAPTIONS,
    RENDERS,
    SIP_CALLS,
    Family,
)
from opentok_client.moderation import disconnect
from opentok_client.rules import check
from opentok_client.transport import Transport
from tests.unit.opentok_client.loopback import Received, respond, serve

SDK = Any  # it has no types

API_KEY = "47665971"
API_SECRET = "0123456789abcdef0123456789abcdef01234567"
SESSION = "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-"
FEATURE = "7b3b1f0a-1c5e-4a44-8b6a-0f3a2d1c9e55"
TOKEN = "T1==a-token"
RESPONSE = {
    **{"id": FEATURE, "captionsId": FEATURE, "connectionId": FEATURE, "streamId": FEATURE},
    **{"sessionId": SESSION, "partnerId": 47665971, "status": "started", "createdAt": 1},
}

UNSET = "the SDK sends null for what was not set; an absent field has the vendor's default"
DEFAULT = "the SDK spells out the vendor's default"
DIFFERENCES: dict[str, Mapping[str, str]] = {
    "archives": {
        **dict.fromkeys(["multiArchiveTag", "resolution", "name", "maxBitrate"], UNSET),
        **dict.fromkeys(["hasAudio", "hasVideo", "outputMode", "streamMode"], DEFAULT),
    },
    "broadcasts": {"streamMode": DEFAULT},
    "captions": {
        "statusCallbackUrl": UNSET,
        **dict.fromkeys(["languageCode", "maxDuration", "partialCaptions"], DEFAULT),
    },
    "sip-calls": {},
    "renders": {"properties": UNSET, "maxDuration": DEFAULT, "resolution": DEFAULT},
    "audio-connectors": {},
}


class Start(NamedTuple):
    """A start: the fields that our client gets, and the same wish for the SDK."""

    family: Family
    fields: dict[str, object]
    sdk: Callable[[SDK], object]


HEADERS = {"X-Key": "value"}
RTMP = {"id": "a", "serverUrl": "rtmp://example.com/app", "streamName": "key"}
OUTPUTS = {"hls": {"dvr": False, "lowLatency": True}, "rtmp": [RTMP]}
SIP = {
    "from": "4670@example.com",
    "headers": HEADERS,
    "auth": {"username": "user", "password": "password"},
    "secure": True,
    "video": False,
    "observeForceMute": True,
}
SOCKET = {"uri": "wss://example.com/audio", "headers": HEADERS, "streams": [FEATURE]}

STARTS = {
    "archive": Start(ARCHIVES, {}, lambda sdk: sdk.start_archive(SESSION)),
    "archive with every option": Start(
        ARCHIVES,
        {
            "name": "standup",
            "hasAudio": True,
            "hasVideo": False,
            "outputMode": "composed",
            "streamMode": "manual",
            "resolution": "1280x720",
            "layout": {"type": "bestFit", "screenshareType": "pip"},
            "multiArchiveTag": "tag",
            "maxBitrate": 2_000_000,
        },
        lambda sdk: sdk.start_archive(
            SESSION,
            has_audio=True,
            has_video=False,
            name="standup",
            output_mode=opentok.OutputModes.composed,
            stream_mode=opentok.StreamModes.manual,
            resolution="1280x720",
            layout={"type": "bestFit", "screenshareType": "pip"},
            multi_archive_tag="tag",
            max_bitrate=2_000_000,
        ),
    ),
    "archive of single streams with a transcription": Start(
        ARCHIVES,
        {
            "outputMode": "individual",
            "hasTranscription": True,
            "transcriptionProperties": {"primaryLanguageCode": "en-US", "hasSummary": True},
        },
        lambda sdk: sdk.start_archive(
            SESSION,
            output_mode=opentok.OutputModes.individual,
            has_transcription=True,
            transcription_properties={"primaryLanguageCode": "en-US", "hasSummary": True},
        ),
    ),
    "broadcast": Start(
        BROADCASTS,
        {"outputs": OUTPUTS, "maxDuration": 3600, "resolution": "640x480"},
        lambda sdk: sdk.start_broadcast(
            SESSION, {"outputs": OUTPUTS, "maxDuration": 3600, "resolution": "640x480"}
        ),
    ),
    "captions": Start(CAPTIONS, {}, lambda sdk: sdk.start_captions(SESSION, TOKEN)),
    "captions with every option": Start(
        CAPTIONS,
        {"languageCode": "de-DE", "maxDuration": 300, "partialCaptions": False},
        lambda sdk: sdk.start_captions(SESSION, TOKEN, "de-DE", 300, False),
    ),
    "SIP call": Start(
        SIP_CALLS,
        {"sip": {"uri": "sip:user@example.com", **SIP}},
        lambda sdk: sdk.dial(SESSION, TOKEN, "sip:user@example.com", SIP),
    ),
    "render": Start(
        RENDERS,
        {"url": "https://example.com/page"},
        lambda sdk: sdk.start_render(SESSION, TOKEN, "https://example.com/page"),
    ),
    "render with every option": Start(
        RENDERS,
        {
            "url": "https://example.com/page",
            "maxDuration": 60,
            "resolution": "1920x1080",
            "properties": {"name": "composer"},
        },
        lambda sdk: sdk.start_render(
            SESSION, TOKEN, "https://example.com/page", 60, "1920x1080", {"name": "composer"}
        ),
    ),
    "audio connector": Start(
        AUDIO_CONNECTORS,
        {"websocket": SOCKET},
        lambda sdk: sdk.connect_audio_to_websocket(SESSION, TOKEN, SOCKET),
    ),
}


def recorded(status: int, *calls: Callable[[str], object]) -> list[Received]:
    """Returns what each call has sent to a server that responds with this status."""
    with serve(respond(status, RESPONSE if status != 204 else b"")) as server:
        for call in calls:
            call(server.url)
    assert len(server.requests) == len(calls)
    return server.requests


def ours(call: Callable[[Transport], object]) -> Callable[[str], object]:
    return lambda url: call(Transport(OpenTokCredentials(API_KEY, API_SECRET), url))


def theirs(call: Callable[[SDK], object]) -> Callable[[str], object]:
    def run(url: str) -> None:
        # It rejects some documented statuses of a success, after the request was sent.
        with contextlib.suppress(opentok.exceptions.OpenTokException):
            call(opentok.Client(API_KEY, API_SECRET, api_url=url, timeout=60))

    return run


def soon() -> float:
    return time.monotonic() + 60


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_start_has_the_path_and_the_fields_of_the_sdk(start: Start) -> None:
    family, fields, sdk = start
    body = check(family.fields, fields)
    token = TOKEN if family.token_role else None
    our_request, their_request = recorded(
        200,
        ours(lambda vendor: features.start(vendor, family, SESSION, body, token, soon())),
        theirs(sdk),
    )
    assert our_request.line == their_request.line
    assert our_request.headers["content-type"] == their_request.headers["content-type"]
    our_body, their_body = json.loads(our_request.body), json.loads(their_request.body)
    differing = {
        name
        for name in our_body.keys() | their_body.keys()
        if our_body.get(name, "absent") != their_body.get(name, "absent")
    }
    assert differing <= DIFFERENCES[family.name].keys()
    for name in differing:  # only what was not asked for differs
        assert name not in fields


CALLS: dict[str, tuple[int, Callable[[Transport], object], Callable[[SDK], object]]] = {
    "disconnect": (
        204,
        lambda vendor: disconnect(vendor, SESSION, FEATURE, soon()),
        lambda sdk: sdk.force_disconnect(SESSION, FEATURE),
    ),
    "stop archive": (
        200,
        lambda vendor: features.stop(vendor, ARCHIVES, SESSION, FEATURE, soon()),
        lambda sdk: sdk.stop_archive(FEATURE),
    ),
    "get archive": (
        200,
        lambda vendor: features.find(vendor, ARCHIVES, FEATURE, soon()),
        lambda sdk: sdk.get_archive(FEATURE),
    ),
    "delete archive": (
        204,
        lambda vendor: features.delete(vendor, ARCHIVES, FEATURE, soon()),
        lambda sdk: sdk.delete_archive(FEATURE),
    ),
    "archive layout": (
        200,
        lambda vendor: features.arrange(
            vendor, ARCHIVES, FEATURE, {"type": "custom", "stylesheet": "stream {}"}, soon()
        ),
        lambda sdk: sdk.set_archive_layout(FEATURE, "custom", "stream {}"),
    ),
    "add archive stream": (
        204,
        lambda vendor: features.change_streams(
            vendor,
            ARCHIVES,
            FEATURE,
            {"hasAudio": True, "hasVideo": False, "addStream": FEATURE},
            soon(),
        ),
        lambda sdk: sdk.add_archive_stream(FEATURE, FEATURE, True, False),
    ),
    "remove archive stream": (
        204,
        lambda vendor: features.change_streams(
            vendor, ARCHIVES, FEATURE, {"removeStream": FEATURE}, soon()
        ),
        lambda sdk: sdk.remove_archive_stream(FEATURE, FEATURE),
    ),
    "stop broadcast": (
        200,
        lambda vendor: features.stop(vendor, BROADCASTS, SESSION, FEATURE, soon()),
        lambda sdk: sdk.stop_broadcast(FEATURE),
    ),
    "get broadcast": (
        200,
        lambda vendor: features.find(vendor, BROADCASTS, FEATURE, soon()),
        lambda sdk: sdk.get_broadcast(FEATURE),
    ),
    "stop captions": (
        202,
        lambda vendor: features.stop(vendor, CAPTIONS, SESSION, FEATURE, soon()),
        lambda sdk: sdk.stop_captions(FEATURE),
    ),
    "get render": (
        200,
        lambda vendor: features.find(vendor, RENDERS, FEATURE, soon()),
        lambda sdk: sdk.get_render(FEATURE),
    ),
    "stop render": (
        200,
        lambda vendor: features.stop(vendor, RENDERS, SESSION, FEATURE, soon()),
        lambda sdk: sdk.stop_render(FEATURE),
    ),
}


@pytest.mark.parametrize(("status", "our_call", "their_call"), CALLS.values(), ids=CALLS)
def test_a_call_has_the_method_the_path_and_the_body_of_the_sdk(
    status: int, our_call: Callable[[Transport], object], their_call: Callable[[SDK], object]
) -> None:
    our_request, their_request = recorded(status, ours(our_call), theirs(their_call))
    assert our_request.line == their_request.line
    assert json.loads(our_request.body or b"null") == json.loads(their_request.body or b"null")


# The unified platform's SDK has a model for each body.

SERVER = "set by the server"
NOT_OFFERED = {
    "sessionId": SERVER,
    "token": SERVER,
    "statusCallbackUrl": "callbacks go to the URL that is registered for the project",
    "audioTransport": "its content is not documented, and the SDKs disagree about its type",
}
MODELS: dict[str, tuple[Family, str, type[Any]]] = {
    "archive": (ARCHIVES, "", CreateArchiveRequest),
    "broadcast": (BROADCASTS, "", CreateBroadcastRequest),
    "outputs": (BROADCASTS, "outputs", BroadcastOutputSettings),
    "captions": (CAPTIONS, "", CaptionsOptions),
    "SIP call": (SIP_CALLS, "", InitiateSipRequest),
    "SIP options": (SIP_CALLS, "sip", SipOptions),
    "render": (RENDERS, "", ExperienceComposerOptions),
    "audio connector": (AUDIO_CONNECTORS, "", AudioConnectorOptions),
    "websocket": (AUDIO_CONNECTORS, "websocket", AudioConnectorWebSocket),
}


@pytest.mark.parametrize(("family", "within", "model"), MODELS.values(), ids=MODELS)
def test_every_field_of_the_unified_sdk_is_offered_or_listed(
    family: Family, within: str, model: type[Any]
) -> None:
    names = [field.serialization_alias or name for name, field in model.model_fields.items()]
    wrong = dict.fromkeys(names, object())
    with pytest.raises(Invalid) as invalid:
        check(family.fields, {within: wrong} if within else wrong)
    prefix = f"{within}." if within else ""
    unknown = {
        violation.field.removeprefix(prefix)
        for violation in invalid.value.violations
        if violation.message == "unknown field"
    }
    assert unknown == NOT_OFFERED.keys() & set(names)
