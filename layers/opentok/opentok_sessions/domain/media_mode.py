"""Chooses the media mode of a session.

The vendor's advice: relayed for two participants, routed for more and for all features that
process the media. Routed is the safe choice when the number is unknown, because recent client SDKs
send one-to-one media directly there too (adaptive media routing).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from opentok_client.options import MediaMode

__all__ = ["ADAPTIVE_ROUTING_SINCE", "Choice", "Feature", "choose"]

RELAYED_PARTICIPANTS_MAX = 2
ADAPTIVE_ROUTING_SINCE = {"web": "2.24.7", "native": "2.27.0"}
"""First client SDK versions with adaptive media routing (web: OpenTok.js, native: all others)."""


class Feature(StrEnum):
    """Features that require the OpenTok Media Router."""

    ARCHIVING = "archiving"
    BROADCAST = "broadcast"
    SIP = "sip"
    EXPERIENCE_COMPOSER = "experienceComposer"
    CAPTIONS = "captions"
    AUDIO_CONNECTOR = "audioConnector"


class Choice(NamedTuple):
    """A media mode, the reason for it, and the fields of the request that require the router."""

    media_mode: MediaMode
    reason: str
    needs_router: frozenset[str]


def choose(
    requested: MediaMode | None,
    participants: int | None = None,
    features: tuple[Feature, ...] = (),
    archived: bool = False,
    e2ee: bool = False,
) -> Choice:
    """Returns the media mode for a session; `requested` is None for `auto`.

    `archived`: its archive mode is `always`.
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
    if requested is not None:
        return Choice(requested, "as requested", needs_router)
    if needs_router:
        reason = "the media router is required for " + " and ".join(needs.values())
        return Choice(MediaMode.ROUTED, reason, needs_router)
    if participants is None:
        reason = "the number of participants is unknown, so the media router is used"
        return Choice(MediaMode.ROUTED, reason, needs_router)
    reason = "at most two participants and no feature needs the media router"
    return Choice(MediaMode.RELAYED, reason, needs_router)
