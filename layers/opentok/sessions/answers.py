"""Sessions and tokens as the API shows them."""

from __future__ import annotations

from datetime import UTC, datetime

from opentok_client.options import MediaMode, SessionOptions

from .media_mode import ADAPTIVE_ROUTING_SINCE
from .models import Caller, Created, Session, Token
from .policy import may_manage

__all__ = ["created_answer", "options_answer", "session_answer", "token_answer"]


def token_answer(token: Token) -> dict[str, object]:
    """As `POST …/tokens` answers."""
    return {
        "token": token.text,
        "sessionId": token.session_id,
        **_project(token.project_id),
        "role": token.role.value,
        "issuedAt": _instant(token.issued_at),
        "expiresAt": _instant(token.expires_at),
    }


def session_answer(
    session: Session, caller: Caller, now: float, source: str | None = None
) -> dict[str, object]:
    """A session as this caller may see it; `source` overrides where it came from."""
    answer: dict[str, object] = {
        "sessionId": session.session_id,
        **_project(session.project_id),
        **options_answer(session.options),
        "mediaModeReason": session.media_mode_reason,
        "adaptiveMediaRouting": _adaptive_media_routing(session.options),
        "owner": session.owner,
        "state": "closed" if session.is_closed(now) else "open",
        "createdAt": _instant(session.created_at / 1000, "milliseconds"),
        "source": source or session.source.value,
    }
    if session.room is not None:
        answer["room"] = session.room
    if session.reuse is not None:
        answer["reuse"] = session.reuse.value
    if session.opens_at is not None:
        answer["opensAt"] = _instant(session.opens_at)
    if session.closes_at is not None:
        answer["closesAt"] = _instant(session.closes_at)
    if session.participants is not None and may_manage(caller, session):
        answer["participants"] = {s: role.value for s, role in session.participants.items()}
    return answer


def created_answer(created: Created, caller: Caller, now: float) -> dict[str, object]:
    """As `POST /sessions` answers: the session, and the token when one was asked for."""
    in_room = created.joined and created.session.room is not None  # or registered once more
    source = "room" if in_room else None
    answer = session_answer(created.session, caller, now, source)
    if created.token is not None:
        answer["token"] = token_answer(created.token)
    return answer


def options_answer(options: SessionOptions) -> dict[str, object]:
    """Options under the names that the API has for them; what was not set is left out."""
    answer: dict[str, object] = {
        "mediaMode": options.media_mode.value,
        "archiveMode": options.archive_mode.value,
        "archiveName": options.archive_name,
        "archiveResolution": options.archive_resolution,
        "location": options.location,
        "e2ee": options.e2ee,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _adaptive_media_routing(options: SessionOptions) -> dict[str, object]:
    """Whether clients of a routed session may send one-to-one media directly, and since when."""
    if options.media_mode is MediaMode.RELAYED:
        return {"available": False}
    return {"available": True, "minimumClientVersions": dict(ADAPTIVE_ROUTING_SINCE)}


def _project(project_id: str) -> dict[str, object]:
    """The project under its neutral name and under its platform's: OpenTok's keys are digits."""
    name = "apiKey" if project_id.isdigit() else "applicationId"
    return {"projectId": project_id, name: project_id}


def _instant(seconds: float, precision: str = "seconds") -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec=precision).removesuffix("+00:00") + "Z"
