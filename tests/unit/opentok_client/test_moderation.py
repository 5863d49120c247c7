"""Listing and disconnecting clients: what is sent, and what responses mean."""

from __future__ import annotations

import time

import pytest

from opentok_client import transport
from opentok_client.credentials import OpenTokCredentials, VonageCredentials
from opentok_client.errors import NotFound, RequestRejected, ServiceUnavailable
from opentok_client.moderation import VendorConnection, disconnect, list_connections
from opentok_client.transport import Transport
from tests.unit.opentok_client.loopback import Reply, raw, respond, serve

ID = "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-"
CONNECTION = "5f0c1a2b-7ce1-46c9-ade3-f2dedee4ed5f"
NOBODY_CONNECTED = respond(
    404,
    {
        "code": 404,
        "message": "Not found. No clients are actively connected to the OpenTok session.",
    },
)
FAMILIAR = {
    "connectionId": CONNECTION,
    "connectionState": "Connected",
    "createdAt": "1795356953143",
}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "BACKOFF_SECONDS", 0.001)


def soon() -> float:
    return time.monotonic() + 60


def listed(credentials: OpenTokCredentials, reply: Reply) -> list[VendorConnection]:
    with serve(reply) as server:
        return list(list_connections(Transport(credentials, server.url), ID, soon()))


def test_listing_uses_the_path_and_the_header_of_an_opentok_project(
    opentok: OpenTokCredentials,
) -> None:
    with serve(respond(200, {"count": 0, "items": []})) as server:
        assert list_connections(Transport(opentok, server.url), ID, soon()) == []
    [request] = server.requests
    assert request.line == f"GET /v2/project/47665971/session/{ID}/connection HTTP/1.1"
    assert "x-opentok-auth" in request.headers
    assert request.body == b""


def test_listing_uses_the_path_and_the_header_of_a_vonage_application(
    vonage: VonageCredentials,
) -> None:
    with serve(respond(200, {"count": 0, "items": []})) as server:
        list_connections(Transport(vonage, server.url), ID, soon())
    [request] = server.requests
    path = f"/v2/project/{vonage.application_id}/session/{ID}/connection"
    assert request.line == f"GET {path} HTTP/1.1"
    assert request.headers["authorization"].startswith("Bearer ")


def test_connections_are_listed_with_their_times_as_text_or_number(
    opentok: OpenTokCredentials,
) -> None:
    items = [
        FAMILIAR,
        {**FAMILIAR, "connectionId": "b", "createdAt": 1795356953144},
        {**FAMILIAR, "connectionId": "c", "connectionState": "Connecting", "createdAt": None},
        {**FAMILIAR, "connectionId": "d", "connectionState": "Disconnected"},
        {"connectionId": "e", "unknown": [1]},
    ]
    assert listed(opentok, respond(200, {"count": 5, "items": items})) == [
        VendorConnection(CONNECTION, 1795356953143),
        VendorConnection("b", 1795356953144),
        VendorConnection("c", None),
        VendorConnection("e", None),
    ]


def test_three_thousand_connections_are_listed(opentok: OpenTokCredentials) -> None:
    items = [{**FAMILIAR, "connectionId": f"{CONNECTION[:-4]}{n:04}"} for n in range(3000)]
    assert len(listed(opentok, respond(200, {"count": 3000, "items": items}))) == 3000


def test_not_found_is_raised_when_nobody_is_connected(opentok: OpenTokCredentials) -> None:
    with pytest.raises(NotFound) as missing:
        listed(opentok, NOBODY_CONNECTED)
    assert missing.value.status == missing.value.code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        "",
        {"items": None},
        {"items": {}},
        {"items": [1]},
        {"items": [{}]},
        {"items": [{"connectionId": ""}]},
        {"items": [{"connectionId": 7}]},
    ],
    ids=str,
)
def test_a_list_that_cannot_be_read_is_retried(opentok: OpenTokCredentials, body: object) -> None:
    with (
        serve(respond(200, body)) as server,
        pytest.raises(ServiceUnavailable, match="status 200 with"),
    ):
        list_connections(Transport(opentok, server.url), ID, soon())
    assert len(server.requests) == 3


def test_disconnecting_sends_a_delete(opentok: OpenTokCredentials) -> None:
    with serve(raw(b"HTTP/1.1 204 No Content\r\n\r\n", keep=True)) as server:
        disconnect(Transport(opentok, server.url), ID, CONNECTION, soon())
    [request] = server.requests
    path = f"/v2/project/47665971/session/{ID}/connection/{CONNECTION}"
    assert request.line == f"DELETE {path} HTTP/1.1"


def test_not_found_is_raised_when_the_client_is_not_connected(opentok: OpenTokCredentials) -> None:
    with serve(NOBODY_CONNECTED) as server, pytest.raises(NotFound):
        disconnect(Transport(opentok, server.url), ID, CONNECTION, soon())


def test_disconnecting_is_retried_after_a_failure(opentok: OpenTokCredentials) -> None:
    with serve(respond(500), raw(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        disconnect(Transport(opentok, server.url), ID, CONNECTION, soon())
    assert len(server.requests) == 2


@pytest.mark.parametrize("connection_id", ["", ".", "..", "a/b", "a?b", "a b", "é", "a" * 65])
def test_an_impossible_connection_id_is_not_found_without_a_call(
    opentok: OpenTokCredentials, connection_id: str
) -> None:
    with serve(respond(204)) as server, pytest.raises(NotFound):
        disconnect(Transport(opentok, server.url), ID, connection_id, soon())
    assert server.requests == []


def test_another_rejection_is_reported(opentok: OpenTokCredentials) -> None:
    with (
        serve(respond(400, {"code": 400, "message": "bad ids"})) as server,
        pytest.raises(RequestRejected, match="bad ids"),
    ):
        disconnect(Transport(opentok, server.url), ID, CONNECTION, soon())
