"""The options that a session can be created with: one table, `OPTIONS`, and their rules.

Rules: the vendor's pages on creating sessions and on end-to-end encryption. The vendor's own SDKs
check different parts of them. Here all are checked, before the vendor is called.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote

from .errors import Invalid, Violation

__all__ = [
    "ARCHIVE_NAME_MAX",
    "ARCHIVE_RESOLUTIONS",
    "OPTIONS",
    "ArchiveMode",
    "MediaMode",
    "Option",
    "OptionValue",
    "SessionOptions",
]

ARCHIVE_NAME_MAX = 80
ARCHIVE_RESOLUTIONS = ("640x480", "480x640", "1280x720", "720x1280", "1920x1080", "1080x1920")


class MediaMode(StrEnum):
    """The path of audio and video: through the OpenTok Media Router, or between the clients."""

    ROUTED = "routed"
    RELAYED = "relayed"


class ArchiveMode(StrEnum):
    """Whether a session is archived from its first connection on, or when the server starts it."""

    MANUAL = "manual"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options of one `session/create` call. Raises `Invalid` naming every wrong field.

    `archive_name` (1-80 characters) and `archive_resolution` require `ArchiveMode.ALWAYS`.
    `location` is a public IPv4 address that is representative of the clients' location. `e2ee`
    requests end-to-end encryption, which excludes all features that process the media.
    """

    media_mode: MediaMode = MediaMode.ROUTED
    archive_mode: ArchiveMode = ArchiveMode.MANUAL
    archive_name: str | None = None
    archive_resolution: str | None = None
    location: str | None = None
    e2ee: bool = False

    def __post_init__(self) -> None:
        if violations := [*self._wrong_values(), *self._invalid_combinations()]:
            raise Invalid(violations)

    def _wrong_values(self) -> list[Violation]:
        return [
            Violation(option.field, message)
            for option in OPTIONS
            if (value := option.of(self)) is not None and (message := option.check(value))
        ]

    def _invalid_combinations(self) -> list[Violation]:
        relayed = self.media_mode is MediaMode.RELAYED
        always = self.archive_mode is ArchiveMode.ALWAYS
        excluded = []
        if always and relayed:
            excluded.append(("archiveMode", "'always' requires a routed session"))
        if not always and self.archive_name is not None:
            excluded.append(("archiveName", "requires archiveMode 'always'"))
        if not always and self.archive_resolution is not None:
            excluded.append(("archiveResolution", "requires archiveMode 'always'"))
        if self.e2ee and relayed:
            message = "requires a routed session; relayed media is always end-to-end encrypted"
            excluded.append(("e2ee", message))
        if self.e2ee and always:
            excluded.append(("e2ee", "an encrypted session cannot be archived"))
        return [Violation(field, message, combination=True) for field, message in excluded]

    def fields(self) -> dict[str, str | bool]:
        """Returns the options that are set, under their names in the API."""
        return {o.field: value for o in OPTIONS if (value := o.plain(self)) is not None}

    def form(self) -> dict[str, str]:
        """Returns the form of `session/create`. The media mode is always sent: the SDKs and the
        service have different defaults for it."""
        return {o.vendor_field: text for o in OPTIONS if (text := o.form_text(self)) is not None}


OptionValue = StrEnum | str | bool


def _valid(_: str) -> str | None:
    return None


class Option(NamedTuple):
    """One session option: its name in Python, in the API (`field`) and in the vendor's form.

    `kind` is the type of its values and `default` the value that applies when it is not set.
    `rule` returns what is wrong with a text, or None. `length_max` is in characters.
    `vendor_values` translates values that the vendor spells differently. `always_sent`: the form
    of `session/create` names it even when it has its default.
    """

    attribute: str
    field: str
    vendor_field: str
    kind: type[StrEnum] | type[str] | type[bool]
    default: OptionValue | None
    rule: Callable[[str], str | None] = _valid
    length_max: int = 0
    vendor_values: tuple[tuple[str, str], ...] = ()
    always_sent: bool = False

    def of(self, options: SessionOptions) -> OptionValue | None:
        """Returns the option's value."""
        value: OptionValue | None = getattr(options, self.attribute)
        return value

    def check(self, value: OptionValue) -> str | None:
        """Returns what is wrong with the value, or None."""
        return self.rule(value) if isinstance(value, str) else None

    def plain(self, options: SessionOptions) -> str | bool | None:
        """Returns the value as the API and the table spell it; None when it is not set."""
        value = self.of(options)
        return value.value if isinstance(value, StrEnum) else value

    def form_text(self, options: SessionOptions) -> str | None:
        """Returns the value as the vendor's form spells it; None when it is not sent."""
        value = self.plain(options)
        if value is None or (value == self.default and not self.always_sent):
            return None
        if isinstance(value, bool):
            return "true"  # lower case: the vendor is known to ignore "True"
        return dict(self.vendor_values).get(value, value)

    def pool_part(self, options: SessionOptions) -> str | None:
        """Returns the option's part of a pool's name; None when it has its default."""
        value = self.plain(options)
        if self.attribute != "media_mode" and value == self.default:
            return None
        if isinstance(value, bool):
            return self.field
        if self.attribute == "archive_name" and value is not None:
            return f"name={quote(value)}"  # CloudWatch allows only ASCII
        return value


def _archive_name(text: str) -> str | None:
    if not 1 <= len(text) <= ARCHIVE_NAME_MAX:
        return f"must have 1 to {ARCHIVE_NAME_MAX} characters"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "must be well-formed Unicode"
    return None


def _archive_resolution(text: str) -> str | None:
    if text not in ARCHIVE_RESOLUTIONS:
        return f"must be one of {', '.join(ARCHIVE_RESOLUTIONS)}"
    return None


def _location(text: str) -> str | None:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return "must be an IPv4 address such as 12.34.56.78; IPv6 is not supported"
    for kind, applies in (
        ("loopback", address.is_loopback),
        ("multicast", address.is_multicast),
        ("link-local", address.is_link_local),
        ("private or reserved", not address.is_global),
    ):
        if applies:
            return f"must be a public address, not a {kind} one"
    return None


OPTIONS = (
    Option(
        "media_mode",
        "mediaMode",
        "p2p.preference",
        MediaMode,
        MediaMode.ROUTED,
        vendor_values=(("routed", "disabled"), ("relayed", "enabled")),
        always_sent=True,
    ),
    Option(
        "archive_mode",
        "archiveMode",
        "archiveMode",
        ArchiveMode,
        ArchiveMode.MANUAL,
        always_sent=True,
    ),
    Option(
        "archive_resolution",
        "archiveResolution",
        "archiveResolution",
        str,
        None,
        _archive_resolution,
        9,
    ),
    Option("location", "location", "location", str, None, _location, 15),
    Option("e2ee", "e2ee", "e2ee", bool, False),
    # Last, because it may be any text and is the last part of a pool's name.
    Option(
        "archive_name", "archiveName", "archiveName", str, None, _archive_name, ARCHIVE_NAME_MAX
    ),
)
"""Every session option. Records, responses, room conflicts and pool names iterate over it."""
