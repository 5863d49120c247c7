"""The REST client against real servers, correct ones and faulty ones."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from opentok_client import connections as connections_module
from opentok_client import transport
from opentok_client.clock import Clocks
from opentok_client.credentials import OpenTokCredentials, VonageCredentials
from opentok_client.errors import (
    Conflict,
    CredentialsRejected,
    InvalidCredentials,
    NotFound,
    OutcomeUnknown,
    RequestRejected,
    ServiceUnavailable,
    VendorError,
)
from opentok_client.moderation import list_connections
from opentok_client.options import ArchiveMode, SessionOptions
from opentok_client.sessions import create_session
from opentok_client.transport import Request, Transport
from tests.unit.opentok_client.loopback import (
    Reply,
    Server,
    created,
    endless,
    hang_up,
    raw,
    reset,
    respond,
    serve,
    silence,
    slowly,
    unlistening_port,
)
from trust_store import write_hashed

ID = "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-"
ID2 = ID.replace("1_", "2_")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LONG = 60.0
"""A budget in seconds that no test exceeds."""
SHORT = 1.0
NOISE = 20.0
"""The allowance for a busy machine. Without the budget, a test would take far longer."""


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disables proxies of the machine and shortens the pauses before retries."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(transport, "BACKOFF_SECONDS", 0.005)


def ask(asked: Transport, seconds: float = LONG, options: SessionOptions | None = None) -> str:
    return create_session(asked, options or SessionOptions(), time.monotonic() + seconds)


@contextmanager
def asking(credentials: OpenTokCredentials, *replies: Reply) -> Iterator[tuple[Transport, Server]]:
    with serve(*replies) as server:
        yield Transport(credentials, server.url), server


# --- what is sent ---------------------------------------------------------------------------------


def test_a_session_is_created(opentok: OpenTokCredentials) -> None:
    with asking(opentok, created(ID)) as (vendor, server):
        assert ask(vendor) == ID
    [request] = server.requests
    assert request.line == "POST /session/create HTTP/1.1"
    assert request.headers["accept"] == "application/json"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.form == {"p2p.preference": "disabled", "archiveMode": "manual"}


def test_options_are_sent_as_a_form(opentok: OpenTokCredentials) -> None:
    options = SessionOptions(
        archive_mode=ArchiveMode.ALWAYS,
        archive_name="lesson 1 & é",
        archive_resolution="1280x720",
        location="12.34.56.78",
    )
    with asking(opentok, created(ID)) as (vendor, server):
        ask(vendor, options=options)
    assert server.requests[0].form == options.form()


def test_an_opentok_project_signs_in_with_a_short_lived_jwt(opentok: OpenTokCredentials) -> None:
    with asking(opentok, created(ID)) as (vendor, server):
        before = int(time.time())
        ask(vendor)
        ask(vendor)
        after = int(time.time())
    first, second = (
        jwt.decode(request.headers["x-opentok-auth"], opentok.api_secret, ["HS256"])
        for request in server.requests
    )
    assert first.keys() == {"iss", "ist", "iat", "exp", "jti"}
    assert (first["iss"], first["ist"]) == ("47665971", "project")
    assert before - 10 <= first["iat"] <= after - 10  # never in the future for a slow clock there
    assert first["exp"] - first["iat"] == 180  # the vendor allows 300 at most
    assert first["jti"] != second["jti"]
    assert all("authorization" not in request.headers for request in server.requests)


def test_a_vonage_application_signs_in_with_a_bearer_jwt(
    vonage: VonageCredentials, rsa_key: rsa.RSAPrivateKey
) -> None:
    with serve(created(ID)) as server:
        assert ask(Transport(vonage, server.url)) == ID
    [request] = server.requests
    kind, _, token = request.headers["authorization"].partition(" ")
    assert kind == "Bearer"
    claims = jwt.decode(token, rsa_key.public_key(), ["RS256"])
    assert claims.keys() == {"application_id", "iat", "exp", "jti"}  # an acl is rejected with 401
    assert claims["application_id"] == vonage.application_id
    assert claims["exp"] - claims["iat"] == 180
    assert "x-opentok-auth" not in request.headers


def test_an_unusable_private_key_is_reported_without_a_call() -> None:
    with serve(created(ID)) as server:
        vendor = Transport(VonageCredentials("a", "do-not-show-this"), server.url)
        for _ in range(2):  # and the vendor does not count as down
            with pytest.raises(InvalidCredentials) as refused:
                ask(vendor)
            assert "do-not-show-this" not in "".join(traceback.format_exception(refused.value))
    assert server.requests == []


@pytest.mark.parametrize("ending", ["", "/"])
def test_the_base_url_may_end_with_a_slash(opentok: OpenTokCredentials, ending: str) -> None:
    with serve(created(ID)) as server:
        ask(Transport(opentok, server.url + ending))
    assert server.requests[0].line == "POST /session/create HTTP/1.1"


def test_the_default_base_url_is_that_of_the_platform(
    opentok: OpenTokCredentials, vonage: VonageCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(respond(502)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        for credentials in (opentok, vonage):
            with pytest.raises(ServiceUnavailable):
                ask(Transport(credentials))
    assert {request.line.split()[1] for request in proxy.requests} == {
        "api.opentok.com:443",
        "video.api.vonage.com:443",
    }


def test_a_proxy_of_the_environment_is_used(
    opentok: OpenTokCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(created(ID)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert ask(Transport(opentok, "http://vendor.invalid")) == ID
    assert proxy.requests[0].line == "POST http://vendor.invalid/session/create HTTP/1.1"


def test_netrc_does_not_replace_our_credentials(
    vonage: VonageCredentials,
    opentok: OpenTokCredentials,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with serve(created(ID)) as server:
        ask(Transport(vonage, server.url))
        ask(Transport(opentok, server.url))
    assert server.requests[0].headers["authorization"].startswith("Bearer ")
    assert "authorization" not in server.requests[1].headers


def test_calls_share_a_connection_and_nothing_else(opentok: OpenTokCredentials) -> None:
    with_cookie = respond(200, [{"session_id": ID}], headers={"Set-Cookie": "node=dead; Path=/"})
    with asking(opentok, with_cookie, created(ID2)) as (vendor, server):
        assert [ask(vendor), ask(vendor)] == [ID, ID2]
    assert server.connections == 1
    first, second = (request.headers.keys() for request in server.requests)
    assert first == second


def test_threads_share_the_transport_and_its_connections(opentok: OpenTokCredentials) -> None:
    with serve(created(ID)) as server:
        vendor = Transport(opentok, server.url, connections=4)
        for _ in range(3):
            with ThreadPoolExecutor(4) as threads:
                assert list(threads.map(lambda _: ask(vendor), range(8))) == [ID] * 8
    assert len(server.requests) == 24
    assert server.connections <= 4


# --- rejections -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"code": -1, "message": "Invalid signature", "description": "x"}, "Invalid signature"),
        ({"type": "t", "title": "Unauthorized", "detail": "Bad JWT"}, "Bad JWT"),
        ({"type": "t", "title": "Forbidden", "instance": "i"}, "Forbidden"),
        ({"message": None, "detail": "Bad JWT"}, "Bad JWT"),
        ("<html>Forbidden</html>", "no reason given"),
        ("", "no reason given"),
        ("[" * 30_000, "no reason given"),
        ([], "no reason given"),
    ],
)
def test_rejected_credentials_are_reported_with_the_vendors_reason(
    opentok: OpenTokCredentials, status: int, body: object, reason: str
) -> None:
    with asking(opentok, respond(status, body)) as (vendor, server):
        for _ in range(2):  # and the vendor does not count as down
            with pytest.raises(CredentialsRejected) as refused:
                ask(vendor)
            assert (refused.value.status, refused.value.reason) == (status, reason)
    assert len(server.requests) == 2  # each asked once


@pytest.mark.parametrize("status", [201, 204, 302, 307, 400, 404, 405, 409, 413, 499])
def test_a_rejected_request_is_reported_and_not_retried(
    opentok: OpenTokCredentials, status: int
) -> None:
    body = b"" if status == 204 else b'{"code": 400, "message": "No such option"}'
    with serve(created(ID)) as elsewhere:
        there = {"Location": f"{elsewhere.url}/session/create"}
        with asking(opentok, respond(status, body, headers=there)) as (vendor, server):
            for _ in range(2):
                with pytest.raises(RequestRejected) as refused:
                    ask(vendor)
                assert not isinstance(refused.value, CredentialsRejected)
                assert refused.value.status == status
                assert refused.value.reason in ("No such option", "no reason given")
    assert len(server.requests) == 2
    assert elsewhere.requests == []  # a redirect would take our JWT with it


def test_a_reason_is_short_and_printable(opentok: OpenTokCredentials) -> None:
    body = {"message": "line one\nline\x1b[31m two\x00" + "x" * 300}
    with (
        asking(opentok, respond(400, body)) as (vendor, _),
        pytest.raises(RequestRejected) as refused,
    ):
        ask(vendor)
    assert refused.value.reason.startswith("line oneline[31m twox")
    assert len(refused.value.reason) <= 200


def test_a_reason_that_quotes_our_jwt_does_not_get_through(opentok: OpenTokCredentials) -> None:
    def echo(server: Server, connection: socket.socket) -> bool:
        token = server.requests[-1].headers["x-opentok-auth"]
        words = {"message": f"X-OPENTOK-AUTH: {token} is not welcome"}
        return respond(403, words)(server, connection)

    with asking(opentok, echo) as (vendor, server), pytest.raises(CredentialsRejected) as refused:
        ask(vendor)
    for part in server.requests[0].headers["x-opentok-auth"].split("."):
        assert part not in refused.value.reason
    assert "is not welcome" in refused.value.reason


# --- retryable responses -------------------------------------------------------------------------

UNUSABLE: dict[str, Reply] = {
    "connection reset": reset,
    "connection ended": hang_up,
    "not HTTP": raw(b"220 smtp.example.com ready\r\n"),
    "a broken status line": raw(b"HTTP/1.1 OK\r\n\r\n"),
    "a thousand headers": raw(OK + b"X-Header: value\r\n" * 1000 + b"\r\n[]"),
    "an endless header": raw(OK + b"X-Header: " + b"v" * 100_000 + b"\r\n\r\n[]"),
    "headers cut off": raw(OK),
    "408": respond(408, {"message": "Request timed out."}),
    "429": respond(429, {"title": "Rate Limit Hit"}),
    "500": respond(500, {"message": "Internal"}),
    "502 in HTML": respond(502, "<html>Bad Gateway</html>", content_type="text/html"),
    "503 empty": respond(503),
    "504": respond(504),
    "599": respond(599),
    "a page": respond(200, "<html>Welcome</html>", content_type="text/html"),
    "XML": respond(200, f"<sessions><Session><session_id>{ID}</session_id></Session></sessions>"),
    "empty": respond(200),
    "white space": respond(200, "  \n"),
    "truncated by length": raw(OK + b"Content-Length: 500\r\n\r\n" + b'[{"session_id":"1_MX4'),
    "truncated JSON": respond(200, '[{"session_id":"1_MX4'),
    "a broken chunk": raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]"),
    "chunks cut off": raw(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[{}, \r\n"),
    "gzip that is none": raw(OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]"),
    "no UTF-8": respond(200, b'[{"session_id":"\xff\xfe"}]'),
    "deep nesting": respond(200, "[" * 60_000),
    "null": respond(200, "null"),
    "a number": respond(200, "1"),
    "a long number": respond(200, "1" * 60_000),
    "an object": respond(200, {"session_id": ID}),
    "an error under 200": respond(200, {"code": -1, "message": "Unknown error"}),
    "no session": respond(200, []),
    "two sessions": respond(200, [{"session_id": ID}, {"session_id": ID2}]),
    "a list of texts": respond(200, [ID]),
    "no id": respond(200, [{"project_id": "47665971"}]),
    "a null id": respond(200, [{"session_id": None}]),
    "a number for an id": respond(200, [{"session_id": 1}]),
    "an empty id": respond(200, [{"session_id": ""}]),
    "an id too long": respond(200, [{"session_id": "1_" + "A" * 254}]),
    "an id with a line end": respond(200, [{"session_id": "1_MX4\r\nSet-Cookie: a=b"}]),
    "an id that is a path": respond(200, [{"session_id": "../tokens"}]),
    "an id without a UTF-8 form": respond(200, '[{"session_id":"1_\\ud800"}]'),
    "slightly too much": respond(200, " " * 66_000 + f'[{{"session_id":"{ID}"}}]'),
}


@pytest.mark.parametrize("reply", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_retryable_response_is_requested_three_times(
    opentok: OpenTokCredentials, reply: Reply
) -> None:
    with asking(opentok, reply) as (vendor, server), pytest.raises(ServiceUnavailable) as down:
        ask(vendor)
    assert len(server.requests) == 3
    assert down.value.retry_after >= 3
    _shows_nothing_secret(down.value, opentok, server)


@pytest.mark.parametrize("reply", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_failure_of_two_attempts_is_not_noticed(
    opentok: OpenTokCredentials, reply: Reply
) -> None:
    with asking(opentok, reply, reply, created(ID)) as (vendor, server):
        assert ask(vendor) == ID
    assert len(server.requests) == 3


def _shows_nothing_secret(error: VendorError, ours: OpenTokCredentials, server: Server) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    assert ours.api_secret not in shown
    for request in server.requests:
        token = request.headers["x-opentok-auth"]
        assert not any(part in shown for part in token.split("."))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (respond(503, {"message": "Down for maintenance"}), "status 503: Down for maintenance"),
        (respond(500), "status 500: no reason given"),
        (respond(200, []), "status 200 without a session id"),
        (hang_up, "the connection failed (ConnectionError)"),
        (respond(200, b" " * 66_000), "the response is longer than 65536 bytes"),
    ],
)
def test_the_reason_of_a_failure_is_specific(
    opentok: OpenTokCredentials, reply: Reply, reason: str
) -> None:
    with asking(opentok, reply) as (vendor, _), pytest.raises(ServiceUnavailable) as down:
        ask(vendor)
    assert down.value.reason == str(down.value) == reason


@pytest.mark.parametrize(
    "content_type", ["application/json;charset=utf-8", "text/plain", "text/xml", ""]
)
def test_the_content_type_of_a_response_does_not_matter(
    opentok: OpenTokCredentials, content_type: str
) -> None:
    reply = respond(200, [{"session_id": ID}], content_type=content_type)
    with asking(opentok, reply) as (vendor, _):
        assert ask(vendor) == ID


def test_unknown_fields_of_a_response_are_ignored(opentok: OpenTokCredentials) -> None:
    with asking(opentok, created(ID, ice_servers=None, properties={"a": [1]})) as (vendor, _):
        assert ask(vendor) == ID


def test_a_compressed_response_is_read(opentok: OpenTokCredentials) -> None:
    with asking(opentok, respond(200, [{"session_id": ID}], zipped=True)) as (vendor, _):
        assert ask(vendor) == ID


@pytest.mark.parametrize(
    "head",
    [
        OK + b"Content-Length: 52428800\r\n\r\n",
        OK + b"\r\n",
        b"HTTP/1.1 503 Down\r\nContent-Length: 52428800\r\n\r\n",
    ],
    ids=["with its length", "without an end", "with an error"],
)
def test_fifty_megabytes_are_not_read(opentok: OpenTokCredentials, head: bytes) -> None:
    with (
        asking(opentok, endless(head, 50)) as (vendor, server),
        pytest.raises(ServiceUnavailable, match="longer than 65536 bytes"),
    ):
        ask(vendor)
    assert len(server.requests) == 3
    assert server.sent < 3 * 25 * 2**20  # what the buffers on the way hold is a few of them


def test_fifty_megabytes_in_fifty_kilobytes_are_not_unpacked(opentok: OpenTokCredentials) -> None:
    with (
        asking(opentok, respond(200, b" " * 50 * 2**20, zipped=True)) as (vendor, _),
        pytest.raises(ServiceUnavailable, match="longer than 65536 bytes"),
    ):
        ask(vendor)


# --- no server ------------------------------------------------------------------------------------


def test_a_refused_connection_is_unavailable(opentok: OpenTokCredentials) -> None:
    vendor = Transport(opentok, f"http://127.0.0.1:{unlistening_port()}")
    with pytest.raises(ServiceUnavailable, match=r"the connection failed \(ConnectionError\)"):
        ask(vendor)


@pytest.mark.parametrize("url", ["vendor.example.com", "ftp://vendor.example.com", "http://"])
def test_an_invalid_base_url_is_unavailable(opentok: OpenTokCredentials, url: str) -> None:
    with pytest.raises(ServiceUnavailable, match="the connection failed"):
        ask(Transport(opentok, url))


def test_the_vendor_is_not_called_when_no_time_is_left(opentok: OpenTokCredentials) -> None:
    with (
        asking(opentok, created(ID)) as (vendor, server),
        pytest.raises(ServiceUnavailable, match="no time left"),
    ):
        ask(vendor, seconds=0)
    assert server.requests == []


def test_a_call_without_time_does_not_count_as_a_failure_of_the_vendor(
    opentok: OpenTokCredentials,
) -> None:
    with (
        asking(opentok, created(ID)) as (vendor, _),
        pytest.raises(ServiceUnavailable),
    ):
        ask(vendor, seconds=0)
        assert ask(vendor) == ID


# --- the budget -----------------------------------------------------------------------------------

SLOW: dict[str, Reply] = {
    "no response": silence,
    "slow status line": slowly(OK),
    "slow headers": slowly(OK + b"X-Header: value\r\n" * 1000),
    "slow body": slowly(OK + b"Content-Length: 90000\r\n\r\n" + b" " * 1000),
    "slow chunks": slowly(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 1000),
    "slow interim responses": slowly(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "one byte and silence": lambda server, connection: (
        raw(b"H")(server, connection) or silence(server, connection)
    ),
}


@pytest.mark.parametrize("reply", SLOW.values(), ids=SLOW.keys())
def test_the_time_budget_holds_regardless_of_what_is_slow(
    opentok: OpenTokCredentials, reply: Reply
) -> None:
    with asking(opentok, reply) as (vendor, server):
        started = time.monotonic()
        with pytest.raises(ServiceUnavailable, match=r"in time|ReadTimeout") as down:
            ask(vendor, SHORT)
        assert time.monotonic() - started < SHORT + NOISE
        _shows_nothing_secret(down.value, opentok, server)
    assert len(server.requests) == 1  # a call that was too slow is not retried


def test_the_time_budget_holds_when_no_connection_can_be_opened(
    opentok: OpenTokCredentials,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, _crowd(full):
        vendor = Transport(opentok, f"http://127.0.0.1:{full.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(ServiceUnavailable):
            ask(vendor, SHORT)
        assert time.monotonic() - started < SHORT + NOISE


@contextmanager
def _crowd(full: socket.socket) -> Iterator[None]:
    """Opens connections that are never accepted, until the backlog is full."""
    waiting = [socket.socket() for _ in range(8)]
    try:
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield
    finally:
        for each in waiting:
            each.close()


def test_an_abandoned_thread_ends_with_its_connection(opentok: OpenTokCredentials) -> None:
    with asking(opentok, slowly(OK)) as (vendor, _):
        running = set(threading.enumerate())
        with pytest.raises(ServiceUnavailable):
            ask(vendor, 0.3)
        left = set(threading.enumerate()) - running
    deadline = time.monotonic() + LONG
    while any(thread.is_alive() for thread in left) and time.monotonic() < deadline:
        for thread in left:
            thread.join(0.1)
    assert not any(thread.is_alive() for thread in left)


def test_an_attempt_that_hangs_is_given_up_in_time_for_a_retry(
    opentok: OpenTokCredentials,
) -> None:
    with asking(opentok, silence, created(ID)) as (vendor, server):
        assert ask(vendor) == ID
    assert len(server.requests) == 2


def test_no_retry_starts_after_the_deadline(opentok: OpenTokCredentials) -> None:
    busy = respond(429, {"title": "Rate Limit Hit"}, headers={"Retry-After": "30"})
    started = time.monotonic()
    with (
        asking(opentok, busy, created(ID)) as (vendor, server),
        pytest.raises(ServiceUnavailable, match="status 429: Rate Limit Hit") as down,
    ):
        ask(vendor, 29)
    assert time.monotonic() - started < NOISE  # no unnecessary wait
    assert len(server.requests) == 1
    assert down.value.retry_after == 30


def test_there_is_no_pause_after_the_last_attempt(opentok: OpenTokCredentials) -> None:
    last = respond(503, headers={"Retry-After": "40"})
    started = time.monotonic()
    with (
        asking(opentok, respond(503), respond(503), last) as (vendor, server),
        pytest.raises(ServiceUnavailable) as down,
    ):
        ask(vendor)
    assert time.monotonic() - started < NOISE
    assert len(server.requests) == 3
    assert down.value.retry_after == 40


def test_a_retry_waits_for_the_vendors_retry_after(opentok: OpenTokCredentials) -> None:
    busy = respond(503, headers={"Retry-After": "1"})
    with asking(opentok, busy, created(ID)) as (vendor, server):
        assert ask(vendor) == ID
    first, second = server.requests
    assert second.at - first.at >= 1


@pytest.mark.parametrize(
    "value", ["soon", "", "-1", "1.5", "123456", "1e3", "١", "Wed, 21 Oct 2065 07:28:00 GMT"]
)
def test_a_retry_after_that_is_not_in_seconds_is_ignored(
    opentok: OpenTokCredentials, value: str
) -> None:
    busy = raw(
        f"HTTP/1.1 429 Busy\r\nContent-Length: 0\r\nRetry-After: {value}\r\n\r\n".encode(),
        keep=True,
    )
    with asking(opentok, busy, created(ID)) as (vendor, server):
        assert ask(vendor, 10) == ID
    assert len(server.requests) == 2


def test_pauses_between_retries_grow(
    opentok: OpenTokCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "BACKOFF_SECONDS", 0.1)
    with asking(opentok, respond(503), respond(503), created(ID)) as (vendor, server):
        ask(vendor)
    first, second, third = (request.at for request in server.requests)
    assert second - first >= 0.1  # half of twice the unit is the least that the jitter leaves
    assert third - second >= 0.2


def test_every_retry_is_reported(opentok: OpenTokCredentials) -> None:
    reported: list[str] = []
    with serve(respond(503), respond(500), created(ID), created(ID)) as server:
        vendor = Transport(opentok, server.url, on_retry=reported.append)
        ask(vendor)
        ask(vendor)
    assert reported == ["status 503: no reason given", "status 500: no reason given"]


def test_no_retry_is_reported_after_the_last_attempt(opentok: OpenTokCredentials) -> None:
    reported: list[str] = []
    with serve(respond(503), respond(503), respond(503)) as server:
        vendor = Transport(opentok, server.url, on_retry=reported.append)
        with pytest.raises(ServiceUnavailable):
            ask(vendor)
    assert len(reported) == 2


# --- the circuit breaker --------------------------------------------------------------------------

FAILED_REQUEST = [respond(503)] * 3
"""A request that fails with all its attempts."""


def test_the_circuit_breaker_opens_after_three_failed_requests_in_a_row(
    opentok: OpenTokCredentials,
) -> None:
    with asking(opentok, *FAILED_REQUEST * 3, created(ID)) as (vendor, server):
        for _ in range(3):
            with pytest.raises(ServiceUnavailable, match="status 503"):
                ask(vendor)
        for _ in range(3):
            with pytest.raises(ServiceUnavailable, match="circuit breaker is open") as rejected:
                ask(vendor)
            assert 0 < rejected.value.retry_after <= 3
    assert len(server.requests) == 9


def test_a_success_between_failed_requests_keeps_the_circuit_breaker_closed(
    opentok: OpenTokCredentials,
) -> None:
    replies = [*FAILED_REQUEST * 2, created(ID)] * 3
    with asking(opentok, *replies) as (vendor, server):
        for _ in range(3):
            for _ in range(2):
                with pytest.raises(ServiceUnavailable, match="status 503"):
                    ask(vendor)
            assert ask(vendor) == ID
    assert len(server.requests) == 21


def test_the_circuit_breaker_lets_one_request_through_after_the_cooldown(
    opentok: OpenTokCredentials,
) -> None:
    clock = Clock()
    with serve(*FAILED_REQUEST * 4, created(ID)) as server:
        vendor = Transport(opentok, server.url, clocks=Clocks(clock, clock))
        for _ in range(3):
            with pytest.raises(ServiceUnavailable, match="status 503"):
                ask(vendor)
        clock.now += 3
        with pytest.raises(ServiceUnavailable, match="status 503"):
            ask(vendor)
        with pytest.raises(ServiceUnavailable, match="circuit breaker is open"):
            ask(vendor)
        clock.now += 3
        assert [ask(vendor), ask(vendor)] == [ID, ID]
    assert len(server.requests) == 14


def test_rejected_requests_keep_the_circuit_breaker_closed(opentok: OpenTokCredentials) -> None:
    with asking(opentok, respond(400)) as (vendor, server):
        for _ in range(10):
            with pytest.raises(RequestRejected):
                ask(vendor)
    assert len(server.requests) == 10


def test_a_rejection_between_failed_requests_keeps_the_circuit_breaker_closed(
    opentok: OpenTokCredentials,
) -> None:
    with asking(opentok, *[*FAILED_REQUEST * 2, respond(400)] * 2) as (vendor, server):
        for _ in range(2):
            for _ in range(2):
                with pytest.raises(ServiceUnavailable, match="status 503"):
                    ask(vendor)
            with pytest.raises(RequestRejected):
                ask(vendor)
    assert len(server.requests) == 14


def test_a_probe_that_ends_with_a_bug_lets_the_next_request_through(
    opentok: OpenTokCredentials,
) -> None:
    def bug(_: bytes) -> None:
        raise ZeroDivisionError

    clock = Clock()
    with serve(*FAILED_REQUEST * 3, created(ID)) as server:
        vendor = Transport(opentok, server.url, clocks=Clocks(clock, clock))
        for _ in range(3):
            with pytest.raises(ServiceUnavailable, match="status 503"):
                ask(vendor)
        clock.now += 3
        with pytest.raises(ZeroDivisionError):
            vendor.call(Request("GET", "/", "sessions"), bug, time.monotonic() + LONG)
        assert ask(vendor) == ID


def test_the_cooldown_follows_retry_after_up_to_a_limit(
    opentok: OpenTokCredentials,
) -> None:
    for asked, longest in (("7", 7), ("60", 30)):
        with asking(opentok, respond(503, headers={"Retry-After": asked})) as (vendor, server):
            for _ in range(3):
                with pytest.raises(ServiceUnavailable) as down:
                    ask(vendor, 5)
                assert down.value.retry_after == float(asked)
            with pytest.raises(ServiceUnavailable, match="circuit breaker is open") as rejected:
                ask(vendor, 5)
            assert longest - NOISE < rejected.value.retry_after <= longest
        assert len(server.requests) == 3


def test_each_family_of_the_api_has_a_circuit_breaker_of_its_own(
    opentok: OpenTokCredentials,
) -> None:
    with asking(opentok, *FAILED_REQUEST * 3, created(ID)) as (vendor, _):
        for _ in range(3):
            with pytest.raises(ServiceUnavailable, match="status 503"):
                list_connections(vendor, ID, time.monotonic() + LONG)
        with pytest.raises(ServiceUnavailable, match="circuit breaker is open"):
            list_connections(vendor, ID, time.monotonic() + LONG)
        assert ask(vendor) == ID


# --- requests that must not be repeated -----------------------------------------------------------

START = Request("POST", "/v2/project/47665971/archive", "archives", json={}, repeatable=False)


CUT_OFF = raw(OK + b"Content-Length: 500\r\n\r\n{")


def start(vendor: Transport, seconds: float = LONG) -> bytes:
    return vendor.call(START, lambda body: body, time.monotonic() + seconds)


@pytest.mark.parametrize(
    "reply",
    [hang_up, reset, respond(500), respond(502), respond(503), respond(408), CUT_OFF],
    ids=["hang up", "reset", "500", "502", "503", "408", "body cut off"],
)
def test_a_start_whose_response_was_lost_is_not_repeated(
    opentok: OpenTokCredentials, reply: Reply
) -> None:
    with asking(opentok, reply, respond(200)) as (vendor, server), pytest.raises(OutcomeUnknown):
        start(vendor)
    assert len(server.requests) == 1


def test_a_start_without_a_timely_response_is_not_retried(opentok: OpenTokCredentials) -> None:
    with asking(opentok, silence, respond(200)) as (vendor, server), pytest.raises(OutcomeUnknown):
        start(vendor, SHORT)
    assert len(server.requests) == 1


def test_a_start_that_was_certainly_not_carried_out_is_repeated(
    opentok: OpenTokCredentials,
) -> None:
    busy = respond(429, headers={"Retry-After": "0"})
    with asking(opentok, busy, busy, respond(200, b"{}")) as (vendor, server):
        assert start(vendor) == b"{}"
    assert len(server.requests) == 3


def test_a_start_that_could_not_connect_is_repeated_and_its_outcome_is_known(
    opentok: OpenTokCredentials,
) -> None:
    retries: list[str] = []
    url = f"http://127.0.0.1:{unlistening_port()}"
    with pytest.raises(ServiceUnavailable) as down:
        start(Transport(opentok, url, on_retry=retries.append))
    assert not isinstance(down.value, OutcomeUnknown)
    assert len(retries) == 2


# --- rejections -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejected),
        (401, CredentialsRejected),
        (403, CredentialsRejected),
        (404, NotFound),
        (409, Conflict),
    ],
)
def test_a_rejection_has_a_type_and_the_vendors_code(
    opentok: OpenTokCredentials, status: int, kind: type[RequestRejected]
) -> None:
    body = {"code": 15008, "message": "Only routed sessions are allowed to initiate archives."}
    with (
        asking(opentok, respond(status, body)) as (vendor, _),
        pytest.raises(RequestRejected) as rejected,
    ):
        start(vendor)
    assert type(rejected.value) is kind
    assert (rejected.value.status, rejected.value.code) == (status, 15008)


# --- interim responses ----------------------------------------------------------------------------

FINAL = json.dumps([{"session_id": ID}]).encode()
FINAL_RESPONSE = OK + f"Content-Length: {len(FINAL)}\r\n\r\n".encode() + FINAL
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        HINTS,
        b"HTTP/1.1 199 Unknown\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + HINTS + b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    ids=["100", "102", "103", "199", "several"],
)
def test_the_final_response_counts_after_interim_ones(
    opentok: OpenTokCredentials, interim: bytes
) -> None:
    with asking(opentok, raw(interim + FINAL_RESPONSE, keep=True)) as (vendor, server):
        assert [ask(vendor), ask(vendor)] == [ID, ID]
    assert len(server.requests) == 2
    assert server.connections == 1


def test_the_final_response_may_be_a_rejection(opentok: OpenTokCredentials) -> None:
    with (
        asking(opentok, raw(HINTS + b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")) as (
            vendor,
            _,
        ),
        pytest.raises(RequestRejected) as rejected,
    ):
        ask(vendor)
    assert rejected.value.status == 400


@pytest.mark.parametrize(
    "reply",
    [HINTS, HINTS * 30 + FINAL_RESPONSE, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ids=["no final response", "too many", "another protocol"],
)
def test_a_response_without_a_final_one_is_retried(
    opentok: OpenTokCredentials, reply: bytes
) -> None:
    with asking(opentok, raw(reply), created(ID)) as (vendor, server):
        assert ask(vendor) == ID
    assert len(server.requests) == server.connections == 2


# --- idle connections -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passed", "connections"),
    [((59, 59), 1), ((0, 60), 2), ((60, 0), 2), ((0, -3600), 1), ((0, 86_400), 2)],
    ids=[
        "a minute less one",
        "frozen for a minute",
        "wall clock stands still",
        "set back",
        "a day",
    ],
)
def test_a_connection_that_was_idle_for_a_minute_on_either_clock_is_not_used_again(
    opentok: OpenTokCredentials,
    monkeypatch: pytest.MonkeyPatch,
    passed: tuple[float, float],
    connections: int,
) -> None:
    monotonic, wall = Clock(), Clock()
    monkeypatch.setattr(connections_module, "CLOCKS", Clocks(monotonic, wall))
    with asking(opentok, created(ID)) as (vendor, server):
        ask(vendor)
        monotonic.now += passed[0]
        wall.now += passed[1]
        ask(vendor)
    assert server.connections == connections


# --- TLS ------------------------------------------------------------------------------------------


def _certificate(
    name: str, issuer: tuple[x509.Certificate, rsa.RSAPrivateKey] | None = None
) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    """A certificate for 127.0.0.1 (when it has an issuer, or is named so) or of an authority."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if name != "authority":
        address = x509.IPAddress(IPv4Address(name))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    signer = issuer[1] if issuer else key
    return builder.sign(signer, hashes.SHA256()), key


