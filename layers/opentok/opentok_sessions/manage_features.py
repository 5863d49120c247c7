"""Starts, lists, changes and stops the features of routed sessions: archives, broadcasts, …"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from opentok_client.families import Family, Stop

from .caller_limits import CallerLimits
from .domain import policy
from .domain.deadline import Deadline
from .domain.feature_policy import require_feature_manager, require_startable
from .domain.feature_problems import FeatureAlreadyRunning, FeatureNotFound
from .domain.features import FINAL, RUNNING, FeatureRecord, rank
from .domain.models import Caller, Session
from .domain.problems import Problem, StorageUnavailable
from .feature_vendor import Change, Feature, FeatureVendor
from .runtime import telemetry
from .storage.feature_store import FeatureStore
from .storage.session_store import SessionStore

__all__ = ["ManageFeatures"]

RUNNING_STATUSES = ("started", "starting", "paused")
CHANGING = ("status", "reason", "updatedAt", "duration", "size")
"""The fields that change with the status."""
LOOKED_AT = 50
"""Of the newest features, when the running one is looked up."""


@dataclass(slots=True, eq=False, repr=False)
class ManageFeatures:
    """The routes below `/sessions/{sessionId}/{family}`.

    `session` comes first: the other methods expect that the caller may use the features of the
    session. They raise a `Problem` for a refusal, or what `Vendor` raises.
    """

    sessions: SessionStore
    records: FeatureStore
    vendor: FeatureVendor
    limits: CallerLimits
    moderators_only: bool
    retention_seconds: int
    clock: Callable[[], float] = time.time

    def session(self, session_id: str, caller: Caller) -> Session:
        """Returns the session. Raises `SessionNotFound` or `NotOwner`."""
        session, _ = policy.admit(caller, self.sessions.find_session(session_id))
        require_feature_manager(caller, session, moderators_only=self.moderators_only)
        return session

    def start(
        self,
        session: Session,
        caller: Caller,
        family: Family,
        fields: Mapping[str, object],
        deadline: Deadline,
    ) -> Feature:
        """Starts a feature, which counts towards the caller's limit even if the vendor refuses it.

        Raises `SessionClosed`, `SessionNotOpenYet`, `RoutedSessionRequired`,
        `NotAvailableWithE2ee`, `TooManyRequests`, `NobodyConnected`, `FeatureAlreadyRunning` or
        `FeatureStartUncertain`.
        """
        now = self.clock()
        require_startable(session, now, allows_e2ee=family.allows_e2ee)
        self.limits.take_feature(caller, now, deadline)
        try:
            feature = self.vendor.start(session, family, fields, deadline)
        except FeatureAlreadyRunning:
            raise FeatureAlreadyRunning(self._running(session, family, deadline)) from None
        telemetry.count("FeatureStarted")
        _log("feature_started", session, family, feature["id"])
        if _is_known_from_records(family):
            self._record(session, family, str(feature["id"]), "started")
        return feature

    def list(
        self, session: Session, family: Family, offset: int, count: int, deadline: Deadline
    ) -> tuple[list[Feature], int]:
        """Returns a part of the session's features, the newest first, and the number of all."""
        page = self.vendor.list(session, family, offset, count, deadline)
        # Of features that have come to their end, the vendor has nothing new to report.
        open_ids = [str(f["id"]) for f in page.features if rank(str(f.get("status"))) < FINAL]
        known = self.records.find_all(session.session_id, family.name, open_ids)
        features = [_latest(feature, known.get(str(feature["id"]))) for feature in page.features]
        return features, page.total

    def find(
        self, session: Session, family: Family, feature_id: str, deadline: Deadline
    ) -> Feature:
        """Returns a feature with its last known status. Raises `FeatureNotFound`.

        The vendor is not called for a feature that has come to its end, except for the URL of an
        available archive, which is valid for a short time.
        """
        record = self.records.find(session.session_id, family.name, feature_id)
        if record and rank(record.status) >= FINAL and record.status != "available":
            return _recorded(session, record)
        return _latest(self.vendor.find(session, family, feature_id, deadline), record)

    def stop(
        self, session: Session, family: Family, feature_id: str, deadline: Deadline
    ) -> Feature | None:
        """Stops a feature, and returns its new state if the family has a lookup.

        Raises `FeatureNotFound` or `FeatureCannotBeStopped`.
        """
        stopped = None
        if _is_known_from_records(family):
            self._stop_recorded(session, family, feature_id, deadline)
        else:
            stopped = self.vendor.stop(session, family, feature_id, deadline)
        telemetry.count("FeatureStopped")
        _log("feature_stopped", session, family, feature_id)
        return stopped

    def delete(self, session: Session, family: Family, feature_id: str, deadline: Deadline) -> None:
        """Deletes a feature. Raises `FeatureNotFound` or `FeatureCannotBeDeleted`."""
        self.vendor.change(session, family, feature_id, "delete", deadline)
        self._record(session, family, feature_id, "deleted")
        _log("feature_deleted", session, family, feature_id)

    def change(
        self,
        session: Session,
        family: Family,
        feature_id: str,
        change: Change,
        fields: Mapping[str, object],
        deadline: Deadline,
    ) -> None:
        """Changes the layout or the streams of a running feature.

        Raises `FeatureNotFound` or `FeatureStreamsAutomatic`.
        """
        self.vendor.change(session, family, feature_id, change, deadline, fields)

    def _running(self, session: Session, family: Family, deadline: Deadline) -> str | None:
        """Returns the id of the feature that is running, if it can be found out."""
        try:
            if family.listed:
                page = self.vendor.list(session, family, 0, LOOKED_AT, deadline)
                running = (f for f in page.features if f.get("status") in RUNNING_STATUSES)
                return str(next(running)["id"])
            records = self.records.list(session.session_id, family.name)
            latest = max(records, key=lambda record: record.updated_at)
            return latest.id if rank(latest.status) == RUNNING else None
        except (Problem, StopIteration, ValueError):
            return None

    def _stop_recorded(
        self, session: Session, family: Family, feature_id: str, deadline: Deadline
    ) -> None:
        if self.records.find(session.session_id, family.name, feature_id) is None:
            raise FeatureNotFound
        with suppress(FeatureNotFound):  # it has ended before
            self.vendor.stop(session, family, feature_id, deadline)
        self._record(session, family, feature_id, "stopped")

    def _record(self, session: Session, family: Family, feature_id: str, status: str) -> None:
        """Records a status that the vendor may never report, because callbacks are not registered.

        A failure is logged only: what the caller asked for has happened, and must not be repeated.
        """
        now = self.clock()
        fields = {"id": feature_id, "sessionId": session.session_id}
        record = FeatureRecord(family.name, feature_id, status, int(now * 1000), fields)
        try:
            self.records.record(session.session_id, record, now, self.retention_seconds)
        except StorageUnavailable:  # logged where it was raised
            telemetry.count("FeatureNotRecorded")


