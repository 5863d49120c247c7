"""The content of a client token. The limits are those of the vendor's page on creating tokens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .errors import Invalid, Violation

__all__ = [
    "CONNECTION_DATA_MAX",
    "LAYOUT_CLASSES_MAX",
    "LIFETIME_MAX_SECONDS",
    "Role",
    "TokenFormat",
    "TokenGrant",
    "is_well_formed",
]

LIFETIME_MAX_SECONDS = 30 * 24 * 3600
CONNECTION_DATA_MAX = 1000
LAYOUT_CLASSES_MAX = 1000


class Role(StrEnum):
    """The permissions of the token's holder in the session."""

    SUBSCRIBER = "subscriber"
    PUBLISHER = "publisher"
    MODERATOR = "moderator"
    PUBLISHER_ONLY = "publisheronly"


class TokenFormat(StrEnum):
    """The format of an OpenTok token; the unified platform has only JWT."""

    JWT = "jwt"
    T1 = "t1"


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """The content of a token. Raises `Invalid` naming every field that exceeds a limit.

    `issued_at` and `expires_at` are integer seconds since the epoch, at most 30 days apart. The
    other clients get `data` (up to 1000 characters) as connection metadata. `layout_classes` (up to
    1000 characters when joined with spaces) are for composed archives.
    """

    session_id: str
    role: Role
    issued_at: int
    expires_at: int
    data: str = ""
    layout_classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        violations = []
        if not self.issued_at < self.expires_at <= self.issued_at + LIFETIME_MAX_SECONDS:
            violations.append(Violation("expiresIn", "a token lives at most 30 days"))
        if len(self.data) > CONNECTION_DATA_MAX:
            limit = f"must have at most {CONNECTION_DATA_MAX} characters"
            violations.append(Violation("data", limit))
        if not is_well_formed(self.data):
            violations.append(Violation("data", "must be well-formed Unicode"))
        if any(not name or name.split() != [name] for name in self.layout_classes):
            message = "each class must be a name without white space"
            violations.append(Violation("initialLayoutClassList", message))
        elif len(self.layout) > LAYOUT_CLASSES_MAX:
            message = f"joined by spaces must have at most {LAYOUT_CLASSES_MAX} characters"
            violations.append(Violation("initialLayoutClassList", message))
        elif not is_well_formed(self.layout):
            violations.append(Violation("initialLayoutClassList", "must be well-formed Unicode"))
        if violations:
            raise Invalid(violations)

    @property
    def layout(self) -> str:
        """The layout classes in the vendor's format: one text, joined with spaces."""
        return " ".join(self.layout_classes)


def is_well_formed(text: str) -> bool:
    """Returns whether a text can be encoded: JSON can contain lone surrogates, UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
