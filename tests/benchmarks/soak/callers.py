"""Callers that use every route, and a ledger of the responses."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.integration.identities import User
from tests.integration.stack import Answer, Stack
from tests.integration.traffic import attempt, unserved

__all__ = ["Caller", "Ledger"]

ROOMS = 20


@dataclass
class Ledger:
    """The responses to all callers together.

    A session is in `returned_twice` when two callers, or two requests of one caller, got it.
    """

    owners: dict[str, str] = field(default_factory=dict)
    """The owner of every returned session."""
    tokens: list[tuple[str, str]] = field(default_factory=list)
    responses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    unserved_creates: int = 0
    returned_twice: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, what: str, response: Answer, expected: set[int], seconds: float) -> bool:
        """Records a response. Returns whether it was successful."""
        code = (response.body or {}).get("code", "") if response.status >= 400 else ""
        with self._lock:
            self.responses[f"{what} {response.status} {code}".strip()] += 1
            self.seconds.append(seconds)
            if unserved(response):
                self.unserved_creates += what in {"create", "room"}
                return False
            if response.status not in expected:
                self.unexpected.append(f"{what}: {response.status} {response.body}")
            return response.status < 300

    def add_session(self, session: dict[str, Any], owner: str) -> None:
        """Records that a caller got a session of its own."""
        with self._lock:
            if session["sessionId"] in self.owners or session["owner"] != owner:
                self.returned_twice.append(session["sessionId"])
            self.owners[session["sessionId"]] = owner

    def add_token(self, token: dict[str, Any] | None) -> None:
        if token:
            with self._lock:
                self.tokens.append((token["sessionId"], token["token"]))

    def any_session(self) -> str | None:
        with self._lock:
            return random.choice(list(self.owners)) if self.owners else None


class Caller:
    """One user of an app that sends one request after the other."""

    def __init__(self, stack: Stack, user: User, ledger: Ledger) -> None:
        self._stack = stack
        self._user = user
        self._ledger = ledger
        self._own: list[str] = []
        actions: Sequence[tuple[Callable[[], None], int]] = (
            (self._create, 30),
            (self._create_with_key, 8),
            (self._join_room, 20),
            (self._get_token, 20),
            (self._look_up, 8),
            (self._look_room_up, 4),
            (self._list, 4),
            (self._close, 6),
        )
        self._actions = [action for action, _ in actions]
        self._weights = [weight for _, weight in actions]

    def act(self) -> None:
        """Sends a random request."""
        (action,) = random.choices(self._actions, self._weights)
        action()

    def listed(self) -> set[str]:
        """Returns the IDs of the sessions that listing the caller's own sessions finds."""
        found: set[str] = set()
        cursor = ""
        while True:
            path = f"/sessions?limit=100{cursor}"
            response = self._stack.call("GET", path, token=self._user.token)
            assert response.status == 200, response
            found |= {session["sessionId"] for session in response.body["sessions"]}
            if "cursor" not in response.body:
                return found
            cursor = f"&cursor={response.body['cursor']}"

    @property
    def sub(self) -> str:
        return self._user.sub

    def _call(
        self,
        what: str,
        method: str,
        path: str,
        body: object,
        expected: set[int],
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any] | None:
        """Sends a request. Returns the body of a successful response."""
        started = time.monotonic()
        call = partial(self._stack.call, method, path, body, token=self._user.token)
        response = attempt(partial(call, headers=headers))
        if not self._ledger.record(what, response, expected, time.monotonic() - started):
            return None
        body_or_none: dict[str, Any] | None = response.body
        return body_or_none or {}

    def _create(self) -> None:
        body: dict[str, object] = random.choice(
            [{"mediaMode": "routed"}, {"mediaMode": "relayed"}, {"archiveMode": "always"}, {}]
        )
        if random.random() < 0.5:
            body = {**body, "token": {"role": "moderator"}}
        self._own_session(self._call("create", "POST", "/sessions", body, {201}))

    def _create_with_key(self) -> None:
        """Sends the same request twice, as an app does when the first response was lost."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        body = {"mediaMode": "routed", "token": {}}
        first = self._call("create", "POST", "/sessions", body, {201}, key)
        again = self._call("create", "POST", "/sessions", body, {201}, key)
        self._own_session(first or again)
        if first and again:
            self._ledger.add_token(again["token"])
            if first["sessionId"] != again["sessionId"]:
                self._ledger.unexpected.append("two sessions for one idempotency key")

    def _join_room(self) -> None:
        body = {"room": f"load-{random.randrange(ROOMS)}", "token": {}}
        session = self._call("room", "POST", "/sessions", body, {200, 201})
        if session and session["source"] != "room":
            self._own_session(session)
        elif session:
            self._ledger.add_token(session["token"])

    def _own_session(self, session: dict[str, Any] | None) -> None:
        if session:
            self._ledger.add_session(session, self._user.sub)
            self._ledger.add_token(session.get("token"))
            self._own.append(session["sessionId"])

    def _get_token(self) -> None:
        if session_id := self._ledger.any_session():
            path = f"/sessions/{session_id}/tokens"
            self._ledger.add_token(self._call("token", "POST", path, {}, {201, 410}))

    def _look_up(self) -> None:
        if self._own:
            path = f"/sessions/{random.choice(self._own)}"
            self._call("look up", "GET", path, None, {200})

    def _look_room_up(self) -> None:
        path = f"/sessions?room=load-{random.randrange(ROOMS)}"
        self._call("look up", "GET", path, None, {200})

    def _list(self) -> None:
        self._call("list", "GET", "/sessions?limit=20", None, {200})

    def _close(self) -> None:
        if self._own:
            path = f"/sessions/{random.choice(self._own)}"
            self._call("close", "DELETE", path, None, {204})
