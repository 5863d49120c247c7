"""One wish for each call about features, made by our client and by the vendor's four SDKs.

The requests are recorded by a server, and each is given as its fields: `method`, `path` without the
project, and everything in the query and the body under its dotted name.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import opentok
import requests
import vonage_http_client as http_client  # type: ignore[import-untyped]
import vonage_video  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter
from vonage_video import models

from local import browser_sdk
from opentok_client import features
from opentok_client.credentials import OpenTokCredentials
from opentok_client.families import FAMILIES
from opentok_client.feature_fields import LAYOUT, STREAMS
from opentok_client.moderation import disconnect
from opentok_client.rules import check
from opentok_client.transport import Transport
from tests.unit.opentok_client.loopback import Received, respond, serve

__all__ = ["SDKS", "WISHES", "Fields", "Wish", "our_requests", "sdk_requests"]

SDK = Any  # they have no types
Fields = dict[str, object]

NODE = Path(__file__).resolve().parent / "node_sdks"
API_KEY = "47665971"
API_SECRET = "0123456789abcdef0123456789abcdef01234567"
APPLICATION = "29f760f8-7ce1-46c9-ade3-f2dedee4ed5f"
SESSION = "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-"
ID = "7b3b1f0a-1c5e-4a44-8b6a-0f3a2d1c9e55"
TOKEN = "T1==a-token"
RESPONSE = {
    **{"id": ID, "captionsId": ID, "connectionId": ID, "streamId": ID},
    **{"sessionId": SESSION, "partnerId": 47665971, "status": "started", "createdAt": 1},
    **{"items": [], "count": 0},
}


class Wish(NamedTuple):
    """What a caller wants: a call, and the fields of its body."""

    call: str
    fields: Mapping[str, object] = {}


HEADERS = {"X-Key": "value"}
RTMP = {"id": "a", "serverUrl": "rtmp://example.com/app", "streamName": "key"}
WISHES: dict[str, Wish] = {
    "start archive": Wish("start_archive"),
    "start archive with every option": Wish(
        "start_archive",
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
    ),
    "start archive of single streams with a transcription": Wish(
        "start_archive", {"outputMode": "individual", "hasTranscription": True}
    ),
    "list archives": Wish("list_archives"),
    "find archive": Wish("find_archive"),
    "stop archive": Wish("stop_archive"),
    "delete archive": Wish("delete_archive"),
    "arrange archive": Wish("arrange_archive", {"type": "custom", "stylesheet": "stream {}"}),
    "add to archive": Wish(
        "add_to_archive", {"addStream": ID, "hasAudio": True, "hasVideo": False}
    ),
    "remove from archive": Wish("remove_from_archive", {"removeStream": ID}),
    "start broadcast": Wish("start_broadcast", {"outputs": {"hls": {"lowLatency": True}}}),
    "start broadcast with every option": Wish(
        "start_broadcast",
        {
            "outputs": {"hls": {"dvr": False, "lowLatency": True}, "rtmp": [RTMP]},
            "maxDuration": 3600,
            "resolution": "640x480",
            "layout": {"type": "pip"},
            "streamMode": "manual",
            "multiBroadcastTag": "tag",
            "maxBitrate": 2_000_000,
        },
    ),
    "list broadcasts": Wish("list_broadcasts"),
    "find broadcast": Wish("find_broadcast"),
    "stop broadcast": Wish("stop_broadcast"),
    "arrange broadcast": Wish("arrange_broadcast", {"type": "custom", "stylesheet": "stream {}"}),
    "add to broadcast": Wish(
        "add_to_broadcast", {"addStream": ID, "hasAudio": True, "hasVideo": False}
    ),
    "remove from broadcast": Wish("remove_from_broadcast", {"removeStream": ID}),
    "start captions": Wish("start_captions"),
    "start captions with every option": Wish(
        "start_captions", {"languageCode": "de-DE", "maxDuration": 300, "partialCaptions": False}
    ),
    "stop captions": Wish("stop_captions"),
    "start SIP call": Wish("start_sip_call", {"sip": {"uri": "sip:user@example.com"}}),
    "start SIP call with every option": Wish(
        "start_sip_call",
        {
            "sip": {
                "uri": "sip:user@example.com",
                "from": "4670@example.com",
                "headers": HEADERS,
                "auth": {"username": "user", "password": "password"},
                "secure": True,
                "video": False,
                "observeForceMute": True,
            }
        },
    ),
    "start render": Wish("start_render", {"url": "https://example.com/page"}),
    "start render with every option": Wish(
        "start_render",
        {
            "url": "https://example.com/page",
            "maxDuration": 60,
            "resolution": "1280x720",
            "properties": {"name": "composer"},
        },
    ),
    "list renders": Wish("list_renders"),
    "find render": Wish("find_render"),
    "stop render": Wish("stop_render"),
    "start audio connector": Wish(
        "start_audio_connector", {"websocket": {"uri": "wss://example.com/audio"}}
    ),
    "start audio connector with every option": Wish(
        "start_audio_connector",
        {
            "websocket": {
                "uri": "wss://example.com/audio",
                "headers": HEADERS,
                "streams": [ID],
                "audioRate": 16_000,
                "bidirectional": True,
            }
        },
    ),
    "stop audio connector": Wish("stop_audio_connector"),
    "disconnect": Wish("disconnect"),
}


# ------------------------------------------------------------------------------------- our client

NAMES = {
    "archive": "archives", "broadcast": "broadcasts", "captions": "captions", "render": "renders",
    "sip_call": "sip-calls", "audio_connector": "audio-connectors",
}  # fmt: skip


def _ours(wish: Wish) -> Callable[[Transport], object]:
    """Returns the call of our client, with fields that its rules have checked."""
    verb, _, noun = wish.call.removesuffix("s").replace("caption", "captions").partition("_")
    family = FAMILIES[NAMES[re.sub("^(to|from)_", "", noun)]] if noun else FAMILIES["archives"]
    until = time.monotonic() + 60
    match verb:
        case "start":
            body = check(family.fields, wish.fields)
            token = TOKEN if family.token_role else None
            return lambda vendor: features.start(vendor, family, SESSION, body, token, until)
        case "list":
            return lambda vendor: features.list_features(vendor, family, SESSION, until, 10, 20)
        case "find":
            return lambda vendor: features.find(vendor, family, ID, until)
        case "stop":
            return lambda vendor: features.stop(vendor, family, SESSION, ID, until)
        case "delete":
            return lambda vendor: features.delete(vendor, family, ID, until)
        case "arrange":
            layout = check(LAYOUT, wish.fields)
            return lambda vendor: features.arrange(vendor, family, ID, layout, until)
        case "add" | "remove":
            change = check(STREAMS, wish.fields)
            return lambda vendor: features.change_streams(vendor, family, ID, change, until)
        case "disconnect":
            return lambda vendor: disconnect(vendor, SESSION, ID, until)
    raise AssertionError(wish.call)


def our_requests() -> dict[str, Fields]:
    """Returns what our client sends for each wish."""
    calls = {name: _ours(wish) for name, wish in WISHES.items()}
    return _recorded(
        calls, lambda url, call: call(Transport(OpenTokCredentials(API_KEY, API_SECRET), url))
    )


# ------------------------------------------------------------------------- the vendor's Python SDKs

OPENTOK_PYTHON: dict[str, Callable[[SDK, Any], object]] = {
    "start_archive": lambda sdk, f: sdk.start_archive(
        SESSION,
        **{
            snake(name): opentok.OutputModes[value]
            if name == "outputMode"
            else opentok.StreamModes[value]
            if name == "streamMode"
            else value
            for name, value in f.items()
        },
    ),
    "list_archives": lambda sdk, f: sdk.list_archives(10, 20, SESSION),
    "find_archive": lambda sdk, f: sdk.get_archive(ID),
    "stop_archive": lambda sdk, f: sdk.stop_archive(ID),
    "delete_archive": lambda sdk, f: sdk.delete_archive(ID),
    "arrange_archive": lambda sdk, f: sdk.set_archive_layout(ID, f["type"], f["stylesheet"]),
    "add_to_archive": lambda sdk, f: sdk.add_archive_stream(
        ID, f["addStream"], f["hasAudio"], f["hasVideo"]
    ),
    "remove_from_archive": lambda sdk, f: sdk.remove_archive_stream(ID, f["removeStream"]),
    "start_broadcast": lambda sdk, f: sdk.start_broadcast(
        SESSION,
        {name: value for name, value in f.items() if name != "streamMode"},
        opentok.BroadcastStreamModes[f.get("streamMode", "auto")],
    ),
    "find_broadcast": lambda sdk, f: sdk.get_broadcast(ID),
    "stop_broadcast": lambda sdk, f: sdk.stop_broadcast(ID),
    "arrange_broadcast": lambda sdk, f: sdk.set_broadcast_layout(ID, f["type"], f["stylesheet"]),
    "add_to_broadcast": lambda sdk, f: sdk.add_broadcast_stream(
        ID, f["addStream"], f["hasAudio"], f["hasVideo"]
    ),
    "remove_from_broadcast": lambda sdk, f: sdk.remove_broadcast_stream(ID, f["removeStream"]),
    "start_captions": lambda sdk, f: sdk.start_captions(SESSION, TOKEN, *f.values()),
    "stop_captions": lambda sdk, f: sdk.stop_captions(ID),
    "start_sip_call": lambda sdk, f: sdk.dial(SESSION, TOKEN, f["sip"]["uri"], f["sip"]),
    "start_render": lambda sdk, f: sdk.start_render(SESSION, TOKEN, *f.values()),
    "list_renders": lambda sdk, f: sdk.list_renders(10, 20),
    "find_render": lambda sdk, f: sdk.get_render(ID),
    "stop_render": lambda sdk, f: sdk.stop_render(ID),
    "start_audio_connector": lambda sdk, f: sdk.connect_audio_to_websocket(
        SESSION, TOKEN, f["websocket"]
    ),
    "disconnect": lambda sdk, f: sdk.force_disconnect(SESSION, ID),
}
PAGE = {"offset": 10, "page_size": 20}
VONAGE_PYTHON: dict[str, Callable[[SDK, Any], object]] = {
    "start_archive": lambda sdk, f: sdk.start_archive(
        models.CreateArchiveRequest(session_id=SESSION, **snaked(f))
    ),
    "list_archives": lambda sdk, f: sdk.list_archives(
        models.ListArchivesFilter(session_id=SESSION, **PAGE)
    ),
    "find_archive": lambda sdk, f: sdk.get_archive(ID),
    "stop_archive": lambda sdk, f: sdk.stop_archive(ID),
    "delete_archive": lambda sdk, f: sdk.delete_archive(ID),
    "arrange_archive": lambda sdk, f: sdk.change_archive_layout(
        ID, models.ComposedLayout(**snaked(f))
    ),
    "add_to_archive": lambda sdk, f: sdk.add_stream_to_archive(ID, added(f)),
    "remove_from_archive": lambda sdk, f: sdk.remove_stream_from_archive(ID, f["removeStream"]),
    "start_broadcast": lambda sdk, f: sdk.start_broadcast(
        models.CreateBroadcastRequest(session_id=SESSION, **snaked(f))
    ),
    "list_broadcasts": lambda sdk, f: sdk.list_broadcasts(
        models.ListBroadcastsFilter(session_id=SESSION, **PAGE)
    ),
    "find_broadcast": lambda sdk, f: sdk.get_broadcast(ID),
    "stop_broadcast": lambda sdk, f: sdk.stop_broadcast(ID),
    "arrange_broadcast": lambda sdk, f: sdk.change_broadcast_layout(
        ID, models.ComposedLayout(**snaked(f))
    ),
    "add_to_broadcast": lambda sdk, f: sdk.add_stream_to_broadcast(ID, added(f)),
    "remove_from_broadcast": lambda sdk, f: sdk.remove_stream_from_broadcast(ID, f["removeStream"]),
    "start_captions": lambda sdk, f: sdk.start_captions(
        models.CaptionsOptions(session_id=SESSION, token=TOKEN, **snaked(f))
    ),
    "stop_captions": lambda sdk, f: sdk.stop_captions(models.CaptionsData(captions_id=ID)),
    "start_sip_call": lambda sdk, f: sdk.initiate_sip_call(
        models.InitiateSipRequest(session_id=SESSION, token=TOKEN, sip=snaked(f["sip"]))
    ),
    "start_render": lambda sdk, f: sdk.start_experience_composer(
        models.ExperienceComposerOptions(session_id=SESSION, token=TOKEN, **snaked(f))
    ),
    "list_renders": lambda sdk, f: sdk.list_experience_composers(
        models.ListExperienceComposersFilter(**PAGE)
    ),
    "find_render": lambda sdk, f: sdk.get_experience_composer(ID),
    "stop_render": lambda sdk, f: sdk.stop_experience_composer(ID),
    "start_audio_connector": lambda sdk, f: sdk.start_audio_connector(
        models.AudioConnectorOptions(
            session_id=SESSION, token=TOKEN, websocket=snaked(f["websocket"])
        )
    ),
    "disconnect": lambda sdk, f: sdk.disconnect_client(SESSION, ID),
}


def snake(name: str) -> str:
    return re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", name)


def snaked(value: Any) -> Any:
    """Returns the fields under the names that the unified SDK's models have."""
    if isinstance(value, list):
        return [snaked(item) for item in value]
    if not isinstance(value, dict):
        return value
    names = {"from": "from_", "X-Key": "X-Key"}
    return {names.get(name) or snake(name): snaked(item) for name, item in value.items()}


