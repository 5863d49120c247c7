"""Controls the emulator of a running stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.stack import lifecycle
from tests.integration.stack import Answer, Stack

__all__ = ["CREATE", "Emulator"]

CREATE = "/session/create"


class Emulator:
    """The emulator of a running stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    @contextmanager
    def failing(self, **fault: object) -> Iterator[None]:
        """Injects a fault (docs/fidelity.md) into calls that create a session, during the body."""
        self.fail(**fault)
        try:
            yield
        finally:
            self.recover()

    def fail(self, **fault: object) -> None:
        """Injects this fault into calls that create a session."""
        response = self._stack.vendor("PUT", "/_emulator/faults", {"path": CREATE, **fault})
        assert response.status == 200, response

    def recover(self) -> None:
        """Removes the fault."""
        self._stack.vendor("DELETE", "/_emulator/faults")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stops the process during the body, so that connections are refused."""
        with lifecycle.emulator_stopped(self._stack.state):
            yield

    def forget_calls(self) -> None:
        """Clears the request log, and cancels the callbacks that are not delivered yet."""
        self._stack.vendor("DELETE", "/_emulator/requests")
        self._stack.vendor("DELETE", "/_emulator/callbacks")

    @contextmanager
    def without_callbacks(self) -> Iterator[None]:
        """Sends no callbacks about what happens during the body."""
        before = self._stack.vendor("GET", "/_emulator/callbacks?limit=1").body
        settings = {name: before[name] for name in ("url", "timeScale", "faults")}
        response = self._stack.vendor("PUT", "/_emulator/callbacks", {**settings, "url": None})
        assert response.status == 200, response
        try:
            yield
        finally:
            self._stack.vendor("PUT", "/_emulator/callbacks", settings)

    def creations(self) -> list[dict[str, Any]]:
        """Returns the logged calls that create a session, including refused ones."""
        requests = self._stack.vendor("GET", "/_emulator/requests?limit=10000").body["requests"]
        return [request for request in requests if request["path"] == CREATE]

    def made(self) -> int:
        """Returns the number of all sessions."""
        total = self._stack.vendor("GET", "/_emulator/sessions?limit=1").body["total"]
        assert isinstance(total, int)
        return total

    def connect(self, session_id: str, token: str) -> Answer:
        """Connects a client: 200, or the vendor's code and message."""
        body = {"sessionId": session_id, "token": token, "publish": False}
        return self._stack.vendor("POST", "/_emulator/connect", body)

    def rotate(self, old_valid_seconds: float, **fields: str) -> dict[str, str]:
        """Rotates the project's key, or with `fields` replaces the project; returns the new
        credentials. Old keys stay valid for `old_valid_seconds`."""
        platform = self._stack.facts["platform"]
        response = self._stack.vendor(
            "PUT",
            "/_emulator/credentials",
            {"platform": platform, "oldValidSeconds": old_valid_seconds, **fields},
        )
        assert response.status == 200, response.status
        credentials: dict[str, str] = response.body[platform]
        self._stack.secrets.update(credentials[name] for name in _SECRET_FIELDS & set(credentials))
        return credentials


_SECRET_FIELDS = {"apiSecret", "privateKey", "signatureSecret"}
