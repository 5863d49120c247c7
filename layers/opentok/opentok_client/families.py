"""The six families of features of a routed session, as data.

Paths, limits and errors: the vendor's reference of the Video REST API. A feature with a token joins
the session as a client of its own, so it ends when that client is disconnected.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from .errors import RequestRejected
from .feature_fields import ARCHIVE, AUDIO_CONNECTOR, BROADCAST, CAPTIONS_BODY, RENDER, SIP_CALL
from .grant import Role
from .rules import Rule

__all__ = [
    "ARCHIVES", "AUDIO_CONNECTORS", "BROADCASTS", "CAPTIONS", "FAMILIES", "RENDERS", "SIP_CALLS",
    "Family", "Refusal", "Shown", "Stop",
]  # fmt: skip


class Stop(StrEnum):
    """How the vendor stops a feature."""

    POST = "post"
    """`POST {path}/{id}/stop`."""
    DELETE = "delete"
    """`DELETE {path}/{id}`."""
    DISCONNECT = "disconnect"
    """The feature's client is disconnected; its connection id is the feature's id."""


class Refusal(StrEnum):
    """Why the vendor refuses what it understands."""

    ROUTED_SESSION_REQUIRED = "routed session required"
    NOBODY_CONNECTED = "nobody connected"
    ALREADY_RUNNING = "already running"
    CANNOT_BE_STOPPED = "cannot be stopped"
    CANNOT_BE_DELETED = "cannot be deleted"
    STREAMS_ARE_AUTOMATIC = "streams are automatic"


Shown = Mapping[str, "Shown | None"]
"""The fields of the vendor's responses that are passed on; None for a whole value."""


def _shown(*names: str, **nested: Shown) -> Shown:
    return {**dict.fromkeys(names), **nested}


class Family(NamedTuple):
    """One family: `name` is its segment in our API, `path` the one in the vendor's.

    `fields` is the rule for a start's body. `shown` are the fields of a response that are passed
    on: none of them is a credential. `token_role`: a start needs a token with this role. `id_field`
    is the vendor's name of the id. `listed`, `found`, `deleted`, `arranged`: the vendor has a list,
    a lookup, a deletion, a layout and streams. `refusals` are the documented reasons of rejections,
    by action, status and the vendor's code (None: any other code). `accepted`: a start is accepted
    (202) and happens later. `project_wide`: the list has the features of all sessions.
    """

    name: str
    path: str
    fields: Rule
    shown: Shown
    refusals: Mapping[tuple[str, int, int | None], Refusal]
    stop: Stop
    id_field: str = "id"
    token_role: Role | None = None
    allows_e2ee: bool = False
    listed: bool = False
    found: bool = False
    deleted: bool = False
    arranged: bool = False
    accepted: bool = False
    project_wide: bool = False

    def refusal(self, action: str, rejected: RequestRejected) -> Refusal | None:
        """Returns why the vendor refused the action; None for an undocumented reason."""
        specific = self.refusals.get((action, rejected.status, rejected.code))
        return specific or self.refusals.get((action, rejected.status, None))


ARCHIVES = Family(
    name="archives",
    path="archive",
    fields=ARCHIVE,
    shown=_shown(
        *("id", "sessionId", "status", "reason", "name", "createdAt", "updatedAt", "duration"),
        *("size", "url", "resolution", "outputMode", "streamMode", "hasAudio", "hasVideo"),
        *("hasTranscription", "multiArchiveTag", "maxBitrate", "quantizationParameter"),
        transcription=_shown("status", "url", "reason", "primaryLanguageCode", "hasSummary"),
    ),
    refusals={
        ("start", 404, None): Refusal.NOBODY_CONNECTED,
        ("start", 409, 15008): Refusal.ROUTED_SESSION_REQUIRED,
        ("start", 409, None): Refusal.ALREADY_RUNNING,
        ("stop", 409, None): Refusal.CANNOT_BE_STOPPED,
        ("delete", 409, None): Refusal.CANNOT_BE_DELETED,
        ("streams", 405, None): Refusal.STREAMS_ARE_AUTOMATIC,
    },
    stop=Stop.POST,
    listed=True,
    found=True,
    deleted=True,
    arranged=True,
)


BROADCASTS = Family(
    name="broadcasts",
    path="broadcast",
    fields=BROADCAST,
    shown=_shown(
        *("id", "sessionId", "status", "createdAt", "updatedAt", "maxDuration", "resolution"),
        *("streamMode", "multiBroadcastTag", "maxBitrate", "hasAudio", "hasVideo"),
        broadcastUrls=_shown("hls", "hlsStatus", rtmp=_shown("id", "status", "serverUrl")),
    ),
    refusals={
        ("start", 404, None): Refusal.NOBODY_CONNECTED,
        ("start", 409, 15008): Refusal.ROUTED_SESSION_REQUIRED,
        ("start", 409, None): Refusal.ALREADY_RUNNING,
        ("streams", 405, None): Refusal.STREAMS_ARE_AUTOMATIC,
    },
    stop=Stop.POST,
    listed=True,
    found=True,
    arranged=True,
)

CAPTIONS = Family(
    name="captions",
    path="captions",
    fields=CAPTIONS_BODY,
    shown=_shown(
        *("id", "sessionId", "status", "reason", "createdAt", "updatedAt", "duration"),
        "languageCode",
    ),
    refusals={
        ("start", 404, None): Refusal.NOBODY_CONNECTED,
        ("start", 409, 60003): Refusal.ALREADY_RUNNING,
        ("start", 409, None): Refusal.ROUTED_SESSION_REQUIRED,
    },
    stop=Stop.POST,
    id_field="captionsId",
    token_role=Role.MODERATOR,
    allows_e2ee=True,
    accepted=True,
)

SIP_CALLS = Family(
    name="sip-calls",
    path="dial",
    fields=SIP_CALL,
    shown=_shown("id", "sessionId", "streamId", "createdAt", "updatedAt"),
    refusals={
        ("start", 404, None): Refusal.NOBODY_CONNECTED,
        ("start", 409, None): Refusal.ROUTED_SESSION_REQUIRED,
    },
    stop=Stop.DISCONNECT,
    id_field="connectionId",
    token_role=Role.PUBLISHER,
)

RENDERS = Family(
    name="renders",
    path="render",
    fields=RENDER,
    shown=_shown(
        *("id", "sessionId", "status", "reason", "createdAt", "updatedAt", "url", "resolution"),
        *("name", "streamId"),
    ),
    refusals={
        ("start", 404, None): Refusal.NOBODY_CONNECTED,
        ("start", 409, None): Refusal.ROUTED_SESSION_REQUIRED,
    },
    stop=Stop.DELETE,
    token_role=Role.PUBLISHER,
    listed=True,
    found=True,
    accepted=True,
    project_wide=True,
)

AUDIO_CONNECTORS = Family(
    name="audio-connectors",
    path="connect",
    fields=AUDIO_CONNECTOR,
    shown=_shown("id", "sessionId", "createdAt", "updatedAt"),
    refusals={
        ("start", 404, None): Refusal.NOBODY_CONNECTED,
        ("start", 409, None): Refusal.ROUTED_SESSION_REQUIRED,
    },
    stop=Stop.DISCONNECT,
    id_field="connectionId",
    token_role=Role.PUBLISHER,
)

FAMILIES = {
    family.name: family
    for family in (ARCHIVES, BROADCASTS, CAPTIONS, SIP_CALLS, RENDERS, AUDIO_CONNECTORS)
}
"""Every family, by its segment in our API."""
