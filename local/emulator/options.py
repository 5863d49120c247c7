"""Parses the form of ``session/create`` as the service does.

Tolerant where an SDK of the vendor needs it: unknown names are ignored, ``location=`` and
``location=null`` mean none, booleans come in any case, an empty body and any ``Content-Type`` are
accepted. Strict where a rejection was recorded. For combinations that the documentation rules out
but whose response is not recorded there is a switch; see ``docs/fidelity.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import parse_qsl

from local.emulator.errors import BadRequest

__all__ = ["ArchiveMode", "MediaMode", "SessionOptions", "Unrecorded", "form_of"]

RESOLUTIONS = frozenset({"640x480", "480x640", "1280x720", "720x1280", "1920x1080", "1080x1920"})
MAX_ARCHIVE_NAME = 80  # characters

_LOCATION = re.compile(r"[0-9A-Za-z.:-]{0,64}")
"""Characters that a session id can carry as its location hint."""


class MediaMode(StrEnum):
    RELAYED = "relayed"
    ROUTED = "routed"


class ArchiveMode(StrEnum):
    MANUAL = "manual"
    ALWAYS = "always"


class Unrecorded(StrEnum):
    """What to do with options that are ruled out, but whose rejection is not recorded."""

    REFUSE = "refuse"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options of a session as the service parsed them."""

    media_mode: MediaMode = MediaMode.ROUTED
    archive_mode: ArchiveMode = ArchiveMode.MANUAL
    archive_name: str | None = None
    archive_resolution: str | None = None
    location: str | None = None
    e2ee: bool = False

    @classmethod
    def from_form(
        cls, form: dict[str, str], unrecorded: Unrecorded = Unrecorded.REFUSE
    ) -> SessionOptions:
        """Parses a form.

        Raises:
            BadRequest: for what the service rejects, and with ``Unrecorded.REFUSE`` for what it
                is expected to reject.
        """
        relayed = form.get("p2p.preference", "") in ("enabled", "always")
        always = form.get("archiveMode") == ArchiveMode.ALWAYS
        location = form.get("location")
        options = cls(
            media_mode=MediaMode.RELAYED if relayed else MediaMode.ROUTED,
            archive_mode=ArchiveMode.ALWAYS if always else ArchiveMode.MANUAL,
            archive_name=form.get("archiveName") or None,
            archive_resolution=form.get("archiveResolution") or None,
            location=None if location in (None, "", "null") else location,
            e2ee=form.get("e2ee", "").lower() == "true",
        )
        if not always:
            for name in ("archiveName", "archiveResolution"):
                if name in form:  # even when it is empty
                    raise BadRequest(f"Invalid request: {name} requires archiveMode=always")
        if len(options.archive_name or "") > MAX_ARCHIVE_NAME:
            raise BadRequest(f"Invalid request: archiveName exceeds {MAX_ARCHIVE_NAME} characters")
        if not _LOCATION.fullmatch(options.location or ""):
            raise BadRequest("Invalid request: location")
        if unrecorded is Unrecorded.REFUSE:
            options._refuse_unrecorded(form)
        return options

    def _refuse_unrecorded(self, form: dict[str, str]) -> None:
        always = self.archive_mode is ArchiveMode.ALWAYS
        relayed = self.media_mode is MediaMode.RELAYED
        if always and relayed:
            raise BadRequest("Invalid request: archiveMode=always requires p2p.preference=disabled")
        if self.e2ee and always:
            raise BadRequest("Invalid request: e2ee cannot be archived")
        if self.e2ee and relayed:
            raise BadRequest("Invalid request: e2ee requires p2p.preference=disabled")
        if self.archive_resolution is not None and self.archive_resolution not in RESOLUTIONS:
            raise BadRequest("Invalid request: archiveResolution")
        if form.get("p2p.preference", "disabled") not in ("enabled", "disabled", "always"):
            raise BadRequest("Invalid request: p2p.preference")
        if form.get("archiveMode", "manual") not in ("manual", "always"):
            raise BadRequest("Invalid request: archiveMode")
        if self.location is not None and not _is_address(self.location):
            raise BadRequest("Invalid request: location")


def form_of(body: bytes) -> dict[str, str]:
    """Parses the body as a form, with any content type. The last of repeated names applies."""
    text = body.decode("utf-8", errors="replace")
    return dict(parse_qsl(text, keep_blank_values=True))


def _is_address(text: str) -> bool:
    """Returns whether the text is an IPv4 or IPv6 address; some SDKs send IPv6."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
