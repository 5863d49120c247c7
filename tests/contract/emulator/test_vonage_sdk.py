"""The unified platform's own Python SDK, unmodified: sessions, moderation and features."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import vonage_http_client as http_client  # type: ignore[import-untyped]
import vonage_video  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter
from vonage_video import models

from tests.emulator import Emulator


class PlainHttp(HTTPAdapter):
    """Sends the SDK's HTTPS calls over HTTP: its scheme cannot be configured."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        request.url = str(request.url).replace("https://", "http://", 1)
        return super().send(request, *args, **options)


class Project:
    """The SDK and a routed session with one publishing client."""

    def __init__(self, emulator: Emulator, directory: Path) -> None:
        key_file = directory / "application.key"
        key_file.write_text(emulator.private_key)
        auth = http_client.Auth(application_id=emulator.application_id, private_key=str(key_file))
        options = http_client.HttpClientOptions(video_host=urlsplit(emulator.url).netloc)
        client = http_client.HttpClient(auth, options)
        client._session.mount("https://", PlainHttp())
        self.video = vonage_video.Video(client)
        self.emulator = emulator
        routed = models.SessionOptions(media_mode=models.MediaMode.ROUTED)
        self.id: str = self.video.create_session(routed).session_id
        joined = emulator.connect(self.id, self.token()).json()
        self.connection_id: str = joined["connectionId"]
        self.stream_id: str = joined["streams"][0]["id"]

    def token(self, role: str = "publisher") -> str:
        options = models.TokenOptions(session_id=self.id, role=role)
        token: bytes = self.video.generate_client_token(options)
        return token.decode()

    def client(self) -> dict[str, Any]:
        connections: Any = self.emulator.session(self.id)["connections"]
        found: dict[str, Any] = connections[0]
        return found


@pytest.fixture
def project(emulator: Emulator, tmp_path: Path) -> Project:
    return Project(emulator, tmp_path)


def test_streams_and_mutes(project: Project) -> None:
    (stream,) = project.video.list_streams(project.id)
    assert stream.id == project.stream_id
    assert project.video.get_stream(project.id, project.stream_id).id == project.stream_id
    project.video.mute_stream(project.id, project.stream_id)
    assert project.client()["streams"][0]["muted"] is True
    project.video.mute_all_streams(project.id, [project.stream_id])
    project.video.disable_mute_all_streams(project.id)


def test_layout_classes(project: Project) -> None:
    layout = models.StreamLayout(id=project.stream_id, layout_class_list=["full"])
    options = models.StreamLayoutOptions(items=[layout])
    (stream,) = project.video.change_stream_layout(project.id, options)
    assert stream.layout_class_list == ["full"]


def test_signal_and_disconnect(project: Project) -> None:
    project.video.send_signal(project.id, models.SignalData(type="chat", data="hello"))
    assert project.client()["received"] == [{"type": "chat", "data": "hello", "from": ""}]
    project.video.disconnect_client(project.id, project.connection_id)
    assert project.emulator.session(project.id)["connections"] == []


def test_archive(project: Project) -> None:
    request = models.CreateArchiveRequest(session_id=project.id, multi_archive_tag="one")
    archive = project.video.start_archive(request)
    layout = models.ComposedLayout(type="pip")
    assert project.video.change_archive_layout(archive.id, layout).id == archive.id
    assert project.video.stop_archive(archive.id).status == "stopped"
    project.video.delete_archive(archive.id)


def test_broadcast(project: Project) -> None:
    outputs = models.BroadcastOutputSettings(hls=models.BroadcastHls())
    request = models.CreateBroadcastRequest(session_id=project.id, outputs=outputs)
    broadcast = project.video.start_broadcast(request)
    assert project.video.get_broadcast(broadcast.id).status == "started"
    assert project.video.stop_broadcast(broadcast.id).status == "stopped"


def test_captions(project: Project) -> None:
    options = models.CaptionsOptions(session_id=project.id, token=project.token("moderator"))
    captions = project.video.start_captions(options)
    project.video.stop_captions(captions)


def test_sip_call(project: Project) -> None:
    sip = models.SipOptions(uri="sip:user@sip.example")
    request = models.InitiateSipRequest(session_id=project.id, token=project.token(), sip=sip)
    call = project.video.initiate_sip_call(request)
    project.video.play_dtmf(project.id, "12#", call.connection_id)
    project.video.disconnect_client(project.id, call.connection_id)


def test_experience_composer(project: Project) -> None:
    options = models.ExperienceComposerOptions(
        session_id=project.id, token=project.token(), url="https://page.example/composed"
    )
    composer = project.video.start_experience_composer(options)
    assert composer.status == "starting"
    assert project.video.get_experience_composer(composer.id).status == "started"
    project.video.stop_experience_composer(composer.id)


def test_audio_connector(project: Project) -> None:
    socket = models.AudioConnectorWebSocket(uri="wss://audio.example/in")
    options = models.AudioConnectorOptions(
        session_id=project.id, token=project.token(), websocket=socket
    )
    connector = project.video.start_audio_connector(options)
    project.video.disconnect_client(project.id, connector.connection_id)
