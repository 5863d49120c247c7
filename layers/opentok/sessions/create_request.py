"""The body of `POST /sessions`, and how its members go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from opentok_client.errors import Invalid, InvalidSessionId
from opentok_client.grant import Role
from opentok_client.options import ARCHIVE_NAME_MAX, ArchiveMode, MediaMode, SessionOptions
from opentok_client.session_id import SESSION_ID_MAX, SessionId

from . import media_mode
from .errors import FieldError
from .media_mode import Feature
from .members import Members
from .models import SUB_MAX, Reuse, TokenRequest
from .rooms import room_name
from .token_request import TOKEN_MEMBERS, read_token_request

__all__ = [
    "CLOSES_IN_THE_PAST",
    "CREATE_MEMBERS",
    "OPTION_MEMBERS",
    "PARTICIPANTS_MAX",
    "CreateRequest",
    "read_options",
]

OPTION_MEMBERS = (
    "mediaMode", "expectedParticipants", "features", "archiveMode", "archiveName",
    "archiveResolution", "location", "e2ee",
)  # fmt: skip
CREATE_MEMBERS = (
    *OPTION_MEMBERS, "room", "reuse", "opensAt", "closesAt", "participants", "sessionId", "token",
)  # fmt: skip

PARTICIPANTS_MAX = 200
EXPECTED_PARTICIPANTS_MAX = 10_000

# Encrypted media cannot be looked into, which is what all of these do.
_NOT_WITH_E2EE = frozenset(Feature) - {Feature.CAPTIONS}


CLOSES_IN_THE_PAST = FieldError("closesAt", "must be in the future")


class MediaModeAsked(StrEnum):
    """`mediaMode` as a caller writes it."""

    AUTO = "auto"
    ROUTED = "routed"
    RELAYED = "relayed"


class ChosenOptions(NamedTuple):
    """Options with the media mode decided, why, and how free that decision was."""

    options: SessionOptions
    reason: str
    auto: bool
    needs_router: frozenset[str] = frozenset()


class CreateRequest(NamedTuple):
    """What `POST /sessions` asks for. `sent` names the members that were there, for comparing
    with a room's live session; `session_id` is one that was made elsewhere."""

    chosen: ChosenOptions
    sent: frozenset[str]
    room: str | None
    reuse: Reuse | None
    opens_at: int | None
    closes_at: int | None
    participants: Mapping[str, Role] | None
    session_id: str | None
    token: TokenRequest | None

    @classmethod
    def read(
        cls,
        body: Mapping[str, object],
        now: float,
        token_seconds_max: int,
        wrong_headers: Sequence[FieldError] = (),
    ) -> CreateRequest:
        """Raises `InvalidRequest` or `IllegalCombination` naming every wrong member, together with
        the headers that are wrong already."""
        members = Members(body, CREATE_MEMBERS)
        for header in wrong_headers:
            members.wrong(*header)
        registered = _registered(members)
        chosen = registered or read_options(members)
        room = room_name(members)
        reuse = members.choice("reuse", Reuse)
        if "reuse" in members and "room" not in members:
            members.illegal("reuse", "goes with a room only")
        participants = members.mapping("participants", Role, PARTICIPANTS_MAX, SUB_MAX)
        token = members.inner("token", TOKEN_MEMBERS)
        token_request = read_token_request(token, token_seconds_max) if token else None
        opens_at, closes_at = _window(members, now)
        session_id = body["sessionId"] if registered else None
        request = cls(
            chosen=chosen,
            sent=members.sent,
            room=room,
            reuse=(reuse or Reuse.CONVERSATION) if room else None,
            opens_at=opens_at,
            closes_at=closes_at,
            participants=participants,
            session_id=session_id if isinstance(session_id, str) else None,
            token=token_request,
        )
        members.finish()
        return request


def read_options(members: Members) -> ChosenOptions:
    """The session options among the members; what is wrong is remembered in `members`."""
    asked = members.choice("mediaMode", MediaModeAsked) or MediaModeAsked.AUTO
    archive_mode = members.choice("archiveMode", ArchiveMode) or ArchiveMode.MANUAL
    features = members.choices("features", Feature)
    participants = members.integer("expectedParticipants", 1, EXPECTED_PARTICIPANTS_MAX)
    e2ee = members.flag("e2ee")
    auto = asked is MediaModeAsked.AUTO
    choice = media_mode.choose(
        None if auto else MediaMode(asked.value),
        participants,
        features,
        archived=archive_mode is ArchiveMode.ALWAYS,
        e2ee=e2ee,
    )
    if features and choice.media_mode is MediaMode.RELAYED:
        members.illegal("features", "need a routed session")
    if e2ee and (blocked := _NOT_WITH_E2EE.intersection(features)):
        names = ", ".join(sorted(feature.value for feature in blocked))
        members.illegal("features", f"cannot be had in an encrypted session: {names}")
    try:
        options = SessionOptions(
            media_mode=choice.media_mode,
            archive_mode=archive_mode,
            archive_name=members.text("archiveName", ARCHIVE_NAME_MAX),
            archive_resolution=members.text("archiveResolution", 9),
            location=members.text("location", 15),
            e2ee=e2ee,
        )
    except Invalid as invalid:
        members.take_over(invalid)
        options = SessionOptions()
    return ChosenOptions(options, choice.reason, auto, choice.needs_router)


def _registered(members: Members) -> ChosenOptions | None:
    """What the id of a session made elsewhere says of its options; None without such an id."""
    if "sessionId" not in members:
        return None
    for name in sorted(members.sent.intersection(OPTION_MEMBERS)):
        members.illegal(name, "a session that exists already has its options")
    text = members.text("sessionId", SESSION_ID_MAX)
    options = SessionOptions()
    if text is not None:
        try:
            options = SessionOptions(media_mode=SessionId.decode(text).media_mode)
        except InvalidSessionId as invalid:
            members.wrong("sessionId", str(invalid))
    return ChosenOptions(options, "read from the session id", auto=False)


def _window(members: Members, now: float) -> tuple[int | None, int | None]:
    """The join window. That it is over already is said here only beside other mistakes: by itself
    it is none when the request repeats one that was in time, which its key will show."""
    opens_at, closes_at = members.instant("opensAt"), members.instant("closesAt")
    if closes_at is not None and opens_at is not None and closes_at <= opens_at:
        members.illegal("closesAt", "must be later than opensAt")
    elif closes_at is not None and closes_at <= now and not members.fine:
        members.wrong(*CLOSES_IN_THE_PAST)
    return opens_at, closes_at
