"""Fidelity of the vendor's REST routes."""

from __future__ import annotations

from local.emulator.fidelity_row import GUESS, REST_DOCS, SDK_TESTS, SDKS, Row

__all__ = ["ROWS"]

_CREATE = "POST /session/create"
_SESSION = "/v2/project/{project}/session/{session}"
_ARCHIVE = "/v2/project/{project}/archive"

ROWS = (
    Row(
        _CREATE,
        "JSON, an array of one object, when `Accept` names `application/json`; XML otherwise",
        "faithful",
        "recordings in the Python, Ruby and PHP SDKs' tests",
    ),
    Row(
        _CREATE,
        "`Content-Type: application/json` without a charset",
        "faithful",
        "the Python SDK compares the whole value",
    ),
    Row(
        _CREATE,
        "every field of the response; `create_dt` in US Pacific time, agreeing with the id",
        "faithful",
        "a recording of 2025 in the Python SDK's tests",
    ),
    Row(_CREATE, "layout of the session id", "faithful", "about 28 published ids, decoded"),
    Row(
        _CREATE,
        "the id always begins `1_` (the service also creates `2_` ids; the reason is unknown)",
        "simplified",
        "published ids",
    ),
    Row(
        _CREATE,
        "the form: unknown names ignored, `location` empty or `null` is none, booleans in any "
        "case, an empty body, any `Content-Type`; routed unless `p2p.preference` says otherwise",
        "faithful",
        "what each SDK sends, and the old REST reference",
    ),
    Row(
        _CREATE,
        "`e2ee=True`, capitalised, counts as true",
        "unknown",
        "the .NET and Vonage Python SDKs send it; a Python SDK fix hints that it was ignored",
    ),
    Row(
        _CREATE,
        "`p2p.preference=always` counts as relayed",
        "unknown",
        "Vonage's Python SDK before 1.6 sends it for relayed",
    ),
    Row(
        _CREATE,
        "400 for `archiveName` or `archiveResolution` without `archiveMode=always`, empty or not",
        "faithful",
        "an issue of the .NET SDK",
    ),
    Row(_CREATE, "the body of a 400", "unknown", "a fixture of Vonage's Java SDK"),
    Row(
        _CREATE,
        "400 for relayed with `always`, `e2ee` with relayed or `always`, other resolutions, modes "
        "and locations than documented (`--unrecorded accept` accepts them)",
        "unknown",
        "the documentation rules them out; most SDKs reject them before sending",
    ),
    Row(
        _CREATE,
        "OpenTok's 403: message and shape for no header, malformed token, issuer, signature, "
        "issue time ahead; `ist` in the claims or in the header",
        "faithful",
        "threads of the SDKs' users",
    ),
    Row(_CREATE, "the text for an expired or incomplete REST token", "unknown", GUESS),
    Row(
        _CREATE,
        "how far in the future `iat` may be: one second",
        "unknown",
        "refused in the field when minutes ahead",
    ),
    Row(
        _CREATE,
        "the maximum life of a REST token, five minutes, is enforced with `--strict-jwt-life` only",
        "unknown",
        "documented, but tokens with a life of one day are used in the field",
    ),
    Row(
        _CREATE,
        "Vonage's 401 from the gateway, shaped like RFC 9457; no `exp` needed; the PHP SDK's "
        "token in `X-OPENTOK-AUTH`",
        "simplified",
        "fixtures of Vonage's SDKs, not recorded for this path",
    ),
    Row(
        _CREATE,
        "`acl` claims of a Vonage REST token are ignored",
        "unknown",
        "one field report of a 401 for narrow ones",
    ),
    Row(
        _CREATE,
        "one port serves both hosts and the credentials decide; with `--vonage-port` each host has "
        "its own port",
        "ours",
        "",
    ),
    Row(_CREATE, "no rate limit", "simplified", "no figure is published"),
    Row(
        f"GET {_SESSION}/stream",
        "404 until a client is connected, then the list",
        "faithful",
        "threads of the PHP and Python SDKs",
    ),
    Row(f"GET {_SESSION}/stream", "404 again after the last has left", "unknown", GUESS),
    Row(
        f"GET {_SESSION}/stream/{{stream}}",
        "the stream; 408 when the id is not one, 404 when there is none",
        "faithful",
        SDKS,
    ),
    Row(
        f"GET {_SESSION}/connection",
        "the list, with `projectId` or `applicationId`; lag and type of `createdAt` as variants",
        "faithful",
        "code of the Java and PHP SDKs",
    ),
    Row(
        f"DELETE {_SESSION}/connection/{{connection}}",
        "204, or 404 when that client is not connected",
        "faithful",
        SDKS,
    ),
    Row(
        f"POST {_SESSION}/signal",
        "204; 404 if no client is connected, 413 above 128 bytes of type or 8192 of data, 400 "
        "with code 15202 without `data`; an empty sender",
        "faithful",
        REST_DOCS,
    ),
    Row(
        f"POST {_SESSION}/connection/{{connection}}/signal",
        "the same to one client",
        "simplified",
        REST_DOCS,
    ),
    Row(
        f"GET {_ARCHIVE}",
        "newest first, by session, `offset` and `count`; `count` of the response is of all",
        "faithful",
        REST_DOCS,
    ),
    Row(
        f"POST {_ARCHIVE}",
        "409 with code 15008 on a relayed session, 404 if no client is connected",
        "faithful",
        "a thread of the PHP SDK",
    ),
    Row(f"POST {_ARCHIVE}", "nothing is recorded: size 0, no URL", "simplified", REST_DOCS),
    Row(
        f"POST {_ARCHIVE}",
        "a session with `archiveMode=always` starts its archive with its first client, under its "
        "name with `~ - _` as `:`",
        "faithful",
        "the vendor's documentation",
    ),
    Row(
        f"POST {_ARCHIVE}",
        "several archives at a time with different `multiArchiveTag`; 409 with code 15001 for a "
        "tag in use",
        "faithful",
        REST_DOCS,
    ),
    Row(f"POST {_ARCHIVE}", "list and lookup return the tag", "unknown", "the sources disagree"),
    Row(
        f"POST {_ARCHIVE}",
        "every archive stops when the session ends (the service waits 60 s)",
        "simplified",
        REST_DOCS,
    ),
    Row(f"GET {_ARCHIVE}/{{archive}}", "the archive, or 404", "faithful", SDKS),
    Row(
        f"POST {_ARCHIVE}/{{archive}}/stop",
        "stays `stopped` (the service goes on to `available`; `archiveAvailableAfterMs`); 409 with "
        "code 15002 the second time; no effect on automatic archives",
        "simplified",
        SDK_TESTS,
    ),
    Row(
        f"DELETE {_ARCHIVE}/{{archive}}",
        "204; 409 with code 15004 while it runs",
        "faithful",
        SDK_TESTS,
    ),
    Row(
        f"GET {_SESSION}/stream",
        "403 with code -1 when the project in the path is not the token's (all `/v2` paths)",
        "faithful",
        "threads; its status is a guess",
    ),
    Row(
        f"PUT {_SESSION}/stream",
        "200 and the changed streams; 400 for unknown streams",
        "simplified",
        SDKS,
    ),
    Row(
        f"POST {_SESSION}/stream/{{stream}}/mute",
        "200 and the project; the client receives it; 404 for an unknown stream",
        "faithful",
        REST_DOCS,
    ),
    Row(
        f"POST {_SESSION}/mute",
        "200 and the project; also mutes streams that are published later; nothing is unmuted",
        "faithful",
        REST_DOCS,
    ),
    Row(
        f"POST {_SESSION}/mute",
        "`excludedStreamIds` or `excludedStreams`: both are accepted (`excludedStreamsField`)",
        "unknown",
        "the SDKs disagree",
    ),
    Row(
        f"PUT {_ARCHIVE}/{{archive}}/layout",
        "200; 400 for individual archives and invalid layouts",
        "faithful",
        REST_DOCS,
    ),
    Row(
        f"PATCH {_ARCHIVE}/{{archive}}/streams",
        "204; 405 with `streamMode` auto",
        "faithful",
        REST_DOCS,
    ),
)
