"""The subjects: the functions of this project as deployed, and what they are compared with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from tests.environment import SETTINGS

from .execution_environment import Function
from .load.callbacks import Callbacks
from .prepare import Prepared
from .servers import (
    API_KEY,
    APPLICATION_ID,
    CLOSED,
    CONNECTION,
    EMPTY_POOL,
    MONITORED,
    OPENTOK_SECRET,
    OWNER,
    ROOM,
    SIGNATURE_SECRET,
    SLOW_PATH,
    TABLE,
    VONAGE_SECRET,
    live_item,
    session_id,
)

FLOOR, STDLIB, SDK = "floor", "stdlib limit", "Python SDK handler"
NODE_FLOOR, NODE_FLOOR_BUNDLED = "Node.js floor", "Node.js floor, bundled"
NODE_SDK, NODE_SDK_BUNDLED = "Node.js SDK handler", "Node.js SDK handler, bundled"
NODE = (NODE_FLOOR, NODE_FLOOR_BUNDLED, NODE_SDK, NODE_SDK_BUNDLED)
OURS = (
    "get_session",
    "close_session",
    "issue_token",
    "create_session_pool",
    "create_session_room",
    "create_session_live",
    "update_session",
    "remove_connection",
    "release_room",
    "manage_features",
    "receive_callback",
    "receive_callback_leave",
    "disconnect_clients",
    "publish_events",
)
VONAGE, SOURCE_ONLY = "issue_token, Vonage", "get_session, no bytecode"
#: Functions that count what their caller has used, by the name of the subject with limits.
LIMITED = {
    name: f"{name}, limits"
    for name in ("issue_token", "create_session_pool", "create_session_room")
}
COLD = (FLOOR, STDLIB, SDK, *NODE, *OURS, VONAGE, SOURCE_ONLY, *LIMITED.values())

POOL, ROOM_HIT, LIVE = "pool hit", "room hit", "live create"
WAYS_TO_A_SESSION = (POOL, ROOM_HIT, LIVE)

SHARED_SETTINGS = {
    **SETTINGS,
    "SECRET_ID": OPENTOK_SECRET,
    "SECRET_CACHE_SECONDS": "3600",
    "EVENT_BUS_NAME": "",
    "POWERTOOLS_SERVICE_NAME": "opentok-sessions",
    "POWERTOOLS_METRICS_NAMESPACE": "OpenTokSessions",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_LOGGER_SAMPLE_RATE": "0",
}
Event = Mapping[str, object]

TOKEN_FIELDS = {"role": "publisher", "expiresIn": 3600, "data": "name=Alice"}


def event(
    route: str, body: Mapping[str, object] | None = None, session: str = session_id()
) -> dict[str, object]:
    """Returns an HTTP API event (payload 2.0) of a signed-in caller for a route."""
    method, _, template = route.partition(" ")
    values = {
        "sessionId": session,
        "room": ROOM,
        "kind": "session",
        "connectionId": CONNECTION,
        "family": "archives",
    }
    parameters = {name: value for name, value in values.items() if f"{{{name}}}" in template}
    path = template.format(**values)
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
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
                "path": path,
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
        "pathParameters": parameters or None,
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }


def callback(name: str) -> dict[str, object]:
    """Returns the event of a client that connects (`created`) or leaves (`destroyed`) while others
    stay, signed as the vendor signs it."""
    session = session_id(MONITORED)
    callbacks = Callbacks(SIGNATURE_SECRET, API_KEY)
    signed = callbacks.created if name == "created" else callbacks.destroyed
    body, headers = signed(session, CONNECTION)
    found = event("POST /callbacks/{kind}", session=session)
    lower = {name.lower(): value for name, value in headers.items()}
    return {**found, "headers": lower, "body": body.decode()}


def connected(number: int) -> dict[str, object]:
    """Returns the event of the table's stream about a client that has connected to a session."""
    item = live_item(session_id(number))
    return {
        "Records": [
            {
                "eventID": "c81e728d9d4c2f636f067f89cc14862c",
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "awsRegion": "eu-west-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1795348800.0,
                    "Keys": {"pk": item["pk"], "sk": item["sk"]},
                    "NewImage": item,
                    "SequenceNumber": "100000000000000000001",
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
            }
        ]
    }


