"""What is measured: our functions as they are deployed, and what they are compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from .container import Function
from .prepare import Prepared
from .servers import (
    APPLICATION_ID,
    EMPTY_POOL,
    OPENTOK_SECRET,
    OWNER,
    ROOM,
    SLOW_PATH,
    TABLE,
    VONAGE_SECRET,
    session_id,
)

FLOOR, STDLIB, SDK = "floor", "stdlib limit", "SDK handler"
OURS = (
    "get_session",
    "close_session",
    "issue_token",
    "create_session_pool",
    "create_session_live",
)
VONAGE, SOURCE_ONLY = "issue_token, Vonage", "get_session, no bytecode"
COLD = (FLOOR, STDLIB, SDK, *OURS, VONAGE, SOURCE_ONLY)

POOL, ROOM_HIT, LIVE = "pool hit", "room hit", "live create"
WAYS_TO_A_SESSION = (POOL, ROOM_HIT, LIVE)

SHARED_SETTINGS = {
    "SECRET_ID": OPENTOK_SECRET,
    "PLATFORM": "opentok",
    "TOKEN_FORMAT": "jwt",
    "MAX_TOKEN_SECONDS": "86400",
    "ROOM_IDLE_SECONDS": "43200",
    "RETENTION_DAYS": "30",
    "SECRET_CACHE_SECONDS": "3600",
    "POOLS": '[{"mediaMode":"routed","min":2,"max":20},{"mediaMode":"relayed","min":2,"max":20}]',
    "REFILL_LIMIT": "500",
    "MODERATORS_CLAIM": "cognito:groups",
    "MODERATORS_GROUP": "moderators",
    "POWERTOOLS_SERVICE_NAME": "opentok-sessions",
    "POWERTOOLS_METRICS_NAMESPACE": "OpenTokSessions",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_LOGGER_SAMPLE_RATE": "0",
}
Event = Mapping[str, object]

TOKEN_WANTED = {"role": "publisher", "expiresIn": 3600, "data": "name=Alice"}


def event(
    route: str, body: Mapping[str, object] | None = None, session: str = session_id()
) -> dict[str, object]:
    """The event of an HTTP API (payload 2.0) for a route of the template and a signed-in caller."""
    method, _, path = route.partition(" ")
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path.replace("{sessionId}", session),
        "rawQueryString": "",
        "headers": {
            "authorization": "Bearer benchmark",
            "content-type": "application/json",
            "host": "api.example.com",
            "user-agent": "okhttp/4.12.0",
            "x-forwarded-for": "203.0.113.7",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "benchmark",
            "authorizer": {
                "jwt": {
                    "claims": {"sub": OWNER, "cognito:groups": "[users]", "token_use": "access"},
                    "scopes": None,
                }
            },
            "domainName": "api.example.com",
            "http": {
                "method": method,
                "path": path.replace("{sessionId}", session),
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "okhttp/4.12.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": route,
            "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1795348800000,
        },
        "pathParameters": {"sessionId": session} if "{sessionId}" in path else None,
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }


def subjects(prepared: Prepared, url: str) -> dict[str, Function]:
    """Every subject by name; `url` is where the servers listen."""
    settings = {**SHARED_SETTINGS, "AWS_ENDPOINT_URL": url, "API_URL": url, "TABLE_NAME": TABLE}
    runtime, layer = prepared.runtime, prepared.layer
    lookup = event("GET /sessions/{sessionId}")
    create = event("POST /sessions", {"mediaMode": "routed", "token": TOKEN_WANTED})
    join = event("POST /sessions", {"room": ROOM, "token": TOKEN_WANTED})
    token = "POST /sessions/{sessionId}/tokens"
    foreign = session_id(project=APPLICATION_ID)
    live = {"TABLE_NAME": EMPTY_POOL}
    slow = {"API_URL": url + SLOW_PATH}
    vonage = {"SECRET_ID": VONAGE_SECRET, "PLATFORM": "vonage"}

    def peer(name: str, folder: str, asked: Event, status: int, *layers: Path) -> Function:
        environment = {**settings, "BENCH_ROOT": str(prepared.root)}
        return Function(
            name, prepared.handlers / folder, (*layers, runtime), asked, status, environment
        )

    def ours(
        name: str, folder: str, asked: Event, status: int, *layers: Path, **changed: str
    ) -> Function:
        environment = {**settings, **changed}
        return Function(
            name,
            prepared.functions / folder,
            (*(layers or (layer,)), runtime),
            asked,
            status,
            environment,
        )

    every = [
        peer(FLOOR, "floor", lookup, 200),
        peer(STDLIB, "stdlib", lookup, 200),
        peer(SDK, "sdk", create, 201, prepared.sdk),
        ours("get_session", "get_session", lookup, 200),
        ours("close_session", "close_session", event("DELETE /sessions/{sessionId}"), 204),
        ours("issue_token", "issue_token", event(token, TOKEN_WANTED), 201),
        ours("create_session_pool", "create_session", create, 201),
        ours("create_session_live", "create_session", create, 201, **live),
        ours(
            VONAGE,
            "issue_token",
            event(token, TOKEN_WANTED, foreign),
            201,
            layer,
            prepared.crypto,
            **vonage,
        ),
        ours(SOURCE_ONLY, "get_session", lookup, 200, prepared.source_only),
        ours(POOL, "create_session", create, 201, **slow),
        ours(ROOM_HIT, "create_session", join, 200, **slow),
        ours(LIVE, "create_session", create, 201, **live, **slow),
    ]
    return {subject.name: subject for subject in every}
