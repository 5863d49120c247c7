"""Session info and the messaging server, as the browser SDK uses them, without a browser."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import opentok
import pytest
import requests
from opentok import MediaModes, Roles

from tests.contract.emulator.messaging_client import DISCONNECT, PING, PONG, STATUS, Browser
from tests.contract.emulator.signing import hs256
from tests.emulator import CALL_SECONDS, Emulator

ORIGIN = {"Origin": "https://app.example"}


class Room:
    """A relayed session, its tokens, and browsers in it."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.sdk: Any = opentok.Client(
            emulator.api_key, emulator.api_secret, api_url=emulator.url, timeout=CALL_SECONDS
        )
        self.id: str = self.sdk.create_session(media_mode=MediaModes.relayed).session_id
        self._http: aiohttp.ClientSession | None = None

    def token(self, role: Any = Roles.publisher, data: str = "") -> str:
        return str(self.sdk.generate_token(self.id, role=role, data=data))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as self._http:
            yield

    def browser(self) -> Browser:
        assert self._http is not None
        return Browser(self._http, self.emulator.url, self.emulator.api_key, self.id)

    async def join(self, role: Any = Roles.publisher, data: str = "") -> Browser:
        browser = self.browser()
        status, state = await browser.join(self.token(role, data))
        assert status == 200, state
        return browser


@pytest.fixture
def room(emulator: Emulator) -> Room:
    return Room(emulator)


Scenario = Callable[[Room], Awaitable[None]]


def play(room: Room, scenario: Scenario) -> None:
    """Runs a scenario in the room."""

    async def run() -> None:
        async with room.open():
            await scenario(room)

    asyncio.run(run())


# Session info


def _info(room: Room, token: str, session_id: str = "") -> requests.Response:
    return requests.get(
        f"{room.emulator.url}/session/{session_id or room.id}?extended=true",
        headers={"X-OPENTOK-AUTH": token, **ORIGIN},
        timeout=CALL_SECONDS,
    )


def test_session_info(room: Room) -> None:
    response = _info(room, room.token())
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    (info,) = response.json()
    assert info["session_id"] == room.id
    assert info["partner_id"] == room.emulator.api_key
    assert info["properties"]["p2p"]["preference"]["value"] == "enabled"
    assert info["properties"]["reconnection"] is True
    assert info["messaging_url"] == room.emulator.url.replace("http", "ws") + "/messaging"
    assert info["symphony_address"]


def test_preflight(room: Room) -> None:
    response = requests.options(
        f"{room.emulator.url}/session/{room.id}", headers=ORIGIN, timeout=CALL_SECONDS
    )
    assert response.status_code == 204
    allowed = response.headers["Access-Control-Allow-Headers"]
    for name in ("x-opentok-auth", "x-tb-version", "x-tb-client-version", "x-tb-connectionid"):
        assert name in allowed
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_refusals_are_in_the_body_of_a_200(room: Room) -> None:
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": room.emulator.api_key, "ist": "project", "iat": now - 100, "exp": now - 1,
        "scope": "session.connect", "session_id": room.id, "role": "publisher",
    }  # fmt: skip
    expired = hs256(room.emulator.api_secret, claims)
    unknown = room.id[:-8] + "A" * 8
    elsewhere = claims | {"session_id": unknown, "exp": now + 60}
    for token, session_id, code, message in (
        (expired, "", 403, "token has expired"),
        ("nonsense", "", 403, "Invalid token format"),
        (hs256(room.emulator.api_secret, elsewhere), unknown, 404, "Invalid session"),
    ):
        response = _info(room, token, session_id)
        assert response.status_code == 200
        error = response.json()[0]["error"]
        assert (error["code"], error["errorMessage"]["message"]) == (code, message)


# Presence


