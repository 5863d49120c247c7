"""Which media mode a session should have.

The vendor's advice: relayed for two participants, routed for more and for everything that has to
look into the media. A routed session is the safe choice when the number is unknown, since recent
client SDKs send one-to-one media directly there as well (adaptive media routing).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from opentok_client.options import MediaMode

__all__ = ["ADAPTIVE_ROUTING_SINCE", "Choice", "Feature", "choose"]

RELAYED_PARTICIPANTS_MAX = 2
ADAPTIVE_ROUTING_SINCE = {"web": "2.24.7", "native": "2.27.0"}
"""The client SDKs from which on routed sessions adapt (web: OpenTok.js, native: all others)."""


class Feature(StrEnum):
    """What a session may be used for that only the OpenTok Media Router can do."""

    ARCHIVING = "archiving"
    BROADCAST = "broadcast"
    SIP = "sip"
    EXPERIENCE_COMPOSER = "experienceComposer"
    CAPTIONS = "captions"
    AUDIO_CONNECTOR = "audioConnector"


class Choice(NamedTuple):
    """A media mode, why, and the members of the request that cannot do without the router."""

    media_mode: MediaMode
    reason: str
    needs_router: frozenset[str]


def choose(
    asked: MediaMode | None,
    participants: int | None = None,
    features: tuple[Feature, ...] = (),
    archived: bool = False,
    e2ee: bool = False,
) -> Choice:
    """The media mode for what is known about a session; `asked` is None for `auto`.

    `archived` says that its archive mode is `always`.
    """
    needs: dict[str, str] = {}
    if features:
        needs["features"] = ", ".join(feature.value for feature in features)
    if archived:
        needs["archiveMode"] = "archiveMode 'always'"
    if e2ee:
        needs["e2ee"] = "e2ee"
    if participants is not None and participants > RELAYED_PARTICIPANTS_MAX:
        needs["expectedParticipants"] = f"{participants} participants"
    needs_router = frozenset(needs)
    if asked is not None:
        return Choice(asked, "as asked for", needs_router)
    if needs_router:
        reason = "the media router is needed for " + " and ".join(needs.values())
        return Choice(MediaMode.ROUTED, reason, needs_router)
    if participants is None:
        reason = "the media router is used: the number of participants is not known"
        return Choice(MediaMode.ROUTED, reason, needs_router)
    reason = "media goes directly: two participants at most, and nothing needs the media router"
    return Choice(MediaMode.RELAYED, reason, needs_router)
