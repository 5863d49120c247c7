"""Authorization over HTTP: every route for every kind of caller, and for invalid JWTs.

`test_the_access_matrix_covers_every_route` compares the matrix with the routes of the template.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from local.emulator.session_ids import RANDOM_BYTES, SessionId
from tests.integration.emulator import Emulator
from tests.integration.identities import Issuer
from tests.integration.records import Records
from tests.integration.refill import fill
from tests.integration.stack import Answer, Stack

pytestmark = pytest.mark.usefixtures("calm")


@dataclass(frozen=True)
class People:
    """The JWTs of all kinds of callers of a session that alice owns and bob participates in."""

    owner: str
    participant: str
    stranger: str
    moderator: str


@dataclass(frozen=True)
class Place:
    """A session and its room."""

    session_id: str
    room: str


@pytest.fixture
def people(stack: Stack, issuer: Issuer) -> People:
    users = stack.facts["users"]
    alice, bob, moderator = (users[name]["token"] for name in ("alice", "bob", "moderator"))
    return People(alice, bob, issuer.user().token, moderator)


@pytest.fixture
def place(stack: Stack) -> Place:
    return _place(stack)


def _place(stack: Stack) -> Place:
    room = f"private-{uuid.uuid4()}"
    body = {"room": room, "participants": {stack.facts["users"]["bob"]["sub"]: "publisher"}}
    response = stack.call("POST", "/sessions", body, user="alice")
    assert response.status == 201, response
    return Place(response.body["sessionId"], room)


Call = tuple[str, str, object]
"""Method, path and body; the path may name `{id}` and `{room}`."""

MATRIX: list[tuple[str, Call, tuple[int, int, int, int]]] = [
    # name, call, and the statuses for owner, participant, stranger and moderator
    ("create a session", ("POST", "/sessions", {}), (201, 201, 201, 201)),
    ("join a room", ("POST", "/sessions", {"room": "{room}"}), (200, 200, 404, 200)),
    (
        "join a room as moderator",
        ("POST", "/sessions", {"room": "{room}", "token": {"role": "moderator"}}),
        (200, 403, 404, 200),
    ),
    ("register the session", ("POST", "/sessions", {"sessionId": "{id}"}), (403, 403, 403, 409)),
    ("get by id", ("GET", "/sessions/{id}", None), (200, 200, 404, 200)),
    ("get by room", ("GET", "/sessions?room={room}", None), (200, 200, 200, 200)),
    ("list own sessions", ("GET", "/sessions", None), (200, 200, 200, 200)),
    ("issue a token", ("POST", "/sessions/{id}/tokens", {}), (201, 201, 404, 201)),
    (
        "issue a token for a lower role",
        ("POST", "/sessions/{id}/tokens", {"role": "subscriber"}),
        (201, 201, 404, 201),
    ),
    (
        "issue a token for a higher role",
        ("POST", "/sessions/{id}/tokens", {"role": "moderator"}),
        (201, 403, 404, 201),
    ),
    ("list connections", ("GET", "/sessions/{id}/connections", None), (200, 403, 404, 200)),
    (
        "remove a connection",
        ("DELETE", "/sessions/{id}/connections/none", None),
        (404, 403, 404, 404),
    ),
    ("change", ("PATCH", "/sessions/{id}", {"maxConnections": 5}), (200, 403, 404, 200)),
    # The session is relayed and has no archive.
    ("start an archive", ("POST", "/sessions/{id}/archives", {}), (409, 403, 404, 409)),
    ("list archives", ("GET", "/sessions/{id}/archives", None), (200, 403, 404, 200)),
    ("get an archive", ("GET", "/sessions/{id}/archives/none", None), (404, 403, 404, 404)),
    ("stop an archive", ("POST", "/sessions/{id}/archives/none/stop", None), (404, 403, 404, 404)),
    ("delete an archive", ("DELETE", "/sessions/{id}/archives/none", None), (404, 403, 404, 404)),
    (
        "change a layout",
        ("PUT", "/sessions/{id}/archives/none/layout", {"type": "pip"}),
        (404, 403, 404, 404),
    ),
    (
        "change streams",
        ("PATCH", "/sessions/{id}/archives/none/streams", {"addStream": "stream"}),
        (404, 403, 404, 404),
    ),
    ("release the room", ("DELETE", "/rooms/{room}", None), (204, 404, 404, 204)),
    ("close", ("DELETE", "/sessions/{id}", None), (204, 403, 404, 204)),
]


@pytest.mark.parametrize(
    ("call", "expected"), [row[1:] for row in MATRIX], ids=[r[0] for r in MATRIX]
)
def test_every_caller_gets_the_expected_status(
    stack: Stack, people: People, call: Call, expected: tuple[int, int, int, int]
) -> None:
    tokens = (people.owner, people.participant, people.stranger, people.moderator)
    places = [
        _place(stack) for _ in tokens
    ]  # one each, because closing one would change the result of the others
    responses = [
        _ask(stack, call, place, token) for place, token in zip(places, tokens, strict=True)
    ]

    assert tuple(response.status for response in responses) == expected, responses
    for response, place in zip(responses, places, strict=True):
        if response.status >= 400:
            assert place.session_id not in json.dumps(response.body)


def test_the_access_matrix_covers_every_route(stack: Stack) -> None:
    client = stack.client("apigatewayv2")
    routes = {
        item["RouteKey"]
        for api in client.get_apis()["Items"]
        for item in client.get_routes(ApiId=api["ApiId"])["Items"]
        if item["AuthorizationType"] == "JWT"
    }
    known = {f"{call[0]} {call[1].partition('?')[0]}" for _, call, _ in MATRIX}
    names = {
        "{sessionId}": "{id}",
        "{connectionId}": "none",
        "{family}": "archives",
        "{featureId}": "none",
    }
    for name, value in names.items():
        routes = {route.replace(name, value) for route in routes}
    assert routes == known


def test_only_owner_and_moderators_see_the_participants(
    stack: Stack, people: People, place: Place
) -> None:
    for token, sees in (
        (people.owner, True),
        (people.moderator, True),
        (people.participant, False),
    ):
        session = stack.call("GET", f"/sessions/{place.session_id}", token=token).body
        assert ("participants" in session) is sees
        found = stack.call("GET", f"/sessions?room={place.room}", token=token).body["sessions"]
        assert [set(one) & {"participants"} for one in found] == [set()]


def test_a_list_has_only_the_callers_own_sessions(
    stack: Stack, people: People, place: Place
) -> None:
    def listed(token: str) -> list[str]:
        sessions = stack.call("GET", "/sessions?limit=100", token=token).body["sessions"]
        return [session["sessionId"] for session in sessions]

    assert listed(people.owner) == [place.session_id]
    assert listed(people.participant) == listed(people.stranger) == listed(people.moderator) == []


def test_a_cursor_is_valid_only_for_its_caller(stack: Stack, issuer: Issuer) -> None:
    one, other = issuer.user(), issuer.user()
    for user in (one, one, other):
        assert stack.call("POST", "/sessions", {}, token=user.token).status == 201
    cursor = stack.call("GET", "/sessions?limit=1", token=one.token).body["cursor"]

    assert stack.call("GET", f"/sessions?cursor={cursor}", token=one.token).status == 200
    assert stack.call("GET", f"/sessions?cursor={cursor}", token=other.token).status == 400


def test_a_stranger_cannot_tell_an_existing_session_from_a_missing_one(
    stack: Stack, people: People, place: Place, vendor: Emulator
) -> None:
    """Existing sessions are a private one, a closed one and a pooled one."""
    closed = _place(stack)
    assert stack.call("DELETE", f"/sessions/{closed.session_id}", user="alice").status == 204
    fill(stack, 1)
    (pooled,) = Records.read(stack).pooled
    never_created = _never_created(place.session_id)
    for method, path, body in (
        ("GET", "/sessions/{id}", None),
        ("POST", "/sessions/{id}/tokens", {}),
        ("POST", "/sessions/{id}/tokens", {"role": "moderator"}),
        ("DELETE", "/sessions/{id}", None),
    ):
        responses = [
            _without_ids(stack.call(method, path.format(id=id_), body, token=people.stranger))
            for id_ in (never_created, place.session_id, closed.session_id, pooled)
        ]
        assert responses[0][0] == 404
        assert all(response == responses[0] for response in responses), (method, path)

    rooms = [
        _without_ids(stack.call("GET", f"/sessions?room={room}", token=people.stranger))
        for room in (place.room, "never-opened")
    ]
    assert rooms[0] == rooms[1]


def test_a_stranger_cannot_change_anything(stack: Stack, people: People, place: Place) -> None:
    before = Records.read(stack)
    for _, call, _ in MATRIX[1:]:
        _ask(stack, call, place, people.stranger)
    assert Records.read(stack) == before


# --------------------------------------------------------------------------------- invalid tokens


def _no_token(issuer: Issuer) -> str | None:
    return None


def _foreign_issuer(issuer: Issuer) -> str:
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = {**issuer.claims, "iss": "https://issuer.example", "exp": int(time.time()) + 3600}
    return jwt.encode(claims, theirs, "RS256", headers={"kid": "theirs"})


def _foreign_key_with_our_names(issuer: Issuer) -> str:
    """Signed by a foreign issuer that uses the name and the key ID of the right one."""
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(issuer.claims, theirs, "RS256", headers=issuer.header)


def _expired(issuer: Issuer) -> str:
    return issuer.signed({"exp": int(time.time()) - 1})


def _of_another_app(issuer: Issuer) -> str:
    return issuer.signed({"aud": "another-app"})


def _unsigned(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims, "", "none", headers=issuer.header)


def _hs256_with_the_public_key(issuer: Issuer) -> str:
    """Accepted by verifiers that trust the algorithm in the token's header."""
    parts = [{"alg": "HS256", "typ": "JWT", **issuer.header}, issuer.claims]
    signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    digest = hmac.digest(issuer.public_key.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64(digest)}"


