"""Publishes what happens in sessions on an EventBridge bus, at least once.

It consumes the table's stream, so an event that a callback has recorded cannot be lost. A change
that could not be published is repeated for an hour.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from .domain.models import Session
from .domain.presence import sub_of
from .domain.problems import DamagedRecord, Unavailable
from .runtime import telemetry
from .storage.attributes import Item, Value, decode
from .storage.keys import FEATURE, GONE, LIVE
from .storage.session_store import SessionStore
from .storage.stream import ItemChange

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["PublishEvents"]

SOURCE = "opentok-sessions"
CONNECTION_EVENTS = {LIVE: "Connection Created", GONE: "Connection Destroyed"}
SESSION_EVENTS = {
    "startedAt": "Session Started",
    "endedAt": "Session Ended",
    "notifiedAt": "Session Notification",
}
"""The event that a new value of an attribute of the session reports. One change has three events at
most, so a `PutEvents` request stays within its limits of 10 entries and 256 KB."""
FEATURE_EVENTS = {
    "archives": "Archive Status",
    "broadcasts": "Broadcast Status",
    "captions": "Captions Status",
    "renders": "Render Status",
    "sip-calls": "SIP Status",
}
"""The event that a new status or reason of a feature reports, by the feature's family."""
_CREDENTIAL = re.compile(r"T1==|eyJ[\w-]+\.eyJ[\w-]+\.")
"""A client token or another JWT. An app may have put its own into the connection data."""


class _Event(NamedTuple):
    detail_type: str
    detail: dict[str, object]


@dataclass(slots=True, eq=False, repr=False)
class PublishEvents:
    """`identified`: connection data names the user, because this service has written it."""

    sessions: SessionStore
    events: BaseClient
    bus: str
    identified: bool
    clock: Callable[[], float] = time.time

    def __call__(self, change: ItemChange) -> None:
        """Publishes the events of a change, of which most changes have none.

        A repeated change is published again: consumers must expect duplicates.
        Raises `Unavailable` when the bus did not accept every event.
        """
        found = self._events(change)
        if not found:
            return
        about = self._about(change)
        entries = [self._entry(event, about) for event in found]
        try:
            response = self.events.put_events(Entries=entries)
        except (BotoCoreError, ClientError) as error:
            # Only the kind of the error: its message may repeat the request.
            raise Unavailable(f"The event bus failed: {_code(error)}.") from None
        if response["FailedEntryCount"]:
            codes = {entry["ErrorCode"] for entry in response["Entries"] if "ErrorCode" in entry}
            raise Unavailable(f"The event bus refused events: {', '.join(sorted(codes))}.")
        for _ in entries:
            telemetry.count("EventPublished")

    def _events(self, change: ItemChange) -> list[_Event]:
        """Returns the facts in a change. An item that expired, or a use of the session, is none."""
        if change.sk.startswith(FEATURE) and change.event != "REMOVE":
            return self._feature(decode(change.old), decode(change.new))
        if change.event == "INSERT":
            for prefix, detail_type in CONNECTION_EVENTS.items():
                if change.sk.startswith(prefix):
                    return [_Event(detail_type, self._connection(change.new))]
        elif change.event == "MODIFY" and change.sk == "session":
            old, new = decode(change.old), decode(change.new)
            return [
                _Event(detail_type, {"timestamp": new[name]})
                for name, detail_type in SESSION_EVENTS.items()
                if name in new and new[name] != old.get(name)
            ]
        return []

    def _feature(self, old: Mapping[str, Value], new: Mapping[str, Value]) -> list[_Event]:
        detail_type = FEATURE_EVENTS.get(str(new.get("family")))
        fields, before = _json_object(new.get("fields")), _json_object(old.get("fields"))
        status, reason = new.get("status"), fields.get("reason")
        if detail_type is None or (status, reason) == (old.get("status"), before.get("reason")):
            return []
        detail: dict[str, object] = {
            "family": new.get("family"),
            "featureId": new.get("featureId"),
            "status": status,
            "reason": reason,
            "updatedAt": new.get("updatedAt") or None,  # 0: the vendor did not say
            "feature": fields or None,
        }
        return [_Event(detail_type, {name: value for name, value in detail.items() if value})]

    def _connection(self, item: Item) -> dict[str, object]:
        values = decode(item)
        names = ("connectionId", "connectedAt", "endedAt", "reason")
        detail: dict[str, object] = {name: values[name] for name in names if values.get(name)}
        detail["timestamp"] = values.get("endedAt", values.get("connectedAt"))
        data = str(values.get("connectionData", ""))
        sub = sub_of(data) if self.identified else None
        if sub is not None:
            return detail | {"sub": sub}
        return detail | ({"dataOmitted": True} if _CREDENTIAL.search(data) else {"data": data})

    def _about(self, change: ItemChange) -> dict[str, object]:
        """Returns what every event tells about its session, as the session is now."""
        about: dict[str, object] = {"sessionId": change.session_id}
        session = self._session(change)
        if session is None:
            return about
        about["owner"] = session.owner
        about["state"] = "closed" if session.is_closed(self.clock()) else "open"
        optional = {"room": session.room, "tenant": session.tenant}
        return about | {name: value for name, value in optional.items() if value}

    def _session(self, change: ItemChange) -> Session | None:
        try:
            return self.sessions.find_session(change.session_id)
        except DamagedRecord as damaged:  # the fact itself is not damaged
            telemetry.count_damaged(damaged)
            return None

    def _entry(self, event: _Event, about: Mapping[str, object]) -> dict[str, str]:
        detail = {**about, **event.detail}
        return {
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": json.dumps(detail, ensure_ascii=False, separators=(",", ":")),
            "EventBusName": self.bus,
        }


def _json_object(text: object) -> Mapping[str, object]:
    """Returns the fields of a feature; none if they are damaged, which does not hold up events."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def _code(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
