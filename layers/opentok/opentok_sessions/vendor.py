"""Creates sessions with the vendor: the API client with the current credentials."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from opentok_client.credentials import Credentials
from opentok_client.errors import (
    CredentialsRejected,
    InvalidCredentials,
    RequestRejected,
    ServiceUnavailable,
)
from opentok_client.options import SessionOptions

from .credentials import CredentialCache
from .domain.deadline import VENDOR_SECONDS
from .domain.problems import CredentialsUnavailable, VendorRejected, VendorUnavailable
from .runtime import telemetry

if TYPE_CHECKING:
    from opentok_client.client import OpenTokClient

__all__ = ["NewSession", "Vendor"]


class NewSession(NamedTuple):
    """A new session, and the credentials that it was created with."""

    session_id: str
    credentials: Credentials


class Vendor:
    """Safe to share between threads; `connections` is the number of concurrent calls."""

    def __init__(self, credentials: CredentialCache, api_url: str, connections: int = 1) -> None:
        self._credentials = credentials
        self._api_url = api_url
        self._connections = connections
        self._client: tuple[Credentials, OpenTokClient] | None = None

    def create_session(
        self, options: SessionOptions, seconds: float = VENDOR_SECONDS
    ) -> NewSession:
        """Creates a session within `seconds`.

        When the vendor rejects the credentials, they are read again and the call is repeated once.
        Raises `VendorRejected`, `VendorUnavailable` or `CredentialsUnavailable`.
        """
        deadline = time.monotonic() + seconds
        try:
            credentials = self._credentials.current()
            try:
                return self._create(credentials, options, deadline)
            except CredentialsRejected as rejected:
                telemetry.logger.warning("vendor_rejected_credentials", extra=_reason(rejected))
                return self._create(self._credentials.reread(credentials), options, deadline)
        except RequestRejected as rejected:
            telemetry.logger.error("vendor_rejected", extra=_reason(rejected))
            raise VendorRejected("The video platform rejected the request.") from rejected
        except ServiceUnavailable as down:
            telemetry.logger.warning("vendor_unavailable", extra={"reason": down.reason})
            detail = "The video platform is unavailable."
            raise VendorUnavailable(detail, down.retry_after) from down
        except InvalidCredentials as invalid:
            telemetry.logger.error("credentials_unusable", extra={"reason": str(invalid)})
            detail = "The video platform's credentials cannot be used."
            raise CredentialsUnavailable(detail) from invalid

    def _create(
        self, credentials: Credentials, options: SessionOptions, deadline: float
    ) -> NewSession:
        started = time.monotonic()
        session_id = self._client_of(credentials).create_session(options, deadline)
        took = round((time.monotonic() - started) * 1000, 1)
        telemetry.logger.debug("vendor_created", extra={"duration_ms": took})
        return NewSession(session_id, credentials)

    def _client_of(self, credentials: Credentials) -> OpenTokClient:
        """Returns the client with these credentials; a new one after a rotation."""
        from opentok_client.client import (
            OpenTokClient,  # loads `requests`, which most invocations do not need
        )

        held = self._client  # read once: another thread may change it
        if held is None or held[0] != credentials:
            client = OpenTokClient(credentials, self._api_url, self._connections, _count_retry)
            self._client = held = credentials, client
        return held[1]


def _count_retry(reason: str) -> None:
    """Callers see only a delay, but the failed attempt may have created a session."""
    telemetry.logger.warning("vendor_retried", extra={"reason": reason})
    telemetry.count("VendorRetried")


def _reason(rejected: RequestRejected) -> dict[str, object]:
    return {"vendor_status": rejected.status, "reason": rejected.reason}