def subjects(prepared: Prepared, url: str) -> dict[str, Function]:
    """Returns every subject by name. `url` is the address of the servers."""
    settings = {**SHARED_SETTINGS, "AWS_ENDPOINT_URL": url, "API_URL": url, "TABLE_NAME": TABLE}
    lookup = event("GET /sessions/{sessionId}")
    create = event("POST /sessions", {"mediaMode": "routed", "token": TOKEN_FIELDS})
    join = event("POST /sessions", {"room": ROOM, "token": TOKEN_FIELDS})
    token = "POST /sessions/{sessionId}/tokens"
    vonage_session = session_id(project=APPLICATION_ID)
    live = {"TABLE_NAME": EMPTY_POOL}
    slow = {"API_URL": url + SLOW_PATH}
    vonage = {"SECRET_ID": VONAGE_SECRET, "PLATFORM": "vonage"}
    limits = {
        "CALLER_SESSIONS_PER_HOUR": "100",
        "CALLER_TOKENS_PER_MINUTE": "60",
        "CALLER_FEATURES_PER_HOUR": "1000",
        "CALLER_ROOMS": "100",
    }
    connection = "DELETE /sessions/{sessionId}/connections/{connectionId}"
    feature = "POST /sessions/{sessionId}/{family}"
    change = event("PATCH /sessions/{sessionId}", {"maxConnections": 10})

    def python(
        name: str, folder: Path, request: Event, status: int, *layers: Path, **changed: str
    ) -> Function:
        environment = {
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            # /opt and /var/task are read-only on Lambda, so no bytecode is ever written there.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(map(str, (folder, *layers, prepared.runtime))),
            "BENCH_ROOT": str(prepared.root),
            **settings,
            **changed,
        }
        command = (str(prepared.python), "-S", "-m", "awslambdaric", "app.handler")
        return Function(name, folder, command, request, status, environment)

    def node(name: str, folder: Path, request: Event, status: int) -> Function:
        environment = {
            "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs20.x",
            "NODE_PATH": str(prepared.node_modules),
            "NODE_EXTRA_CA_CERTS": str(prepared.root),
            # Not to measure a warning that depends on the version of Node.js.
            "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",
            **settings,
        }
        command = (str(prepared.node), str(prepared.node_runtime))
        return Function(name, folder, command, request, status, environment)

    def ours(
        name: str, folder: str, request: Event, status: int, *layers: Path, **changed: str
    ) -> Function:
        layers = layers or (prepared.layer,)
        return python(name, prepared.functions / folder, request, status, *layers, **changed)

    handlers, bundled = prepared.handlers, prepared.node_bundled
    every = [
        python(FLOOR, handlers / "floor", lookup, 200),
        python(STDLIB, handlers / "stdlib", lookup, 200),
        python(SDK, handlers / "sdk", create, 201, prepared.sdk),
        node(NODE_FLOOR, handlers / "node_floor", lookup, 200),
        node(NODE_FLOOR_BUNDLED, bundled / "node_floor", lookup, 200),
        node(NODE_SDK, handlers / "node_sdk", create, 201),
        node(NODE_SDK_BUNDLED, bundled / "node_sdk", create, 201),
        ours("get_session", "get_session", lookup, 200),
        ours("close_session", "close_session", event("DELETE /sessions/{sessionId}"), 204),
        ours("issue_token", "issue_token", event(token, TOKEN_FIELDS), 201),
        ours("create_session_pool", "create_session", create, 201),
        ours("create_session_room", "create_session", join, 200),
        ours("create_session_live", "create_session", create, 201, **live),
        ours("update_session", "update_session", change, 200),
        ours("remove_connection", "remove_connection", event(connection), 204),
        ours("release_room", "release_room", event("DELETE /rooms/{room}"), 204),
        ours("manage_features", "manage_features", event(feature, {"name": "standup"}), 201),
        ours("receive_callback", "receive_callback", callback("created"), 200),
        ours("receive_callback_leave", "receive_callback", callback("destroyed"), 200),
        ours("disconnect_clients", "disconnect_clients", connected(CLOSED), 0),
        ours("publish_events", "publish_events", connected(MONITORED), 0, EVENT_BUS_NAME="calls"),
        ours(LIMITED["issue_token"], "issue_token", event(token, TOKEN_FIELDS), 201, **limits),
        ours(LIMITED["create_session_pool"], "create_session", create, 201, **limits),
        ours(LIMITED["create_session_room"], "create_session", join, 200, **limits),
        ours(
            VONAGE,
            "issue_token",
            event(token, TOKEN_FIELDS, vonage_session),
            201,
            prepared.layer,
            prepared.crypto,
            **vonage,
        ),
        ours(SOURCE_ONLY, "get_session", lookup, 200, prepared.source_only),
        ours(POOL, "create_session", create, 201, **slow),
        ours(ROOM_HIT, "create_session", join, 200, **slow),
        ours(LIVE, "create_session", create, 201, **live, **slow),
    ]
    return {subject.name: subject for subject in every}
