"""Fidelity of the control routes: tokens and refusals are the vendor's, the routes are not."""

from __future__ import annotations

from local.emulator.fidelity_row import SDKS, Row

__all__ = ["ROWS"]

_CONNECT = "POST /_emulator/connect"

ROWS = (
    Row(
        _CONNECT,
        "accepts T1 (both base64 alphabets, with or without padding and `sdk_version`), HS256 and "
        "RS256 tokens of every SDK",
        "faithful",
        SDKS,
    ),
    Row(
        _CONNECT,
        "1004 with the service's text for a malformed or expired token or another project's key",
        "faithful",
        "documentation and threads of the iOS samples",
    ),
    Row(
        _CONNECT,
        "1004 for a bad signature, another session, issue in the future, unknown role, data "
        "above 1000 characters, a life above 30 days, fractions of seconds: that it is refused, "
        "and the code",
        "unknown",
        "documented limits; no recording of the refusal or its text",
    ),
    Row(
        _CONNECT,
        "a token without an expiry is valid for 24 h after its issue",
        "unknown",
        "documentation for T1; JWTs without an expiry were once refused",
    ),
    Row(
        _CONNECT,
        "1005 for a session that was never created here",
        "faithful",
        "the vendor's list of client errors",
    ),
    Row(
        _CONNECT,
        "1026, 1027 and 1403 (country, number of clients) are not emulated",
        "simplified",
        "",
    ),
    Row(
        "POST /_emulator/disconnect",
        "disconnects a client, or all clients of a session",
        "ours",
        "",
    ),
    Row("GET /_emulator/health", "200 when ready", "ours", ""),
    Row("GET /_emulator/sessions", "the newest sessions, as parsed", "ours", ""),
    Row("GET /_emulator/sessions/{session}", "one of them", "ours", ""),
    Row(
        "GET /_emulator/faults", "the configured fault, and how many calls it affected", "ours", ""
    ),
    Row("PUT /_emulator/faults", "configures a fault", "ours", ""),
    Row("DELETE /_emulator/faults", "removes the fault", "ours", ""),
    Row("GET /_emulator/requests", "the logged requests, without credentials", "ours", ""),
    Row("DELETE /_emulator/requests", "clears the log", "ours", ""),
    Row("PUT /_emulator/credentials", "rotates a key, or replaces the project", "ours", ""),
    Row("PUT /_emulator/archives/{archive}/status", "sets an archive's status", "ours", ""),
    Row("PUT /_emulator/features/{feature}/status", "sets a feature's status", "ours", ""),
    Row("GET /_emulator/archives/{archive}.mp4", "an MP4 without content", "ours", ""),
    Row("POST /_emulator/drop", "drops the socket of a browser", "ours", ""),
    Row("POST /_emulator/end", "ends a session for all clients, with a reason", "ours", ""),
    Row("POST /_emulator/notify", "announces a rotation", "ours", ""),
    Row("GET /_emulator/callbacks", "settings and deliveries of callbacks", "ours", ""),
    Row("PUT /_emulator/callbacks", "target, time scale and faults of callbacks", "ours", ""),
    Row("DELETE /_emulator/callbacks", "cancels retries, forgets deliveries", "ours", ""),
    Row("GET /_emulator/variants", "the selected form of each open question", "ours", ""),
    Row("PUT /_emulator/variants", "selects forms", "ours", ""),
    Row("DELETE /_emulator/variants", "selects the default forms", "ours", ""),
)
