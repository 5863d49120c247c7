"""Calls of the vendor's REST API: deadline, retries, circuit breaker, errors.

One method, `Transport.call`, serves every request. What is specific to a request is in the modules
that use it: `sessions`, `moderation`, …
"""

from __future__ import annotations

import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from queue import Empty, SimpleQueue
from ssl import SSLCertVerificationError
from typing import NamedTuple, TypeVar

import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import NewConnectionError, SSLError

from .circuit_breaker import COOLDOWN_SECONDS, CircuitBreaker
from .clock import Clocks
from .connections import VendorAdapter
from .credentials import Credentials, OpenTokCredentials
from .errors import OutcomeUnknown, RequestRejected, ServiceUnavailable
from .responses import Response, Retryable, check
from .signing import CLOCK_SKEW_SECONDS, signed_jwt

__all__ = ["Transport"]

ATTEMPTS = 3
CONNECT_SECONDS = 2.0
READ_SECONDS = 4.0
BACKOFF_SECONDS = 0.2
PROJECT_JWT_SECONDS = 180  # the vendor recommends three minutes and allows five
RESPONSE_MAX_BYTES = 64 * 1024  # the response to a create has about 700
TOO_LATE = "no complete response in time"

_CA_DIRECTORY = Path(__file__).parent.parent / "ca" / "vendor"

T = TypeVar("T")


class Request(NamedTuple):
    """One call of the vendor's API.

    `success` are the statuses that mean success. `family` names the part of the API, which has a
    circuit breaker of its own. `repeatable`: carrying it out twice does no harm. A request that is
    not repeatable is only sent again if the vendor certainly has not carried it out.
    """

    method: str
    path: str
    family: str
    form: Mapping[str, str] | None = None
    json: object = None
    query: Mapping[str, str] | None = None
    success: tuple[int, ...] = (200,)
    repeatable: bool = True
    max_bytes: int = RESPONSE_MAX_BYTES

    def __repr__(self) -> str:  # the body may hold a token or other credentials
        return f"Request({self.method} {self.path})"


