"""Generated events for the functions: mostly in the gateway's format, with errors everywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from tests.unit.opentok_sessions.bodies import MEMBERS, TOKEN_MEMBERS, WRONG_VALUES, bodies

__all__ = [
    "CALLERS",
    "FEATURE_SECRET",
    "ROOMS",
    "callback_events",
    "create_events",
    "feature_events",
    "list_events",
    "pool_events",
    "session_events",
]

Value = st.SearchStrategy[object]

CALLERS = ("alice", "bob", "carol")
ROOMS = ("lobby", "hall", "board")

ANY_TEXT = st.text(st.characters(), max_size=30)  # lone surrogates and NUL among it
ODD_TEXT = st.sampled_from(
    [
        "",
        "\x00",
        "\ud800",
        "é🎥",
        "../..",
        "%2e%2e%2f",
        "a\r\nSet-Cookie: a=b",
        "$(id)",
        "' OR 1=1",
        "A" * 3000,
    ]
)
ANYTHING: Value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)

# --- bodies as texts ------------------------------------------------------------------------------

RAW = st.sampled_from(
    [
        None,
        "",
        " ",
        "null",
        "[]",
        '"x"',
        "1",
        "1" * 5000,
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"room": "a", "room": "b"}',
        '{"\\ud800": 1, "\\ud800": 2}',
        '{"room": "\\ud800"}',
        '{"room": "\\u0000"}',
        "{" * 30_000,
        '{"token":' * 20_000,
        '{"data": "' + "x" * 70_000 + '"}',
        "{" + ",".join(f'"{number}":1' for number in range(9000)) + "}",
        "\ufeff{}",
        "mediaMode=routed",
    ]
)


@st.composite
def texts(draw: st.DrawFn, content: st.SearchStrategy[Mapping[str, object]]) -> object:
    """A JSON object as text, and sometimes something else."""
    match draw(st.sampled_from(["right"] * 12 + ["cut", "raw", "text", "anything"])):
        case "right":
            return json.dumps(draw(content), ensure_ascii=draw(st.booleans()))
        case "cut":
            text = json.dumps(draw(content))
            return text[: draw(st.integers(0, len(text)))]
        case "raw":
            return draw(RAW)
        case "text":
            return draw(ANY_TEXT)
        case _:
            return draw(ANYTHING)


# --- events ---------------------------------------------------------------------------------------

SUBJECTS: Value = st.sampled_from(CALLERS)
GROUPS: Value = st.sampled_from(
    [
        None,
        "[moderators]",
        "[a moderators]",
        '["moderators"]',
        "moderators",
        ["moderators"],
        "[]",
        '["',
    ]
)
KEYS: Value = st.sampled_from(
    ["key-1", "key-2", "key-3", "", "k" * 129, "é", "a\nb", "\x00", 1, None]
)
CONTENT_TYPES: Value = st.sampled_from(
    ["application/json", "Application/JSON; charset=utf-8", "text/plain", "", "json", None, 1]
)


@st.composite
def _events(draw: st.DrawFn, body: Value, path: Value, query: Value) -> object:
    claims: dict[str, object] = {"sub": draw(SUBJECTS), "iss": "https://issuer.example.com"}
    if draw(st.integers(0, 3)) == 0:
        claims["cognito:groups"] = draw(GROUPS)
    headers: dict[str, object] = {"content-type": "application/json", "accept": "*/*"}
    if draw(st.integers(0, 3)) == 0:
        headers[draw(st.sampled_from(["idempotency-key", "Idempotency-Key"]))] = draw(KEYS)
    text = draw(body)
    zipped = isinstance(text, str) and draw(st.integers(0, 3)) == 0
    if zipped and isinstance(text, str):
        text = base64.b64encode(text.encode(errors="surrogatepass")).decode()
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": "ANY /somewhere",
        "rawPath": "/somewhere",
        "headers": headers,
        "pathParameters": draw(path),
        "queryStringParameters": draw(query),
        "requestContext": {
            "requestId": "request=",
            "authorizer": {"jwt": {"claims": claims, "scopes": None}},
            "http": {"method": "GET", "sourceIp": "192.0.2.10"},
        },
        "body": text,
        "isBase64Encoded": zipped,
    }
    match draw(st.sampled_from(["as it is"] * 12 + ["claims", "headers", "part", "gone", "other"])):
        case "claims":
            claims |= draw(st.dictionaries(st.sampled_from(["sub", "cognito:groups"]), ANYTHING))
            if draw(st.booleans()):
                claims["sub"] = draw(ODD_TEXT)
        case "headers":
            headers["content-type"] = draw(CONTENT_TYPES)
            headers |= draw(st.dictionaries(ANY_TEXT, ANYTHING, max_size=3))
        case "part":
            event[draw(st.sampled_from(sorted(event)))] = draw(ANYTHING)
        case "gone":
            del event[draw(st.sampled_from(sorted(event)))]
        case "other":
            return draw(ANYTHING)
    return event


def _paths(ids: Sequence[str]) -> Value:
    known = st.sampled_from(ids).map(lambda value: {"sessionId": value})
    other = (ANY_TEXT | ODD_TEXT | ANYTHING).map(lambda value: {"sessionId": value})
    return st.one_of(*[known] * 7, other)


NO_PATH: Value = st.just(None)
NO_QUERY: Value = st.just(None)


@st.composite
def _creating(draw: st.DrawFn, ids: Sequence[str]) -> Mapping[str, object]:
    body = draw(bodies())
    if draw(st.integers(0, 2)) == 0:
        body["room"] = draw(st.sampled_from(ROOMS))
    if "sessionId" in body and draw(st.booleans()):
        body["sessionId"] = draw(st.sampled_from(ids))
    return body


def create_events(ids: Sequence[str]) -> Value:
    """For `POST /sessions`."""
    return _events(texts(_creating(ids)), NO_PATH, NO_QUERY)


@st.composite
def _token_bodies(draw: st.DrawFn) -> Mapping[str, object]:
    names = draw(st.lists(st.sampled_from([*TOKEN_MEMBERS]), unique=True))
    wrong = draw(st.sampled_from([None] * 6 + ["other"] + names))
    body = {name: draw(WRONG_VALUES if name == wrong else TOKEN_MEMBERS[name]) for name in names}
    return body | ({"other": 1} if wrong == "other" else {})


def session_events(ids: Sequence[str]) -> Value:
    """For the routes of one session."""
    return _events(texts(_token_bodies()), _paths(ids), NO_QUERY)


FEATURE_SECRET = "a-credential-in-the-body-of-a-feature"
FEATURE_BODIES: Mapping[str, Mapping[str, object]] = {
    "archives": {"name": "a", "outputMode": "composed", "layout": {"type": "pip"}},
    "broadcasts": {
        "outputs": {
            "hls": {"lowLatency": True},
            "rtmp": [{"serverUrl": "rtmp://a.example/live", "streamName": FEATURE_SECRET}],
        },
        "maxDuration": 600,
    },
    "captions": {"languageCode": "en-US", "maxDuration": 300},
    "sip-calls": {
        "sip": {
            "uri": "sip:a@b.example",
            "auth": {"username": "a", "password": FEATURE_SECRET},
            "headers": {"X-Key": FEATURE_SECRET},
        }
    },
    "renders": {"url": "https://a.example/page", "properties": {"name": "a"}},
    "audio-connectors": {
        "websocket": {"uri": "wss://a.example", "headers": {"X-Key": FEATURE_SECRET}}
    },
}
FEATURE_PATHS = ["", "/{featureId}", "/{featureId}/stop"]
FEATURE_ROUTES = [
    *(f"{method} /sessions/{{sessionId}}/{{family}}{path}"
      for method in ("POST", "GET", "DELETE") for path in FEATURE_PATHS),
    "PUT /sessions/{sessionId}/{family}/{featureId}/layout",
    "PATCH /sessions/{sessionId}/{family}/{featureId}/streams",
]  # fmt: skip
FEATURE_IDS = ["archive-0", "broadcast-1", "render-2", "captions-3", "client", "unknown"]


@st.composite
def _feature_bodies(draw: st.DrawFn, family: str) -> Mapping[str, object]:
    body = dict(FEATURE_BODIES.get(family, {}))
    other = st.sampled_from(
        [{"type": "pip"}, {"addStream": "stream"}, {"removeStream": "stream"}, {"type": "custom"}]
    )
    match draw(st.sampled_from(["as it is"] * 4 + ["wrong", "gone", "more", "other"])):
        case "wrong" if body:
            body[draw(st.sampled_from(sorted(body)))] = draw(WRONG_VALUES | ANYTHING)
        case "gone" if body:
            del body[draw(st.sampled_from(sorted(body)))]
        case "more":
            body |= draw(st.dictionaries(ANY_TEXT, ANYTHING, max_size=2))
        case "other":
            return draw(other)
    return body


@st.composite
def feature_events(draw: st.DrawFn, ids: Sequence[str]) -> object:
    """For the routes of the features of a session."""
    family = draw(st.sampled_from([*FEATURE_BODIES]))
    query = st.sampled_from([None, {}, {"offset": "1", "count": "2"}, {"count": "x"}, {"a": "b"}])
    event = draw(_events(texts(_feature_bodies(family)), _paths(ids), query))
    path = event.get("pathParameters") if isinstance(event, dict) else None
    if isinstance(event, dict) and isinstance(path, dict):
        odd = draw(st.integers(0, 9)) == 0
        path["family"] = draw(ANY_TEXT | ODD_TEXT | ANYTHING) if odd else family
        feature_id = draw(st.sampled_from(FEATURE_IDS))
        path["featureId"] = draw(ODD_TEXT | ANYTHING) if odd else feature_id
        event["routeKey"] = draw(st.sampled_from(FEATURE_ROUTES))
    return event


def room_events() -> Value:
    """For `DELETE /rooms/{room}`."""
    names = st.sampled_from(ROOMS) | ANY_TEXT | ODD_TEXT
    return _events(NO_PATH, names.map(lambda room: {"room": room}), NO_QUERY)


def callback_events(ids: Sequence[str]) -> Value:
    """For `POST /callbacks/{kind}`: unsigned and forged events, and probes."""
    kinds = st.sampled_from(["session", "archive", "sip", "else", "", None])
    names = st.sampled_from(["connectionCreated", "connectionDestroyed", "sessionDestroyed", 7])
    connection = st.fixed_dictionaries({"id": ANY_TEXT, "createdAt": ANYTHING, "data": ANYTHING})
    content = st.fixed_dictionaries(
        {},
        optional={
            "sessionId": st.sampled_from(ids) | ANYTHING,
            "event": names,
            "status": ANYTHING,
            "timestamp": ANYTHING,
            "connection": connection | ANYTHING,
        },
    )
    return _events(texts(content), kinds.map(lambda kind: {"kind": kind}), NO_QUERY)


def list_events(cursors: Sequence[str]) -> Value:
    """For `GET /sessions`."""
    parameters = st.fixed_dictionaries(
        {},
        optional={
            "room": st.sampled_from(ROOMS) | ANY_TEXT | ODD_TEXT,
            "limit": st.sampled_from(["1", "2", "100", "0", "101", "1e2", "٣", "9" * 5000, ""]),
            "cursor": st.sampled_from([*cursors, "", "e30=", "bnVsbA==", "x"]) | ANY_TEXT,
        },
    )
    alone = st.sampled_from(ROOMS).map(lambda room: {"room": room})
    unknown = st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=2)
    query: Value = st.one_of(parameters, alone, st.just({}), st.just(None), unknown)
    return _events(NO_PATH, NO_PATH, query)


@st.composite
def _pools(draw: st.DrawFn) -> Mapping[str, object]:
    names = ("mediaMode", "archiveMode", "archiveName", "archiveResolution", "location", "e2ee")
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
    pool = {name: draw(MEMBERS[name]) for name in chosen}
    pool |= {"min": draw(st.integers(0, 3)), "max": draw(st.integers(1, 10_000))}
    match draw(st.sampled_from(["as it is"] * 6 + ["wrong", "gone"])):
        case "wrong":
            pool[draw(st.sampled_from([*pool, "other"]))] = draw(WRONG_VALUES | ANYTHING)
        case "gone":
            del pool[draw(st.sampled_from([*pool]))]
    return pool


def pool_events() -> Value:
    """For the schedule and the console's test button."""
    right = st.lists(_pools(), max_size=3).map(lambda pools: {"pools": pools})
    other = ANYTHING.map(lambda value: {"pools": value})
    more = st.tuples(right, st.dictionaries(ANY_TEXT, ANYTHING)).map(lambda both: both[1] | both[0])
    return st.one_of(right, right, right, right, other, more, ANYTHING)
