"""Creating sessions at the vendor: the API client under the credentials of the moment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from opentok_client.credentials import Credentials
from opentok_client.errors import (
    CredentialsRefused,
    InvalidCredentials,
    OpenTokRejected,
    OpenTokUnavailable,
)
from opentok_client.options import SessionOptions

from . import telemetry
from .credentials import CredentialCache
from .errors import CredentialsUnavailable, VendorRejected, VendorUnavailable

if TYPE_CHECKING:
    from opentok_client.client import OpenTokClient

__all__ = ["BUDGET_SECONDS", "NewSession", "Vendor"]

BUDGET_SECONDS = 8.0
"""What all calls for one request may take together."""


class NewSession(NamedTuple):
    """A session that was made just now, and the project that it belongs to."""

    session_id: str
    project_id: str


class Vendor:
    """Safe to share between threads; `connections` is how many calls may run at once."""

    def __init__(self, credentials: CredentialCache, api_url: str, connections: int = 1) -> None:
        self._credentials = credentials
        self._api_url = api_url
        self._connections = connections
        self._client: tuple[Credentials, OpenTokClient] | None = None

    def create_session(self, options: SessionOptions, budget: float = BUDGET_SECONDS) -> NewSession:
        """Creates a session within `budget` seconds.

        When the vendor refuses the credentials they are read again and the call is repeated, once.
        Raises `VendorRejected`, `VendorUnavailable` or `CredentialsUnavailable`.
        """
        deadline = time.monotonic() + budget
        try:
            credentials = self._credentials.current()
            try:
                return self._create(credentials, options, deadline)
            except CredentialsRefused as refused:
                telemetry.logger.warning("vendor_refused_credentials", extra=_why(refused))
                return self._create(self._credentials.reread(credentials), options, deadline)
        except OpenTokRejected as rejected:
            telemetry.logger.error("vendor_rejected", extra=_why(rejected))
            raise VendorRejected("The video platform refused to create a session.") from rejected
        except OpenTokUnavailable as down:
            telemetry.logger.warning("vendor_unavailable", extra={"reason": down.reason})
            detail = "The video platform does not answer right now."
            raise VendorUnavailable(detail, down.retry_after) from down
        except InvalidCredentials as invalid:
            telemetry.logger.error("credentials_unusable", extra={"reason": str(invalid)})
            detail = "The video platform's credentials cannot be used."
            raise CredentialsUnavailable(detail) from invalid

    def _create(
        self, credentials: Credentials, options: SessionOptions, deadline: float
    ) -> NewSession:
        asked = time.monotonic()
        session_id = self._client_of(credentials).create_session(options, deadline)
        took = round((time.monotonic() - asked) * 1000, 1)
        telemetry.logger.debug("vendor_created", extra={"duration_ms": took})
        return NewSession(session_id, credentials.project_id)

    def _client_of(self, credentials: Credentials) -> OpenTokClient:
        """The client that has these credentials; a new one after a rotation."""
        from opentok_client.client import OpenTokClient  # loads `requests`: most calls go without

        held = self._client  # once: another thread may change it meanwhile
        if held is None or held[0] != credentials:
            client = OpenTokClient(credentials, self._api_url, self._connections, _count_retry)
            self._client = held = credentials, client
        return held[1]


def _count_retry(reason: str) -> None:
    """Its callers notice a delay at most, but the call before may have made a session."""
    telemetry.logger.warning("vendor_retried", extra={"reason": reason})
    telemetry.count("VendorRetried")


def _why(rejected: OpenTokRejected) -> dict[str, object]:
    return {"vendor_status": rejected.status, "reason": rejected.reason}
