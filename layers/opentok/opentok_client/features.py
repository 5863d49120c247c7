"""Starts, finds, changes and stops features of a routed session: one function per vendor call.

What differs between the families is in `families`. A start is never repeated blindly, because it
would record, stream or dial twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from .errors import NotFound, OutcomeUnknown, VendorError
from .families import Family, Shown, Stop
from .moderation import disconnect
from .responses import Retryable, parsed
from .session_id import other_spelling
from .transport import Request, Transport

__all__ = [
    "Page", "arrange", "change_streams", "delete", "find", "is_of_session", "list_features",
    "start", "stop",
]  # fmt: skip

Feature = dict[str, object]
LOOKUP_SECONDS = 2.5
"""Kept of a start's time, to look whether it was carried out when its response is lost."""
LIST_MAX = 1000
LIST_MAX_BYTES = 4 * 1024 * 1024
CLOCK_TOLERANCE_SECONDS = 10
"""How much the vendor's clock may be behind ours, when a lost start is looked up."""
TAGS = ("multiArchiveTag", "multiBroadcastTag")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Page(NamedTuple):
    """A part of a list, the newest first. `total` counts the whole list of the vendor."""

    features: Sequence[Feature]
    total: int


def start(
    transport: Transport,
    family: Family,
    session_id: str,
    fields: Mapping[str, object],
    token: str | None,
    deadline: float,
) -> Feature:
    """Starts a feature with fields that `family.fields` has checked.

    When the response is lost, the family's list shows whether the start was carried out. Raises
    `OutcomeUnknown` if the family has no list or it does not show the feature, and what
    `Transport.call` raises; `family.refusal` explains rejections.
    """
    body = {"sessionId": session_id, **fields} | ({"token": token} if token else {})
    request = Request(
        "POST",
        _path(transport, family),
        family.name,
        json=body,
        success=(200, 201, 202),
        repeatable=False,
    )
    started_at = time.time() - CLOCK_TOLERANCE_SECONDS
    reserve = LOOKUP_SECONDS if family.listed else 0
    try:
        return transport.call(request, _feature(family), deadline - reserve)
    except OutcomeUnknown:
        if not family.listed:
            raise
        if (feature := _find_started(transport, family, body, started_at, deadline)) is None:
            raise
        return feature


def list_features(
    transport: Transport,
    family: Family,
    session_id: str,
    deadline: float,
    offset: int = 0,
    count: int = 50,
) -> Page:
    """Returns the features of a session, the newest first.

    Of a `project_wide` list, only the newest `LIST_MAX` features of the project are considered.
    """
    first, most = (0, LIST_MAX) if family.project_wide else (offset, count)
    query = {"offset": str(first), "count": str(most), "sessionId": session_id}
    request = Request(
        "GET", _path(transport, family), family.name, query=query, max_bytes=LIST_MAX_BYTES
    )
    page = transport.call(request, _page(family), deadline)
    found = [feature for feature in page.features if is_of_session(feature, session_id)]
    if family.project_wide:
        return Page(found[offset : offset + count], len(found))
    return page._replace(features=found)


def is_of_session(feature: Mapping[str, object], session_id: str) -> bool:
    """Returns whether the feature belongs to the session, in either spelling of its id."""
    return feature.get("sessionId") in (session_id, other_spelling(session_id))


def find(transport: Transport, family: Family, feature_id: str, deadline: float) -> Feature:
    """Returns a feature. Raises `NotFound` when it does not exist."""
    request = Request("GET", _path(transport, family, feature_id), family.name)
    return transport.call(request, _feature(family), deadline)


def stop(
    transport: Transport, family: Family, session_id: str, feature_id: str, deadline: float
) -> Feature | None:
    """Stops a feature, and returns its new state if the vendor reports it.

    Raises `NotFound` when it does not exist or, except for archives, has stopped already. That can
    be the effect of a first attempt whose response was lost.
    """
    if family.stop is Stop.DISCONNECT:
        disconnect(transport, session_id, feature_id, deadline)
        return None
    if family.stop is Stop.DELETE:
        delete(transport, family, feature_id, deadline)
        return None
    path = _path(transport, family, feature_id, "stop")
    request = Request("POST", path, family.name, success=(200, 202, 204))
    return transport.call(request, _feature_or_nothing(family), deadline)


