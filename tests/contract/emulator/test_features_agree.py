"""The API client and the emulator agree about the features, on both platforms."""

from __future__ import annotations

import time

import pytest

from opentok_client import features
from opentok_client.credentials import Credentials, Platform, from_secret
from opentok_client.errors import NotFound, RequestRejected
from opentok_client.families import (
    ARCHIVES,
    AUDIO_CONNECTORS,
    BROADCASTS,
    CAPTIONS,
    FAMILIES,
    RENDERS,
    SIP_CALLS,
    Family,
    Refusal,
)
from opentok_client.feature_fields import LAYOUT, STREAMS
from opentok_client.grant import Role, TokenFormat, TokenGrant
from opentok_client.moderation import list_connections
from opentok_client.options import MediaMode, SessionOptions
from opentok_client.rules import check
from opentok_client.sessions import create_session
from opentok_client.tokens import client_token
from opentok_client.transport import Transport
from tests.emulator import CALL_SECONDS, Emulator

HIDDEN = "a-credential-that-no-response-may-show"
BODIES: dict[str, dict[str, object]] = {
    "archives": {
        "name": "standup",
        "resolution": "1280x720",
        "streamMode": "manual",
        "layout": {"type": "bestFit", "screenshareType": "pip"},
        "maxBitrate": 2_000_000,
    },
    "broadcasts": {
        "outputs": {
            "hls": {"lowLatency": True},
            "rtmp": [{"id": "a", "serverUrl": "rtmp://example.com/app", "streamName": HIDDEN}],
        },
        "maxDuration": 3600,
        "streamMode": "manual",
    },
    "captions": {"languageCode": "en-US", "maxDuration": 300, "partialCaptions": True},
    "sip-calls": {
        "sip": {
            "uri": "sip:user@example.com;transport=tls",
            "from": "4670@example.com",
            "headers": {"X-Key": HIDDEN},
            "auth": {"username": "user", "password": HIDDEN},
            "secure": True,
        }
    },
    "renders": {
        "url": "https://example.com/page",
        "maxDuration": 3600,
        "resolution": "1280x720",
        "properties": {"name": "composer"},
    },
    "audio-connectors": {
        "websocket": {
            "uri": "wss://example.com/audio",
            "headers": {"Authorization": HIDDEN},
            "audioRate": 16_000,
            "bidirectional": True,
        }
    },
}

every_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


@pytest.fixture(scope="module", params=["opentok", "vonage"])
def credentials(request: pytest.FixtureRequest, process: Emulator) -> Credentials:
    return from_secret(dict(process.credentials[request.param]), Platform(request.param))


@pytest.fixture(scope="module")
def client(process: Emulator, credentials: Credentials) -> Transport:
    return Transport(credentials, process.url)


def soon() -> float:
    return time.monotonic() + CALL_SECONDS


def token(credentials: Credentials, session_id: str, role: Role = Role.PUBLISHER) -> str:
    now = int(time.time())
    grant = TokenGrant(session_id, role, now, now + 3600)
    return client_token(credentials, grant, "nonce", TokenFormat.JWT)


@pytest.fixture
def session_id(process: Emulator, client: Transport, credentials: Credentials) -> str:
    """A routed session with one connected client."""
    new = create_session(client, SessionOptions(), soon())
    assert process.connect(new, token(credentials, new)).status_code == 200
    return new


def start(
    client: Transport, credentials: Credentials, family: Family, session_id: str
) -> features.Feature:
    body = check(family.fields, BODIES[family.name])
    role = family.token_role
    own = token(credentials, session_id, role) if role is not None else None
    return features.start(client, family, session_id, body, own, soon())


@every_family
def test_a_feature_is_started_found_and_stopped(
    client: Transport, credentials: Credentials, session_id: str, family: Family
) -> None:
    started = start(client, credentials, family, session_id)
    feature_id = str(started["id"])
    assert HIDDEN not in str(started)
    if family.found:
        found = features.find(client, family, feature_id, soon())
        assert (found["id"], found["sessionId"]) == (feature_id, session_id)
        assert HIDDEN not in str(found)
    if family.listed:
        listed = features.list_features(client, family, session_id, soon())
        assert [feature["id"] for feature in listed.features] == [feature_id]
        assert HIDDEN not in str(listed)
    stopped = features.stop(client, family, session_id, feature_id, soon())
    assert HIDDEN not in str(stopped)
    if family.found:
        assert features.find(client, family, feature_id, soon())["status"] != "started"


