"""Parses the callbacks about features: archive, broadcast, captions, render and SIP. Pure.

The vendor posts the feature itself, in several documented forms: with or without `event`, numbers
as numbers or as texts, times or none. What is kept of it is listed here and bounded in size. It
contains no URL, because some are signed, and no credential.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from opentok_client.callbacks import Event

from .features import FeatureRecord

__all__ = ["STATUS_KINDS", "StatusKind", "reported"]

ID = re.compile(r"[\x21-\x7e]{1,255}")
STATUS_MAX_LENGTH = 64
TEXT_MAX_LENGTH = 256
NUMBER_MAX = 10**15
REDACTED = "[redacted]"


class StatusKind(NamedTuple):
    """One kind of callback: the family that it reports on, and the fields that are kept.

    `ids` are the names of the feature's id.
    """

    family: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    flags: tuple[str, ...] = ()


STATUS_KINDS = {
    "archive": StatusKind(
        family="archives",
        ids=("id",),
        texts=("name", "reason", "resolution", "outputMode", "streamMode", "multiArchiveTag"),
        numbers=(
            *("createdAt", "updatedAt", "duration", "size"),
            *("maxBitrate", "quantizationParameter"),
        ),
        flags=("hasAudio", "hasVideo", "hasTranscription"),
    ),
    "broadcast": StatusKind(
        family="broadcasts",
        ids=("id",),
        texts=("reason", "resolution", "streamMode", "multiBroadcastTag"),
        numbers=("createdAt", "updatedAt", "maxDuration", "maxBitrate"),
        flags=("hasAudio", "hasVideo"),
    ),
    "captions": StatusKind(
        family="captions",
        ids=("captionId", "captionsId", "id"),
        texts=("reason", "languageCode"),
        numbers=("createdAt", "updatedAt", "duration"),
    ),
    "render": StatusKind(
        family="renders",
        ids=("id",),
        texts=("reason", "resolution", "name", "streamId"),
        numbers=("createdAt", "updatedAt"),
    ),
}
"""The kinds of callbacks whose body is the feature, with a `status`. If the body has an `event`, it
is the kind. SIP has events instead."""
_SIP_STATUSES = {"callCreated": "created", "callDestroyed": "destroyed"}
_TRANSCRIPTION = ("status", "reason", "primaryLanguageCode")


def reported(kind: str, event: Event) -> FeatureRecord | None:
    """Returns the status that a callback reports; None if it reports none that is usable."""
    if kind == "sip":
        return _sip_call(event)
    known = STATUS_KINDS.get(kind)
    if known is None or event.name in STATUS_KINDS.keys() - {kind}:
        return None
    body = event.fields
    feature_id = next((found for name in known.ids if (found := _id(body.get(name)))), "")
    status = _text(body.get("status"), STATUS_MAX_LENGTH)
    if not feature_id or not status:
        return None
    kept: dict[str, object] = {
        **{name: _text(body.get(name)) for name in known.texts},
        **{name: _number(body.get(name)) for name in known.numbers},
        **{name: _flag(body.get(name)) for name in known.flags},
    }
    if kind == "archive":
        kept["transcription"] = _transcription(body.get("transcription"))
    if kind == "broadcast":
        kept["reason"] = _without_stream_names(body)
    updated_at = _number(body.get("updatedAt")) or event.timestamp
    return _record(known.family, feature_id, status, updated_at, event, kept)


def _sip_call(event: Event) -> FeatureRecord | None:
    """Returns the state of a call, which is known by the connection of its leg in the session."""
    call = event.fields.get("call")
    if not isinstance(call, dict):
        return None
    status = _SIP_STATUSES.get(event.name)
    if event.name == "callUpdated":
        status = _text(event.fields.get("state"), STATUS_MAX_LENGTH)
    connection_id = _id(call.get("connectionId"))
    if not connection_id or not status:
        return None
    reasons = (event.fields.get("reason_code"), event.fields.get("reason_message"))
    kept: dict[str, object] = {
        "reason": " ".join(text for reason in reasons if (text := _text(reason))) or None,
        "createdAt": _number(call.get("createdAt")),
    }
    return _record("sip-calls", connection_id, status.lower(), event.timestamp, event, kept)


def _record(
    family: str,
    feature_id: str,
    status: str,
    updated_at: int,
    event: Event,
    kept: Mapping[str, object],
) -> FeatureRecord:
    known = {"id": feature_id, "sessionId": event.session_id, "status": status}
    fields = {**known, **{name: value for name, value in kept.items() if value is not None}}
    return FeatureRecord(family, feature_id, status, updated_at, fields)


def _transcription(value: object) -> Mapping[str, object] | None:
    if not isinstance(value, dict):
        return None
    kept = {
        **{name: _text(value.get(name)) for name in _TRANSCRIPTION},
        "hasSummary": _flag(value.get("hasSummary")),
    }
    return {name: text for name, text in kept.items() if text is not None}


def _without_stream_names(body: Mapping[str, object]) -> str | None:
    """Returns the reason without the stream names of RTMP targets, which are credentials."""
    reason = body.get("reason")
    if isinstance(reason, str):
        # The longest first: a part of one must not remain because another is a part of it.
        for name in sorted(_stream_names(body), key=len, reverse=True):
            reason = reason.replace(name, "\0")
        reason = reason.replace("\0", REDACTED)
    return _text(reason)  # shortened last: a part of a stream name must not remain


def _stream_names(body: Mapping[str, object]) -> set[str]:
    """Returns every stream name in a body, as it is and as URLs write it.

    The documented forms of a broadcast differ in where the names are.
    """
    names: set[str] = set()
    unread: list[object] = [body]
    while unread:
        value = unread.pop()
        if isinstance(value, list):
            unread += value
        elif isinstance(value, dict):
            unread += value.values()
            name = value.get("streamName")
            if isinstance(name, str) and name:
                names |= {name, quote(name, errors="replace")}
                names.add(quote(name, safe="", errors="replace"))
    return names


def _id(value: object) -> str:
    return value if isinstance(value, str) and ID.fullmatch(value) else ""


def _text(value: object, longest: int = TEXT_MAX_LENGTH) -> str | None:
    """Returns a text that can be stored, shortened if it is too long; None without one."""
    if not isinstance(value, str):
        return None
    return value[:longest].encode(errors="replace").decode()


def _number(value: object) -> int | None:
    """Returns an integer, which the vendor writes as a number or as a text of digits."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < NUMBER_MAX else None  # NaN is not in this range either


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
