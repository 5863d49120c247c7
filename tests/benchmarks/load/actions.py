"""What callers and the vendor do, in the proportions of a day of meetings."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.integration.identities import User

from .callbacks import Callbacks

__all__ = ["ACTIONS", "WORKERS", "WORKERS_WITHOUT_CALLBACKS", "Action", "Call", "World"]

ROOMS = 100

#: Warm workers by function, 30 in all. Calls of a function never exceed its workers.
WORKERS = {
    "create_session": 10,
    "receive_callback": 8,
    "issue_token": 6,
    "get_session": 4,
    "close_session": 2,
}
WORKERS_WITHOUT_CALLBACKS = {
    "create_session": 14,
    "issue_token": 8,
    "get_session": 5,
    "close_session": 3,
}


class Call(NamedTuple):
    """One HTTP request, and what follows from its response."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    expected: frozenset[int]
    then: Callable[[Any], None] = lambda body: None


@dataclass
class World:
    """The users, and the sessions and connections that the calls so far have produced."""

    api: str
    callback_url: str | None
    users: list[User]
    callbacks: Callbacks | None = None
    owners: dict[str, User] = field(default_factory=dict)
    connected: list[tuple[str, str]] = field(default_factory=list)

    def join(self) -> Call:
        """A user enters a room: its session, or a new one from the pool, and a token."""
        user = random.choice(self.users)
        by_sub = {other.sub: other for other in self.users}

        def then(session: Any) -> None:
            if session["owner"] in by_sub:
                self.owners[session["sessionId"]] = by_sub[session["owner"]]

        body = {"room": f"load-{random.randrange(ROOMS)}", "token": {"role": "publisher"}}
        return self._api("POST", "/sessions", user, body, {200, 201}, then)

    def token(self) -> Call | None:
        """A user reloads the page and needs another token."""
        if not self.owners:
            return None
        path = f"/sessions/{random.choice(list(self.owners))}/tokens"
        return self._api("POST", path, random.choice(self.users), {}, {201, 410})

    def lookup(self) -> Call | None:
        """An app shows a session to its owner."""
        if not self.owners:
            return None
        session, owner = random.choice(list(self.owners.items()))
        return self._api("GET", f"/sessions/{session}", owner, None, {200})

    def close(self) -> Call | None:
        """An owner ends a meeting."""
        if not self.owners:
            return None
        session = random.choice(list(self.owners))
        owner = self.owners.pop(session)
        return self._api("DELETE", f"/sessions/{session}", owner, None, {204})

    def callback(self) -> Call | None:
        """A client connects, or a connected one leaves."""
        if self.callbacks is None or self.callback_url is None or not self.owners:
            return None
        if self.connected and random.random() < 0.5:
            place = random.randrange(len(self.connected))
            body, headers = self.callbacks.destroyed(*self.connected.pop(place))
        else:
            joined = random.choice(list(self.owners)), str(uuid.uuid4())
            self.connected.append(joined)
            body, headers = self.callbacks.created(*joined)
        url = f"{self.callback_url.rstrip('/')}/session"
        return Call("POST", url, headers, body, frozenset({200}))

    def _api(
        self,
        method: str,
        path: str,
        user: User,
        body: object,
        expected: set[int],
        then: Callable[[Any], None] = lambda body: None,
    ) -> Call:
        headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        return Call(method, self.api + path, headers, content, frozenset(expected), then)


class Action(NamedTuple):
    """A kind of call with its weight in the mix."""

    function: str
    weight: int
    prepare: Callable[[World], Call | None]


ACTIONS = {
    "join": Action("create_session", 30, World.join),
    "callback": Action("receive_callback", 40, World.callback),
    "token": Action("issue_token", 12, World.token),
    "lookup": Action("get_session", 15, World.lookup),
    "close": Action("close_session", 3, World.close),
}