@pytest.mark.parametrize("family", [SIP_CALLS, RENDERS, AUDIO_CONNECTORS])
def test_a_feature_with_a_token_is_a_client_of_the_session(
    client: Transport, credentials: Credentials, session_id: str, family: Family
) -> None:
    feature_id = str(start(client, credentials, family, session_id)["id"])
    connected = [each.connection_id for each in list_connections(client, session_id, soon())]
    assert len(connected) == 2
    assert family is RENDERS or feature_id in connected
    features.stop(client, family, session_id, feature_id, soon())
    assert len(list_connections(client, session_id, soon())) == 1


@pytest.mark.parametrize("family", [ARCHIVES, BROADCASTS])
def test_layout_and_streams_of_a_running_feature_are_changed(
    client: Transport, credentials: Credentials, session_id: str, family: Family
) -> None:
    feature_id = str(start(client, credentials, family, session_id)["id"])
    layout = check(LAYOUT, {"type": "verticalPresentation"})
    features.arrange(client, family, feature_id, layout, soon())
    change = check(STREAMS, {"addStream": "12312312-3811-4726-b508-e41a0f96c68f"})
    features.change_streams(client, family, feature_id, change, soon())


def test_a_running_archive_cannot_be_deleted(
    client: Transport, credentials: Credentials, session_id: str
) -> None:
    archive_id = str(start(client, credentials, ARCHIVES, session_id)["id"])
    with pytest.raises(RequestRejected) as rejected:
        features.delete(client, ARCHIVES, archive_id, soon())
    assert ARCHIVES.refusal("delete", rejected.value) is Refusal.CANNOT_BE_DELETED


@pytest.mark.parametrize("family", [ARCHIVES, BROADCASTS, CAPTIONS])
def test_a_second_start_is_refused_because_the_feature_is_running(
    client: Transport, credentials: Credentials, session_id: str, family: Family
) -> None:
    start(client, credentials, family, session_id)
    with pytest.raises(RequestRejected) as rejected:
        start(client, credentials, family, session_id)
    assert family.refusal("start", rejected.value) is Refusal.ALREADY_RUNNING


@every_family
def test_a_start_in_a_relayed_session_is_refused(
    process: Emulator, client: Transport, credentials: Credentials, family: Family
) -> None:
    relayed = create_session(client, SessionOptions(MediaMode.RELAYED), soon())
    process.connect(relayed, token(credentials, relayed))
    with pytest.raises(RequestRejected) as rejected:
        start(client, credentials, family, relayed)
    if family is not BROADCASTS:  # their conflicts have no code that tells the two reasons apart
        assert family.refusal("start", rejected.value) is Refusal.ROUTED_SESSION_REQUIRED


@pytest.mark.parametrize("family", [ARCHIVES, BROADCASTS])
def test_a_start_in_an_empty_session_is_refused(
    client: Transport, credentials: Credentials, family: Family
) -> None:
    empty = create_session(client, SessionOptions(), soon())
    with pytest.raises(RequestRejected) as rejected:
        start(client, credentials, family, empty)
    assert family.refusal("start", rejected.value) is Refusal.NOBODY_CONNECTED


@every_family
def test_an_unknown_feature_is_not_found(
    client: Transport, session_id: str, family: Family
) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(NotFound):
        features.stop(client, family, session_id, unknown, soon())
    if family.found:
        with pytest.raises(NotFound):
            features.find(client, family, unknown, soon())


def test_a_start_whose_response_is_lost_starts_one_archive(
    emulator: Emulator, client: Transport, credentials: Credentials, session_id: str
) -> None:
    emulator.fault(reset=True, count=1, path="/v2/project")
    started = start(client, credentials, ARCHIVES, session_id)
    assert started["status"] == "started"
    listed = features.list_features(client, ARCHIVES, session_id, soon())
    assert [feature["id"] for feature in listed.features] == [started["id"]]
