"""Moderation and features of routed sessions with the vendor's own Python SDK, unmodified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import opentok
import pytest
from opentok import MediaModes, Roles
from opentok.exceptions import BroadcastError, OpenTokException

from tests.emulator import CALL_SECONDS, Emulator

SDK = Any  # it has no types


class Project:
    """A server SDK and a routed session with one publishing client."""

    def __init__(self, sdk: SDK, emulator: Emulator) -> None:
        self.sdk = sdk
        self.emulator = emulator
        self.id: str = sdk.create_session(media_mode=MediaModes.routed).session_id
        joined = emulator.connect(self.id, self.token()).json()
        self.stream_id: str = joined["streams"][0]["id"]

    def token(self, role: Any = Roles.publisher) -> str:
        return str(self.sdk.generate_token(self.id, role=role))

    def muted(self) -> list[bool]:
        connections: Any = self.emulator.session(self.id)["connections"]
        return [stream["muted"] for c in connections for stream in c["streams"]]


@pytest.fixture(params=["opentok", "vonage"])
def project(request: pytest.FixtureRequest, emulator: Emulator, tmp_path: Path) -> Project:
    if request.param == "vonage":
        path = tmp_path / "application.key"
        path.write_text(emulator.private_key)
        sdk: SDK = opentok.Client(emulator.application_id, str(path), timeout=CALL_SECONDS)
        sdk.endpoints.api_url = emulator.url  # this mode has no argument for it
    else:
        sdk = opentok.Client(
            emulator.api_key, emulator.api_secret, api_url=emulator.url, timeout=CALL_SECONDS
        )
    return Project(sdk, emulator)


def test_mutes(project: Project) -> None:
    project.sdk.mute_stream(project.id, project.stream_id)
    assert project.muted() == [True]
    project.sdk.mute_all(project.id, [])
    project.sdk.disable_force_mute(project.id)
    assert project.muted() == [True]


def test_mute_all_excludes_streams(project: Project) -> None:
    project.sdk.mute_all(project.id, [project.stream_id])
    assert project.muted() == [False]


def test_layout_classes(project: Project) -> None:
    items = [{"id": project.stream_id, "layoutClassList": ["full"]}]
    project.sdk.set_stream_class_lists(project.id, items)
    assert project.sdk.get_stream(project.id, project.stream_id).layoutClassList == ["full"]


def test_archive_layout_and_streams(project: Project) -> None:
    archive = project.sdk.start_archive(project.id, stream_mode=opentok.StreamModes.manual)
    project.sdk.set_archive_layout(archive.id, "pip")
    project.sdk.add_archive_stream(archive.id, project.stream_id)
    project.sdk.remove_archive_stream(archive.id, project.stream_id)
    tagged = project.sdk.start_archive(project.id, multi_archive_tag="second")
    assert tagged.id != archive.id


def test_broadcast(project: Project) -> None:
    options: dict[str, Any] = {"outputs": {"hls": {}, "rtmp": []}}
    broadcast = project.sdk.start_broadcast(project.id, options)
    assert (broadcast.status, broadcast.sessionId) == ("started", project.id)
    with pytest.raises(BroadcastError):
        project.sdk.start_broadcast(project.id, options)
    project.sdk.set_broadcast_layout(broadcast.id, "pip")
    assert project.sdk.get_broadcast(broadcast.id).id == broadcast.id
    assert project.sdk.stop_broadcast(broadcast.id).status == "stopped"


def test_captions(project: Project) -> None:
    token = project.token(Roles.moderator)
    captions = project.sdk.start_captions(project.id, token)
    with pytest.raises(OpenTokException):
        project.sdk.start_captions(project.id, token)
    project.sdk.stop_captions(captions.captions_id)


def test_sip_call(project: Project) -> None:
    call = project.sdk.dial(project.id, project.token(), "sip:user@sip.example")
    project.sdk.play_dtmf(project.id, call.connectionId, "12#")
    project.sdk.force_disconnect(project.id, call.connectionId)


def test_render(project: Project) -> None:
    url = "https://page.example/composed"
    render = project.sdk.start_render(
        project.id, project.token(), url, properties={"name": "composed"}
    )
    assert render.status == "starting"
    assert project.sdk.get_render(render.id).status == "started"
    assert project.sdk.list_renders().count >= 1
    project.emulator.control("PUT", "variants", {"renderStopStatus": 200})
    try:
        project.sdk.stop_render(render.id)
    finally:
        project.emulator.control("DELETE", "variants")


def test_audio_connector(project: Project) -> None:
    options: dict[str, Any] = {"uri": "wss://audio.example/in"}
    connector = project.sdk.connect_audio_to_websocket(project.id, project.token(), options)
    project.sdk.force_disconnect(project.id, connector.connectionId)
