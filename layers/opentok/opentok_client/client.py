"""The REST call that creates a session.

Transient errors are retried until the caller's deadline. A creation can be retried safely, because
an unused session costs nothing.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from .credentials import Credentials, OpenTokCredentials
from .errors import CredentialsRejected, RequestRejected, ServiceUnavailable
from .options import SessionOptions
from .session_id import POSSIBLE_ID
from .signing import CLOCK_SKEW_SECONDS, signed_jwt

__all__ = ["OpenTokClient"]

ATTEMPTS = 3
CONNECT_SECONDS = 2.0
READ_SECONDS = 4.0
BACKOFF_SECONDS = 0.2
PROJECT_JWT_SECONDS = 180  # the vendor recommends three minutes and allows five
RESPONSE_MAX_BYTES = 64 * 1024  # a real response has about 700
COOLDOWN_SECONDS = 3.0
"""The circuit breaker: after a failed call, no further call is made for this time."""

_CA_DIRECTORY = Path(__file__).parent.parent / "ca" / "vendor"
_JWT = re.compile(r"eyJ[\w.-]*", re.ASCII)


class _Response(NamedTuple):
    status: int
    body: bytes
    retry_after: float | None


class OpenTokClient:
    """Creates sessions over kept-alive connections. Safe to share between threads.

    `api_url` includes the scheme; empty means the public host of the credentials' platform.
    `connections` is the number of concurrent calls that can reuse connections.
    `on_retry` gets the reason before every retry, on the caller's thread.
    """

    def __init__(
        self,
        credentials: Credentials,
        api_url: str = "",
        connections: int = 1,
        on_retry: Callable[[str], object] = lambda reason: None,
    ) -> None:
        self._credentials = credentials
        self._on_retry = on_retry
        self._url = (api_url or credentials.api_url).rstrip("/") + "/session/create"
        self._closed_at = 0.0  # when the circuit breaker lets calls through again
        self._http = requests.Session()
        # Read the proxies once, and never ~/.netrc, which would replace the Authorization header.
        self._http.trust_env = False
        # Requests are independent: a sticky cookie could pin us to a failed host.
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._http.proxies.update(get_environ_proxies(self._url))
        if _CA_DIRECTORY.is_dir():
            # One large file of roots costs 20 ms per connection, a hashed directory nothing.
            self._http.verify = str(_CA_DIRECTORY)
        adapter = HTTPAdapter(pool_maxsize=connections, max_retries=0)
        self._http.mount("https://", adapter)
        self._http.mount("http://", adapter)

    def create_session(self, options: SessionOptions, deadline: float) -> str:
        """Creates a session and returns its id, before `deadline` (on `time.monotonic`'s clock).

        Raises `CredentialsRejected`, `RequestRejected`, or `ServiceUnavailable` when no usable
        response arrived in time or the circuit breaker is open.
        """
        cooldown = self._closed_at - time.monotonic()
        if cooldown > 0:
            raise ServiceUnavailable("not called: the circuit breaker is open", cooldown)
        if time.monotonic() >= deadline:  # not a failure of the vendor, so the breaker stays closed
            raise ServiceUnavailable("no time left for a call", COOLDOWN_SECONDS)
        try:
            return self._create(options, deadline)
        except ServiceUnavailable as down:
            self._closed_at = time.monotonic() + min(down.retry_after, 10 * COOLDOWN_SECONDS)
            raise

    def _create(self, options: SessionOptions, deadline: float) -> str:
        reason, wait = "no complete response in time", COOLDOWN_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            response = None
            try:
                response = _within(left, partial(self._post, options.form(), left))
                return _session_id(response)
            except TimeoutError:
                reason = "no complete response in time"
                break
            except requests.exceptions.SSLError:
                reason = "the TLS connection failed"
                break
            except requests.RequestException as error:
                # Only the type: the text of these errors quotes addresses and headers.
                reason = f"the connection failed ({type(error).__name__})"
            except _Retryable as error:
                reason = str(error)
            wait = BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 (jitter)
            if response is not None and response.retry_after is not None:
                wait = response.retry_after
            if attempt == ATTEMPTS or time.monotonic() + wait >= deadline:
                break
            self._on_retry(reason)
            time.sleep(wait)
        raise ServiceUnavailable(reason, max(wait, COOLDOWN_SECONDS))

    def _post(self, form: dict[str, str], seconds: float) -> _Response:
        headers = {"Accept": "application/json", **self._authentication()}
        timeout = (min(CONNECT_SECONDS, seconds), min(READ_SECONDS, seconds))
        with self._http.post(
            self._url, data=form, headers=headers, timeout=timeout,
            stream=True, allow_redirects=False,
        ) as response:  # fmt: skip
            body = b""
            for chunk in response.iter_content(8192):
                body += chunk
                if len(body) > RESPONSE_MAX_BYTES:
                    raise _Retryable(f"the response is longer than {RESPONSE_MAX_BYTES} bytes")
            retry_after = response.headers.get("Retry-After", "")
            seconds_given = float(retry_after) if re.fullmatch(r"\d{1,5}", retry_after) else None
            return _Response(response.status_code, body, seconds_given)

    def _authentication(self) -> dict[str, str]:
        issued = int(time.time()) - CLOCK_SKEW_SECONDS
        claims: dict[str, object] = {
            "iat": issued,
            "exp": issued + PROJECT_JWT_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        if isinstance(self._credentials, OpenTokCredentials):
            claims |= {"iss": self._credentials.api_key, "ist": "project"}
            return {"X-OPENTOK-AUTH": signed_jwt(self._credentials, claims)}
        claims["application_id"] = self._credentials.application_id
        return {"Authorization": f"Bearer {signed_jwt(self._credentials, claims)}"}


class _Retryable(Exception):
    """A transient failure: the response does not depend on the request."""


def _session_id(response: _Response) -> str:
    if response.status in (408, 429) or response.status >= 500:
        raise _Retryable(f"status {response.status}: {_reason(response.body)}")
    if response.status in (401, 403):
        raise CredentialsRejected(response.status, _reason(response.body))
    if response.status != 200:
        raise RequestRejected(response.status, _reason(response.body))
    match _json(response.body):
        case [{"session_id": str(session_id)}] if POSSIBLE_ID.fullmatch(session_id):
            return session_id
    raise _Retryable("status 200 without a session id")


def _reason(body: bytes) -> str:
    """Returns the vendor's text: `message` from the service, `detail` from its gateway."""
    match _json(body):
        case {"message": str(words)} | {"detail": str(words)} | {"title": str(words)}:
            words = _JWT.sub("(a token)", words)  # some responses quote the rejected header
            return "".join(c for c in words[:200] if c.isprintable())
    return "no reason given"


def _json(body: bytes) -> object:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value


def _within(seconds: float, call: Callable[[], _Response]) -> _Response:
    """Runs the call on a thread and stops waiting after `seconds` with `TimeoutError`.

    A socket's timeout applies to each read, so a peer that sends single bytes could block a caller
    forever. The abandoned thread ends with its connection.
    """
    result: Future[_Response] = Future()

    def run() -> None:
        try:
            result.set_result(call())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result.result(timeout=seconds)
