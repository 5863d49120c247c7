"""A running stack, as its callers and its operator see it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt

from local.stack import cloud, lifecycle

__all__ = ["Answer", "Stack", "send"]

TIMEOUT_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers with names in lower case, and the body as JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack. `facts` is the content of its stack.json."""

    facts: Mapping[str, Any] = field(repr=False)
    state: Path
    heard: list[tuple[str, str, Answer]] = field(default_factory=list, repr=False)
    """Every answer of the API, with the method and path that it is for."""
    secrets: set[str] = field(default_factory=set, repr=False)
    """Every secret of the vendor's account, of now and of before."""
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def running(cls, facts: Mapping[str, Any], state: Path) -> "Stack":
        """The stack that `local.stack` has started with its state in this directory."""
        credentials = facts["credentials"]
        secrets = {credentials["opentok"]["apiSecret"], credentials["vonage"]["privateKey"]}
        return cls(facts, state, secrets=secrets)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        user: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the API as one of its users, with another token, or with none."""
        sent = dict(headers or {})
        if user is not None:
            token = self.facts["users"][user]["token"]
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        answer = send(method, self.facts["apiUrl"] + path, body, sent)
        self.heard.append((method, path, answer))
        return answer

    def vendor(self, method: str, path: str, body: object = None) -> Answer:
        """Call one of the emulator's own paths, such as `/_emulator/connect`."""
        return send(method, self.facts["opentokUrl"] + path, body, {})

    def client(self, service: str) -> Any:
        """A boto3 client, as the account's administrator."""
        if service not in self._clients:  # making one takes longer than a call
            self._clients[service] = cloud.Aws.of(self.facts).client(service)
        return self._clients[service]

    def keep_signed_in(self) -> None:
        """Sign the users in again in good time: their tokens live for an hour."""
        token = self.facts["users"]["alice"]["token"]
        if jwt.decode(token, options={"verify_signature": False})["exp"] < time.time() + 1800:
            self.facts["users"].update(lifecycle.renew_tokens(self.state)["users"])


def send(method: str, url: str, body: object, headers: Mapping[str, str]) -> Answer:
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, content, dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return _answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error.headers, error.read())


def _answer(status: int, headers: Any, content: bytes) -> Answer:
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = content.decode(errors="replace")
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)
