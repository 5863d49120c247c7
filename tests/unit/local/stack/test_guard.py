"""Which requests the launcher lets through to MiniStack."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from local.stack.launcher.guard import Guard

PORT = 4566
HOST = f"127.0.0.1:{PORT}"
RUN_KEY, WORKER_KEY = "AKIARUN", "ASIAWORKER"
SIGNED = f"AWS4-HMAC-SHA256 Credential={RUN_KEY}/20260101/us-east-1/s3/aws4_request, Signature=0"
API = "/_aws/execute-api/1a2b3c4d/$default/sessions"


def send(path: str, query: str = "", kind: str = "http", **headers: str) -> tuple[int, str]:
    """Sends a request through a guard; returns status and message, 200 if it was let through."""
    sent: list[MutableMapping[str, Any]] = []
    headers = {"host": HOST, **{name.replace("_", "-"): text for name, text in headers.items()}}
    scope = {
        "type": kind,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
    }

    async def ministack(*_: object) -> None:
        sent.append({"status": 200})

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("the guard reads no request")

    async def record(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    guard = Guard(ministack, port=PORT, knows={RUN_KEY, WORKER_KEY}.__contains__)
    asyncio.run(guard(scope, receive, record))
    message = json.loads(sent[1]["body"])["message"] if len(sent) > 1 else ""
    return sent[0].get("status", sent[0].get("code")), message


@pytest.mark.parametrize("key", [RUN_KEY, WORKER_KEY])
def test_a_request_with_a_key_of_this_run_passes(key: str) -> None:
    assert send("/", authorization=SIGNED.replace(RUN_KEY, key))[0] == 200
    assert send("/bucket", f"X-Amz-Credential={key}%2F20260101%2Fus-east-1")[0] == 200


@pytest.mark.parametrize(
    ("query", "authorization"),
    [
        ("", ""),
        ("", SIGNED.replace(RUN_KEY, "test")),
        ("", SIGNED.replace(RUN_KEY, "000000000000")),
        ("", f"Bearer {RUN_KEY}"),
        ("X-Amz-Credential=test%2F20260101", SIGNED),
        (f"X-Amz-Credential={RUN_KEY}%2F20260101", SIGNED.replace(RUN_KEY, "test")),
        ("AWSAccessKeyId=test", ""),
    ],
)
def test_a_request_without_a_key_of_this_run_is_refused(query: str, authorization: str) -> None:
    status, message = send("/", query, authorization=authorization)
    assert status == 403
    assert ".local/stack.json" in message


@pytest.mark.parametrize("path", [API, "/_ministack/health"])
def test_the_api_and_the_health_path_need_no_key(path: str) -> None:
    assert send(path)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4566", "127.0.0.1", "127.0.0.1:1"])
@pytest.mark.parametrize("path", ["/", API, "/_ministack/health"])
def test_a_foreign_host_is_refused_on_every_path(path: str, host: str) -> None:
    assert send(path, host=host, authorization=SIGNED)[0] == 403


def test_localhost_is_no_foreign_host() -> None:
    assert send("/", host=f"localhost:{PORT}", authorization=SIGNED)[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null"])
def test_a_page_of_another_origin_reaches_the_api_only(origin: str) -> None:
    assert send(API, origin=origin)[0] == 200
    assert send("/", origin=origin, authorization=SIGNED)[0] == 403
    assert send("/_ministack/health", origin=origin)[0] == 403


def test_web_sockets_are_closed() -> None:
    assert send(API, kind="websocket")[0] == 1008


def test_the_server_may_start() -> None:
    assert send("", kind="lifespan")[0] == 200
