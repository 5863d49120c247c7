"""The REST call that creates a session.

A creation may be repeated: a session that nobody knows of costs nothing. So whatever might pass
is tried again, as long as the caller's deadline allows.
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
ANSWER_MAX_BYTES = 64 * 1024  # a real answer has about 700
REST_SECONDS = 3.0
"""After a call that found the vendor down, how long the client answers at once without asking."""

_CA_DIRECTORY = Path(__file__).parent.parent / "ca" / "vendor"
_JWT = re.compile(r"eyJ[\w.-]*", re.ASCII)


class _Answer(NamedTuple):
    status: int
    body: bytes
    retry_after: float | None


class OpenTokClient:
    """Creates sessions over kept-alive connections. Safe to share between threads.

    `api_url` includes the scheme; empty means the public host of the credentials' platform.
    `connections` is how many calls may run at once without opening connections again and again.
    `on_retry` is told why, on the caller's thread, whenever a call is about to be repeated.
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
        self._ask_again_at = 0.0
        self._http = requests.Session()
        # Read the proxies once, and never ~/.netrc, which would replace our Authorization header.
        self._http.trust_env = False
        # No call carries anything of another: a cookie could bind us to a host that is down.
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._http.proxies.update(get_environ_proxies(self._url))
        if _CA_DIRECTORY.is_dir():
            # Loading one big file of roots costs 20 ms per connection; a hashed directory nothing.
            self._http.verify = str(_CA_DIRECTORY)
        adapter = HTTPAdapter(pool_maxsize=connections, max_retries=0)
        self._http.mount("https://", adapter)
        self._http.mount("http://", adapter)

    def create_session(self, options: SessionOptions, deadline: float) -> str:
        """Creates a session and returns its id, before `deadline` (on `time.monotonic`'s clock).

        Raises `CredentialsRejected`, `RequestRejected`, or `ServiceUnavailable` when no usable
        answer came in time or the vendor was found down less than `REST_SECONDS` ago.
        """
        rest = self._ask_again_at - time.monotonic()
        if rest > 0:
            raise ServiceUnavailable("not asked, as it was down a moment ago", rest)
        if time.monotonic() >= deadline:  # which is not the vendor's fault: the next may ask it
            raise ServiceUnavailable("no time was left to ask", REST_SECONDS)
        try:
            return self._create(options, deadline)
        except ServiceUnavailable as down:
            self._ask_again_at = time.monotonic() + min(down.retry_after, 10 * REST_SECONDS)
            raise

    def _create(self, options: SessionOptions, deadline: float) -> str:
        reason, wait = "no complete answer in time", REST_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            answer = None
            try:
                answer = _within(left, partial(self._post, options.form(), left))
                return _session_id(answer)
            except TimeoutError:
                reason = "no complete answer in time"
                break
            except requests.exceptions.SSLError:
                reason = "the TLS connection failed"
                break
            except requests.RequestException as error:
                # The type alone: the text of these errors quotes addresses and headers.
                reason = f"the connection failed ({type(error).__name__})"
            except _Unusable as error:
                reason = str(error)
            wait = BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 (jitter)
            if answer is not None and answer.retry_after is not None:
                wait = answer.retry_after
            if attempt == ATTEMPTS or time.monotonic() + wait >= deadline:
                break
            self._on_retry(reason)
            time.sleep(wait)
        raise ServiceUnavailable(reason, max(wait, REST_SECONDS))

    def _post(self, form: dict[str, str], seconds: float) -> _Answer:
        headers = {"Accept": "application/json", **self._authentication()}
        timeout = (min(CONNECT_SECONDS, seconds), min(READ_SECONDS, seconds))
        with self._http.post(
            self._url, data=form, headers=headers, timeout=timeout,
            stream=True, allow_redirects=False,
        ) as response:  # fmt: skip
            body = b""
            for chunk in response.iter_content(8192):
                body += chunk
                if len(body) > ANSWER_MAX_BYTES:
                    raise _Unusable(f"the answer is longer than {ANSWER_MAX_BYTES} bytes")
            retry_after = response.headers.get("Retry-After", "")
            seconds_given = float(retry_after) if re.fullmatch(r"\d{1,5}", retry_after) else None
            return _Answer(response.status_code, body, seconds_given)

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


class _Unusable(Exception):
    """An answer that says nothing about our request: worth asking again."""


def _session_id(answer: _Answer) -> str:
    if answer.status in (408, 429) or answer.status >= 500:
        raise _Unusable(f"status {answer.status}: {_reason(answer.body)}")
    if answer.status in (401, 403):
        raise CredentialsRejected(answer.status, _reason(answer.body))
    if answer.status != 200:
        raise RequestRejected(answer.status, _reason(answer.body))
    match _json(answer.body):
        case [{"session_id": str(session_id)}] if POSSIBLE_ID.fullmatch(session_id):
            return session_id
    raise _Unusable("status 200 without a session id")


def _reason(body: bytes) -> str:
    """The vendor's own words: the service says `message`, the gateway before it `detail`."""
    match _json(body):
        case {"message": str(words)} | {"detail": str(words)} | {"title": str(words)}:
            words = _JWT.sub("(a token)", words)  # some quote the header that they refuse
            return "".join(c for c in words[:200] if c.isprintable())
    return "no reason given"


def _json(body: bytes) -> object:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value


def _within(seconds: float, call: Callable[[], _Answer]) -> _Answer:
    """Runs the call on a thread and stops waiting after `seconds` with `TimeoutError`.

    A socket's timeout is for each read alone, so a peer that sends a byte now and then could keep
    a caller for ever. The thread left behind ends with its connection.
    """
    result: Future[_Answer] = Future()

    def run() -> None:
        try:
            result.set_result(call())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result.result(timeout=seconds)