def added(fields: Any) -> Any:
    return models.AddStreamRequest(
        stream_id=fields["addStream"],
        has_audio=fields["hasAudio"],
        has_video=fields["hasVideo"],
    )


class PlainHttp(HTTPAdapter):
    """Sends the SDK's HTTPS calls over HTTP: its scheme cannot be configured."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        request.url = str(request.url).replace("https://", "http://", 1)
        return super().send(request, *args, **options)


def _opentok_python(url: str, wish: Wish) -> None:
    # It rejects some documented statuses of a success, after the request was sent.
    with contextlib.suppress(opentok.exceptions.OpenTokException):
        OPENTOK_PYTHON[wish.call](
            opentok.Client(API_KEY, API_SECRET, api_url=url, timeout=60), dict(wish.fields)
        )


def _vonage_python(private_key: str) -> Callable[[str, Wish], None]:
    def run(url: str, wish: Wish) -> None:
        auth = http_client.Auth(application_id=APPLICATION, private_key=private_key)
        host = url.removeprefix("http://")
        client = http_client.HttpClient(auth, http_client.HttpClientOptions(video_host=host))
        client._session.mount("https://", PlainHttp())
        VONAGE_PYTHON[wish.call](vonage_video.Video(client), dict(wish.fields))

    return run


# --------------------------------------------------------------------------- the vendor's Node SDKs


def _node(private_key: str) -> tuple[dict[str, Fields], dict[str, Fields]]:
    """Returns what both Node SDKs send, from one Node.js process for all calls."""
    browser_sdk.install(NODE)
    node = shutil.which("node")
    assert node
    common = {"sessionId": SESSION, "id": ID, "token": TOKEN, "page": {"offset": 10, "count": 20}}
    wishes = {
        name: {"call": wish.call, "fields": wish.fields, **common} for name, wish in WISHES.items()
    }
    settings = {"apiKey": API_KEY, "apiSecret": API_SECRET, "applicationId": APPLICATION}
    with serve(respond(200, RESPONSE)) as server:
        job = {"url": server.url, "privateKey": private_key, "wishes": wishes, **settings}
        command = [node, str(NODE / "calls.cjs")]
        done = subprocess.run(
            command, input=json.dumps(job), capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    sent: dict[str, dict[str, Fields]] = {"opentok": {}, "vonage": {}}
    for request in server.requests:
        method, target, version = request.line.split(" ")
        _, sdk, name, *path = target.split("/")
        plain = Received(
            request.at, f"{method} /{'/'.join(path)} {version}", request.headers, request.body
        )
        assert unquote(name) not in sent[sdk], f"{name} sent two requests"
        sent[sdk][unquote(name)] = _fields(plain)
    return sent["opentok"], sent["vonage"]


# ------------------------------------------------------------------------------------- the requests

SDKS = ("opentok for Python", "vonage for Python", "opentok for Node", "@vonage/video for Node")


def sdk_requests(private_key: str) -> dict[str, dict[str, Fields]]:
    """Returns what each SDK sends for each wish that it has a call for."""
    python: list[tuple[Mapping[str, object], Callable[[str, Wish], None]]] = [
        (OPENTOK_PYTHON, _opentok_python),
        (VONAGE_PYTHON, _vonage_python(private_key)),
    ]
    found = [
        _recorded({name: wish for name, wish in WISHES.items() if wish.call in known}, run)
        for known, run in python
    ]
    return dict(zip(SDKS, [*found, *_node(private_key)], strict=True))


def _recorded(calls: Mapping[str, Any], run: Callable[[str, Any], object]) -> dict[str, Fields]:
    with serve(respond(200, RESPONSE)) as server:
        for call in calls.values():
            with contextlib.suppress(opentok.exceptions.OpenTokException):
                run(server.url, call)
    assert len(server.requests) == len(calls)
    return {name: _fields(sent) for name, sent in zip(calls, server.requests, strict=True)}


def _fields(request: Received) -> Fields:
    method, target, _ = request.line.split(" ")
    url = urlsplit(target)
    path = re.sub("^/v2/project/[^/]+", "", url.path)
    query = {f"query.{name}": value for name, value in parse_qsl(url.query)}
    body = json.loads(request.body or b"{}")
    content_type = {"content-type": request.headers["content-type"]} if body else {}
    return {"method": method, "path": path, **content_type, **query, **_flat(body, "")}


def _flat(value: Any, name: str) -> Fields:
    """Returns the values of nested objects under dotted names. A list is one value."""
    if not isinstance(value, dict) or (name and not value):
        return {name: value}
    within = f"{name}." if name else ""
    return {
        key: item for inner in value for key, item in _flat(value[inner], within + inner).items()
    }
