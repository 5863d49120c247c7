"""The vendor's own Python SDK, unmodified, in both of its modes, cannot tell the difference."""

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

from tests.standin import StandIn

SDK = Any  # it has no types
TIMEOUT = 60
PLATFORMS = ("opentok", "vonage")


@pytest.fixture
def opentok_sdk(standin: StandIn) -> SDK:
    return opentok.Client(standin.api_key, standin.api_secret, api_url=standin.url, timeout=TIMEOUT)


@pytest.fixture
def vonage_sdk(standin: StandIn, tmp_path: Path) -> SDK:
    return _vonage(standin, tmp_path / "application.key", standin.private_key)


@pytest.fixture(params=PLATFORMS)
def sdk(request: pytest.FixtureRequest) -> SDK:
    return request.getfixturevalue(f"{request.param}_sdk")


@pytest.fixture
def routed(sdk: SDK) -> str:
    session_id: str = sdk.create_session(media_mode=MediaModes.routed).session_id
    return session_id


def _vonage(standin: StandIn, path: Path, private_key: str) -> SDK:
    path.write_text(private_key)
    client = opentok.Client(standin.application_id, str(path), timeout=TIMEOUT)
    client.endpoints.api_url = standin.url  # this mode has no argument for it
    return client


def _join(standin: StandIn, sdk: SDK, session_id: str, **wishes: Any) -> dict[str, Any]:
    answer = standin.connect(session_id, sdk.generate_token(session_id), **wishes)
    assert answer.status_code == 200, answer.text
    connection: dict[str, Any] = answer.json()
    return connection


# Creating a session


