"""A model of sessions and rooms: who may see and do what, in plain dictionaries.

It restates the rules independently of the application: no storage, no vendor, no races. A method
named after a call returns its expected result; the `has_…` methods record the effect.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from opentok_client.grant import Role
from opentok_client.session_id import SessionId
from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.problems import (
    AlreadyRegistered,
    IdempotencyConflict,
    InvalidRequest,
    NotOwner,
    Problem,
    RoleNotAllowed,
    RoomNotFound,
    RoomOptionsConflict,
    SessionClosed,
    SessionNotFound,
    SessionNotOpenYet,
    SessionOfAnotherProject,
    StorageUnavailable,
)
from tests.unit.opentok_sessions.application import DAY, IDLE, RETENTION

__all__ = [
    *("Body", "Existing", "KnownRoom", "KnownSession", "Model", "New", "Refused"),
    *("instant", "roles"),
]

Body = Mapping[str, object]
List = Mapping[str, str]
KEY_TTL = DAY
PERMANENT_TTL = 366 * DAY
ROLES = {
    "subscriber": {"subscriber"},
    "publisheronly": {"publisheronly"},
    "publisher": {"subscriber", "publisheronly", "publisher"},
    "moderator": {"subscriber", "publisheronly", "publisher", "moderator"},
}


@dataclass
class KnownSession:
    """A session that has an owner; times in seconds."""

    id: str
    tenant: str
    owner: str
    project: str
    participants: List | None
    room: str | None
    reuse: str | None
    opens_at: int | None
    closes_at: int | None
    last_used: int
    ttl: int
    closed: bool = False
    superseded: bool = False

    def over(self, now: int) -> bool:
        """Returns whether it was closed, or its window has ended."""
        return self.closed or (self.closes_at is not None and now >= self.closes_at)

    def window_lasts(self, now: int) -> bool:
        """Returns whether it has a window that is not over."""
        opens_later = self.opens_at is not None and now < self.opens_at
        return not self.over(now) and (self.closes_at is not None or opens_later)

    def idle(self, now: int) -> bool:
        """Returns whether its room's next caller gets another session."""
        return self.reuse != "permanent" and now - max(self.last_used, self.opens_at or 0) >= IDLE


@dataclass
class KnownRoom:
    """A room, with what it passes on to its next session."""

    session_id: str
    owner: str
    participants: List | None
    reuse: str
    ttl: int


class Refused(NamedTuple):
    """The call raises this problem and changes nothing."""

    problem: type[Problem]


class Existing(NamedTuple):
    """The call returns this session. `joined`: with status 200; `used`: its use is recorded."""

    session: KnownSession
    joined: bool = True
    used: bool = True
    replayed: bool = False


class New(NamedTuple):
    """The call returns a session that had no owner before, on these terms."""

    owner: str
    participants: List | None
    reuse: str | None
    supersedes: KnownSession | None = None
    opens_at: int | None = None
    closes_at: int | None = None


class Record(NamedTuple):
    """An idempotency record."""

    body: str
    session_id: str
    joined: bool
    expires_at: int


def roles(participants: Mapping[str, Role] | None) -> List | None:
    """Returns a participant list with plain names."""
    return None if participants is None else {sub: role.value for sub, role in participants.items()}


def manages(caller: Caller, owned: KnownSession | KnownRoom) -> bool:
    """Returns whether the caller may do everything. The tenant is compared elsewhere."""
    return caller.moderator or caller.sub == owned.owner


def highest(caller: Caller, owned: KnownSession | KnownRoom) -> str | None:
    """Returns the caller's highest role; None for one who must not know that it exists."""
    if manages(caller, owned):
        return "moderator"
    return "publisher" if owned.participants is None else owned.participants.get(caller.sub)


