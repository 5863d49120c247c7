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
from .storage.attributes import Item, decode
from .storage.keys import GONE, LIVE
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


def _code(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
