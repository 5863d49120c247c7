"""Reading the caller from the JWT's claims: `sub`, and who is a moderator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.problems import InvalidRequest
from opentok_sessions.http import caller as caller_module
from opentok_sessions.http.request import Request
from opentok_sessions.runtime.settings import Settings
from tests.aws import ENVIRONMENT

SETTINGS = Settings.from_environment(ENVIRONMENT)
Log = Callable[[], str]


@pytest.fixture(autouse=True)
def new_execution_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forgets which warnings were logged."""
    monkeypatch.setattr(caller_module, "_warned", set())
    monkeypatch.setattr(caller_module, "_seen", set())
    yield


def request(event: object, settings: Settings = SETTINGS) -> Request:
    return Request(event, settings)


def with_claims(claims: object, settings: Settings = SETTINGS) -> Request:
    event = {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}
    return request(event, settings)


def is_moderator(claim: object, name: str = "cognito:groups", group: str = "moderators") -> bool:
    settings = SETTINGS._replace(moderators_claim=name, moderators_group=group)
    caller = with_claims({"sub": "jo", name: claim}, settings).caller
    assert caller.sub == "jo"
    return caller.moderator


def test_the_caller_is_the_subject() -> None:
    assert with_claims({"sub": "alice"}).caller == Caller("alice")
    assert with_claims({"sub": "é", "username": "x"}).caller == Caller("é")
    assert with_claims({"sub": "s" * 255}).caller == Caller("s" * 255)


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        [],
        "x",
        1,
        {"requestContext": None},
        {"requestContext": "x"},
        {"requestContext": {"authorizer": None}},
        {"requestContext": {"authorizer": {"lambda": {"sub": "alice"}}}},
        {"requestContext": {"authorizer": {"claims": {"sub": "alice"}}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": None}}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": [{"sub": "alice"}]}}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": {}}}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": ""}}}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": "s" * 256}}}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": "a\ud800"}}}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": None}}}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": 1}}}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": ["alice"]}}}}},
        {"headers": {"authorization": "Bearer x"}, "sub": "alice"},
    ],
)
def test_a_jwt_without_a_subject_is_rejected(event: object) -> None:
    with pytest.raises(InvalidRequest, match="sub"):
        _ = request(event).caller


@pytest.mark.parametrize(
    "claim",
    [
        ["moderators"],
        ["users", "moderators"],
        ["users", 1, None, "moderators"],
        "moderators",
        "[moderators]",
        "[users moderators]",
        "[moderators users]",
        "users, moderators",
        "moderators, users",
        "users,moderators,admins",
        "  users  ,  moderators  ",
        # In brackets, a group `not moderators` looks like two groups. docs/operations.md
        # says that users must not be able to choose the name of such a group.
        "[not moderators]",
    ],
)
def test_a_caller_in_the_moderators_group_is_a_moderator(claim: object) -> None:
    assert is_moderator(claim)


@pytest.mark.parametrize(
    "claim",
    [
        None,
        "",
        "[]",
        "[ ]",
        ",",
        "[moderators",
        "moderators]",
        "[[moderators]]",
        "[users\u00a0moderators]",
        "[users\tmoderators]",
        "[users\nmoderators]",
        "[users\u3000moderators]",
        "no\u00a0moderators",
        "users,\u00a0moderators",
        "users,\tmoderators",
        "users;moderators",
        "Jo moderators",
        "users moderators",
        "not moderators, users",
        '"moderators"',
        '["moderators"]',
        '["users","moderators"]',
        '["users" "moderators"]',
        '["not moderators"]',
        '["',
        '{"moderators": true}',
        ["not moderators"],
        ['"moderators"'],
        [["moderators"]],
        [{"name": "moderators"}],
        "Moderators",
        "moderator",
        "moderators2",
        "x-moderators",
        "[users]",
        ["users"],
        [],
        {"moderators": True},
        {"roles": ["moderators"]},
        True,
        1,
        "map[roles:[offline_access moderators uma_authorization]]",
        "map[roles:[moderators]]",
        "map[roles:moderators]",
        "map[a:x b:moderators moderators:y]",
        "map[a:x,moderators,b:]",
        "[map[roles:[offline_access moderators uma_authorization]]]",
        "[users map[name:x moderators y]]",
        "[[users moderators admins] [x]]",
        '["a",' + "[" * 50_000,
    ],
)
def test_other_forms_of_the_claim_make_no_moderator(claim: object) -> None:
    assert not is_moderator(claim)


@pytest.mark.parametrize("name", ["scope", "scp"])
def test_scope_claims_are_separated_by_spaces(name: str) -> None:
    assert is_moderator("openid moderators", name)
    assert is_moderator("moderators openid", name)
    assert is_moderator("[openid moderators]", name)
    assert not is_moderator("openid, moderators,", name)
    assert not is_moderator("openid\u00a0moderators", name)


def test_the_deployment_chooses_claim_and_group() -> None:
    assert is_moderator("user,video:admin", "roles", "video:admin")
    assert not is_moderator("moderators", "roles", "video:admin")
    settings = SETTINGS._replace(moderators_claim="roles", moderators_group="video:admin")
    claims = {"sub": "a", "cognito:groups": "[video:admin]"}
    assert not with_claims(claims, settings).caller.moderator


def test_a_group_with_a_space_is_one_name_outside_of_brackets() -> None:
    assert is_moderator("video moderators, users", group="video moderators")
    assert is_moderator("video moderators", group="video moderators")


@given(st.text(st.sampled_from("[]mapoderts :,\u00a0\t"), max_size=30))
def test_a_text_without_the_groups_name_makes_no_moderator(text: str) -> None:
    if is_moderator(text, group="mod"):
        assert "mod" in text.strip("[]").replace(",", " ").split(" ")


@pytest.mark.parametrize(
    "claim", ["map[roles:[moderators]]", {"roles": ["moderators"]}, "[map[a:b] moderators]"]
)
def test_a_claim_that_is_an_object_is_logged_once(claim: object, log: Log) -> None:
    for _ in range(3):
        assert not with_claims({"sub": "a", "cognito:groups": claim}).caller.moderator
    [line] = [line for line in log().splitlines() if "moderators_claim" in line]
    assert '"level":"WARNING"' in line
    assert "moderators_claim_is_an_object" in line
    assert "cognito:groups" in line
    assert "roles" not in line  # the content of a JWT is not logged


def test_a_claim_that_no_token_has_is_logged_once(log: Log) -> None:
    for _ in range(3):
        assert not with_claims({"sub": "a"}).caller.moderator
    [line] = [line for line in log().splitlines() if "moderators_claim" in line]
    assert '"level":"WARNING"' in line
    assert "moderators_claim_missing" in line


def test_a_user_in_no_group_is_not_logged_after_a_token_with_groups(log: Log) -> None:
    assert with_claims({"sub": "mo", "cognito:groups": "[moderators]"}).caller.moderator
    assert not with_claims({"sub": "a"}).caller.moderator
    assert "moderators_claim" not in log()
