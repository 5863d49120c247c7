"""A real call: two tabs with the vendor's unmodified SDK in Chromium, and the emulator."""

from __future__ import annotations

import time
from typing import Any

import pytest
from opentok import MediaModes, Roles

from tests.contract.browser_sdk.conftest import OpenTab
from tests.contract.browser_sdk.tab import Tab
from tests.contract.emulator.receiver import receiver
from tests.contract.emulator.signing import hs256
from tests.emulator import Emulator

MODES = {"relayed": MediaModes.relayed, "routed": MediaModes.routed}


class Call:
    """A session, and tabs that join it."""

    def __init__(self, emulator: Emulator, server_sdk: Any, open_tab: OpenTab, mode: str) -> None:
        self.emulator = emulator
        self.sdk = server_sdk
        self._open_tab = open_tab
        self.id: str = server_sdk.create_session(media_mode=MODES[mode]).session_id

    def join(self, role: Any = Roles.publisher, data: str = "") -> tuple[Tab, str]:
        """Opens a tab and connects it; returns the tab and its connection id."""
        tab = self._open_tab()
        token = self.sdk.generate_token(self.id, role=role, data=data)
        joined = tab.join(self.emulator.api_key, self.id, token)
        assert "connectionId" in joined, joined
        return tab, joined["connectionId"]


@pytest.fixture(params=["relayed", "routed"])
def call(
    request: pytest.FixtureRequest, emulator: Emulator, server_sdk: Any, open_tab: OpenTab
) -> Call:
    return Call(emulator, server_sdk, open_tab, request.param)


@pytest.fixture
def relayed(emulator: Emulator, server_sdk: Any, open_tab: OpenTab) -> Call:
    return Call(emulator, server_sdk, open_tab, "relayed")


def _published(tab: Tab, **options: object) -> str:
    published = tab.publish(**options)
    assert "streamId" in published, published
    return str(published["streamId"])


def test_two_tabs_see_and_hear_each_other(call: Call) -> None:
    alice, _ = call.join(data="user=alice")
    bob, _ = call.join()
    streams = {"alice": _published(alice, name="alice"), "bob": _published(bob)}
    for tab, stream in ((bob, streams["alice"]), (alice, streams["bob"])):
        assert tab.subscribe(stream) == {}
        first = tab.media(stream)["time"]

        def flows(tab: Tab = tab, stream: str = stream, first: float = first) -> bool:
            media = tab.media(stream)
            moved = media["time"] > first + 0.5
            return bool(moved and media["width"] > 0 and media["audio"] > 0)

        tab.until(flows, "video and audio")
    assert bob.wait_for("connectionCreated", data="user=alice")
    assert bob.wait_for("streamCreated", id=streams["alice"])["name"] == "alice"
    listed = {stream.id for stream in call.sdk.list_streams(call.id)}
    assert listed == set(streams.values())


def test_three_tabs_share_one_stream(relayed: Call) -> None:
    alice, _ = relayed.join()
    stream = _published(alice)
    for _ in range(2):
        viewer, _ = relayed.join(Roles.subscriber)
        assert viewer.subscribe(stream) == {}
        viewer.until(lambda v=viewer: v.media(stream)["time"] > 0.3, "video")  # type: ignore[misc]


def test_signals_to_all_to_one_and_from_the_server(relayed: Call) -> None:
    alice, alice_id = relayed.join()
    bob, bob_id = relayed.join()
    assert alice.signal(type="chat", data="to all") == {}
    for tab in (alice, bob):
        assert tab.wait_for("signal", data="to all")["from"] == alice_id
    to_bob = f"""() => send({{type: "chat", data: "to bob",
        to: window.session.connections.get("{bob_id}")}})"""
    alice.wait_for("connectionCreated", id=bob_id)
    assert alice.run(to_bob) == {}
    bob.wait_for("signal", data="to bob")
    relayed.sdk.send_signal(relayed.id, {"type": "news", "data": "from the server"})
    for tab in (alice, bob):
        assert tab.wait_for("signal", data="from the server")["from"] is None
    assert alice.seen("signal", data="to bob") == []


def test_moderator_removes_a_client(relayed: Call) -> None:
    moderator, _ = relayed.join(Roles.moderator)
    bob, bob_id = relayed.join()
    moderator.wait_for("connectionCreated", id=bob_id)
    moderator.run(
        f"""() => new Promise((resolve) => window.session.forceDisconnect(
            window.session.connections.get("{bob_id}"), resolve))"""
    )
    assert bob.wait_for("sessionDisconnected")["reason"] == "forceDisconnected"
    assert moderator.wait_for("connectionDestroyed", id=bob_id)["reason"] == "forceDisconnected"


def test_server_removes_a_client(relayed: Call) -> None:
    alice, _ = relayed.join()
    bob, bob_id = relayed.join()
    relayed.sdk.force_disconnect(relayed.id, bob_id)
    assert bob.wait_for("sessionDisconnected")["reason"] == "forceDisconnected"
    alice.wait_for("connectionDestroyed", id=bob_id, reason="forceDisconnected")


