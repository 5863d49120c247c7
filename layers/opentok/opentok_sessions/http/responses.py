"""Sessions and tokens as JSON responses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from opentok_client.options import MediaMode, SessionOptions

from ..domain.media_mode import ADAPTIVE_ROUTING_SINCE
from ..domain.models import Caller, Created, Session, Token
from ..domain.policy import may_manage
from ..domain.presence import Connection, Live, LiveState, sub_of

__all__ = [
    "connections_response",
    "created_response",
    "live_response",
    "session_response",
    "token_response",
]


def token_response(token: Token) -> dict[str, object]:
    """Returns the response of `POST …/tokens`."""
    return {
        "token": token.text,
        "sessionId": token.session_id,
        **_project(token.project_id),
        "role": token.role.value,
        "issuedAt": _instant(token.issued_at),
        "expiresAt": _instant(token.expires_at),
    }


def session_response(
    session: Session, caller: Caller, now: float, source: str | None = None
) -> dict[str, object]:
    """Returns a session as this caller may see it; `source` overrides where it came from."""
    response: dict[str, object] = {
        "sessionId": session.session_id,
        **_project(session.project_id),
        **session.options.fields(),
        "mediaModeReason": session.media_mode_reason,
        "adaptiveMediaRouting": _adaptive_media_routing(session.options),
        "owner": session.owner,
        "state": "closed" if session.is_closed(now) else "open",
        "createdAt": _instant(session.created_at / 1000, "milliseconds"),
        "source": source or session.source.value,
    }
    if session.room is not None:
        response["room"] = session.room
    if session.reuse is not None:
        response["reuse"] = session.reuse.value
    if session.opens_at is not None:
        response["opensAt"] = _instant(session.opens_at)
    if session.closes_at is not None:
        response["closesAt"] = _instant(session.closes_at)
    if session.max_connections is not None:
        response["maxConnections"] = session.max_connections
    if session.participants is not None and may_manage(caller, session):
        response["participants"] = {s: role.value for s, role in session.participants.items()}
    return response


def live_response(live: Live) -> dict[str, object]:
    """Returns who is in a session; times are the vendor's."""
    response: dict[str, object] = {"state": live.state.value}
    if live.state is not LiveState.UNKNOWN:
        response["connections"] = live.connections
    if live.since is not None:
        response["since"] = _instant(live.since / 1000, "milliseconds")
    if live.empty_since is not None:
        response["emptySince"] = _instant(live.empty_since / 1000, "milliseconds")
    return response


def connections_response(
    live: Live, connections: Sequence[Connection], *, identified: bool
) -> dict[str, object]:
    """Returns the clients that are connected. `identified`: this service has written their data."""
    return {
        "state": live.state.value,
        "connections": [_connection(connection, identified) for connection in connections],
    }


def _connection(connection: Connection, identified: bool) -> dict[str, object]:
    response: dict[str, object] = {
        "connectionId": connection.id,
        "connectedAt": _instant(connection.connected_at / 1000, "milliseconds"),
        "data": connection.data,
    }
    sub = sub_of(connection.data) if identified else None
    return response | ({"sub": sub} if sub is not None else {})


def created_response(created: Created, caller: Caller, now: float) -> dict[str, object]:
    """Returns the response of `POST /sessions`: the session, and the token if requested."""
    in_room = (
        created.joined and created.session.room is not None
    )  # not when it was registered again
    source = "room" if in_room else None
    response = session_response(created.session, caller, now, source)
    if created.token is not None:
        response["token"] = token_response(created.token)
    return response


def _adaptive_media_routing(options: SessionOptions) -> dict[str, object]:
    """Returns whether clients of a routed session may send one-to-one media directly, and which
    client versions do."""
    if options.media_mode is MediaMode.RELAYED:
        return {"available": False}
    return {"available": True, "minimumClientVersions": dict(ADAPTIVE_ROUTING_SINCE)}


def _project(project_id: str) -> dict[str, object]:
    """Returns the project under its neutral name and its platform's. OpenTok's keys are digits."""
    name = "apiKey" if project_id.isdigit() else "applicationId"
    return {"projectId": project_id, name: project_id}


def _instant(seconds: float, precision: str = "seconds") -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec=precision).removesuffix("+00:00") + "Z"