def test_connections_see_each_other(room: Room) -> None:
    async def scenario(room: Room) -> None:
        alice = await room.join(data="user=alice")
        own = await alice.event("created", "connection")
        assert own["content"]["id"] == alice.id
        bob = room.browser()
        _, state = await bob.join(room.token())
        assert {c["id"]: c["data"] for c in state["connection"]} == {
            alice.id: "user=alice", bob.id: ""
        }  # fmt: skip
        seen = await alice.event("created", "connection")
        assert seen["content"]["id"] == bob.id
        await bob.send(DISCONNECT, {"reconnect": ""}, "")
        await bob.socket.close()
        left = await alice.event("deleted", "connection")
        assert left["uri"].endswith(bob.id)
        assert left["reason"] == "clientDisconnected"

    play(room, scenario)


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        (Roles.subscriber, {"subscribe", "signal"}),
        (Roles.publisher, {"publish", "subscribe", "signal"}),
        (Roles.publisher_only, {"publish"}),
        (Roles.moderator,
         {"publish", "subscribe", "signal", "forceunpublish", "forcedisconnect", "forcemute"}),
    ],
)  # fmt: skip
def test_roles_are_permissions(room: Room, role: Any, permissions: set[str]) -> None:
    async def scenario(room: Room) -> None:
        browser = await room.join(role)
        own = await browser.event("created", "connection")
        assert set(own["content"]["permissions"]) == permissions

    play(room, scenario)


def test_refused_token(room: Room) -> None:
    async def scenario(room: Room) -> None:
        status, body = await room.browser().join("nonsense")
        assert (status, body) == (403, {"reason": "Invalid token format"})

    play(room, scenario)
    assert room.emulator.session(room.id)["connections"] == []


def test_requests_before_connecting_are_refused(room: Room) -> None:
    async def scenario(room: Room) -> None:
        browser = room.browser()
        await browser.open()
        status, _ = await browser.request("signal", "/signal/1", {"data": "x"})
        assert status == 403

    play(room, scenario)


# Requests


def _stream(*channels: str) -> dict[str, object]:
    described = [{"id": f"{kind}1", "type": kind, "active": True} for kind in channels]
    return {"name": "camera", "channel": described}


def test_stream_from_creation_to_deletion(room: Room) -> None:
    async def scenario(room: Room) -> None:
        alice, bob = await room.join(), await room.join(Roles.subscriber)
        status, body = await alice.request("create", "/stream/s1", _stream("audio", "video"))
        assert (status, body["content"]["iceServers"]) == (200, [])
        created = await bob.event("created", "stream")
        assert created["content"]["connection"]["id"] == alice.id
        (listed,) = room.sdk.list_streams(room.id)
        assert (listed.id, listed.name, listed.videoType) == ("s1", "camera", "camera")
        change = {"active": False}
        assert (await alice.request("update", "/stream/s1/channel/audio1", change))[0] == 200
        assert (await bob.event("updated", "stream"))["content"] == change
        late = room.browser()
        _, state = await late.join(room.token())
        assert state["stream"][0]["channel"][0]["active"] is False
        assert (await alice.request("delete", "/stream/s1", {}))[0] == 200
        assert (await bob.event("deleted", "stream"))["reason"] == "clientDisconnected"

    play(room, scenario)


@pytest.mark.parametrize(
    ("role", "method", "path", "content"),
    [
        (Roles.subscriber, "create", "/stream/s9", _stream("audio")),
        (Roles.publisher_only, "signal", "/signal/1", {"data": "x"}),
        (Roles.publisher_only, "create", "/stream/s1/subscriber/u", {}),
        (Roles.publisher, "delete", "/stream/s1", {}),
        (Roles.publisher, "delete", "/connection/OWNER", {}),
        (Roles.publisher, "update", "", {"reason": "mute", "active": True}),
        (Roles.publisher, "update", "/stream/s1", {"reason": "mute", "active": True}),
    ],
)
def test_roles_are_enforced(
    room: Room, role: Any, method: str, path: str, content: dict[str, object]
) -> None:
    async def scenario(room: Room) -> None:
        owner, other = await room.join(), await room.join(role)
        await owner.request("create", "/stream/s1", _stream("audio"))
        status, body = await other.request(method, path.replace("OWNER", owner.id), content)
        assert status == 403
        assert "role" in body["reason"]

    play(room, scenario)


def test_negotiation_travels_between_publisher_and_subscriber(room: Room) -> None:
    async def scenario(room: Room) -> None:
        alice, bob = await room.join(), await room.join(Roles.subscriber)
        await alice.request("create", "/stream/s1", _stream("audio"))
        path = "/stream/s1/subscriber/u1"
        assert (await bob.request("create", path, {"id": "u1"}))[0] == 200
        asked = await alice.event("generateoffer", "stream")
        assert (asked["from"], asked["content"]["sourceStreamId"]) == (bob.id, "P2P")
        for sender, receiver, method in (
            (alice, bob, "offer"), (bob, alice, "answer"),
            (alice, bob, "candidate"), (bob, alice, "candidate"),
        ):  # fmt: skip
            content = {"sdp": method, "peerId": asked["content"]["peerId"]}
            assert (await sender.request(method, path, content))[0] == 200
            arrived = await receiver.event(method, "stream")
            assert (arrived["from"], arrived["content"]) == (sender.id, content)
        assert (await bob.request("delete", path, {}))[0] == 200
        assert (await alice.event("deleted", "stream"))["uri"].endswith("/subscriber/u1")

    play(room, scenario)


