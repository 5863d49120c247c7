"""Calls about features, compared with the vendor's own SDKs field by field.

Our client and the four SDKs make the same call to a server that records it. Every field that
differs is listed in `DIFFERENCES` with its reason, and nothing else is listed there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
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
from opentok_client.rules import check
from tests.contract.sdk_calls import SDKS, WISHES, Fields, our_requests, sdk_requests

Requests = dict[str, Fields]
"""What is sent for each wish."""
PYTHON, VONAGE_PYTHON, NODE, VONAGE_NODE = SDKS

UNSET = "the SDK sends null for what was not set; an absent field has the vendor's default"
DEFAULT = "the SDK sends the vendor's default"
WHOLE_PROJECT = "the SDK lists the renders of the project; the vendor ignores `sessionId` here"
FILTERED = "our client filters by session, so it reads a list from its start"
RENDERS_LIST = {
    "query.sessionId": WHOLE_PROJECT,
    "query.offset": FILTERED,
    "query.count": FILTERED,
}
SNAKE_CASE = "the SDK misspells the parameter, which the vendor's reference calls `sessionId`"
SLASH = "the SDK adds a slash to the path that is not in the vendor's reference"
DROPPED = "the SDK does not send this option"
ID_TWICE = "the SDK repeats the ID of the path in the body"
ALWAYS_TRUE = "the SDK sends true even if false is wanted"
OF_OTHERS = "the SDK calls a route that neither the vendor's reference nor another SDK has"

DIFFERENCES: dict[str, dict[str, Mapping[str, str]]] = {
    PYTHON: {
        "start archive": {
            **dict.fromkeys(["name", "resolution", "multiArchiveTag", "maxBitrate"], UNSET),
            **dict.fromkeys(["hasAudio", "hasVideo", "outputMode", "streamMode"], DEFAULT),
        },
        "start archive of single streams with a transcription": {
            **dict.fromkeys(["name", "resolution", "multiArchiveTag", "maxBitrate"], UNSET),
            **dict.fromkeys(["hasAudio", "hasVideo", "streamMode"], DEFAULT),
        },
        "start broadcast": {"streamMode": DEFAULT},
        "start captions": {
            "statusCallbackUrl": UNSET,
            **dict.fromkeys(["languageCode", "maxDuration", "partialCaptions"], DEFAULT),
        },
        "start captions with every option": {"statusCallbackUrl": UNSET},
        "start render": {"properties": UNSET, "maxDuration": DEFAULT, "resolution": DEFAULT},
        "list renders": RENDERS_LIST,
    },
    VONAGE_PYTHON: {
        "list archives": {"query.sessionId": SNAKE_CASE, "query.session_id": SNAKE_CASE},
        "list broadcasts": {"query.sessionId": SNAKE_CASE, "query.session_id": SNAKE_CASE},
        "list renders": RENDERS_LIST,
    },
    NODE: {
        "start broadcast": {"streamMode": DEFAULT},
        "add to broadcast": {"hasVideo": ALWAYS_TRUE},
        "start captions": dict.fromkeys(
            ["languageCode", "maxDuration", "partialCaptions"], DEFAULT
        ),
        "start SIP call with every option": {"sip.video": DROPPED},
        "start render": {
            "maxDuration": "the SDK has a default of its own, 1800 seconds",
            "resolution": DEFAULT,
        },
        "start render with every option": {"properties.name": DROPPED},
        "list renders": RENDERS_LIST,
        "start audio connector with every option": {"websocket.audioRate": DROPPED},
    },
    VONAGE_NODE: {
        "start broadcast": {"path": SLASH},
        "start broadcast with every option": {"path": SLASH},
        "list broadcasts": {"path": SLASH},
        "add to broadcast": {
            "broadcastId": ID_TWICE,
            "hasAudio": DROPPED,
            "hasVideo": DROPPED,
        },
        "remove from broadcast": {"broadcastId": ID_TWICE},
        "list renders": RENDERS_LIST,
        "stop audio connector": {"method": OF_OTHERS, "path": OF_OTHERS},
    },
}
NO_SUCH_CALL = {
    PYTHON: {"list broadcasts", "stop audio connector"},
    VONAGE_PYTHON: {"stop audio connector"},
    NODE: {"stop audio connector"},
    VONAGE_NODE: {"arrange broadcast"},
}


@pytest.fixture(scope="module")
def ours() -> Requests:
    return our_requests()


@pytest.fixture(scope="module")
def theirs() -> dict[str, Requests]:
    """What each SDK sends for each wish that it has a call for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return sdk_requests(key.private_bytes(pem, pkcs8, serialization.NoEncryption()).decode())


@pytest.mark.parametrize("sdk", SDKS)
def test_every_field_that_an_sdk_sends_differently_is_listed(
    sdk: str, ours: Requests, theirs: dict[str, Requests]
) -> None:
    absent = object()
    differing = {
        wish: {
            field
            for field in ours[wish].keys() | sent.keys()
            if ours[wish].get(field, absent) != sent.get(field, absent)
        }
        for wish, sent in theirs[sdk].items()
    }
    listed = {wish: set(fields) for wish, fields in DIFFERENCES[sdk].items()}
    assert {wish: fields for wish, fields in differing.items() if fields} == listed


@pytest.mark.parametrize("sdk", SDKS)
def test_an_sdk_has_every_call_that_is_not_listed_as_missing(
    sdk: str, theirs: dict[str, Requests]
) -> None:
    assert WISHES.keys() - theirs[sdk].keys() == NO_SUCH_CALL[sdk]


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
