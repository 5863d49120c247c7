"""Sessions with clients in them: over HTTP, as apps and the vendor see them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.callbacks import authorization, body
from tests.integration.emulator import Emulator
from tests.integration.identities import User
from tests.integration.polling import until
from tests.integration.stack import Answer, Stack, send
from tests.integration.traffic import persist, together

__all__ = ["DISCONNECTIONS", "App", "Vendor", "connect", "create", "live", "wait_for"]

IN_FLIGHT = 8
"""Concurrent callbacks and clients. MiniStack starts a worker for each callback in flight."""
DISCONNECTIONS = "/v2/project/"
"""The path of the vendor's calls that list and disconnect clients."""


def create(stack: Stack, user: str, **fields: Any) -> dict[str, Any]:
    """Returns a new session, or the one of the room."""
    response = stack.call("POST", "/sessions", fields, user=user)
    assert response.status in {200, 201}, response
    assert isinstance(response.body, dict)
    return response.body


def connect(stack: Stack, session_id: str, user: str) -> str:
    """Lets a client of this user connect; returns the ID of its connection."""
    token = stack.call("POST", f"/sessions/{session_id}/tokens", {"data": user}, user=user)
    assert token.status == 201, token
    connected = Emulator(stack).connect(session_id, token.body["token"])
    assert connected.status == 200, connected
    connection_id = connected.body["connectionId"]
    assert isinstance(connection_id, str)
    return connection_id


def live(stack: Stack, session_id: str) -> dict[str, Any]:
    """Returns what the owner sees of who is in."""
    response = stack.call("GET", f"/sessions/{session_id}", user="alice")
    assert response.status == 200, response
    found: dict[str, Any] = response.body["live"]
    return found


def wait_for(stack: Stack, session_id: str, clients: int) -> None:
    """Waits until the owner sees this number of clients."""

    def reached() -> bool:
        return live(stack, session_id).get("connections") == clients

    until(f"{clients} clients in the session", reached)


class Vendor:
    """The vendor's side of live sessions: the emulator, and callbacks that a test signs itself."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.url: str = self._callbacks("GET")["url"]

    def clients(self, session_id: str) -> list[dict[str, Any]]:
        """Returns the clients that are connected in the vendor's view, the oldest first."""
        session = self._stack.vendor("GET", f"/_emulator/sessions/{session_id}").body
        found: list[dict[str, Any]] = session["connections"]
        return sorted(found, key=lambda client: (client["createdAt"], client["connectionId"]))

    def connect(self, session_id: str, token: str) -> str:
        """Connects a client and waits until its callback was delivered; returns its ID."""
        connected = Emulator(self._stack).connect(session_id, token)
        assert connected.status == 200, connected
        connection_id = connected.body["connectionId"]
        assert isinstance(connection_id, str)
        until("the callback is delivered", lambda: self.is_delivered(session_id, connection_id))
        return connection_id

    def connect_many(self, session_id: str, token: str, number: int) -> list[str]:
        """Connects this number of clients; returns their IDs."""
        return together([partial(self.connect, session_id, token)] * number, IN_FLIGHT)

    def disconnect(self, connection_id: str) -> None:
        """Lets a client leave."""
        body = {"connectionId": connection_id}
        assert self._stack.vendor("POST", "/_emulator/disconnect", body).status == 204

    def is_delivered(self, session_id: str, connection_id: str) -> bool:
        """Returns whether the callback about a client's connecting was delivered."""
        path = f"/_emulator/callbacks?limit=10000&sessionId={session_id}"
        return any(
            delivery["state"] == "delivered"
            for delivery in self._stack.vendor("GET", path).body["deliveries"]
            if delivery.get("connectionId") == connection_id
        )

    @contextmanager
    def callbacks(self, **faults: object) -> Iterator[None]:
        """Injects these faults into callbacks during the body; retries take no real time."""
        self._callbacks("PUT", {"url": self.url, "timeScale": 100, "faults": faults})
        try:
            yield
        finally:
            self._callbacks("PUT", {"url": self.url})

    @contextmanager
    def failing(self, **fault: object) -> Iterator[None]:
        """Injects a fault into calls that list or disconnect clients during the body."""
        with Emulator(self._stack).failing(path=DISCONNECTIONS, **fault):
            yield

    def send(self, event: Mapping[str, object]) -> None:
        """Sends a signed callback, and repeats it as the vendor does until it is accepted."""
        raw = body(event)

        def post() -> Answer:
            headers = {"Authorization": authorization(raw, time.time(), self._secret)}
            return send("POST", f"{self.url}/callbacks/session", raw, headers)

        served = persist(post)
        assert served.response.status == 200, served

    @property
    def _secret(self) -> str:
        stored = self._stack.client("secretsmanager").get_secret_value(
            SecretId=self._stack.facts["secretId"]
        )
        secret: str = json.loads(stored["SecretString"])["signatureSecret"]
        return secret

    def _callbacks(self, method: str, settings: object = None) -> dict[str, Any]:
        response = self._stack.vendor(method, "/_emulator/callbacks", settings)
        assert response.status == 200, response
        found: dict[str, Any] = response.body
        return found


class App:
    """A user's app in a room: it asks for the room and connects, again after being disconnected."""

    def __init__(self, stack: Stack, vendor: Vendor, room: str, user: User) -> None:
        self._stack = stack
        self._vendor = vendor
        self._room = room
        self._user = user
        self.session_id = ""
        self.connection_id = ""

    def enter(self) -> Answer:
        """Asks for the room and connects; returns the API's response."""
        body = {"room": self._room, "mediaMode": "routed", "token": {}}
        served = persist(
            partial(self._stack.call, "POST", "/sessions", body, token=self._user.token)
        )
        assert served.response.status in {200, 201}, served
        found = served.response.body
        self.connect(found["sessionId"], found["token"]["token"])
        return served.response

    def connect(self, session_id: str, token: str) -> None:
        """Connects with this token, which may be an old one."""
        connected = Emulator(self._stack).connect(session_id, token)
        assert connected.status == 200, connected
        self.session_id, self.connection_id = session_id, connected.body["connectionId"]
