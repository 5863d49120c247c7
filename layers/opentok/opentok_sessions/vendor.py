"""Calls the vendor with the current credentials, and translates its errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from opentok_client.credentials import Credentials
from opentok_client.errors import (
    CredentialsRejected,
    InvalidCredentials,
    NotFound,
    RequestRejected,
    ServiceUnavailable,
)
from opentok_client.options import SessionOptions

from .credentials import CredentialCache
from .domain.deadline import VENDOR_SECONDS
from .domain.problems import (
    CredentialsUnavailable,
    SessionOfAnotherProject,
    VendorRejected,
    VendorUnavailable,
)
from .runtime import telemetry

if TYPE_CHECKING:
    from opentok_client.moderation import VendorConnection
    from opentok_client.transport import Transport

__all__ = ["NewSession", "Vendor", "reason_of"]

T = TypeVar("T")


class NewSession(NamedTuple):
    """A new session, and the credentials that it was created with."""

    session_id: str
    credentials: Credentials


class Vendor:
    """Safe to share between threads; `connections` is the number of concurrent calls.

    All methods take the seconds that they may last. They raise `VendorRejected`,
    `VendorUnavailable` or `CredentialsUnavailable`. When the vendor rejects the credentials, they
    are read again and the call is repeated once.

    The client's modules are imported where they are used: they load `requests`, which most
    invocations do not need.
    """

    def __init__(self, credentials: CredentialCache, api_url: str, connections: int = 1) -> None:
        self._credentials = credentials
        self._api_url = api_url
        self._connections = connections
        self._transport: tuple[Credentials, Transport] | None = None

    def create_session(
        self, options: SessionOptions, seconds: float = VENDOR_SECONDS
    ) -> NewSession:
        """Creates a session."""
        from opentok_client.sessions import create_session

        def create(transport: Transport, deadline: float) -> str:
            started = time.monotonic()
            session_id = create_session(transport, options, deadline)
            took = round((time.monotonic() - started) * 1000, 1)
            telemetry.logger.debug("vendor_created", extra={"duration_ms": took})
            return session_id

        return NewSession(*self._call(create, self._credentials.current, seconds))

    def list_connections(
        self, session_id: str, project_id: str, seconds: float = VENDOR_SECONDS
    ) -> Sequence[VendorConnection]:
        """Returns the clients that are connected to a session of the project, the oldest first.

        Raises `SessionOfAnotherProject` as well.
        """
        from opentok_client.moderation import list_connections

        def find(transport: Transport, deadline: float) -> Sequence[VendorConnection]:
            try:
                return list_connections(transport, session_id, deadline)
            except NotFound:  # the vendor's response when nobody is connected
                return ()

        return self.in_project(project_id, find, seconds)

    def disconnect(
        self, session_id: str, project_id: str, connection_id: str, seconds: float = VENDOR_SECONDS
    ) -> bool:
        """Disconnects a client, and returns whether it was connected.

        Raises `SessionOfAnotherProject` as well.
        """
        from opentok_client.moderation import disconnect

        def remove(transport: Transport, deadline: float) -> bool:
            try:
                disconnect(transport, session_id, connection_id, deadline)
            except NotFound:
                return False
            return True

        return self.in_project(project_id, remove, seconds)

    def in_project(
        self,
        project_id: str,
        operation: Callable[[Transport, float], T],
        seconds: float = VENDOR_SECONDS,
    ) -> T:
        """Returns the operation's result. It gets a transport of the project, and its deadline.

        Errors that the operation does not handle are translated. Raises `SessionOfAnotherProject`
        when the current credentials are those of another project: its 404 would be read as "does
        not exist".
        """

        def run(transport: Transport, deadline: float) -> T:
            if transport.project_id != project_id:
                raise SessionOfAnotherProject("The session belongs to a different project.")
            return operation(transport, deadline)

        return self._call(run, partial(self._credentials.for_project, project_id), seconds)[0]

    def _call(
        self,
        operation: Callable[[Transport, float], T],
        credentials: Callable[[], Credentials],
        seconds: float,
    ) -> tuple[T, Credentials]:
        """Returns the operation's result and the credentials that it was called with."""
        deadline = time.monotonic() + seconds
        try:
            used = credentials()
            try:
                return operation(self._transport_of(used), deadline), used
            except CredentialsRejected as rejected:
                telemetry.logger.warning("vendor_rejected_credentials", extra=reason_of(rejected))
                used = self._credentials.reread(used)
                return operation(self._transport_of(used), deadline), used
        except RequestRejected as rejected:
            telemetry.logger.error("vendor_rejected", extra=reason_of(rejected))
            raise VendorRejected("The video platform rejected the request.") from rejected
        except ServiceUnavailable as down:
            telemetry.logger.warning("vendor_unavailable", extra={"reason": down.reason})
            detail = "The video platform is unavailable."
            raise VendorUnavailable(detail, down.retry_after) from down
        except InvalidCredentials as invalid:
            telemetry.logger.error("credentials_unusable", extra={"reason": str(invalid)})
            detail = "The video platform's credentials cannot be used."
            raise CredentialsUnavailable(detail) from invalid

    def _transport_of(self, credentials: Credentials) -> Transport:
        """Returns the transport with these credentials; a new one after a rotation."""
        from opentok_client.transport import Transport

        held = self._transport  # read once: another thread may change it
        if held is None or held[0] != credentials:
            transport = Transport(credentials, self._api_url, self._connections, _count_retry)
            self._transport = held = credentials, transport
        return held[1]


def _count_retry(reason: str) -> None:
    """Logs and counts a retry: callers see only a delay, but it may have created a session."""
    telemetry.logger.warning("vendor_retried", extra={"reason": reason})
    telemetry.count("VendorRetried")


def reason_of(rejected: RequestRejected) -> dict[str, object]:
    """Returns what a log line tells about a rejection."""
    return {"vendor_status": rejected.status, "reason": rejected.reason}
