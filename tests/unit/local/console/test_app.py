"""The console's own paths when parts of the stack are not running, and for foreign hosts."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator

import jwt
import pytest
from aiohttp import ClientSession, web

from local.console.app import application
from local.console.stack_file import StackFile, UserEntry
from local.stack.cloud import Aws
from local.stack.programs import free_port

CREDENTIALS_IN_USE = ("the-password", "the-token")
Call = Callable[..., tuple[int, str]]


def gone() -> StackFile:
    """A stack whose parts are all stopped."""
    unused = f"http://127.0.0.1:{free_port()}"
    expires_at = int(time.time()) + 3600
    token = jwt.encode({"exp": expires_at}, "a key that is not checked, long enough", "HS256")
    return StackFile(
        api_url=unused,
        vendor_url=unused,
        aws=Aws(unused, "key", "secret"),
        platform="opentok",
        project_id="12345",
        table="sessions",
        user_pool="pool",
        user_pool_client="client",
        functions={"precreate_sessions": "function"},
        users={"alice": UserEntry("sub-1", token, "the-password")},
    )


@pytest.fixture(scope="module")
def call() -> Iterator[Call]:
    """Calls a console that runs while it is called."""

    async def started() -> web.AppRunner:
        server = web.AppRunner(await application(gone()), access_log=None)
        await server.setup()
        await web.TCPSite(server, "127.0.0.1", 0).start()
        return server

    async def called(method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        address = f"http://127.0.0.1:{server.addresses[0][1]}{path}"
        async with (
            ClientSession() as session,
            session.request(method, address, headers=headers) as response,
        ):
            return response.status, await response.text()

    with asyncio.Runner() as loop:
        server = loop.run(started())
        yield lambda method, path, **headers: loop.run(called(method, path, headers))
        loop.run(server.cleanup())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/sessions"),
        ("POST", "/console/connect"),
        ("GET", "/console/pools"),
        ("GET", "/session"),
    ],
)
def test_a_part_that_does_not_respond_is_named(call: Call, method: str, path: str) -> None:
    status, body = call(method, path)

    assert status == 502
    assert "127.0.0.1" in json.loads(body)["message"]
    assert not any(secret in body for secret in CREDENTIALS_IN_USE)


def test_the_page_is_served_without_any_other_part(call: Call) -> None:
    status, body = call("GET", "/")

    assert status == 200
    assert "<main" in body
    assert call("GET", "/page/main.js")[0] == 200
    assert call("GET", "/page/../app.py")[0] == 404
    assert call("GET", "/console/nothing")[0] == 404


@pytest.mark.parametrize("path", ["/", "/console/stack", "/session", "/api/sessions"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1"])
def test_a_foreign_host_is_refused(call: Call, path: str, host: str) -> None:
    status, body = call("GET", path, Host=host)

    assert status == 403
    assert "Host" in json.loads(body)["message"]


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/pools/refill", "/api/sessions"])
@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null"])
def test_a_page_of_another_origin_calls_the_sample_paths_only(
    call: Call, path: str, origin: str
) -> None:
    assert call("POST", path, Origin=origin)[0] == 403
    assert call("GET", "/session", Origin=origin)[0] == 502
