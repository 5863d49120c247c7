"""Calls the vendor about features of routed sessions, and translates its refusals.

The client's modules are imported where they are used, as in `vendor`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from opentok_client.errors import NotFound, OutcomeUnknown, RequestRejected, VendorError
from opentok_client.families import Family, Refusal, Stop
from opentok_client.grant import TokenFormat, TokenGrant
from opentok_client.options import ArchiveMode

from .domain.deadline import FEATURE_TOKEN_SECONDS, Deadline
from .domain.feature_problems import (
    FeatureAlreadyRunning,
    FeatureCannotBeDeleted,
    FeatureCannotBeStopped,
    FeatureNotFound,
    FeatureStartUncertain,
    FeatureStreamsAutomatic,
    NobodyConnected,
    RoutedSessionRequired,
    values_rejected,
)
from .domain.models import Session
from .domain.policy import require_window
from .domain.problems import Problem
from .runtime import telemetry
from .vendor import Vendor, reason_of

if TYPE_CHECKING:
    from opentok_client.credentials import Credentials
    from opentok_client.features import Page
    from opentok_client.transport import Transport

__all__ = ["Change", "Feature", "FeatureVendor"]

RECORDING = ("started", "paused")
VALUES_REJECTED = (400, 413, 422)
WITH_VALUES = ("start", "layout", "streams")
"""The actions that send values of the caller."""
PROBLEMS: Mapping[Refusal, Callable[[], Problem]] = {
    Refusal.ROUTED_SESSION_REQUIRED: RoutedSessionRequired,
    Refusal.NOBODY_CONNECTED: NobodyConnected,
    Refusal.ALREADY_RUNNING: FeatureAlreadyRunning,
    Refusal.CANNOT_BE_STOPPED: partial(FeatureCannotBeStopped, "The feature has ended already."),
    Refusal.CANNOT_BE_DELETED: FeatureCannotBeDeleted,
    Refusal.STREAMS_ARE_AUTOMATIC: FeatureStreamsAutomatic,
}

T = TypeVar("T")
Change = Literal["delete", "layout", "streams"]
Feature = Mapping[str, object]
"""The fields of a feature that callers see."""


class FeatureVendor:
    """All methods raise a `Problem` for a refusal, or what `Vendor.in_project` raises."""

    def __init__(self, vendor: Vendor, clock: Callable[[], float] = time.time) -> None:
        self._vendor = vendor
        self._clock = clock

    def start(
        self, session: Session, family: Family, fields: Mapping[str, object], deadline: Deadline
    ) -> Feature:
        """Starts a feature. Raises `FeatureStartUncertain` when its response is lost and the
        vendor's list does not show whether it is running."""
        from opentok_client import features

        def call(transport: Transport, at: float) -> Feature:
            now = self._clock()
            require_window(session, now)  # it may have closed since it was read
            token = _token(session, family, transport.credentials, now)
            try:
                return features.start(transport, family, session.session_id, fields, token, at)
            except OutcomeUnknown as lost:
                raise FeatureStartUncertain(lost.retry_after) from lost
            except RequestRejected as rejected:
                # The vendor's sources disagree on whether this is its 404 or its 400.
                if rejected.status == 400 and _nobody_is_connected(transport, session, at):
                    raise NobodyConnected from rejected
                raise

        return _of(session, self._call(session, family, "start", call, deadline))

    def list(
        self, session: Session, family: Family, offset: int, count: int, deadline: Deadline
    ) -> Page:
        """Returns a part of the session's features, the newest first."""
        from opentok_client import features

        def call(transport: Transport, at: float) -> Page:
            page = features.list_features(transport, family, session.session_id, at, offset, count)
            return page._replace(features=[dict(_of(session, f)) for f in page.features])

        return self._call(session, family, "list", call, deadline)

    def find(
        self, session: Session, family: Family, feature_id: str, deadline: Deadline
    ) -> Feature:
        """Returns a feature. Raises `FeatureNotFound` for one of another session."""
        return self._on(session, family, feature_id, "find", lambda found, *_: found, deadline)

    def stop(
        self, session: Session, family: Family, feature_id: str, deadline: Deadline
    ) -> Feature | None:
        """Stops a feature, and returns its new state if the family has a lookup.

        Raises `FeatureCannotBeStopped` for an automatic archive.
        """
        from opentok_client import features

        def call(found: Feature | None, transport: Transport, at: float) -> Feature | None:
            try:
                stopped = features.stop(transport, family, session.session_id, feature_id, at)
            except NotFound:
                if found is None:
                    raise
                stopped = None  # it has ended since it was looked up, or before
            if family.stop is not Stop.POST or found is None:
                return None
            if stopped is None:
                stopped = features.find(transport, family, feature_id, at)
            # The vendor accepts to stop an automatic archive, without any effect.
            if (
                session.options.archive_mode is ArchiveMode.ALWAYS
                and stopped.get("status") in RECORDING
            ):
                detail = "The archive was started by archiveMode: always and ends with the session."
                raise FeatureCannotBeStopped(detail)
            return _of(session, stopped)

        return self._on(session, family, feature_id, "stop", call, deadline)

    def change(
        self,
        session: Session,
        family: Family,
        feature_id: str,
        change: Change,
        deadline: Deadline,
        *fields: Mapping[str, object],
    ) -> None:
        """Deletes a feature, or changes the layout or the streams of one that is running."""
        from opentok_client import features

        calls: dict[Change, Callable[..., None]] = {
            "delete": features.delete,
            "layout": features.arrange,
            "streams": features.change_streams,
        }

        def call(_: Feature | None, transport: Transport, at: float) -> None:
            calls[change](transport, family, feature_id, *fields, at)

        self._on(session, family, feature_id, change, call, deadline)

    def _on(
        self,
        session: Session,
        family: Family,
        feature_id: str,
        action: str,
        call: Callable[[Feature | None, Transport, float], T],
        deadline: Deadline,
    ) -> T:
        """Calls with the feature, if the vendor has a lookup. Raises `FeatureNotFound` when it
        belongs to another session."""
        from opentok_client import features

        def verified(transport: Transport, at: float) -> T:
            found: Feature | None = None
            if family.found:
                found = features.find(transport, family, feature_id, at)
                if not features.is_of_session(found, session.session_id):
                    raise FeatureNotFound
                found = _of(session, found)
            return call(found, transport, at)

        return self._call(session, family, action, verified, deadline)

    def _call(
        self,
        session: Session,
        family: Family,
        action: str,
        call: Callable[[Transport, float], T],
        deadline: Deadline,
    ) -> T:
        def translated(transport: Transport, at: float) -> T:
            try:
                return call(transport, at)
            except RequestRejected as rejected:
                refusal = family.refusal(action, rejected)
                if refusal is not None:
                    raise PROBLEMS[refusal]() from rejected
                no_id = rejected.status == 400 and action in ("find", "stop", "delete")
                if no_id or isinstance(rejected, NotFound):
                    raise FeatureNotFound from rejected
                if rejected.status in VALUES_REJECTED and action in WITH_VALUES:
                    telemetry.logger.warning("vendor_rejected_values", extra=reason_of(rejected))
                    raise values_rejected() from rejected
                raise

        return self._vendor.in_project(session.project_id, translated, deadline.vendor_seconds())


def _token(session: Session, family: Family, credentials: Credentials, now: float) -> str | None:
    """Returns the token with which the feature joins the session, if it needs one."""
    from opentok_client.tokens import client_token

    if family.token_role is None:
        return None
    expires_at = int(now) + FEATURE_TOKEN_SECONDS
    if session.closes_at is not None:
        expires_at = min(expires_at, session.closes_at)
    grant = TokenGrant(session.session_id, family.token_role, int(now), expires_at)
    return client_token(credentials, grant, secrets.token_hex(8), TokenFormat.JWT)


def _of(session: Session, feature: Mapping[str, object]) -> Feature:
    """Returns the feature with the session's id as our caller knows it."""
    return {**feature, "sessionId": session.session_id}


def _nobody_is_connected(transport: Transport, session: Session, at: float) -> bool:
    from opentok_client.moderation import list_connections

    try:
        return not list_connections(transport, session.session_id, at)
    except VendorError as error:
        return isinstance(error, NotFound)
