"""Fidelity of the callbacks that the emulator sends."""

from __future__ import annotations

from local.emulator.fidelity_row import Row

__all__ = ["ROWS"]

_DOCS = "the vendor's documentation"
_SESSION = "callback `session`"
_ARCHIVE = "callback `archive`"

ROWS = (
    Row(
        _SESSION,
        "`sessionCreated`, `connectionCreated`, `streamCreated`, `streamDestroyed`, "
        "`connectionDestroyed`, `sessionDestroyed`, `sessionNotification`",
        "faithful",
        _DOCS,
    ),
    Row(
        _SESSION,
        "HS256 signature in `Authorization: Bearer` with `payload_hash`, keyed with the project's "
        "signature secret; unsigned without a secret",
        "faithful",
        _DOCS,
    ),
    Row(_SESSION, "retries after 5 s, doubling up to 15 min, for 24 h", "faithful", _DOCS),
    Row(
        _SESSION,
        "a retry is signed again (`retriesSignedAgain`); any 2xx is a success "
        "(`successStatuses`); a 4xx is retried (`retriesAfter4xx`)",
        "unknown",
        "the documentation is silent or contradicts itself",
    ),
    Row(
        _SESSION,
        "`sessionDestroyed` follows the last leave immediately and without a reason "
        "(`sessionDestroyedAfterMs`, `sessionDestroyedReason`)",
        "unknown",
        "not documented",
    ),
    Row(
        _SESSION,
        "`data` in `connectionDestroyed` (`dataInDestroyed`), type and name of the project "
        "(`projectNumber`, `projectField`), order of `streamDestroyed` and `connectionDestroyed` "
        "(`connectionDestroyedFirst`), claims (`apiKeyClaim`, `applicationIdClaim`)",
        "unknown",
        "documentation and receivers in the field disagree",
    ),
    Row(
        _SESSION,
        "each connection is reported when a session is ended by a rotation or failure "
        "(`endReportsConnections`)",
        "unknown",
        "not documented",
    ),
    Row(
        _SESSION,
        "a new URL is not probed; a change counts immediately",
        "simplified",
        _DOCS,
    ),
    Row(
        _ARCHIVE,
        "`started` and `stopped`, with reason (`archiveEventField`, `archiveProjectField`, "
        "`archiveSizeText`, `archiveUpdatedAt`); `available` with `archiveAvailableAfterMs`, "
        "`uploaded` before `stopped` with `archiveUploadedFirst`, any other by a control route",
        "simplified",
        _DOCS,
    ),
    Row(
        "callback `captions`",
        "the ID is `captionId` (`captionsIdField`), although the start returns `captionsId`",
        "unknown",
        "the Node SDK and the REST reference disagree",
    ),
)