def _tls(certificate: tuple[x509.Certificate, rsa.RSAPrivateKey], folder: Path) -> ssl.SSLContext:
    path = folder / "server.pem"
    key = certificate[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate[0].public_bytes(Encoding.PEM) + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.fixture(scope="module")
def authority() -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    return _certificate("authority")


@pytest.fixture
def trusted(
    authority: tuple[x509.Certificate, rsa.RSAPrivateKey],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The layer has this authority among its roots."""
    roots = tmp_path / "vendor"
    roots.mkdir()
    write_hashed([authority[0].public_bytes(Encoding.PEM).decode()], roots)
    monkeypatch.setattr(transport, "_CA_DIRECTORY", roots)


def _refused_tls(credentials: OpenTokCredentials, url: str) -> None:
    with pytest.raises(ServiceUnavailable, match="the TLS connection failed"):
        ask(Transport(credentials, url))


def test_a_self_signed_certificate_is_rejected_without_retries(
    opentok: OpenTokCredentials, tmp_path: Path
) -> None:
    with serve(created(ID), tls=_tls(_certificate("127.0.0.1"), tmp_path)) as server:
        _refused_tls(opentok, server.url)
    assert server.connections == 1
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_the_root_certificates_of_the_layer_are_used(
    opentok: OpenTokCredentials,
    authority: tuple[x509.Certificate, rsa.RSAPrivateKey],
    tmp_path: Path,
) -> None:
    certificate = _certificate("127.0.0.1", authority)
    with serve(created(ID), tls=_tls(certificate, tmp_path)) as server:
        assert ask(Transport(opentok, server.url)) == ID


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_host_is_rejected(
    opentok: OpenTokCredentials,
    authority: tuple[x509.Certificate, rsa.RSAPrivateKey],
    tmp_path: Path,
) -> None:
    certificate = _certificate("127.0.0.2", authority)
    with serve(created(ID), tls=_tls(certificate, tmp_path)) as server:
        _refused_tls(opentok, server.url)
    assert server.requests == []


def test_a_start_that_fails_at_the_certificate_has_a_known_outcome(
    opentok: OpenTokCredentials, tmp_path: Path
) -> None:
    with (
        serve(created(ID), tls=_tls(_certificate("127.0.0.1"), tmp_path)) as server,
        pytest.raises(ServiceUnavailable, match="the TLS connection failed") as down,
    ):
        start(Transport(opentok, server.url))
    assert not isinstance(down.value, OutcomeUnknown)


@pytest.mark.usefixtures("trusted")
def test_a_start_whose_tls_connection_breaks_has_an_unknown_outcome(
    opentok: OpenTokCredentials,
    authority: tuple[x509.Certificate, rsa.RSAPrivateKey],
    tmp_path: Path,
) -> None:
    certificate = _certificate("127.0.0.1", authority)
    with (
        serve(hang_up, tls=_tls(certificate, tmp_path)) as server,
        pytest.raises(OutcomeUnknown),
    ):
        start(Transport(opentok, server.url))
    assert len(server.requests) == 1


def test_the_repr_of_a_request_does_not_show_its_body() -> None:
    request = Request("POST", "/v2/project/1/dial", "sip-calls", json={"token": "secret-token"})
    assert repr(request) == "Request(POST /v2/project/1/dial)"
