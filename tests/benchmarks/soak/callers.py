"""Callers who use every route, and a book of what they were told."""

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

__all__ = ["Book", "Caller"]

ROOMS = 20


@dataclass
class Book:
    """What all callers together were told. A claim counts twice when two callers, or one for two
    requests, were given the same session."""

    owners: dict[str, str] = field(default_factory=dict)
    """The owner of every session that somebody was given."""
    tokens: list[tuple[str, str]] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    unserved_creates: int = 0
    given_twice: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, answer: Answer, expected: set[int], seconds: float) -> bool:
        """Whether the answer is one that counts."""
        code = (answer.body or {}).get("code", "") if answer.status >= 400 else ""
        with self._lock:
            self.answers[f"{what} {answer.status} {code}".strip()] += 1
            self.seconds.append(seconds)
            if unserved(answer):
                self.unserved_creates += what in {"create", "room"}
                return False
            if answer.status not in expected:
                self.unexpected.append(f"{what}: {answer.status} {answer.body}")
            return answer.status < 300

    def give(self, session: dict[str, Any], owner: str) -> None:
        """Somebody was given a session of their own."""
        with self._lock:
            if session["sessionId"] in self.owners or session["owner"] != owner:
                self.given_twice.append(session["sessionId"])
            self.owners[session["sessionId"]] = owner

    def add_token(self, token: dict[str, Any] | None) -> None:
        if token:
            with self._lock:
                self.tokens.append((token["sessionId"], token["token"]))

    def any_session(self) -> str | None:
        with self._lock:
            return random.choice(list(self.owners)) if self.owners else None


class Caller:
    """One user of an app, who does one thing after the other."""

    def __init__(self, stack: Stack, user: User, book: Book) -> None:
        self._stack = stack
        self._user = user
        self._book = book
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
        """Does something."""
        (action,) = random.choices(self._actions, self._weights)
        action()

    def listed(self) -> set[str]:
        """The sessions that a lookup of all their own finds, page by page."""
        found: set[str] = set()
        cursor = ""
        while True:
            path = f"/sessions?limit=100{cursor}"
            answer = self._stack.call("GET", path, token=self._user.token)
            assert answer.status == 200, answer
            found |= {session["sessionId"] for session in answer.body["sessions"]}
            if "cursor" not in answer.body:
                return found
            cursor = f"&cursor={answer.body['cursor']}"

    @property
    def sub(self) -> str:
        return self._user.sub

    def _ask(
        self,
        what: str,
        method: str,
        path: str,
        body: object,
        expected: set[int],
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any] | None:
        """What the answer says, if it is one that says something."""
        begun = time.monotonic()
        call = partial(self._stack.call, method, path, body, token=self._user.token)
        answer = attempt(partial(call, headers=headers))
        if not self._book.note(what, answer, expected, time.monotonic() - begun):
            return None
        said: dict[str, Any] | None = answer.body
        return said or {}

    def _create(self) -> None:
        body: dict[str, object] = random.choice(
            [{"mediaMode": "routed"}, {"mediaMode": "relayed"}, {"archiveMode": "always"}, {}]
        )
        if random.random() < 0.5:
            body = {**body, "token": {"role": "moderator"}}
        self._given(self._ask("create", "POST", "/sessions", body, {201}))

    def _create_with_key(self) -> None:
        """The same request twice, as when the first answer was lost."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        body = {"mediaMode": "routed", "token": {}}
        first = self._ask("create", "POST", "/sessions", body, {201}, key)
        again = self._ask("create", "POST", "/sessions", body, {201}, key)
        self._given(first or again)
        if first and again:
            self._book.add_token(again["token"])
            if first["sessionId"] != again["sessionId"]:
                self._book.unexpected.append("one key stood for two sessions")

    def _join_room(self) -> None:
        body = {"room": f"load-{random.randrange(ROOMS)}", "token": {}}
        session = self._ask("room", "POST", "/sessions", body, {200, 201})
        if session and session["source"] != "room":
            self._given(session)
        elif session:
            self._book.add_token(session["token"])

    def _given(self, session: dict[str, Any] | None) -> None:
        if session:
            self._book.give(session, self._user.sub)
            self._book.add_token(session.get("token"))
            self._own.append(session["sessionId"])

    def _get_token(self) -> None:
        if session_id := self._book.any_session():
            path = f"/sessions/{session_id}/tokens"
            self._book.add_token(self._ask("token", "POST", path, {}, {201, 410}))

    def _look_up(self) -> None:
        if self._own:
            path = f"/sessions/{random.choice(self._own)}"
            self._ask("look up", "GET", path, None, {200})

    def _look_room_up(self) -> None:
        path = f"/sessions?room=load-{random.randrange(ROOMS)}"
        self._ask("look up", "GET", path, None, {200})

    def _list(self) -> None:
        self._ask("list", "GET", "/sessions?limit=20", None, {200})

    def _close(self) -> None:
        if self._own:
            path = f"/sessions/{random.choice(self._own)}"
            self._ask("close", "DELETE", path, None, {204})
