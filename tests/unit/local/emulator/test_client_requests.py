"""Requests of browsers with any content: each one is executed or refused, and nothing else."""

from __future__ import annotations

import time
from contextlib import suppress

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.emulator.client_requests import ClientRequests, Request
from local.emulator.clients import Client
from local.emulator.errors import Conflict, VendorError
from local.emulator.options import SessionOptions
from local.emulator.projects import Platform, Project
from local.emulator.state import EmulatorState

SECRET = "s" * 40
PROJECT = Project(Platform.OPENTOK, "1234")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "active", "source", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
contents = st.dictionaries(
    st.sampled_from(["channel", "name", "reason", "active", "exclusion", "type", "data", "id"]),
    values,
    max_size=5,
)
methods = st.sampled_from(
    ["create", "delete", "update", "read", "signal", "offer", "answer", "candidate", "other"]
)
paths = st.sampled_from(
    [
        "", "/connection/c1", "/connection/c2", "/connection/c2/signal/1", "/signal/1",
        "/stream/s1", "/stream/s1/channel/audio1", "/stream/s1/subscriber/u1",
        "/stream/s1/subscriber/u1/channel/video1", "/archive/a", "/stream",
    ]
)  # fmt: skip


class Room:
    """A session with two browsers that may do everything."""

    def __init__(self) -> None:
        self.state = EmulatorState({"opentok": {"apiKey": "1234", "apiSecret": SECRET}})
        self.requests = ClientRequests(self.state)
        self.session = self.state.sessions.create(PROJECT, SessionOptions())
        self.uri = f"/v2/partner/1234/session/{self.session.id}"
        self.clients = [Client(name, name) for name in ("c1", "c2")]
        for client in self.clients:
            self.state.clients.add(client)
            self.connect(client)
        self.handle("create", "/stream/s1", {"channel": [{"id": "audio1", "type": "audio"}]})

    def connect(self, client: Client) -> None:
        claims = {
            "iss": "1234", "ist": "project", "iat": int(time.time()), "role": "moderator",
            "scope": "session.connect", "session_id": self.session.id,
        }  # fmt: skip
        request = Request("create", self.uri, {"connection": client.id, **self._session()}, {})
        self.requests.handle(client, request, jwt.encode(claims, SECRET))

    def handle(self, method: str, path: str, content: object, client: int = 0) -> object:
        body = {"method": method, "uri": self.uri + path, "content": content}
        return self.requests.handle(self.clients[client], Request.parse(body), None)

    def _session(self) -> dict[str, str]:
        return {"session": self.session.id}


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)
@given(
    st.lists(st.tuples(methods, paths, contents, st.integers(min_value=0, max_value=1)), max_size=6)
)
def test_any_requests_are_executed_or_refused(
    requests: list[tuple[str, str, dict[str, object], int]],
) -> None:
    room = Room()
    for method, path, content, client in requests:
        with suppress(VendorError):
            room.handle(method, path, content, client)
    streams = [stream.id for stream in room.session.streams()]
    assert len(streams) == len(set(streams))
    assert set(room.session.connections) <= {"c1", "c2"}


@given(values)
def test_any_body_is_a_request_or_refused(body: object) -> None:
    with suppress(VendorError):
        Request.parse(body)


def test_second_connect_of_a_browser_is_refused() -> None:
    room = Room()
    with pytest.raises(Conflict):
        room.connect(room.clients[0])
