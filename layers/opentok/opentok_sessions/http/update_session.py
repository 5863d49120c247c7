"""Parses the body of `PATCH /sessions/{sessionId}`: a JSON merge patch (RFC 7396)."""

from __future__ import annotations

from collections.abc import Mapping

from opentok_client.grant import Role

from ..domain.requests import SessionUpdate
from .create_session import CONNECTIONS_MAX, PARTICIPANT_MAX, PARTICIPANTS_MAX, parse_window
from .fields import Fields

__all__ = ["UPDATE_FIELDS", "parse_session_update"]

UPDATE_FIELDS = ("opensAt", "closesAt", "maxConnections", "participants")


def parse_session_update(body: Mapping[str, object], now: float) -> SessionUpdate:
    """Returns the changes. `null` removes a value, a user from the list, or the whole list.

    Raises `InvalidRequest` naming every wrong field.
    """
    sent = dict(body)
    removed_users: dict[str, Role | None] = {}
    participants = sent.get("participants")
    if isinstance(participants, dict):
        removed_users = {sub: None for sub, role in participants.items() if role is None}
        sent["participants"] = {s: role for s, role in participants.items() if role is not None}
    fields = Fields(sent, UPDATE_FIELDS)
    opens_at, closes_at = parse_window(fields, now)
    read = {
        "opens_at": opens_at,
        "closes_at": closes_at,
        "max_connections": fields.integer("maxConnections", 1, CONNECTIONS_MAX),
    }
    roles = fields.mapping("participants", Role, PARTICIPANTS_MAX, PARTICIPANT_MAX)
    if len(removed_users) > PARTICIPANTS_MAX:
        fields.wrong("participants", f"must have at most {PARTICIPANTS_MAX} entries")
    fields.finish()
    names = {"opens_at": "opensAt", "closes_at": "closesAt", "max_connections": "maxConnections"}
    values: dict[str, object] = {a: read[a] for a, name in names.items() if name in body}
    if "participants" in body and body["participants"] is None:
        values |= {"participants": None, "removed": frozenset()}
    return SessionUpdate(values, None if roles is None else {**roles, **removed_users})