class Transport:
    """Calls the vendor over kept-alive connections. Safe to share between threads.

    `api_url` includes the scheme; empty means the public host of the credentials' platform.
    `connections` is the number of concurrent calls that keep their connections. `on_retry` is
    called with the reason, on the caller's thread, before a request is repeated.
    """

    def __init__(
        self,
        credentials: Credentials,
        api_url: str = "",
        connections: int = 1,
        on_retry: Callable[[str], object] = lambda reason: None,
        clocks: Clocks = Clocks(),  # noqa: B008 (immutable)
    ) -> None:
        self.project_id = credentials.project_id
        self.credentials = credentials
        self._on_retry = on_retry
        self._clocks = clocks
        self._breakers: dict[str, CircuitBreaker] = {}
        self._url = (api_url or credentials.api_url).rstrip("/")
        self._http = requests.Session()
        # Read the proxies once, and never ~/.netrc, which would replace the Authorization header.
        self._http.trust_env = False
        # Requests are independent: a sticky cookie could pin us to a failed host.
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._http.proxies.update(get_environ_proxies(self._url + "/"))
        if _CA_DIRECTORY.is_dir():
            # One large file of roots costs 20 ms per connection, a hashed directory nothing.
            self._http.verify = str(_CA_DIRECTORY)
        adapter = VendorAdapter(connections)
        self._http.mount("https://", adapter)
        self._http.mount("http://", adapter)

    def call(self, request: Request, read: Callable[[bytes], T], deadline: float) -> T:
        """Sends the request and returns what `read` makes of the response's body.

        `read` raises `Retryable` for a body that is not what the vendor documents; the request is
        then repeated. `deadline` is on `time.monotonic`'s clock.
        Raises `RequestRejected` or one of its subclasses, and `ServiceUnavailable` when no usable
        response came in time or the circuit breaker is open.
        """
        breaker = self._breakers.setdefault(request.family, CircuitBreaker(self._clocks))
        if time.monotonic() >= deadline:  # says nothing about the vendor
            raise ServiceUnavailable("no time left for a call", COOLDOWN_SECONDS)
        if (wait := breaker.admit()) > 0:
            raise ServiceUnavailable("not called: the circuit breaker is open", wait)
        try:
            result = self._attempts(request, read, deadline)
        except ServiceUnavailable as down:
            breaker.failed(down.retry_after)
            raise
        except RequestRejected:
            breaker.succeeded()  # it responds
            raise
        except BaseException:
            breaker.cancelled()
            raise
        breaker.succeeded()
        return result

    def _attempts(self, request: Request, read: Callable[[bytes], T], deadline: float) -> T:
        reason, wait, outcome_unknown = TOO_LATE, COOLDOWN_SECONDS, False
        for attempt in range(1, ATTEMPTS + 1):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            retry_after = None
            try:
                response = _within(left, partial(self._send, request, left))
                return read(check(response, request.success, request.json).body)
            except TimeoutError:
                reason, outcome_unknown = TOO_LATE, True
                break
            except requests.exceptions.SSLError as error:
                reason, outcome_unknown = "the TLS connection failed", not _never_sent(error)
                break
            except requests.RequestException as error:
                # Only the type: the text of these errors quotes addresses and headers.
                reason = f"the connection failed ({type(error).__name__})"
                outcome_unknown = not _never_sent(error)
            except Retryable as error:
                reason, retry_after = str(error), error.retry_after
                outcome_unknown = not error.not_carried_out
            if outcome_unknown and not request.repeatable:
                break
            wait = BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 (jitter)
            if retry_after is not None:
                wait = retry_after
            if attempt == ATTEMPTS or time.monotonic() + wait >= deadline:
                break
            self._on_retry(reason)
            time.sleep(wait)
        if outcome_unknown and not request.repeatable:
            raise OutcomeUnknown(reason, max(wait, COOLDOWN_SECONDS))
        raise ServiceUnavailable(reason, max(wait, COOLDOWN_SECONDS))

    def _send(self, request: Request, seconds: float) -> Response:
        headers = {"Accept": "application/json", **self._authentication()}
        timeout = (min(CONNECT_SECONDS, seconds), min(READ_SECONDS, seconds))
        with self._http.request(
            request.method, self._url + request.path, params=request.query, data=request.form,
            json=request.json, headers=headers, timeout=timeout, stream=True,
            allow_redirects=False,
        ) as response:  # fmt: skip
            body = b""
            for chunk in response.iter_content(8192):
                body += chunk
                if len(body) > request.max_bytes:
                    raise Retryable(f"the response is longer than {request.max_bytes} bytes")
            retry_after = response.headers.get("Retry-After", "")
            seconds_given = float(retry_after) if re.fullmatch(r"\d{1,5}", retry_after) else None
            return Response(response.status_code, body, seconds_given)

    def _authentication(self) -> dict[str, str]:
        issued = int(time.time()) - CLOCK_SKEW_SECONDS
        claims: dict[str, object] = {
            "iat": issued,
            "exp": issued + PROJECT_JWT_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        if isinstance(self.credentials, OpenTokCredentials):
            claims |= {"iss": self.credentials.api_key, "ist": "project"}
            return {"X-OPENTOK-AUTH": signed_jwt(self.credentials, claims)}
        claims["application_id"] = self.credentials.application_id
        return {"Authorization": f"Bearer {signed_jwt(self.credentials, claims)}"}


def _never_sent(error: requests.RequestException) -> bool:
    """Returns whether the request certainly did not reach the vendor."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    is_bad_certificate = isinstance(cause, SSLError) and isinstance(
        cause.args[0], SSLCertVerificationError
    )
    return isinstance(cause, NewConnectionError) or is_bad_certificate


def _within(seconds: float, call: Callable[[], Response]) -> Response:
    """Runs the call on a thread and stops waiting after `seconds` with `TimeoutError`.

    A socket's timeout applies to each read, so a peer that sends single bytes could block a caller
    forever. The abandoned thread ends with its connection.
    """
    results: SimpleQueue[Response | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            results.put(call())
        except BaseException as error:
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if isinstance(result, BaseException):
        raise result
    return result