def delete(transport: Transport, family: Family, feature_id: str, deadline: float) -> None:
    """Deletes a feature's record, and the vendor's copy of a recording."""
    path = _path(transport, family, feature_id)
    request = Request("DELETE", path, family.name, success=(200, 204))
    transport.call(request, lambda _: None, deadline)


def arrange(
    transport: Transport,
    family: Family,
    feature_id: str,
    layout: Mapping[str, object],
    deadline: float,
) -> None:
    """Changes the layout of a running feature; `feature_fields.LAYOUT` has checked it."""
    path = _path(transport, family, feature_id, "layout")
    request = Request("PUT", path, family.name, json=layout, success=(200, 204))
    transport.call(request, lambda _: None, deadline)


def change_streams(
    transport: Transport,
    family: Family,
    feature_id: str,
    change: Mapping[str, object],
    deadline: float,
) -> None:
    """Adds or removes a stream of a running feature; `feature_fields.STREAMS` has checked it."""
    path = _path(transport, family, feature_id, "streams")
    request = Request("PATCH", path, family.name, json=change, success=(200, 204))
    transport.call(request, lambda _: None, deadline)


def _find_started(
    transport: Transport,
    family: Family,
    body: Mapping[str, object],
    started_at: float,
    deadline: float,
) -> Feature | None:
    """Returns the feature that a start with a lost response has started, if there is one."""
    try:
        page = list_features(transport, family, str(body["sessionId"]), deadline)
    except VendorError:
        return None
    for feature in page.features:
        created_at = feature.get("createdAt")
        is_new = isinstance(created_at, int) and created_at >= started_at * 1000
        running = feature.get("status") in ("started", "starting")
        if is_new and running and _is_as_requested(feature, body):
            return feature
    return None


def _is_as_requested(feature: Feature, body: Mapping[str, object]) -> bool:
    same_tags = all((feature.get(tag) or None) == body.get(tag) for tag in TAGS)
    return same_tags and all(feature.get(n) == body[n] for n in ("name", "url") if n in body)


def _path(transport: Transport, family: Family, *parts: str) -> str:
    """Raises `NotFound` for an id that no feature can have, such as one that is a path."""
    if parts and not _ID.fullmatch(parts[0]):
        raise NotFound(404, "nothing has such an id")
    project = quote(transport.project_id, safe="")
    return "/".join(("/v2/project", project, family.path, *parts))


def _feature(family: Family) -> Callable[[bytes], Feature]:
    def read(body: bytes) -> Feature:
        feature = parsed(body)
        if not isinstance(feature, dict) or not _is_feature(feature, family.id_field):
            raise Retryable("a success without a feature")
        return _pick(family.shown, {**feature, "id": feature[family.id_field]})

    return read


def _feature_or_nothing(family: Family) -> Callable[[bytes], Feature | None]:
    def read(body: bytes) -> Feature | None:
        try:
            return _feature(family)(body)
        except Retryable:  # a success all the same: some responses are empty
            return None

    return read


def _page(family: Family) -> Callable[[bytes], Page]:
    def read(body: bytes) -> Page:
        match parsed(body):
            case {"items": [*items], "count": int(total)} if all(map(_is_feature, items)):
                return Page([_pick(family.shown, item) for item in items], total)
        raise Retryable("status 200 without a list")

    return read


def _is_feature(value: object, id_field: str = "id") -> bool:
    feature_id = value.get(id_field) if isinstance(value, dict) else None
    return isinstance(feature_id, str) and _ID.fullmatch(feature_id) is not None


def _pick(shown: Shown, value: Mapping[str, object]) -> Feature:
    """Returns the fields of a response that are passed on."""
    picked: Feature = {}
    for name, nested in shown.items():
        inner = value.get(name)
        if nested is None:
            if inner is not None:
                picked[name] = inner
        elif isinstance(inner, dict):
            picked[name] = _pick(nested, inner)
        elif isinstance(inner, list):
            picked[name] = [_pick(nested, item) for item in inner if isinstance(item, dict)]
    return picked
