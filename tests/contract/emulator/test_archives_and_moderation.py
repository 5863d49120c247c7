"""Archives after their stop, archives that cannot be stopped, layouts; mutes, signals and lists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.contract.emulator.receiver import Receiver, receiver
from tests.contract.emulator.test_callbacks import Call
from tests.emulator import CALL_SECONDS, Emulator


@pytest.fixture
def target(emulator: Emulator) -> Iterator[Receiver]:
    with receiver() as running:
        emulator.control("PUT", "callbacks", {"url": running.url, "timeScale": 100})
        yield running
        emulator.control("PUT", "callbacks", {"url": None})
        emulator.control("DELETE", "variants")


@pytest.fixture
def call(emulator: Emulator) -> Call:
    call = Call(emulator)
    call.connect()
    return call


def _start(call: Call, **settings: object) -> str:
    response = call.rest("POST", "/archive", {"sessionId": call.id, **settings})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


def test_stopped_archive_becomes_available(
    emulator: Emulator, call: Call, target: Receiver
) -> None:
    emulator.control("PUT", "variants", {"archiveAvailableAfterMs": 100})
    archive_id = _start(call)
    call.rest("POST", f"/archive/{archive_id}/stop")
    target.until(lambda: sum(r.path == "/callbacks/archive" for r in target.requests) == 3)
    archive = call.rest("GET", f"/archive/{archive_id}").json()
    assert archive["status"] == "available"
    file = requests.get(archive["url"], timeout=CALL_SECONDS)
    assert (file.headers["Content-Type"], len(file.content)) == ("video/mp4", archive["size"])


@pytest.mark.parametrize("status", ["paused", "uploaded", "expired", "failed"])
def test_statuses_that_the_service_sets(
    emulator: Emulator, call: Call, target: Receiver, status: str
) -> None:
    archive_id = _start(call)
    body = {"status": status, "reason": "why"}
    response = emulator.control("PUT", f"archives/{archive_id}/status", body)
    assert response.status_code == 200
    target.until(lambda: any(r.body.get("status") == status for r in list(target.requests)))
    assert call.rest("GET", f"/archive/{archive_id}").json()["reason"] == "why"


def test_invalid_statuses_are_rejected(emulator: Emulator, call: Call) -> None:
    path = f"archives/{_start(call)}/status"
    assert emulator.control("PUT", path, {"status": "lost"}).status_code == 400
    missing = emulator.control("PUT", "archives/none/status", {"status": "failed"})
    assert missing.status_code == 404


def test_automatic_archive_cannot_be_stopped(emulator: Emulator) -> None:
    call = Call(emulator, archiveMode="always")
    call.connect()
    (archive,) = call.rest("GET", f"/archive?sessionId={call.id}").json()["items"]
    stopped = call.rest("POST", f"/archive/{archive['id']}/stop")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "started")


def test_several_archives_with_different_tags(call: Call) -> None:
    first, second = _start(call), _start(call, multiArchiveTag="second")
    for tag in ({}, {"multiArchiveTag": "second"}):
        response = call.rest("POST", "/archive", {"sessionId": call.id, **tag})
        assert (response.status_code, response.json()["code"]) == (409, 15001)
    listed = call.rest("GET", f"/archive?sessionId={call.id}").json()["items"]
    tags = {item["id"]: item["multiArchiveTag"] for item in listed}
    assert tags == {first: "", second: "second"}


def test_layout(call: Call) -> None:
    composed = _start(call)
    individual = _start(call, multiArchiveTag="i", outputMode="individual")
    layout = {"type": "pip"}
    assert call.rest("PUT", f"/archive/{composed}/layout", layout).status_code == 200
    invalid = call.rest("PUT", f"/archive/{composed}/layout", {"type": "custom"})
    assert invalid.status_code == 400
    assert call.rest("PUT", f"/archive/{individual}/layout", layout).status_code == 400


def test_streams_of_a_manual_archive(call: Call) -> None:
    manual = _start(call, streamMode="manual")
    automatic = _start(call, multiArchiveTag="a")
    added = {"addStream": "s1", "hasVideo": False}
    assert call.rest("PATCH", f"/archive/{automatic}/streams", added).status_code == 405
    assert call.rest("PATCH", f"/archive/{manual}/streams", added).status_code == 204
    assert call.rest("PATCH", f"/archive/{manual}/streams", {}).status_code == 400
    streams = call.rest("GET", f"/archive/{manual}").json()["streams"]
    assert streams == [{"streamId": "s1", "hasAudio": True, "hasVideo": False}]


def test_layout_classes_of_streams(emulator: Emulator) -> None:
    call = Call(emulator)
    call.connect(publish=True)
    path = f"/session/{call.id}/stream"
    (stream,) = call.rest("GET", path).json()["items"]
    change = {"items": [{"id": stream["id"], "layoutClassList": ["full"]}]}
    assert call.rest("PUT", path, change).status_code == 200
    changed = call.rest("GET", f"{path}/{stream['id']}").json()
    assert changed["layoutClassList"] == ["full"]
    for items in ({}, {"items": [{"id": "x", "layoutClassList": []}]}, {"items": [5]}):
        assert call.rest("PUT", path, items).status_code == 400


@pytest.mark.parametrize(
    ("variant", "field", "muted"),
    [
        ("both", "excludedStreamIds", 1),
        ("both", "excludedStreams", 1),
        ("excludedStreamIds", "excludedStreams", 2),
        ("excludedStreams", "excludedStreams", 1),
    ],
)
def test_mute_all_excludes_streams(
    emulator: Emulator, target: Receiver, variant: str, field: str, muted: int
) -> None:
    emulator.control("PUT", "variants", {"excludedStreamsField": variant})
    call = Call(emulator)
    for _ in range(2):
        call.connect(publish=True)
    streams = call.rest("GET", f"/session/{call.id}/stream").json()["items"]
    body = {"active": True, field: [streams[0]["id"]]}
    assert call.rest("POST", f"/session/{call.id}/mute", body).status_code == 200
    connections = emulator.session(call.id)["connections"]
    assert isinstance(connections, list)
    states = [stream["muted"] for c in connections for stream in c["streams"]]
    assert states.count(True) == muted


def test_mute_one_stream(emulator: Emulator) -> None:
    call = Call(emulator)
    call.connect(publish=True)
    (stream,) = call.rest("GET", f"/session/{call.id}/stream").json()["items"]
    path = f"/session/{call.id}/stream"
    assert call.rest("POST", f"{path}/{stream['id']}/mute").status_code == 200
    assert call.rest("POST", f"{path}/none/mute").status_code == 404


def test_signals_are_recorded_for_clients_without_a_browser(emulator: Emulator) -> None:
    call = Call(emulator)
    first, second = call.connect(), call.connect()
    path = f"/session/{call.id}"
    signal = {"type": "chat", "data": "hello"}
    assert call.rest("POST", f"{path}/signal", signal).status_code == 204
    assert call.rest("POST", f"{path}/connection/{second}/signal", signal).status_code == 204
    missing = call.rest("POST", f"{path}/signal", {"type": "chat"})
    assert (missing.status_code, missing.json()["code"]) == (400, 15202)
    connections = emulator.session(call.id)["connections"]
    assert isinstance(connections, list)
    received = {c["connectionId"]: c["received"] for c in connections}
    assert received == {
        first: [signal | {"from": ""}], second: [signal | {"from": ""}] * 2
    }  # fmt: skip


def test_list_of_connections_may_lag_behind(emulator: Emulator, target: Receiver) -> None:
    emulator.control("PUT", "variants", {"connectionListLagMs": 1500})
    call = Call(emulator)
    path = f"/session/{call.id}/connection"
    first = call.connect()
    assert call.rest("GET", path).status_code == 404
    target.until(lambda: call.rest("GET", path).status_code == 200)
    call.disconnect(first)
    listed = call.rest("GET", path).json()["items"]
    assert [item["connectionId"] for item in listed] == [first]
    target.until(lambda: call.rest("GET", path).status_code == 404)