@dataclass
class Model:
    """All sessions and rooms of all tenants, and the vendor's current project."""

    project: str
    sessions: dict[str, KnownSession] = field(default_factory=dict)
    rooms: dict[tuple[str, str], KnownRoom] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], Record] = field(default_factory=dict)

    # ------------------------------------------------------------------------------ who sees what

    def seen(self, caller: Caller, session_id: str) -> KnownSession | None:
        """Returns the session, if it exists for this caller."""
        session = self.sessions.get(session_id)
        if session is None or session.tenant != caller.tenant:
            return None
        return session if highest(caller, session) else None

    def listed(self, caller: Caller) -> set[str]:
        """Returns the ids of the caller's own list."""
        owner = (caller.tenant, caller.sub)
        return {s.id for s in self.sessions.values() if (s.tenant, s.owner) == owner}

    def shown_in_room(self, caller: Caller, name: str, now: int) -> str | None:
        """Returns the session that a search for the room shows to the caller."""
        session = self._session_of(caller.tenant, name)
        session = self.seen(caller, session.id) if session else None
        if session is None or session.over(now) or session.idle(now) or session.superseded:
            return None
        return session.id

    # ------------------------------------------------------------------------ results of calls

    def create(
        self, caller: Caller, body: Body, key: str | None, now: int
    ) -> Refused | Existing | New:
        """Returns the expected result of `POST /sessions`."""
        if "sessionId" in body and not caller.moderator:
            return Refused(RoleNotAllowed)
        record = self._record(caller, key, now)
        if record is not None:
            return self._replay(caller, body, record, now)
        if (_optional(body, "closesAt") or now + 1) <= now:
            return Refused(InvalidRequest)
        if "token" in body and (_optional(body, "opensAt") or now) > now:
            return Refused(SessionNotOpenYet)
        if "sessionId" in body:
            return self._register(caller, str(body["sessionId"]), now)
        name = body.get("room")
        if name is None:
            new = New(caller.sub, _list(body), None, None, *_window(body))
            return self._new(caller, body, new, now)
        return self._in_room(caller, body, str(name), now)

    def _replay(self, caller: Caller, body: Body, record: Record, now: int) -> Refused | Existing:
        if record.body != canonical(body):
            return Refused(IdempotencyConflict)
        session = self.seen(caller, record.session_id)
        if session is None:
            return Refused(SessionNotFound)
        if "token" in body and (refused := self._token(caller, session, _role(body), now)):
            return refused
        return Existing(session, record.joined, "token" in body, replayed=True)

    def _register(self, caller: Caller, session_id: str, now: int) -> Refused | Existing | New:
        if _project(session_id) != self.project:
            return Refused(InvalidRequest)
        if session_id not in self.sessions:
            return New(caller.sub, None, None)
        session = self.seen(caller, session_id)
        if session is None:
            return Refused(SessionNotFound)
        if session.owner != caller.sub:
            return Refused(AlreadyRegistered)
        return Refused(SessionClosed) if session.over(now) else Existing(session)

    def _in_room(self, caller: Caller, body: Body, name: str, now: int) -> Refused | Existing | New:
        room = self.rooms.get((caller.tenant, name))
        if room is None:
            new = New(caller.sub, _list(body), _reuse(body), None, *_window(body))
            return self._new(caller, body, new, now)
        if highest(caller, room) is None:
            return Refused(SessionNotFound)
        session = self._session_of(caller.tenant, name)
        moved = session is not None and session.project != self.project
        usable = session is not None and not (moved or session.over(now) or session.superseded)
        if session is not None and usable and not session.idle(now):
            return self._join(caller, body, session, now)
        superseded = session if usable or (moved and session and not session.superseded) else None
        new = New(caller.sub, _list(body), _reuse(body), superseded, *_window(body))
        kept: dict[str, object] = {}
        if room.participants is not None or moved:
            new = new._replace(owner=room.owner)
            kept |= {"participants": room.participants, "reuse": room.reuse}
        if session is not None and session.window_lasts(now):
            kept |= {"opens_at": session.opens_at, "closes_at": session.closes_at}
        fields = {"opens_at": "opensAt", "closes_at": "closesAt"}
        sent = {name for name in kept if fields.get(name, name) in body}
        changed = {name for name in sent if getattr(new, name) != kept[name]}
        if changed and not manages(caller, room):
            return Refused(RoomOptionsConflict)
        if changed & set(fields):
            changed |= set(fields)
        inherited: dict[str, Any] = {n: value for n, value in kept.items() if n not in changed}
        return self._new(caller, body, new._replace(**inherited), now)

    def _join(
        self, caller: Caller, body: Body, session: KnownSession, now: int
    ) -> Refused | Existing:
        same = {
            "participants": _list(body) == session.participants,
            "reuse": body.get("reuse") == session.reuse,
            "opensAt": body.get("opensAt") == instant(session.opens_at),
            "closesAt": body.get("closesAt") == instant(session.closes_at),
        }
        if any(name in body and not equal for name, equal in same.items()):
            return Refused(RoomOptionsConflict)
        if "token" in body and (refused := self._token(caller, session, _role(body), now)):
            return refused
        return Existing(session)

    def _new(self, caller: Caller, body: Body, new: New, now: int) -> Refused | New:
        if "token" in body and new.opens_at is not None and now < new.opens_at:
            return Refused(SessionNotOpenYet)
        room = KnownRoom("", new.owner, new.participants, "", 0)
        allowed = ROLES[highest(caller, room) or "subscriber"]
        if "token" in body and _role(body) not in allowed:
            return Refused(RoleNotAllowed)
        return new

    def token(self, caller: Caller, session_id: str, role: str, now: int) -> Refused | None:
        """Returns the problem of `POST /sessions/{sessionId}/tokens`, if there is one."""
        session = self.seen(caller, session_id)
        if session is None:
            return Refused(SessionNotFound)
        return self._token(caller, session, role, now)

    def _token(self, caller: Caller, session: KnownSession, role: str, now: int) -> Refused | None:
        if session.project != self.project:
            return Refused(SessionOfAnotherProject)
        if session.over(now):
            return Refused(SessionClosed)
        if session.opens_at is not None and now < session.opens_at:
            return Refused(SessionNotOpenYet)
        allowed = ROLES[highest(caller, session) or "subscriber"]
        return None if role in allowed else Refused(RoleNotAllowed)

    def close(self, caller: Caller, session_id: str) -> Refused | None:
        """Returns the problem of `DELETE /sessions/{sessionId}`, if there is one."""
        session = self.seen(caller, session_id)
        if session is None:
            return Refused(SessionNotFound)
        return None if manages(caller, session) else Refused(NotOwner)

    def release(self, caller: Caller, name: str) -> Refused | None:
        """Returns the problem of `DELETE /rooms/{room}`, if there is one."""
        room = self.rooms.get((caller.tenant, name))
        return None if room and manages(caller, room) else Refused(RoomNotFound)

    def update(self, caller: Caller, session_id: str, now: int) -> Refused | None:
        """Returns the problem of `PATCH /sessions/{sessionId}`, if there is one."""
        refused = self.close(caller, session_id)
        if refused is not None:
            return refused
        session = self.sessions[session_id]
        if session.over(now):
            return Refused(SessionClosed)
        in_room = session.room is not None and not session.superseded
        if in_room and self._room_of(session) is None:  # its record has expired, a moment earlier
            return Refused(StorageUnavailable)
        return None

    # ----------------------------------------------------------------------------- effects of calls

    def has_new(
        self, caller: Caller, body: Body, key: str | None, new: New, session_id: str, now: int
    ) -> None:
        """Records a new session, its room and the idempotency key."""
        name = body.get("room")
        session = KnownSession(
            session_id,
            caller.tenant,
            new.owner,
            self.project,
            new.participants,
            None if name is None else str(name),
            new.reuse,
            new.opens_at,
            new.closes_at,
            last_used=now,
            ttl=0,
        )
        session.ttl = _ttl(session, now)
        self.sessions[session_id] = session
        if new.supersedes is not None:
            new.supersedes.superseded = True
        if name is not None:
            self.rooms[caller.tenant, str(name)] = KnownRoom(
                session_id, new.owner, new.participants, new.reuse or "", session.ttl
            )
        self._has_key(caller, body, key, session_id, joined=False, now=now)

    def has_joined(
        self, caller: Caller, body: Body, key: str | None, existing: Existing, now: int
    ) -> None:
        """Records the use of an existing session, and the idempotency key."""
        if existing.used:
            self.has_used(existing.session, now)
        if not existing.replayed:
            self._has_key(caller, body, key, existing.session.id, joined=True, now=now)

    def has_used(self, session: KnownSession, now: int) -> None:
        """Records the use of a session, which the application does ten times per idle time."""
        if now - session.last_used < IDLE / 10:
            return
        if session.room is not None and not session.superseded:
            if (room := self._room_of(session)) is None:
                return
            room.ttl = _ttl(session, now)
        session.last_used, session.ttl = now, _ttl(session, now)

    def has_closed(self, session: KnownSession, now: int) -> None:
        """Records that a session was closed."""
        if session.closed:
            return
        session.closed, session.ttl = True, now + RETENTION
        if (room := self._room_of(session)) is not None:
            room.ttl = session.ttl

    def has_changed(self, session: KnownSession, body: Body, now: int) -> None:
        """Records a merge patch. The list of a room's session is the room's."""
        if "closesAt" in body:
            session.closes_at = _optional(body, "closesAt")
        if "participants" in body:
            patch = body["participants"]
            assert patch is None or isinstance(patch, dict)
            merged = {**(session.participants or {}), **(patch or {})}
            kept = {sub: role for sub, role in merged.items() if role is not None}
            session.participants = None if patch is None else kept
        session.ttl = _ttl(session, now)
        room = None if session.superseded else self._room_of(session)
        if room is not None:
            room.participants, room.ttl = session.participants, session.ttl

    def has_released(self, caller: Caller, name: str) -> None:
        """Records that a room was released."""
        if (session := self._session_of(caller.tenant, name)) is not None:
            session.superseded = True
        del self.rooms[caller.tenant, name]

    def has_expired(self, kind: str, now: int) -> None:
        """Removes sessions, rooms or idempotency records whose time has come."""
        if kind == "session":
            self.sessions = {i: s for i, s in self.sessions.items() if s.ttl > now}
        elif kind == "room":
            self.rooms = {name: room for name, room in self.rooms.items() if room.ttl > now}

    def _session_of(self, tenant: str, name: str) -> KnownSession | None:
        """Returns the room's session, unless its record has gone and its ID is another's now."""
        room = self.rooms.get((tenant, name))
        session = self.sessions.get(room.session_id) if room else None
        return session if session and (session.tenant, session.room) == (tenant, name) else None

    def _room_of(self, session: KnownSession) -> KnownRoom | None:
        """Returns the room whose current session this is."""
        room = self.rooms.get((session.tenant, session.room or ""))
        return room if room is not None and room.session_id == session.id else None

    def _record(self, caller: Caller, key: str | None, now: int) -> Record | None:
        record = self.keys.get((caller.tenant, caller.sub, key or ""))
        return record if record is not None and record.expires_at > now else None

    def _has_key(
        self,
        caller: Caller,
        body: Body,
        key: str | None,
        session_id: str,
        *,
        joined: bool,
        now: int,
    ) -> None:
        if key is not None:
            record = Record(canonical(body), session_id, joined, now + KEY_TTL)
            self.keys[caller.tenant, caller.sub, key] = record


def canonical(body: Body) -> str:
    """Returns a text that is equal for equal bodies."""
    return json.dumps(body, sort_keys=True)


def instant(seconds: int | None) -> str | None:
    """Returns a time as a body contains it."""
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _optional(body: Body, name: str) -> int | None:
    text = body.get(name)
    return None if text is None else int(datetime.fromisoformat(str(text)).timestamp())


def _list(body: Body) -> List | None:
    participants = body.get("participants")
    assert participants is None or isinstance(participants, dict)
    return participants


def _reuse(body: Body) -> str:
    return str(body.get("reuse", "conversation"))


def _role(body: Body) -> str:
    token = body["token"]
    assert isinstance(token, dict)
    return str(token["role"])


def _project(session_id: str) -> str:
    return SessionId.decode(session_id).project_id


def _ttl(session: KnownSession, now: int) -> int:
    kept = PERMANENT_TTL if session.reuse == "permanent" else RETENTION
    return max(now, session.opens_at or 0, session.closes_at or 0) + kept


def _window(body: Body) -> tuple[int | None, int | None]:
    return _optional(body, "opensAt"), _optional(body, "closesAt")
