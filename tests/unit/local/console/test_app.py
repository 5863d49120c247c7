"""When a part of the stack is gone, the page is told in words, and so is a sample app."""

import asyncio
import json
import time

import jwt
import pytest
from aiohttp import ClientSession, web

from local.console.app import application
from local.console.stack_file import StackFile, UserEntry
from local.stack.programs import free_port

CREDENTIALS_IN_USE = ("the-password", "the-token")


def gone() -> StackFile:
    """A stack of which nothing runs any more."""
    nobody = f"http://127.0.0.1:{free_port()}"
    expires_at = int(time.time()) + 3600
    token = jwt.encode({"exp": expires_at}, "a key that nobody checks, long enough", "HS256")
    return StackFile(
        api_url=nobody,
        vendor_url=nobody,
        aws_url=nobody,
        platform="opentok",
        project_id="12345",
        table="sessions",
        user_pool="pool",
        user_pool_client="client",
        functions={"precreate_sessions": "function"},
        users={"alice": UserEntry("sub-1", token, "the-password")},
    )


def ask(method: str, path: str) -> tuple[int, str]:
    async def served() -> tuple[int, str]:
        runner = web.AppRunner(await application(gone()), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            address = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
            async with ClientSession() as session, session.request(method, address) as answer:
                return answer.status, await answer.text()
        finally:
            await runner.cleanup()

    return asyncio.run(served())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/sessions"),
        ("POST", "/console/connect"),
        ("GET", "/console/pools"),
        ("GET", "/session"),
    ],
)
def test_a_part_that_does_not_answer_is_named(method: str, path: str) -> None:
    status, body = ask(method, path)

    assert status == 502
    assert "127.0.0.1" in json.loads(body)["message"]
    assert not any(secret in body for secret in CREDENTIALS_IN_USE)


def test_the_page_itself_needs_nobody() -> None:
    status, body = ask("GET", "/")

    assert status == 200
    assert "<main" in body
    assert ask("GET", "/page/main.js")[0] == 200
    assert ask("GET", "/page/../app.py")[0] == 404
    assert ask("GET", "/console/nothing")[0] == 404