def _is_known_from_records(family: Family) -> bool:
    """Returns whether only a record shows to which session a feature belongs.

    The vendor has no lookup, and the id is not that of a client either.
    """
    return not family.found and family.stop is not Stop.DISCONNECT


def _latest(feature: Feature, record: FeatureRecord | None) -> Feature:
    """Returns the feature with the later of two statuses: the vendor's, and the recorded one."""
    if record is None:
        return feature
    updated_at = feature.get("updatedAt")
    known = rank(str(feature.get("status"))), updated_at if isinstance(updated_at, int) else 0
    if (rank(record.status), record.updated_at) <= known:
        return feature
    recorded = {**record.fields, "status": record.status, "updatedAt": record.updated_at}
    return {**feature, **{name: recorded[name] for name in CHANGING if name in recorded}}


def _recorded(session: Session, record: FeatureRecord) -> Feature:
    times = {"updatedAt": record.updated_at} if record.updated_at else {}
    own = {"id": record.id, "sessionId": session.session_id, "status": record.status}
    return {**record.fields, **own, **times}


def _log(message: str, session: Session, family: Family, feature_id: object) -> None:
    telemetry.logger.info(
        message,
        extra={
            "family": family.name,
            "session_id": session.session_id,
            "feature_id": feature_id,
        },
    )
