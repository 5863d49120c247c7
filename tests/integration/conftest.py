"""The deployed local stack, and callers of its API.

The suite brings up a stack of its own, beside any other, with the schedule switched off. With
`OPENTOK_SESSIONS_STACK=.local` it uses the one that `make up` started there, which is quicker while
writing tests.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.stack import cloud, lifecycle
from local.stack.progress import Progress


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
        return send(method, self.facts["apiUrl"] + path, body, sent)

    def vendor(self, method: str, path: str, body: object = None) -> Answer:
        """Call one of the stand-in's own paths, such as `/_emulator/connect`."""
        return send(method, self.facts["opentokUrl"] + path, body, {})

    def client(self, service: str) -> Any:
        """A boto3 client, as the account's administrator."""
        return cloud.client(service, self.facts["awsEndpointUrl"])


def send(method: str, url: str, body: object, headers: Mapping[str, str]) -> Answer:
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, content, dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
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


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    cloud.isolate()
    running = os.environ.get("OPENTOK_SESSIONS_STACK")
    if running:
        state = Path(running).absolute()
        yield Stack(lifecycle.renew_tokens(state), state)
        return
    settings = lifecycle.Settings(
        platform=os.environ.get("PLATFORM") or "opentok",
        schedule=False,
        # The suite calls more often than a phone: it is not to meet the limits by chance.
        parameters={"ThrottleRate": "10000", "ThrottleBurst": "5000"},
    )
    with lifecycle.own_stack("tests", settings, Progress()) as facts:
        yield Stack(facts, lifecycle.own_state("tests"))


@pytest.fixture
def call(stack: Stack) -> Callable[..., Answer]:
    """Short for `stack.call`."""
    return stack.call
