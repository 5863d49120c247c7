"""A session as an item of the table, and back."""

from __future__ import annotations

from collections.abc import Mapping

from opentok_client.errors import Invalid
from opentok_client.grant import Role
from opentok_client.options import ArchiveMode, MediaMode, SessionOptions

from .attributes import Attribute, Item, Value, decode, encode
from .errors import DamagedRecord
from .models import Reuse, Session, Source

__all__ = ["session_item", "session_of", "session_pk"]


def session_pk(session_id: str) -> str:
    """The key under which a session is stored."""
    return f"session#{session_id}"


def session_item(session: Session, ttl: int | None) -> dict[str, Attribute]:
    """The whole item of a session. It has no `poolId`: a session with an owner is in no pool."""
    options = session.options
    participants = session.participants
    return encode(
        {
            "pk": session_pk(session.session_id),
            "sessionId": session.session_id,
            "projectId": session.project_id,
            "mediaMode": options.media_mode,
            "mediaModeReason": session.media_mode_reason,
            "archiveMode": options.archive_mode,
            "archiveName": options.archive_name,
            "archiveResolution": options.archive_resolution,
            "location": options.location,
            "e2ee": options.e2ee,
            "owner": session.owner,
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
            "ttl": ttl,
        }
    )


def session_of(item: Item) -> Session | None:
    """The session in an item; None for one that still waits in a pool.

    What older versions did not write yet has a default. Raises `DamagedRecord` naming the item.
    """
    values = decode(item)
    if "poolKey" in values:
        return None
    read = _Reader(item, values)
    try:
        options = SessionOptions(
            media_mode=MediaMode(read.text("mediaMode")),
            archive_mode=ArchiveMode(read.optional_text("archiveMode") or ArchiveMode.MANUAL),
            archive_name=read.optional_text("archiveName"),
            archive_resolution=read.optional_text("archiveResolution"),
            location=read.optional_text("location"),
            e2ee=read.flag("e2ee"),
        )
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
        )
    except (Invalid, ValueError) as error:
        raise DamagedRecord(f"{values.get('pk')}: {error}") from error


class _Reader:
    """Typed access to an item's values; raises `ValueError` naming the attribute.

    What is there and cannot be read is damage, not absence: a list of participants that is not
    understood must not let everybody in.
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
        raise ValueError(f"{name} is not a text")

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
        raise ValueError(f"{name} is neither true nor false")

    def participants(self) -> dict[str, Role] | None:
        value = self._value("participants")
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise ValueError("participants is not a map")
        return {sub: Role(role) for sub, role in value.items()}

    def _value(self, name: str) -> Value | None:
        if name in self._item and name not in self._values:
            raise ValueError(f"{name} is of a kind that is never written")
        return self._values.get(name)