@pytest.mark.parametrize(
    ("options", "understood"),
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
def test_every_option_arrives(
    standin: StandIn, sdk: SDK, options: dict[str, Any], understood: dict[str, Any]
) -> None:
    session = sdk.create_session(**options)
    actual = standin.understood(session.session_id)
    assert actual.items() >= understood.items()


def test_the_id_names_the_project_the_place_and_the_mode(opentok_sdk: SDK) -> None:
    session_id = opentok_sdk.create_session(location="12.34.56.78").session_id
    encoded = session_id.removeprefix("1_")
    fields = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_").decode().split("~")
    assert fields[:3] == ["1", opentok_sdk.api_key, "12.34.56.78"]
    assert fields[5] == "P"


@pytest.mark.parametrize("resolution", sorted(opentok.opentok.valid_archive_resolutions))
def test_every_resolution(standin: StandIn, opentok_sdk: SDK, resolution: str) -> None:
    session = opentok_sdk.create_session(
        media_mode=MediaModes.routed,
        archive_mode=ArchiveModes.always,
        archive_resolution=resolution,
    )
    assert standin.understood(session.session_id)["archiveResolution"] == resolution


def test_wrong_secret(standin: StandIn) -> None:
    sdk = opentok.Client(standin.api_key, "x" * 40, api_url=standin.url, timeout=TIMEOUT)
    with pytest.raises(RequestError, match="invalid credentials"):
        sdk.create_session()


def test_unknown_project(standin: StandIn) -> None:
    sdk = opentok.Client("999", standin.api_secret, api_url=standin.url, timeout=TIMEOUT)
    with pytest.raises(RequestError, match="invalid credentials"):
        sdk.create_session()


def test_wrong_private_key(standin: StandIn, tmp_path: Path, foreign_key: str) -> None:
    sdk = _vonage(standin, tmp_path / "other.key", foreign_key)
    with pytest.raises(OpenTokException, match="Failed to generate session"):
        sdk.create_session()


def test_combinations_that_the_sdk_lets_through_are_refused(sdk: SDK) -> None:
    with pytest.raises(OpenTokException, match="Failed to generate session"):
        sdk.create_session(e2ee=True)  # relayed


@pytest.mark.parametrize(
    "fault",
    [{"status": 503, "body": "html"}, {"body": "empty"}, {"reset": True}, {"body": "truncated"}],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_faults_reach_the_sdk(standin: StandIn, opentok_sdk: SDK, fault: dict[str, Any]) -> None:
    standin.fault(**fault, count=1)
    with pytest.raises((RequestError, OpenTokException)):
        opentok_sdk.create_session()
    assert opentok_sdk.create_session().session_id


# Tokens


@pytest.mark.parametrize("use_jwt", [True, False], ids=["jwt", "t1"])
@pytest.mark.parametrize("role", list(Roles), ids=lambda role: role.value)
def test_opentok_tokens_connect(
    standin: StandIn, opentok_sdk: SDK, role: Any, use_jwt: bool
) -> None:
    session_id = opentok_sdk.create_session().session_id
    token = opentok_sdk.generate_token(
        session_id,
        role=role,
        data="user=a&b c é ü",
        initial_layout_class_list=["focus", "small"],
        use_jwt=use_jwt,
    )
    connection = standin.connect(session_id, token).json()
    assert connection["role"] == role.value
    assert connection["data"] == "user=a&b c é ü"
    assert connection["layoutClasses"] == ["focus", "small"]
    assert connection["tokenFormat"] == ("jwt" if use_jwt else "t1")
    assert connection["expiresAt"] - connection["issuedAt"] == 86_400


@pytest.mark.parametrize("role", list(Roles), ids=lambda role: role.value)
def test_vonage_tokens_connect(standin: StandIn, vonage_sdk: SDK, role: Any) -> None:
    session_id = vonage_sdk.create_session().session_id
    token = vonage_sdk.generate_token(session_id, role=role, data="d" * 1000)
    connection = standin.connect(session_id, token).json()
    assert (connection["role"], connection["data"]) == (role.value, "d" * 1000)


def test_token_of_another_session(standin: StandIn, sdk: SDK) -> None:
    one, other = (sdk.create_session().session_id for _ in range(2))
    refusal = standin.connect(one, sdk.generate_token(other))
    assert (refusal.status_code, refusal.json()["code"]) == (403, 1004)


# Around a session


def test_streams_appear_and_disappear(standin: StandIn, sdk: SDK, routed: str) -> None:
    assert len(sdk.list_streams(routed)) == 0
    screen = {"videoType": "screen", "name": "slides"}
    connection = _join(standin, sdk, routed, publish=screen)
    (stream,) = sdk.list_streams(routed)
    assert (stream.videoType, stream.name, stream.layoutClassList) == ("screen", "slides", [])
    assert sdk.get_stream(routed, stream.id).id == stream.id
    sdk.force_disconnect(routed, connection["connectionId"])
    assert len(sdk.list_streams(routed)) == 0


def test_stream_ids_that_are_none(standin: StandIn, sdk: SDK, routed: str) -> None:
    _join(standin, sdk, routed)
    with pytest.raises(GetStreamError):
        sdk.get_stream(routed, "nonsense")
    with pytest.raises(RequestError):
        sdk.get_stream(routed, "9c5fdd5b-7f5b-408f-8633-db95d0054fad")


def test_session_ids_that_are_none(sdk: SDK) -> None:
    with pytest.raises(GetStreamError):
        sdk.list_streams("nonsense")


def test_disconnecting_somebody_who_is_not_there(sdk: SDK, routed: str) -> None:
    with pytest.raises(ForceDisconnectError):
        sdk.force_disconnect(routed, "nobody")


def test_signals(standin: StandIn, sdk: SDK, routed: str) -> None:
    with pytest.raises(RequestError, match="404"):
        sdk.send_signal(routed, {"type": "chat", "data": "nobody listens"})
    connection_id = _join(standin, sdk, routed)["connectionId"]
    sdk.send_signal(routed, {"type": "chat", "data": "hello"})
    sdk.send_signal(routed, {"type": "chat", "data": "hello"}, connection_id)
    with pytest.raises(RequestError, match="413"):
        sdk.send_signal(routed, {"type": "chat", "data": "x" * 8193})


def test_archive_from_start_to_deletion(standin: StandIn, sdk: SDK, routed: str) -> None:
    _join(standin, sdk, routed)
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


def test_archive_of_a_relayed_session(standin: StandIn, sdk: SDK) -> None:
    session_id = sdk.create_session(media_mode=MediaModes.relayed).session_id
    _join(standin, sdk, session_id)
    with pytest.raises(ArchiveError, match="Only routed sessions"):
        sdk.start_archive(session_id)


def test_archive_with_nobody_there(sdk: SDK, routed: str) -> None:
    with pytest.raises(NotFoundError):
        sdk.start_archive(routed)


def test_pages_of_archives(standin: StandIn, sdk: SDK, routed: str) -> None:
    _join(standin, sdk, routed)
    made = []
    for _ in range(3):
        made.append(sdk.start_archive(routed).id)
        sdk.stop_archive(made[-1])
    page = sdk.list_archives(offset=1, count=1, session_id=routed)
    assert ([item.id for item in page], page.count) == ([made[1]], 3)


def test_automatic_archive(standin: StandIn, sdk: SDK) -> None:
    session_id = sdk.create_session(
        media_mode=MediaModes.routed,
        archive_mode=ArchiveModes.always,
        archive_name="one-two~three_four",
        archive_resolution="1280x720",
    ).session_id
    assert sdk.list_archives(session_id=session_id).count == 0
    _join(standin, sdk, session_id)
    (archive,) = sdk.list_archives(session_id=session_id)
    assert (archive.status, archive.resolution) == ("started", "1280x720")
    assert archive.name == "one:two:three:four"
    standin.control("POST", "disconnect", {"sessionId": session_id})
    assert sdk.get_archive(archive.id).status == "stopped"


def test_neighbours_with_a_wrong_secret(standin: StandIn, routed: str) -> None:
    sdk = opentok.Client(standin.api_key, "x" * 40, api_url=standin.url, timeout=TIMEOUT)
    with pytest.raises(AuthError):
        sdk.list_streams(routed)


@pytest.fixture(scope="module")
def foreign_key() -> Iterator[str]:
    """A private key that belongs to no application here."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    yield key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
