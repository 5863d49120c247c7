"""Converts a session to an item of the table, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentok_client.errors import Invalid
from opentok_client.grant import Role
from opentok_client.options import OPTIONS, Option, SessionOptions

from ..domain.models import Reuse, Room, Session, Source
from ..domain.presence import Hints
from ..domain.problems import DamagedRecord
from .attributes import Attribute, Item, Value, decode
from .keys import new_item, owner_key, session_key

__all__ = ["UNLISTED", "room_of", "session_item", "session_of"]

HINTS = ("monitoredSince", "lastEventAt", "startedAt", "endedAt", "emptySince")
"""The attributes of `Hints`, in the order of its fields."""

UNLISTED = frozenset({"participants", "lastUsedAt", "claimId", "superseded", "ttl", *HINTS})
"""Attributes of a session that the index `owner` leaves out: a list does not show them. Changing
them writes nothing to the index."""


def session_item(session: Session, ttl: int | None) -> dict[str, Attribute]:
    """Returns the item of a session. It has no `poolId`: a session with an owner is in no pool."""
    participants = session.participants
    return new_item(
        session_key(session.session_id),
        {
            "sessionId": session.session_id,
            "projectId": session.project_id,
            **{option.field: option.plain(session.options) for option in OPTIONS},
            "mediaModeReason": session.media_mode_reason,
            "owner": session.owner,
            "ownerKey": owner_key(session.owner, session.tenant),
            "tenant": session.tenant or None,
            "createdAt": session.created_at,
            "source": session.source,
            "lastUsedAt": session.last_used_at,
            "claimId": session.claim_id,
            "room": session.room,
            "reuse": session.reuse,
            "opensAt": session.opens_at,
            "closesAt": session.closes_at,
            "participants": None if participants is None else dict(participants),
            "state": "closed" if session.closed else "open",
            "superseded": True if session.superseded else None,
            "maxConnections": session.max_connections,
            "removed": dict.fromkeys(sorted(session.removed), "removed") or None,
            "revision": session.revision or None,
            **dict(zip(HINTS, session.hints, strict=True)),
            "ttl": ttl,
        },
    )


def session_of(item: Item) -> Session | None:
    """Returns the session in an item; None for one that is still in a pool.

    Attributes missing from older records get defaults. Raises `DamagedRecord` naming the item.
    """
    values = decode(item)
    if "poolKey" in values:
        return None
    read = _Reader(item, values)
    try:
        read.text("mediaMode")  # the one option that every version has written
        options = SessionOptions(**{option.attribute: read.option(option) for option in OPTIONS})
        reuse = read.optional_text("reuse")
        return Session(
            session_id=read.text("sessionId"),
            project_id=read.text("projectId"),
            options=options,
            media_mode_reason=read.optional_text("mediaModeReason") or "not recorded",
            owner=read.text("owner"),
            created_at=read.number("createdAt"),
            source=Source(read.text("source")),
            last_used_at=read.optional_number("lastUsedAt") or read.number("createdAt") // 1000,
            claim_id=read.optional_text("claimId") or "",
            room=read.optional_text("room"),
            reuse=Reuse(reuse) if reuse else None,
            opens_at=read.optional_number("opensAt"),
            closes_at=read.optional_number("closesAt"),
            participants=read.participants(),
            closed=read.text("state") != "open",
            superseded=read.flag("superseded"),
            tenant=read.optional_text("tenant") or "",
            max_connections=read.optional_number("maxConnections"),
            removed=read.names("removed"),
            revision=read.optional_number("revision") or 0,
            hints=Hints(*(read.optional_number(name) for name in HINTS)),
        )
    except (Invalid, ValueError) as error:
        raise DamagedRecord(f"{values.get('pk')}: {error}") from error


def room_of(item: Item, name: str, tenant: str) -> Room:
    """Returns the room in an item. Raises `DamagedRecord` naming the item."""
    values = decode(item)
    read = _Reader(item, values)
    try:
        return Room(
            name=name,
            session_id=read.text("sessionId"),
            owner=read.text("owner"),
            reuse=Reuse(read.text("reuse")),
            participants=read.participants(),
            tenant=tenant,
        )
    except ValueError as error:
        raise DamagedRecord(f"{values.get('pk')}: {error}") from error


class _Reader:
    """Typed access to an item's values; raises `ValueError` naming the attribute.

    An attribute of an unexpected type is damage, not absence: a participant list that cannot be
    read must not admit every user.
    """

    def __init__(self, item: Item, values: Mapping[str, Value]) -> None:
        self._item = item
        self._values = values

    def text(self, name: str) -> str:
        if (value := self.optional_text(name)) is None:
            raise ValueError(f"{name} is missing")
        return value

    def optional_text(self, name: str) -> str | None:
        value = self._value(name)
        if value is None or isinstance(value, str):
            return value
        raise ValueError(f"{name} is not a string")

    def number(self, name: str) -> int:
        if (value := self.optional_number(name)) is None:
            raise ValueError(f"{name} is missing")
        return value

    def optional_number(self, name: str) -> int | None:
        value = self._value(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise ValueError(f"{name} is not a number")

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if value is None or isinstance(value, bool):
            return value is True
        raise ValueError(f"{name} is not a boolean")

    def option(self, option: Option) -> Any:
        if option.kind is bool:
            return self.flag(option.field)
        value = self.optional_text(option.field)
        return option.default if value is None else option.kind(value)

    def participants(self) -> dict[str, Role] | None:
        value = self._value("participants")
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise ValueError("participants is not a map")
        return {sub: Role(role) for sub, role in value.items()}

    def names(self, name: str) -> frozenset[str]:
        value = self._value(name)
        if value is not None and not isinstance(value, Mapping):
            raise ValueError(f"{name} is not a map")
        return frozenset(value or ())

    def _value(self, name: str) -> Value | None:
        if name in self._item and name not in self._values:
            raise ValueError(f"{name} has an unexpected type")
        return self._values.get(name)
