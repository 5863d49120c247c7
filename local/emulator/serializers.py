"""Serializes responses: JSON if the request asks for it, otherwise XML."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from local.emulator.errors import VendorError
    from local.emulator.sessions import Session

__all__ = ["JSON", "XML", "create_dt", "error_json", "error_xml", "session_json", "session_xml"]

JSON = "application/json"
"""Without a charset: the Python SDK compares the whole header."""
XML = "text/xml"

ICE_CREDENTIAL_EXPIRATION = 86_100  # seconds

_PACIFIC = ZoneInfo("America/Los_Angeles")
_XML_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_ALWAYS_NULL = (
    "session_status",
    "status_invalid",
    "media_server_hostname",
    "messaging_server_url",
    "messaging_url",
    "symphony_address",
    "properties",
    "ice_server",
)


def wants_json(accept: str) -> bool:
    """Returns whether an ``Accept`` header names JSON; ``*/*`` does not."""
    return any(part.partition(";")[0].strip().lower() == JSON for part in accept.split(","))


def create_dt(created_ms: int) -> str:
    """Formats a time as ``Fri Feb 14 05:14:54 PST 2025``; the service uses US Pacific time."""
    moment = datetime.fromtimestamp(created_ms // 1000, UTC).astimezone(_PACIFIC)
    return moment.strftime("%a %b %d %H:%M:%S %Z %Y")


def session_json(session: Session) -> bytes:
    """Returns a new session as an array of one object."""
    return compact(
        [
            {
                "session_id": session.id,
                "project_id": session.project_id,
                "partner_id": session.project_id,
                "create_dt": create_dt(session.created_ms),
                **dict.fromkeys(_ALWAYS_NULL),
                "session_segment_id": session.segment_id,
                "ice_servers": None,
                "ice_credential_expiration": ICE_CREDENTIAL_EXPIRATION,
            }
        ]
    )


def session_xml(session: Session) -> bytes:
    return (
        f"{_XML_HEAD}<sessions><Session><session_id>{session.id}</session_id>"
        f"<partner_id>{session.project_id}</partner_id>"
        f"<create_dt>{create_dt(session.created_ms)}</create_dt></Session></sessions>"
    ).encode()


def error_json(error: VendorError) -> bytes:
    """Returns ``{"code", "message"}``; a 403 repeats the message as ``description``."""
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.status == 403:
        body["description"] = error.message
    return compact(body)


def error_xml(error: VendorError) -> bytes:
    return (
        f"{_XML_HEAD}<errorPayload><code>{error.code}</code>"
        f"<message>{escape(error.message)}</message></errorPayload>"
    ).encode()


def gateway_json(title: str, detail: str, instance: str) -> bytes:
    """Returns an error of the gateway in front of Vonage, similar to RFC 9457."""
    return compact(
        {
            "type": "https://developer.vonage.com/en/api-errors#" + title.lower(),
            "title": title,
            "detail": detail,
            "instance": instance,
        }
    )


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
