"""Tenants and limits per caller, with the functions, the gateway and the table of a stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.function_settings import environment
from tests.integration.stack import Answer, Stack

pytestmark = pytest.mark.usefixtures("calm")

FUNCTIONS = ("create_session", "issue_token", "get_session", "close_session", "release_room")
PRIVATE = {"participants": {"bob": "publisher"}}


@pytest.fixture
def tenants(stack: Stack) -> Iterator[None]:
    with environment(stack, *FUNCTIONS, TENANT_CLAIM="custom:tenant"):
        yield


def limited(answer: Answer, name: str) -> bool:
    """Returns whether the response is a refusal by this limit, and complete."""
    if answer.status != 429:
        return False
    assert answer.body["code"] == "too_many_requests"
    assert answer.headers["content-type"] == "application/problem+json"
    assert 1 <= int(answer.headers["retry-after"]) <= 3600
    assert answer.headers["ratelimit"].startswith(f'"{name}";r=0')
    assert answer.headers["ratelimit-policy"].startswith(f'"{name}";q=')
    return True


def test_sessions_per_hour_are_limited_per_caller(stack: Stack) -> None:
    with environment(stack, "create_session", CALLER_SESSIONS_PER_HOUR="2"):
        # More than twice the limit, because an hour may end in between.
        answers = [stack.call("POST", "/sessions", {}, user="alice") for _ in range(5)]
        assert answers[0].status == 201
        assert any(limited(answer, "sessions") for answer in answers)
        assert stack.call("POST", "/sessions", {}, user="bob").status == 201
        for _ in range(5):
            assert stack.call("POST", "/sessions", {}, user="moderator").status == 201


def test_tokens_per_minute_are_limited_per_caller(stack: Stack) -> None:
    session_id = stack.call("POST", "/sessions", {}, user="alice").body["sessionId"]
    path = f"/sessions/{session_id}/tokens"
    with environment(stack, "issue_token", CALLER_TOKENS_PER_MINUTE="1"):
        answers = [stack.call("POST", path, {}, user="alice") for _ in range(3)]
        assert answers[0].status == 201
        assert any(limited(answer, "tokens") for answer in answers)


def test_started_features_per_hour_are_limited_per_caller(stack: Stack) -> None:
    session = stack.call("POST", "/sessions", {"mediaMode": "routed"}, user="alice").body
    path = f"/sessions/{session['sessionId']}/archives"
    with environment(stack, "manage_features", CALLER_FEATURES_PER_HOUR="1"):
        answers = [stack.call("POST", path, {}, user="alice") for _ in range(3)]
        assert answers[0].body["code"] == "nobody_connected"
        assert any(limited(answer, "features") for answer in answers)


def test_rooms_are_limited_and_a_released_one_makes_room(stack: Stack) -> None:
    with environment(stack, "create_session", "release_room", CALLER_ROOMS="2"):
        for room, expected in (("a", 201), ("b", 201), ("a", 200)):
            answer = stack.call("POST", "/sessions", {"room": room, **PRIVATE}, user="alice")
            assert answer.status == expected
        third = {"room": "c", "reuse": "permanent"}
        assert limited(stack.call("POST", "/sessions", third, user="alice"), "rooms")
        assert limited(stack.call("POST", "/sessions", third, user="alice"), "rooms")
        assert stack.call("POST", "/sessions", {"room": "open"}, user="alice").status == 201
        assert stack.call("DELETE", "/rooms/a", user="alice").status == 204
        assert stack.call("POST", "/sessions", third, user="alice").status == 201


@pytest.mark.usefixtures("tenants")
def test_a_session_of_another_tenant_is_like_a_missing_one(stack: Stack) -> None:
    body = {"room": "lobby"}
    ours = stack.call("POST", "/sessions", body, user="alice")
    assert ours.status == 201
    session = f"/sessions/{ours.body['sessionId']}"
    missing = "/sessions/1_missing"
    for method, suffix in (("GET", ""), ("POST", "/tokens"), ("DELETE", "")):
        bodies = []
        for path in (session, missing):
            sent: dict[str, object] | None = {} if method == "POST" else None
            answer = stack.call(method, path + suffix, sent, user="carol")
            assert answer.status == 404
            bodies.append({k: v for k, v in answer.body.items() if k != "requestId"})
        assert bodies[0] == bodies[1]
    assert stack.call("GET", "/sessions?room=lobby", user="carol").body == {"sessions": []}
    theirs = stack.call("POST", "/sessions", body, user="carol")
    assert theirs.status == 201
    assert theirs.body["sessionId"] != ours.body["sessionId"]


@pytest.mark.usefixtures("tenants")
def test_users_of_one_tenant_share_rooms_and_have_lists_of_their_own(stack: Stack) -> None:
    body = {"room": "lobby", "token": {}}
    ours = stack.call("POST", "/sessions", body, user="alice").body["sessionId"]
    for user in ("bob", "moderator"):
        joined = stack.call("POST", "/sessions", body, user=user)
        assert (joined.status, joined.body["sessionId"]) == (200, ours)
    listed = stack.call("GET", "/sessions?limit=100&cursor=", user="alice").body["sessions"]
    assert [session["sessionId"] for session in listed] == [ours]
    assert stack.call("GET", "/sessions", user="bob").body == {"sessions": []}
    assert stack.call("DELETE", f"/sessions/{ours}", user="moderator").status == 204
