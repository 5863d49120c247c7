"""Fidelity of what browser SDKs use: session info and the messaging server."""

from __future__ import annotations

from local.emulator.fidelity_row import GUESS, Row

__all__ = ["ROWS"]

_INFO = "GET /session/{session}"
_MESSAGING = "GET /messaging"
_ON_THE_WIRE = "the browser SDK 2.35.2 on the wire"
_BUNDLE = "code of the browser SDK 2.35.2"
_WORKS = "chosen so that the SDK works; not recorded from the service"

ROWS = (
    Row(
        _INFO,
        "the fields that the SDK reads, for OpenTok JWT, T1 and Vonage tokens in `X-OPENTOK-AUTH`",
        "faithful",
        _ON_THE_WIRE,
    ),
    Row(
        _INFO,
        "a refusal is a 200 with the error in the body: 403 becomes 1004 in the SDK, 404 becomes "
        "1005",
        "faithful",
        _ON_THE_WIRE,
    ),
    Row(
        _INFO,
        "`p2p.preference` `enabled` (relayed) or `disabled` (routed), never `adaptive`; no ICE "
        "servers",
        "simplified",
        _BUNDLE,
    ),
    Row("OPTIONS /session/{session}", "allows the SDK's headers", "faithful", _ON_THE_WIRE),
    Row("POST /logging/{kind}", "accepts the SDK's analytics and drops them", "simplified", ""),
    Row("OPTIONS /logging/{kind}", "allows the SDK's headers", "faithful", _ON_THE_WIRE),
    Row(
        _MESSAGING,
        "binary frames; connect, ping, requests with a status, events; signals to all, to one, and "
        "from the server with an empty sender",
        "faithful",
        _ON_THE_WIRE,
    ),
    Row(
        _MESSAGING,
        "permissions of the roles; 403 for a request that the role does not allow",
        "ours",
        _WORKS,
    ),
    Row(
        _MESSAGING,
        "subscribe: the publisher is asked for an offer; offer, answer and candidates travel "
        "between the two browsers, which exchange media directly, also in routed sessions",
        "ours",
        _WORKS,
    ),
    Row(
        _MESSAGING,
        "a client that subscribes to its own stream with `testNetwork` receives no media, and the "
        "SDK logs errors (the vendor's Captions sample does this)",
        "simplified",
        "",
    ),
    Row(
        _MESSAGING,
        "forced disconnect, forced unpublish, mute of one stream and of all, mute of later streams",
        "ours",
        _BUNDLE,
    ),
    Row(_MESSAGING, "archives start and stop", "ours", _BUNDLE),
    Row(_MESSAGING, "a changed channel is sent to all clients", "ours", _BUNDLE),
    Row(
        _MESSAGING,
        "a lost socket reconnects within 30 s (`networkDisconnectedAfterMs`) with its connection "
        "id; events wait for it",
        "unknown",
        "the SDK reconnects; what the service does is not recorded",
    ),
    Row(_MESSAGING, "a closed tab is `clientDisconnected` immediately", "unknown", GUESS),
    Row(
        _MESSAGING,
        "no media server: nothing is mixed, recorded or forwarded; no simulcast, no adaptive "
        "routing, no session migration, no end-to-end encryption keys",
        "simplified",
        "",
    ),
)