def test_stream_of_a_client_without_browser_has_no_media(room: Room) -> None:
    connected = room.emulator.connect(room.id, room.token()).json()
    stream_id = connected["streams"][0]["id"]

    async def scenario(room: Room) -> None:
        browser = await room.join()
        status, _ = await browser.request("create", f"/stream/{stream_id}/subscriber/u", {})
        assert status == 404

    play(room, scenario)


def test_rest_signal_and_mute_reach_the_browser(room: Room) -> None:
    async def scenario(room: Room) -> None:
        browser = await room.join()
        await browser.request("create", "/stream/s1", _stream("audio"))
        signal = {"type": "news", "data": "hello"}
        await asyncio.to_thread(room.sdk.send_signal, room.id, signal)
        arrived = await browser.event("signal", "signal")
        assert (arrived["content"], arrived["from"]) == (signal, "")
        await asyncio.to_thread(_mute_all, room, ["other"])
        muted = await browser.event("update", "stream/s1")
        assert muted["content"]["reason"] == "mute"
        late = room.browser()
        _, state = await late.join(room.token())
        assert state["mute"] == {"active": True}

    play(room, scenario)


def _mute_all(room: Room, excluded: list[str]) -> None:
    path = f"/v2/project/{room.emulator.api_key}/session/{room.id}/mute"
    response = requests.post(
        room.emulator.url + path,
        json={"active": True, "excludedStreamIds": excluded},
        headers=room.sdk.get_json_headers(),
        timeout=CALL_SECONDS,
    )
    assert response.status_code == 200, response.text


# Sockets


def test_ping_and_repeated_requests(room: Room) -> None:
    async def scenario(room: Room) -> None:
        browser = await room.join()
        await browser.send(PING, {}, "")
        while (await browser.receive())[0] != PONG:
            pass
        body = json.dumps({"method": "signal", "uri": f"{browser.uri}/signal/1", "content": {}})
        for _ in range(2):
            await browser.send(2, {"TRANSACTION-ID": "same"}, body)
            while (await browser.receive())[0] != STATUS:
                pass
        connections: Any = room.emulator.session(room.id)["connections"]
        assert [len(connection["received"]) for connection in connections] == [1]

    play(room, scenario)


def test_reconnection_keeps_connection_and_waiting_events(room: Room) -> None:
    async def scenario(room: Room) -> None:
        alice, bob = await room.join(), await room.join()
        response = await asyncio.to_thread(
            room.emulator.control, "POST", "drop", {"connectionId": bob.id}
        )
        assert response.status_code == 204
        await alice.request("signal", "/signal/1", {"data": "meanwhile"})
        await bob.open(reconnect=True)
        assert (await bob.event("signal", "signal"))["content"]["data"] == "meanwhile"
        assert (await bob.request("signal", "/signal/2", {"data": "back"}))[0] == 200

    play(room, scenario)


def test_lost_browser_is_disconnected_after_a_while(room: Room) -> None:
    variants = {"networkDisconnectedAfterMs": 200}
    room.emulator.control("PUT", "variants", variants)

    async def scenario(room: Room) -> None:
        alice, bob = await room.join(), await room.join()
        await asyncio.to_thread(room.emulator.control, "POST", "drop", {"connectionId": bob.id})
        left = await alice.event("deleted", "connection")
        assert left["reason"] == "networkDisconnected"
        await bob.open(reconnect=True)
        message = await bob.socket.receive()
        assert message.type is aiohttp.WSMsgType.CLOSE

    try:
        play(room, scenario)
    finally:
        room.emulator.control("DELETE", "variants")


def test_invalid_frames_close_the_socket(room: Room) -> None:
    async def scenario(room: Room) -> None:
        browser = await room.join()
        await browser.socket.send_bytes(b"\x00" * 7)
        while (message := await browser.socket.receive()).type is aiohttp.WSMsgType.BINARY:
            pass
        assert message.type is aiohttp.WSMsgType.CLOSE

    play(room, scenario)
