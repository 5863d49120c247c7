"""What a session can be created with.

Rules: the vendor's pages on creating sessions and on end-to-end encryption. The vendor's own SDKs
check different parts of them; here all are checked, and before the vendor is called.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from .errors import Invalid, Violation

__all__ = ["ARCHIVE_NAME_MAX", "ARCHIVE_RESOLUTIONS", "ArchiveMode", "MediaMode", "SessionOptions"]

ARCHIVE_NAME_MAX = 80
ARCHIVE_RESOLUTIONS = ("640x480", "480x640", "1280x720", "720x1280", "1920x1080", "1080x1920")


class MediaMode(StrEnum):
    """How audio and video travel: through the OpenTok Media Router, or between the clients."""

    ROUTED = "routed"
    RELAYED = "relayed"


class ArchiveMode(StrEnum):
    """Whether a session is archived from its first client on, or when the server says so."""

    MANUAL = "manual"
    ALWAYS = "always"


# The vendor's REST name of the media mode speaks of peer to peer.
_P2P_PREFERENCE = {MediaMode.ROUTED: "disabled", MediaMode.RELAYED: "enabled"}


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options of one `session/create` call. Raises `Invalid` naming every wrong member.

    `archive_name` (1-80 characters) and `archive_resolution` go with `ArchiveMode.ALWAYS` only;
    `location` is a public IPv4 address representative of where the clients are; `e2ee` asks for
    end-to-end encryption, which excludes everything that has to look into the media.
    """

    media_mode: MediaMode = MediaMode.ROUTED
    archive_mode: ArchiveMode = ArchiveMode.MANUAL
    archive_name: str | None = None
    archive_resolution: str | None = None
    location: str | None = None
    e2ee: bool = False

    def __post_init__(self) -> None:
        if violations := [*self._wrong_values(), *self._illegal_combinations()]:
            raise Invalid(violations)

    def _wrong_values(self) -> list[Violation]:
        wrong = []
        if self.archive_name is not None and not 1 <= len(self.archive_name) <= ARCHIVE_NAME_MAX:
            wrong.append(Violation("archiveName", f"must have 1 to {ARCHIVE_NAME_MAX} characters"))
        if any("\ud800" <= character <= "\udfff" for character in self.archive_name or ""):
            wrong.append(Violation("archiveName", "must be well-formed Unicode"))
        if self.archive_resolution not in (None, *ARCHIVE_RESOLUTIONS):
            known = ", ".join(ARCHIVE_RESOLUTIONS)
            wrong.append(Violation("archiveResolution", f"must be one of {known}"))
        if self.location is not None and (why := _unusable_location(self.location)):
            wrong.append(Violation("location", why))
        return wrong

    def _illegal_combinations(self) -> list[Violation]:
        relayed = self.media_mode is MediaMode.RELAYED
        always = self.archive_mode is ArchiveMode.ALWAYS
        illegal = []
        if always and relayed:
            illegal.append(("archiveMode", "'always' needs a routed session"))
        if not always and self.archive_name is not None:
            illegal.append(("archiveName", "goes with archiveMode 'always' only"))
        if not always and self.archive_resolution is not None:
            illegal.append(("archiveResolution", "goes with archiveMode 'always' only"))
        if self.e2ee and relayed:
            illegal.append(("e2ee", "needs a routed session; relayed media is end-to-end anyway"))
        if self.e2ee and always:
            illegal.append(("e2ee", "an encrypted session cannot be archived"))
        return [Violation(member, message, combination=True) for member, message in illegal]

    def form(self) -> dict[str, str]:
        """The form of `session/create`. The media mode is always said: SDKs and server differ in
        what they assume when it is not."""
        form = {
            "p2p.preference": _P2P_PREFERENCE[self.media_mode],
            "archiveMode": self.archive_mode.value,
        }
        if self.archive_name is not None:
            form["archiveName"] = self.archive_name
        if self.archive_resolution is not None:
            form["archiveResolution"] = self.archive_resolution
        if self.location is not None:
            form["location"] = self.location
        if self.e2ee:
            form["e2ee"] = "true"  # lower case: the vendor is known to overlook "True"
        return form


def _unusable_location(text: str) -> str | None:
    """Why the address cannot be a location hint, or None."""
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return "must be an IPv4 address such as 12.34.56.78"
    for kind, applies in (
        ("loopback", address.is_loopback),
        ("multicast", address.is_multicast),
        ("link-local", address.is_link_local),
        ("private or reserved", not address.is_global),
    ):
        if applies:
            return f"must be a public address, and this one is {kind}"
    return None