def _promoted(issuer: Issuer) -> str:
    """A valid token whose claims were changed after signing."""
    header, _, signature = issuer.signed({}).split(".")
    claims = {**issuer.claims, "cognito:groups": ["moderators"]}
    return f"{header}.{_base64(json.dumps(claims).encode())}.{signature}"


INVALID_TOKENS: list[Callable[[Issuer], str | None]] = [
    _no_token,
    _foreign_issuer,
    _foreign_key_with_our_names,
    _expired,
    _of_another_app,
    _unsigned,
    _hs256_with_the_public_key,
    _promoted,
]


def test_a_token_of_the_test_issuer_is_accepted(stack: Stack, issuer: Issuer) -> None:
    """Otherwise the rejections below would prove nothing."""
    assert stack.call("GET", "/sessions", token=issuer.signed({})).status == 200


@pytest.mark.parametrize("forge", INVALID_TOKENS, ids=lambda forge: forge.__name__.strip("_"))
def test_an_invalid_token_is_rejected_and_no_function_is_invoked(
    stack: Stack, issuer: Issuer, place: Place, forge: Callable[[Issuer], str | None]
) -> None:
    before, invocations = Records.read(stack), _invocations(stack)
    token = forge(issuer)

    responses = [_ask(stack, call, place, token) for _, call, _ in MATRIX]

    assert {response.status for response in responses} == {401}
    assert len({json.dumps(response.body) for response in responses}) == 1, (
        "it reveals nothing else"
    )
    assert Records.read(stack) == before
    assert _invocations(stack) == invocations