def test_moderator_unpublishes_and_mutes(relayed: Call) -> None:
    moderator, _ = relayed.join(Roles.moderator)
    bob, _ = relayed.join()
    stream = _published(bob)
    moderator.wait_for("streamCreated", id=stream)
    muted = moderator.run(
        f"""() => window.session.forceMuteStream(window.session.streams.get("{stream}"))
            .then(() => true)"""
    )
    assert muted is True
    bob.wait_for("publisherMuted")
    bob.until(
        lambda: bob.run("() => window.publisher.stream.hasAudio") is False, "audio is switched off"
    )
    moderator.wait_for("streamPropertyChanged", property="hasAudio", value=False)
    moderator.run(
        f"""() => new Promise((resolve) => window.session.forceUnpublish(
            window.session.streams.get("{stream}"), resolve))"""
    )
    assert bob.wait_for("publisherStreamDestroyed")["reason"] == "forceUnpublished"
    moderator.wait_for("streamDestroyed", id=stream, reason="forceUnpublished")


def test_call_ends_for_all(relayed: Call) -> None:
    tabs = [relayed.join()[0] for _ in range(2)]
    body = {"sessionId": relayed.id, "reason": "serverRotation"}
    assert relayed.emulator.control("POST", "end", body).status_code == 204
    for tab in tabs:
        tab.wait_for("sessionDisconnected")
    assert relayed.emulator.session(relayed.id)["connections"] == []


def test_archive_events_reach_the_tabs(
    emulator: Emulator, server_sdk: Any, open_tab: OpenTab
) -> None:
    call = Call(emulator, server_sdk, open_tab, "routed")
    tab, _ = call.join()
    archive = call.sdk.start_archive(call.id)
    tab.wait_for("archiveStarted", id=archive.id)
    archive.stop()
    tab.wait_for("archiveStopped", id=archive.id)


@pytest.mark.parametrize(
    ("claims", "code", "text"),
    [
        ({"iat": -100, "exp": -10}, 1004, "token has expired"),
        ({"session_id": "1_other"}, 1004, "Id in the token"),
    ],
)
def test_refused_tokens(
    relayed: Call, open_tab: OpenTab, claims: dict[str, Any], code: int, text: str
) -> None:
    now = int(time.time())
    good = {
        "iss": relayed.emulator.api_key, "ist": "project", "iat": now, "exp": now + 60,
        "scope": "session.connect", "session_id": relayed.id, "role": "publisher",
    }  # fmt: skip
    moved = {k: now + v if isinstance(v, int) else v for k, v in claims.items()}
    token = hs256(relayed.emulator.api_secret, good | moved)
    refused = open_tab().join(relayed.emulator.api_key, relayed.id, token)
    assert refused["code"] == code
    assert text in refused["message"]


def test_unknown_session_is_1005(relayed: Call, open_tab: OpenTab) -> None:
    unknown = relayed.id[:-8] + "A" * 8
    token = relayed.sdk.generate_token(relayed.id)
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": relayed.emulator.api_key, "ist": "project", "iat": now,
        "scope": "session.connect", "session_id": unknown, "role": "publisher",
    }  # fmt: skip
    token = hs256(relayed.emulator.api_secret, claims)
    assert open_tab().join(relayed.emulator.api_key, unknown, token)["code"] == 1005


def test_lost_socket_reconnects_without_losing_signals(relayed: Call) -> None:
    alice, alice_id = relayed.join()
    bob, bob_id = relayed.join()
    body = {"connectionId": bob_id}
    assert relayed.emulator.control("POST", "drop", body).status_code == 204
    bob.wait_for("sessionReconnecting")
    alice.signal(type="chat", data="meanwhile")
    bob.wait_for("sessionReconnected")
    assert bob.wait_for("signal", data="meanwhile")["from"] == alice_id
    assert alice.seen("connectionDestroyed") == []
    assert bob.signal(type="chat", data="back") == {}
    alice.wait_for("signal", data="back")


def test_closed_tab_leaves_and_callbacks_report_it(relayed: Call) -> None:
    with receiver() as target:
        relayed.emulator.control("PUT", "callbacks", {"url": target.url, "timeScale": 100})
        try:
            alice, _ = relayed.join()
            bob, bob_id = relayed.join(data="user=bob")
            _published(bob)
            bob.page.close()
            alice.wait_for("connectionDestroyed", id=bob_id)
            target.until(
                lambda: any(r.event == "connectionDestroyed" for r in list(target.requests))
            )
            events = {r.event: r.body for r in target.requests}
            assert events["connectionDestroyed"]["reason"] == "clientDisconnected"
            assert events["connectionDestroyed"]["connection"]["id"] == bob_id
            assert events["connectionDestroyed"]["connection"]["data"] == "user=bob"
            assert events["streamCreated"]["stream"]["videoType"] == "camera"
        finally:
            relayed.emulator.control("PUT", "callbacks", {"url": None})
