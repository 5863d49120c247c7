"""Steering the vendor's stand-in, and asking it what it has seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.stack import lifecycle
from tests.integration.stack import Answer, Stack

__all__ = ["CREATE", "StandIn"]

CREATE = "/session/create"


class StandIn:
    """The stand-in of a running stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    @contextmanager
    def failing(self, **fault: object) -> Iterator[None]:
        """Calls that create a session meet this fault (docs/fidelity.md) during the body."""
        self.fail(**fault)
        try:
            yield
        finally:
            self.recover()

    def fail(self, **fault: object) -> None:
        """From now on calls that create a session meet this fault."""
        answer = self._stack.vendor("PUT", "/_emulator/faults", {"path": CREATE, **fault})
        assert answer.status == 200, answer

    def recover(self) -> None:
        """No call meets a fault any more."""
        self._stack.vendor("DELETE", "/_emulator/faults")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The process does not run during the body: connections are refused."""
        with lifecycle.vendor_stopped(self._stack.state):
            yield

    def forget_calls(self) -> None:
        """Starts a new log of calls."""
        self._stack.vendor("DELETE", "/_emulator/requests")

    def creations(self) -> list[dict[str, Any]]:
        """The calls to create a session since the log was started, also those that it refused."""
        requests = self._stack.vendor("GET", "/_emulator/requests?limit=10000").body["requests"]
        return [request for request in requests if request["path"] == CREATE]

    def made(self) -> int:
        """How many sessions it has ever made."""
        total = self._stack.vendor("GET", "/_emulator/sessions?limit=1").body["total"]
        assert isinstance(total, int)
        return total

    def connect(self, session_id: str, token: str) -> Answer:
        """What a client meets that connects: 200, or the vendor's own code and message."""
        body = {"sessionId": session_id, "token": token, "publish": False}
        return self._stack.vendor("POST", "/_emulator/connect", body)

    def rotate(self, old_valid_seconds: float, **members: str) -> dict[str, str]:
        """A new key for the project, or with `members` another project; the new credentials. What
        was valid until now stays so for `old_valid_seconds`."""
        platform = self._stack.facts["platform"]
        answer = self._stack.vendor(
            "PUT",
            "/_emulator/credentials",
            {"platform": platform, "oldValidSeconds": old_valid_seconds, **members},
        )
        assert answer.status == 200, answer.status
        credentials: dict[str, str] = answer.body[platform]
        self._stack.secrets.update(credentials[name] for name in _SECRET_MEMBERS & set(credentials))
        return credentials


_SECRET_MEMBERS = {"apiSecret", "privateKey"}
