"""Features of routed sessions: broadcasts, captions, SIP calls, renders, audio connectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.emulator.receiver import Receiver, receiver
from tests.contract.emulator.test_callbacks import Call
from tests.emulator import Emulator

PLATFORMS = ("opentok", "vonage")
SIP = {"uri": "sip:user@sip.example", "auth": {"username": "u", "password": "secret-pass"}}
SOCKET = {"uri": "wss://audio.example/in", "headers": {"X-Key": "secret-header"}}
RTMP = {"serverUrl": "rtmps://live.example/app", "streamName": "secret-stream"}
PAGE = "https://page.example/composed"

Body = dict[str, Any]


@pytest.fixture
def target(emulator: Emulator) -> Iterator[Receiver]:
    with receiver() as running:
        emulator.control("PUT", "callbacks", {"url": running.url, "timeScale": 100})
        yield running
        emulator.control("PUT", "callbacks", {"url": None})
        emulator.control("DELETE", "variants")


@pytest.fixture(params=PLATFORMS)
def call(request: pytest.FixtureRequest, emulator: Emulator) -> Call:
    return Call(emulator, request.param)


def _body(call: Call, family: str, **changes: object) -> Body:
    bodies: dict[str, Body] = {
        "broadcast": {"outputs": {"hls": {}, "rtmp": [RTMP]}},
        "captions": {"token": call.token("moderator")},
        "dial": {"token": call.token("publisher"), "sip": SIP},
        "render": {"token": call.token("publisher"), "url": PAGE},
        "connect": {"token": call.token("publisher"), "websocket": SOCKET},
    }
    return {"sessionId": call.id, **bodies[family], **changes}


STARTED = {"broadcast": 200, "captions": 202, "dial": 200, "render": 202, "connect": 200}


@pytest.mark.parametrize("family", STARTED)
def test_every_family_starts_on_both_platforms(call: Call, family: str) -> None:
    call.connect()
    response = call.rest("POST", f"/{family}", _body(call, family))
    assert response.status_code == STARTED[family], response.text


@pytest.mark.parametrize("family", STARTED)
def test_relayed_sessions_are_refused(emulator: Emulator, family: str) -> None:
    call = Call(emulator, **{"p2p.preference": "enabled"})
    call.connect()
    assert call.rest("POST", f"/{family}", _body(call, family)).status_code == 409


@pytest.mark.parametrize(("family", "status"), [*STARTED.items()])
def test_encrypted_sessions_are_refused_except_for_captions(
    emulator: Emulator, family: str, status: int
) -> None:
    call = Call(emulator, e2ee="true")
    call.connect()
    expected = status if family == "captions" else 409
    assert call.rest("POST", f"/{family}", _body(call, family)).status_code == expected


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("broadcast", {"outputs": {}}),
        ("broadcast", {"outputs": {"rtmp": [RTMP] * 6}}),
        ("broadcast", {"outputs": {"hls": {"dvr": True, "lowLatency": True}}}),
        ("broadcast", {"maxDuration": 59}),
        ("broadcast", {"resolution": "1x1"}),
        ("broadcast", {"layout": {"type": "custom"}}),
        ("captions", {"token": "nonsense"}),
        ("captions", {"maxDuration": 14_401}),
        ("captions", {"statusCallbackUrl": "short"}),
        ("dial", {"sip": {}}),
        ("dial", {"sip": {"uri": "sip:x@y", "secure": "perhaps"}}),
        ("dial", {"token": 5}),
        ("render", {"url": "short"}),
        ("render", {"properties": {"name": ""}}),
        ("connect", {"websocket": {"uri": "https://x"}}),
        ("connect", {"websocket": {"uri": "wss://x", "audioRate": 44_100}}),
        ("connect", {"websocket": {"uri": "wss://x", "headers": {"a": "b" * 512}}}),
        ("connect", {"sessionId": 5}),
    ],
)
def test_invalid_bodies_are_rejected(
    emulator: Emulator, family: str, changes: dict[str, object]
) -> None:
    call = Call(emulator)
    call.connect()
    response = call.rest("POST", f"/{family}", _body(call, family, **changes))
    assert response.status_code == 400, response.text


def test_captions_require_a_moderator(emulator: Emulator) -> None:
    call = Call(emulator)
    call.connect()
    body = _body(call, "captions", token=call.token("publisher"))
    assert call.rest("POST", "/captions", body).status_code == 400


def test_broadcast_from_start_to_stop(call: Call) -> None:
    assert call.rest("POST", "/broadcast", _body(call, "broadcast")).status_code == 404
    connection_id = call.connect()
    started = call.rest("POST", "/broadcast", _body(call, "broadcast")).json()
    assert started["status"] == "started"
    assert started["broadcastUrls"]["rtmp"][0]["streamName"] == RTMP["streamName"]
    second = call.rest("POST", "/broadcast", _body(call, "broadcast"))
    assert second.status_code == 409
    tagged = _body(call, "broadcast", multiBroadcastTag="two", streamMode="manual")
    # The path with a slash is the one of @vonage/video.
    tagged_id = call.rest("POST", "/broadcast/", tagged).json()["id"]
    listed = call.rest("GET", f"/broadcast?sessionId={call.id}").json()
    assert [item["id"] for item in listed["items"]] == [tagged_id, started["id"]]
    path = f"/broadcast/{started['id']}"
    assert call.rest("PUT", f"{path}/layout", {"type": "pip"}).json()["layout"]["type"] == "pip"
    added = {"addStream": "stream"}
    assert call.rest("PATCH", f"{path}/streams", added).status_code == 405
    assert call.rest("PATCH", f"/broadcast/{tagged_id}/streams", added).status_code == 204
    assert call.rest("POST", f"{path}/stop").json()["status"] == "stopped"
    assert call.rest("POST", f"{path}/stop").status_code == 404
    call.disconnect(connection_id)
    assert call.rest("GET", f"/broadcast/{tagged_id}").json()["status"] == "stopped"


def test_captions_from_start_to_stop(call: Call, target: Receiver) -> None:
    call.connect()
    captions_id = call.rest("POST", "/captions", _body(call, "captions")).json()["captionsId"]
    again = call.rest("POST", "/captions", _body(call, "captions"))
    assert (again.status_code, again.json()["code"]) == (409, 60003)
    assert call.rest("GET", f"/captions/{captions_id}").json()["status"] == "started"
    assert call.rest("POST", f"/captions/{captions_id}/stop").status_code == 202
    assert call.rest("POST", f"/captions/{captions_id}/stop").status_code == 404
    bodies = _callbacks(target, "captions", 2)
    assert {(body["captionId"], body["status"]) for body in bodies} == {
        (captions_id, "started"), (captions_id, "stopped")
    }  # fmt: skip


@pytest.mark.parametrize("name", ["captionId", "captionsId"])
def test_captions_callbacks_with_either_name_of_the_id(
    emulator: Emulator, call: Call, target: Receiver, name: str
) -> None:
    emulator.control("PUT", "variants", {"captionsIdField": name})
    call.connect()
    captions_id = call.rest("POST", "/captions", _body(call, "captions")).json()["captionsId"]
    (body,) = _callbacks(target, "captions", 1)
    assert body[name] == captions_id
    assert len({"captionId", "captionsId", "id"} & set(body)) == 1


def test_sip_call_is_a_connection(call: Call, target: Receiver) -> None:
    dialed = call.rest("POST", "/dial", _body(call, "dial")).json()
    path = f"/session/{call.id}/connection"
    items = call.rest("GET", path).json()["items"]
    assert [item["connectionId"] for item in items] == [dialed["connectionId"]]
    digits = {"digits": "1p23#"}
    assert call.rest("POST", f"/session/{call.id}/play-dtmf", digits).status_code == 200
    to_one = f"{path}/{dialed['connectionId']}/play-dtmf"
    assert call.rest("POST", to_one, {"digits": "x"}).status_code == 400
    assert call.rest("DELETE", f"{path}/{dialed['connectionId']}").status_code == 204
    bodies = _callbacks(target, "sip", 5)
    names = sorted(body["event"] for body in bodies)
    assert names == ["callCreated", "callDestroyed", *["callUpdated"] * 3]
    assert {body["call"]["connectionId"] for body in bodies} == {dialed["connectionId"]}
    states = {body.get("state") for body in bodies}
    assert {"DIALING", "RINGING", "ACTIVE"} <= states


def test_render_from_start_to_stop(call: Call, target: Receiver) -> None:
    started = call.rest("POST", "/render", _body(call, "render")).json()
    assert started["status"] == "starting"
    path = f"/render/{started['id']}"
    running = call.rest("GET", path).json()
    assert running["status"] == "started"
    streams = call.rest("GET", f"/session/{call.id}/stream").json()["items"]
    assert [stream["id"] for stream in streams] == [running["streamId"]]
    assert call.rest("GET", "/render").json()["items"][0]["id"] == started["id"]
    assert call.rest("DELETE", path).status_code == 204
    assert call.rest("DELETE", path).status_code == 404
    assert call.rest("GET", path).json()["reason"] == "Stop Requested"
    statuses = sorted(body["status"] for body in _callbacks(target, "render", 2))
    assert statuses == ["started", "stopped"]


@pytest.mark.parametrize("status", [200, 202])
def test_audio_connector_is_a_connection(
    call: Call, emulator: Emulator, target: Receiver, status: int
) -> None:
    emulator.control("PUT", "variants", {"audioConnectorStatus": status})
    response = call.rest("POST", "/connect", _body(call, "connect"))
    assert response.status_code == status
    path = f"/session/{call.id}/connection/{response.json()['connectionId']}"
    assert call.rest("DELETE", path).status_code == 204


def test_migration_is_accepted(call: Call) -> None:
    assert call.rest("POST", f"/session/{call.id}/migrate").status_code == 404
    call.connect()
    assert call.rest("POST", f"/session/{call.id}/migrate").status_code == 202


def test_credentials_of_features_are_not_logged(emulator: Emulator) -> None:
    call = Call(emulator)
    call.connect()
    for family in STARTED:
        call.rest("POST", f"/{family}", _body(call, family))
    logged = emulator.control("GET", "requests").text
    for secret in ("secret-pass", "secret-header", "secret-stream"):
        assert secret not in logged


def _callbacks(target: Receiver, kind: str, count: int) -> list[Body]:
    path = f"/callbacks/{kind}"
    target.until(lambda: sum(r.path == path for r in target.requests) >= count)
    return [request.body for request in target.requests if request.path == path]


def test_broadcast_without_clients_in_either_form(emulator: Emulator, target: Receiver) -> None:
    call = Call(emulator)
    for status in (404, 400):
        emulator.control("PUT", "variants", {"broadcastWithoutClients": status})
        response = call.rest("POST", "/broadcast", _body(call, "broadcast"))
        assert response.status_code == status


def test_captions_lookup_in_either_form(emulator: Emulator, target: Receiver) -> None:
    call = Call(emulator)
    call.connect()
    captions_id = call.rest("POST", "/captions", _body(call, "captions")).json()["captionsId"]
    path = f"/captions/{captions_id}"
    for available, status in ((True, 200), (False, 404)):
        emulator.control("PUT", "variants", {"captionsLookup": available})
        assert call.rest("GET", path).status_code == status
