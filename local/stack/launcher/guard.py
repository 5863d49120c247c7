"""Which requests may reach MiniStack.

MiniStack can create functions, which run code as the developer. Without this guard any page that a
browser on this machine shows, and any other local user, could do that. Requests to the deployed API
are let through, since they are meant for apps and have their own authorization.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

__all__ = ["API_PATH", "HEALTH_PATH", "Guard"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The deployed APIs are below this path.
API_PATH = "/_aws/execute-api/"
HEALTH_PATH = "/_ministack/health"

_KEY_ID = re.compile(r"Credential=([^/,\s]+)")
_KEY_FIELDS = ("X-Amz-Credential", "AWSAccessKeyId")


class Guard:
    """An ASGI application that responds 403 to requests which must not reach the one behind it.

    `knows` returns whether an access key id was created for this run.
    """

    def __init__(self, app: App, *, port: int, knows: Callable[[str], bool]) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._knows = knows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # none of the template's APIs has one
            await send({"type": "websocket.close", "code": 1008})
            return
        reason = self._refusal(scope) if scope["type"] == "http" else None
        if reason is None:
            await self._app(scope, receive, send)
        else:
            await _forbid(send, reason)

    def _refusal(self, scope: Scope) -> str | None:
        """Returns why a request is refused; None if it may pass."""
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return "Unknown Host header. Use 127.0.0.1 or localhost with the port of this server."
        path: str = scope["path"]
        if path.startswith(API_PATH):
            return None
        if any(origin not in self._origins for origin in _values(scope, b"origin")):
            return "Web pages of other origins may call the deployed API only."
        if path == HEALTH_PATH:
            return None
        # Header and query may both name a key. MiniStack chooses one, so each must be known.
        keys = list(_key_ids(scope))
        if not keys or not all(self._knows(key) for key in keys):
            return "Unknown access key. Use the credentials in .local/stack.json."
        return None


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _key_ids(scope: Scope) -> Iterable[str]:
    for header in _values(scope, b"authorization"):
        yield from _KEY_ID.findall(header)
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    for field in _KEY_FIELDS:
        for value in query.get(field, []):
            yield value.partition("/")[0]


async def _forbid(send: Send, reason: str) -> None:
    body = json.dumps({"message": reason}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