def _ask(stack: Stack, call: Call, place: Place, token: str | None) -> Answer:
    method, path, body = call

    def filled(text: str) -> str:
        return text.replace("{id}", place.session_id).replace("{room}", place.room)

    sent = None if body is None else json.loads(filled(json.dumps(body)))
    return stack.call(method, filled(path), sent, token=token)


def _never_created(session_id: str) -> str:
    """Returns an ID of the same form and project that the vendor has never created."""
    model = SessionId.parse(session_id)
    return str(
        SessionId.new(
            project=model.project,
            location=None,
            created_ms=model.created_ms,
            noise=secrets.token_bytes(RANDOM_BYTES),
            relayed=model.relayed,
        )
    )


def _without_ids(response: Answer) -> tuple[int, dict[str, str], object]:
    """Returns everything of a response that is equal for two equal requests."""
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in {"date", "apigw-requestid"}
    }
    body = {name: value for name, value in response.body.items() if name != "requestId"}
    return response.status, headers, body


def _invocations(stack: Stack) -> int:
    return sum(1 for _ in _start_lines(stack))


def _start_lines(stack: Stack) -> Iterator[str]:
    """Yields the lines that Lambda writes for each invocation."""
    logs = stack.client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group["logGroupName"], filterPattern="START"
        )
        for page in pages:
            yield from (event["message"] for event in page["events"])


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
