"""The vendor's own Python SDK, unmodified, works with the emulator in both of its modes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import opentok
import pytest
from opentok import ArchiveModes, MediaModes, Roles
from opentok.exceptions import (
    ArchiveError,
    AuthError,
    ForceDisconnectError,
    GetStreamError,
    NotFoundError,
    OpenTokException,
    RequestError,
)

from tests.emulator import Emulator

SDK = Any  # it has no types
TIMEOUT = 60
PLATFORMS = ("opentok", "vonage")


@pytest.fixture
def opentok_sdk(emulator: Emulator) -> SDK:
    return opentok.Client(
        emulator.api_key, emulator.api_secret, api_url=emulator.url, timeout=TIMEOUT
    )


@pytest.fixture
def vonage_sdk(emulator: Emulator, tmp_path: Path) -> SDK:
    return _vonage(emulator, tmp_path / "application.key", emulator.private_key)


@pytest.fixture(params=PLATFORMS)
def sdk(request: pytest.FixtureRequest) -> SDK:
    return request.getfixturevalue(f"{request.param}_sdk")


@pytest.fixture
def routed(sdk: SDK) -> str:
    session_id: str = sdk.create_session(media_mode=MediaModes.routed).session_id
    return session_id


def _vonage(emulator: Emulator, path: Path, private_key: str) -> SDK:
    path.write_text(private_key)
    client = opentok.Client(emulator.application_id, str(path), timeout=TIMEOUT)
    client.endpoints.api_url = emulator.url  # this mode has no argument for it
    return client


def _join(emulator: Emulator, sdk: SDK, session_id: str, **wishes: Any) -> dict[str, Any]:
    response = emulator.connect(session_id, sdk.generate_token(session_id), **wishes)
    assert response.status_code == 200, response.text
    connection: dict[str, Any] = response.json()
    return connection


# Creating a session


@pytest.mark.parametrize(
    ("options", "parsed"),
    [
        ({}, {"mediaMode": "relayed", "archiveMode": "manual", "e2ee": False}),
        ({"media_mode": MediaModes.relayed}, {"mediaMode": "relayed"}),
        ({"media_mode": MediaModes.routed}, {"mediaMode": "routed"}),
        ({"location": "12.34.56.78"}, {"location": "12.34.56.78"}),
        ({"media_mode": MediaModes.routed, "e2ee": True}, {"e2ee": True}),
        (
            {"media_mode": MediaModes.routed, "archive_mode": ArchiveModes.always},
            {"archiveMode": "always", "archiveName": None, "archiveResolution": None},
        ),
        (
            {
                "media_mode": MediaModes.routed,
                "archive_mode": ArchiveModes.always,
                "archive_name": "n" * 80,
                "archive_resolution": "1920x1080",
            },
            {"archiveName": "n" * 80, "archiveResolution": "1920x1080"},
        ),
    ],
    ids=[
        "bare", "relayed", "routed", "location", "e2ee", "archived", "archived with name and size"
    ],
)  # fmt: skip
def test_sdk_options_are_parsed(
    emulator: Emulator, sdk: SDK, options: dict[str, Any], parsed: dict[str, Any]
) -> None:
    session = sdk.create_session(**options)
    actual = emulator.session(session.session_id)
    assert actual.items() >= parsed.items()


def test_session_id_contains_project_location_and_mode(opentok_sdk: SDK) -> None:
    session_id = opentok_sdk.create_session(location="12.34.56.78").session_id
    encoded = session_id.removeprefix("1_")
    fields = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_").decode().split("~")
    assert fields[:3] == ["1", opentok_sdk.api_key, "12.34.56.78"]
    assert fields[5] == "P"


@pytest.mark.parametrize("resolution", sorted(opentok.opentok.valid_archive_resolutions))
def test_every_resolution(emulator: Emulator, opentok_sdk: SDK, resolution: str) -> None:
    session = opentok_sdk.create_session(
        media_mode=MediaModes.routed,
        archive_mode=ArchiveModes.always,
        archive_resolution=resolution,
    )
    assert emulator.session(session.session_id)["archiveResolution"] == resolution


def test_wrong_secret(emulator: Emulator) -> None:
    sdk = opentok.Client(emulator.api_key, "x" * 40, api_url=emulator.url, timeout=TIMEOUT)
    with pytest.raises(RequestError, match="invalid credentials"):
        sdk.create_session()


def test_unknown_project(emulator: Emulator) -> None:
    sdk = opentok.Client("999", emulator.api_secret, api_url=emulator.url, timeout=TIMEOUT)
    with pytest.raises(RequestError, match="invalid credentials"):
        sdk.create_session()


def test_wrong_private_key(emulator: Emulator, tmp_path: Path, foreign_key: str) -> None:
    sdk = _vonage(emulator, tmp_path / "other.key", foreign_key)
    with pytest.raises(OpenTokException, match="Failed to generate session"):
        sdk.create_session()


def test_invalid_combinations_are_rejected(sdk: SDK) -> None:
    with pytest.raises(OpenTokException, match="Failed to generate session"):
        sdk.create_session(e2ee=True)  # relayed


@pytest.mark.parametrize(
    "fault",
    [{"status": 503, "body": "html"}, {"body": "empty"}, {"reset": True}, {"body": "truncated"}],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_faults_reach_the_sdk(emulator: Emulator, opentok_sdk: SDK, fault: dict[str, Any]) -> None:
    emulator.fault(**fault, count=1)
    with pytest.raises((RequestError, OpenTokException)):
        opentok_sdk.create_session()
    assert opentok_sdk.create_session().session_id


# Tokens


@pytest.mark.parametrize("use_jwt", [True, False], ids=["jwt", "t1"])
@pytest.mark.parametrize("role", list(Roles), ids=lambda role: role.value)
def test_opentok_tokens_connect(
    emulator: Emulator, opentok_sdk: SDK, role: Any, use_jwt: bool
) -> None:
    session_id = opentok_sdk.create_session().session_id
    token = opentok_sdk.generate_token(
        session_id,
        role=role,
        data="user=a&b c é ü",
        initial_layout_class_list=["focus", "small"],
        use_jwt=use_jwt,
    )
    connection = emulator.connect(session_id, token).json()
    assert connection["role"] == role.value
    assert connection["data"] == "user=a&b c é ü"
    assert connection["layoutClasses"] == ["focus", "small"]
    assert connection["tokenFormat"] == ("jwt" if use_jwt else "t1")
    assert connection["expiresAt"] - connection["issuedAt"] == 86_400


@pytest.mark.parametrize("role", list(Roles), ids=lambda role: role.value)
def test_vonage_tokens_connect(emulator: Emulator, vonage_sdk: SDK, role: Any) -> None:
    session_id = vonage_sdk.create_session().session_id
    token = vonage_sdk.generate_token(session_id, role=role, data="d" * 1000)
    connection = emulator.connect(session_id, token).json()
    assert (connection["role"], connection["data"]) == (role.value, "d" * 1000)


def test_token_of_another_session(emulator: Emulator, sdk: SDK) -> None:
    one, other = (sdk.create_session().session_id for _ in range(2))
    refusal = emulator.connect(one, sdk.generate_token(other))
    assert (refusal.status_code, refusal.json()["code"]) == (403, 1004)


# Around a session


def test_streams_appear_and_disappear(emulator: Emulator, sdk: SDK, routed: str) -> None:
    assert len(sdk.list_streams(routed)) == 0
    screen = {"videoType": "screen", "name": "slides"}
    connection = _join(emulator, sdk, routed, publish=screen)
    (stream,) = sdk.list_streams(routed)
    assert (stream.videoType, stream.name, stream.layoutClassList) == ("screen", "slides", [])
    assert sdk.get_stream(routed, stream.id).id == stream.id
    sdk.force_disconnect(routed, connection["connectionId"])
    assert len(sdk.list_streams(routed)) == 0


def test_invalid_stream_ids(emulator: Emulator, sdk: SDK, routed: str) -> None:
    _join(emulator, sdk, routed)
    with pytest.raises(GetStreamError):
        sdk.get_stream(routed, "nonsense")
    with pytest.raises(RequestError):
        sdk.get_stream(routed, "9c5fdd5b-7f5b-408f-8633-db95d0054fad")


def test_invalid_session_ids(sdk: SDK) -> None:
    with pytest.raises(GetStreamError):
        sdk.list_streams("nonsense")


def test_disconnecting_an_unknown_connection(sdk: SDK, routed: str) -> None:
    with pytest.raises(ForceDisconnectError):
        sdk.force_disconnect(routed, "unknown")


def test_signals(emulator: Emulator, sdk: SDK, routed: str) -> None:
    with pytest.raises(RequestError, match="404"):
        sdk.send_signal(routed, {"type": "chat", "data": "no recipient"})
    connection_id = _join(emulator, sdk, routed)["connectionId"]
    sdk.send_signal(routed, {"type": "chat", "data": "hello"})
    sdk.send_signal(routed, {"type": "chat", "data": "hello"}, connection_id)
    with pytest.raises(RequestError, match="413"):
        sdk.send_signal(routed, {"type": "chat", "data": "x" * 8193})


def test_archive_from_start_to_deletion(emulator: Emulator, sdk: SDK, routed: str) -> None:
    _join(emulator, sdk, routed)
    archive = sdk.start_archive(routed, name="lesson")
    assert (archive.status, archive.name, archive.session_id) == ("started", "lesson", routed)
    with pytest.raises(ArchiveError):
        sdk.start_archive(routed)
    with pytest.raises(RequestError, match="409"):
        archive.delete()
    archive.stop()
    assert sdk.get_archive(archive.id).status == "stopped"
    with pytest.raises(ArchiveError):
        archive.stop()
    assert [item.id for item in sdk.list_archives(session_id=routed)] == [archive.id]
    archive.delete()
    assert sdk.list_archives(session_id=routed).count == 0
    with pytest.raises(NotFoundError):
        sdk.get_archive(archive.id)


def test_archive_of_a_relayed_session(emulator: Emulator, sdk: SDK) -> None:
    session_id = sdk.create_session(media_mode=MediaModes.relayed).session_id
    _join(emulator, sdk, session_id)
    with pytest.raises(ArchiveError, match="Only routed sessions"):
        sdk.start_archive(session_id)


def test_archive_of_an_empty_session(sdk: SDK, routed: str) -> None:
    with pytest.raises(NotFoundError):
        sdk.start_archive(routed)


def test_pages_of_archives(emulator: Emulator, sdk: SDK, routed: str) -> None:
    _join(emulator, sdk, routed)
    made = []
    for _ in range(3):
        made.append(sdk.start_archive(routed).id)
        sdk.stop_archive(made[-1])
    page = sdk.list_archives(offset=1, count=1, session_id=routed)
    assert ([item.id for item in page], page.count) == ([made[1]], 3)


def test_automatic_archive(emulator: Emulator, sdk: SDK) -> None:
    session_id = sdk.create_session(
        media_mode=MediaModes.routed,
        archive_mode=ArchiveModes.always,
        archive_name="one-two~three_four",
        archive_resolution="1280x720",
    ).session_id
    assert sdk.list_archives(session_id=session_id).count == 0
    _join(emulator, sdk, session_id)
    (archive,) = sdk.list_archives(session_id=session_id)
    assert (archive.status, archive.resolution) == ("started", "1280x720")
    assert archive.name == "one:two:three:four"
    emulator.control("POST", "disconnect", {"sessionId": session_id})
    assert sdk.get_archive(archive.id).status == "stopped"


def test_listing_streams_with_a_wrong_secret(emulator: Emulator, routed: str) -> None:
    sdk = opentok.Client(emulator.api_key, "x" * 40, api_url=emulator.url, timeout=TIMEOUT)
    with pytest.raises(AuthError):
        sdk.list_streams(routed)


@pytest.fixture(scope="module")
def foreign_key() -> Iterator[str]:
    """A private key that belongs to no application."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    yield key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
