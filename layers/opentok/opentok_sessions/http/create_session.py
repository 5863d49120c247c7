"""Parses the body of `POST /sessions`, and checks how its fields combine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from opentok_client.errors import Invalid, InvalidSessionId
from opentok_client.grant import Role
from opentok_client.options import OPTIONS, ArchiveMode, MediaMode, OptionValue, SessionOptions
from opentok_client.session_id import SESSION_ID_MAX, SessionId

from ..domain import media_mode
from ..domain.media_mode import Feature
from ..domain.models import Reuse
from ..domain.problems import FieldError
from ..domain.requests import CLOSES_IN_THE_PAST, ChosenOptions, CreateRequest
from .fields import Fields
from .issue_token import TOKEN_FIELDS, parse_token_fields

__all__ = [
    "CONNECTIONS_MAX",
    "CREATE_FIELDS",
    "OPTION_FIELDS",
    "PARTICIPANTS_MAX",
    "PARTICIPANT_MAX",
    "parse_create_request",
    "parse_options",
    "parse_window",
]

OPTION_FIELDS = ("expectedParticipants", "features", *(option.field for option in OPTIONS))
CREATE_FIELDS = (
    *OPTION_FIELDS, "room", "reuse", "opensAt", "closesAt", "maxConnections", "participants",
    "sessionId", "token",
)  # fmt: skip

PARTICIPANTS_MAX = 200
PARTICIPANT_MAX = 128
"""Characters of a participant's `sub`. Every read of a session pays for its whole list, so a list
is at most 29 kB of ASCII: eight read units."""
CONNECTIONS_MAX = 3000
"""The vendor's limit of connections per session."""
EXPECTED_PARTICIPANTS_MAX = 10_000
WINDOW_MAX_DAYS = 366
WINDOW_MAX_SECONDS = WINDOW_MAX_DAYS * 24 * 3600

# All of these process the media, which is impossible when it is encrypted end to end.
_NOT_WITH_E2EE = frozenset(Feature) - {Feature.CAPTIONS}


class MediaModeField(StrEnum):
    """`mediaMode` as a caller writes it."""

    AUTO = "auto"
    ROUTED = "routed"
    RELAYED = "relayed"


def parse_create_request(
    body: Mapping[str, object],
    now: float,
    token_seconds_max: int,
    header_errors: Sequence[FieldError] = (),
) -> CreateRequest:
    """Returns the request. `header_errors` are reported together with those of the body.

    Raises `InvalidRequest` or `InvalidCombination` naming every wrong field.
    """
    fields = Fields(body, CREATE_FIELDS)
    for error in header_errors:
        fields.wrong(*error)
    existing = _parse_existing(fields)
    chosen = existing or parse_options(fields)
    room = fields.room("room")
    reuse = fields.choice("reuse", Reuse)
    if "reuse" in fields and "room" not in fields:
        fields.excluded("reuse", "requires `room`")
    if reuse is Reuse.PERMANENT and chosen.options.archive_mode is ArchiveMode.ALWAYS:
        message = "'permanent' excludes archiveMode 'always': later archives can fail to start"
        fields.excluded("reuse", message)
    max_connections = fields.integer("maxConnections", 1, CONNECTIONS_MAX)
    participants = fields.mapping("participants", Role, PARTICIPANTS_MAX, PARTICIPANT_MAX)
    token = fields.nested("token", TOKEN_FIELDS)
    token_request = parse_token_fields(token, token_seconds_max) if token else None
    opens_at, closes_at = parse_window(fields, now)
    session_id = body["sessionId"] if existing else None
    fields.finish()
    return CreateRequest(
        chosen=chosen,
        sent=fields.sent,
        room=room,
        reuse=(reuse or Reuse.CONVERSATION) if room else None,
        opens_at=opens_at,
        closes_at=closes_at,
        participants=participants,
        session_id=session_id if isinstance(session_id, str) else None,
        token=token_request,
        max_connections=max_connections,
    )


def parse_options(fields: Fields) -> ChosenOptions:
    """Returns the session options among the fields; errors are collected in `fields`."""
    requested = fields.choice("mediaMode", MediaModeField) or MediaModeField.AUTO
    archive_mode = fields.choice("archiveMode", ArchiveMode) or ArchiveMode.MANUAL
    features = fields.choices("features", Feature)
    participants = fields.integer("expectedParticipants", 1, EXPECTED_PARTICIPANTS_MAX)
    e2ee = fields.flag("e2ee")
    auto = requested is MediaModeField.AUTO
    choice = media_mode.choose(
        None if auto else MediaMode(requested.value),
        participants,
        features,
        archived=archive_mode is ArchiveMode.ALWAYS,
        e2ee=e2ee,
    )
    if features and choice.media_mode is MediaMode.RELAYED:
        fields.excluded("features", "require a routed session")
    if e2ee and (blocked := _NOT_WITH_E2EE.intersection(features)):
        names = ", ".join(sorted(feature.value for feature in blocked))
        fields.excluded("features", f"not available with e2ee: {names}")
    values: dict[str, OptionValue | None] = {
        "media_mode": choice.media_mode,
        "archive_mode": archive_mode,
        "e2ee": e2ee,
    }
    for option in OPTIONS:
        if option.kind is str:
            values[option.attribute] = fields.text(
                option.field, option.length_max, rule=option.rule
            )
    try:
        options = SessionOptions(**values)  # type: ignore[arg-type]
    except Invalid as invalid:
        fields.add_violations(invalid)
        options = SessionOptions()
    return ChosenOptions(options, choice.reason, auto, choice.needs_router)


def _parse_existing(fields: Fields) -> ChosenOptions | None:
    """Returns what the id of an existing session says about its options; None without an id."""
    if "sessionId" not in fields:
        return None
    for name in sorted(fields.sent.intersection(OPTION_FIELDS)):
        fields.excluded(name, "cannot be set when registering an existing session")
    text = fields.text("sessionId", SESSION_ID_MAX)
    options = SessionOptions()
    if text is not None:
        try:
            options = SessionOptions(media_mode=SessionId.decode(text).media_mode)
        except InvalidSessionId as invalid:
            fields.wrong("sessionId", str(invalid))
    return ChosenOptions(options, "read from the session id", auto=False)


def parse_window(fields: Fields, now: float) -> tuple[int | None, int | None]:
    """Returns the join window.

    A window in the past is reported here only beside other errors. By itself it is no error when
    the request repeats one that was in time, which only its idempotency key can show.
    """
    opens_at, closes_at = fields.instant("opensAt"), fields.instant("closesAt")
    for name, instant in (("opensAt", opens_at), ("closesAt", closes_at)):
        if instant is not None and instant > now + WINDOW_MAX_SECONDS:
            fields.wrong(name, f"must be at most {WINDOW_MAX_DAYS} days ahead")
    if closes_at is not None and opens_at is not None and closes_at <= opens_at:
        fields.excluded("closesAt", "must be later than opensAt")
    elif closes_at is not None and closes_at <= now and not fields.valid:
        fields.wrong(*CLOSES_IN_THE_PAST)
    return opens_at, closes_at
