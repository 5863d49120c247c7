"""Fidelity of the features of routed sessions, except archives."""

from __future__ import annotations

from local.emulator.fidelity_row import GUESS, REST_DOCS, SDK_TESTS, SDKS, Row

__all__ = ["ROWS"]

_PROJECT = "/v2/project/{project}"
_SESSION = _PROJECT + "/session/{session}"
_BROADCAST = _PROJECT + "/broadcast"
_CAPTIONS = _PROJECT + "/captions"
_RENDER = _PROJECT + "/render"

ROWS = (
    Row(
        f"POST {_BROADCAST}",
        "the broadcast; nothing is streamed, the URLs lead nowhere, RTMP targets stay `connecting`",
        "simplified",
        SDK_TESTS,
    ),
    Row(
        f"POST {_BROADCAST}",
        "400 for invalid outputs, more than five RTMP targets, `dvr` with `lowLatency`; 409 for a "
        "tag in use",
        "faithful",
        REST_DOCS,
    ),
    Row(
        f"POST {_BROADCAST}",
        "404 if no client is connected (`broadcastWithoutClients`), 409 if relayed",
        "unknown",
        GUESS,
    ),
    Row(f"POST {_BROADCAST}/", "the same as without the slash: `@vonage/video`", "unknown", SDKS),
    Row(f"GET {_BROADCAST}", "newest first, `offset`, `count`, `sessionId`", "faithful", REST_DOCS),
    Row(f"GET {_BROADCAST}/{{broadcast}}", "the broadcast, or 404", "faithful", REST_DOCS),
    Row(f"POST {_BROADCAST}/{{broadcast}}/stop", "404 if stopped before", "faithful", REST_DOCS),
    Row(f"PUT {_BROADCAST}/{{broadcast}}/layout", "200; 400 if invalid", "faithful", REST_DOCS),
    Row(
        f"PATCH {_BROADCAST}/{{broadcast}}/streams",
        "204; 405 with `streamMode` auto",
        "faithful",
        REST_DOCS,
    ),
    Row(
        f"POST {_CAPTIONS}",
        "202 and `captionsId`; requires a moderator's token; 409 with code 60003 if enabled. "
        "Nothing is transcribed",
        "simplified",
        REST_DOCS,
    ),
    Row(
        f"GET {_CAPTIONS}/{{captions}}", "the status (`captionsLookup`)", "unknown", "one SDK only"
    ),
    Row(f"POST {_CAPTIONS}/{{captions}}/stop", "202; 404 if stopped before", "faithful", REST_DOCS),
    Row(
        f"POST {_PROJECT}/dial",
        "adds a connection with a stream; the call is `ACTIVE` immediately, no phone rings; 409 if "
        "relayed",
        "simplified",
        REST_DOCS,
    ),
    Row(f"POST {_SESSION}/play-dtmf", "200 for valid digits", "simplified", REST_DOCS),
    Row(
        f"POST {_SESSION}/connection/{{connection}}/play-dtmf",
        "the same to one client",
        "simplified",
        REST_DOCS,
    ),
    Row(
        f"POST {_RENDER}",
        "202 and `starting`; adds a connection with a stream and is `started` immediately; no page "
        "is opened; not all error codes",
        "simplified",
        REST_DOCS,
    ),
    Row(f"GET {_RENDER}", "newest first, `offset`, `count`", "faithful", REST_DOCS),
    Row(f"GET {_RENDER}/{{render}}", "the render, or 404", "faithful", REST_DOCS),
    Row(f"DELETE {_RENDER}/{{render}}", "204; 404 if stopped before", "faithful", REST_DOCS),
    Row(
        f"DELETE {_RENDER}/{{render}}",
        "status 204 or 200 (`renderStopStatus`)",
        "unknown",
        "the Python SDK accepts only 200",
    ),
    Row(
        f"POST {_PROJECT}/connect",
        "`id` and `connectionId`; adds a connection; the WebSocket is not called",
        "simplified",
        SDKS,
    ),
    Row(
        f"POST {_PROJECT}/connect",
        "status 200 or 202 (`audioConnectorStatus`)",
        "unknown",
        "REST reference and SDK disagree",
    ),
    Row(f"POST {_SESSION}/migrate", "202; nothing migrates", "simplified", REST_DOCS),
    Row(
        "callbacks `broadcast`, `captions`, `render`, `sip`",
        "started and stopped, for SIP `callCreated`, `callUpdated`, `callDestroyed`",
        "simplified",
        "the vendor's documentation; the broadcast body is inferred",
    ),
)
