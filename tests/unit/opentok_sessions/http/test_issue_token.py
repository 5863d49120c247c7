"""The body of `POST /sessions/{sessionId}/tokens`: every field and its limits."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.grant import Role
from opentok_sessions.domain.models import TokenRequest
from opentok_sessions.domain.problems import InvalidRequest
from opentok_sessions.http.issue_token import parse_token_request

DAY = 86_400


def refused(body: Mapping[str, object], seconds_max: int = DAY) -> list[str]:
    with pytest.raises(InvalidRequest) as invalid:
        parse_token_request(body, seconds_max)
    return [f"{error.field} {error.message}" for error in invalid.value.errors]


def test_an_empty_body_requests_a_publisher_for_an_hour() -> None:
    assert parse_token_request({}, DAY) == TokenRequest(Role.PUBLISHER, 3600, "", ())


def test_the_default_lifetime_is_at_most_the_deployments_maximum() -> None:
    assert parse_token_request({}, 600).expires_in == 600
    assert parse_token_request({}, 3600).expires_in == 3600


def test_every_field_is_parsed() -> None:
    body = {
        "role": "moderator",
        "expiresIn": 60,
        "data": "name=é",
        "initialLayoutClassList": ["focus", "full"],
    }
    assert parse_token_request(body, DAY) == TokenRequest(
        Role.MODERATOR, 60, "name=é", ("focus", "full")
    )


@pytest.mark.parametrize("role", ["publisher", "subscriber", "moderator", "publisheronly"])
def test_each_of_the_four_roles_is_accepted(role: str) -> None:
    assert parse_token_request({"role": role}, DAY).role == role


@pytest.mark.parametrize("role", ["publisherOnly", "publisher-only", "admin", "", 1, []])
def test_other_roles_are_rejected(role: object) -> None:
    assert refused({"role": role}) == [
        "role must be one of subscriber, publisher, moderator, publisheronly"
    ]


@pytest.mark.parametrize("seconds", [60, 61, 86_399, 86_400])
def test_a_lifetime_within_the_limits_is_accepted(seconds: int) -> None:
    assert parse_token_request({"expiresIn": seconds}, DAY).expires_in == seconds


@pytest.mark.parametrize("seconds", [-1, 0, 1, 59, 86_401, 90_001, -(10**30)])
def test_a_lifetime_outside_the_limits_names_them(seconds: int) -> None:
    assert refused({"expiresIn": seconds}) == ["expiresIn must be from 60 to 86400 seconds"]


@pytest.mark.parametrize(
    "milliseconds", [3_600_000, 86_400_000, 87_000, 604_800_000, 1_763_800_000_123]
)
def test_a_lifetime_in_milliseconds_is_recognised(milliseconds: int) -> None:
    expected = "expiresIn must be from 60 to 86400 seconds; the value looks like milliseconds"
    assert refused({"expiresIn": milliseconds}) == [expected]


def test_a_number_that_cannot_be_milliseconds_gets_no_hint() -> None:
    assert refused({"expiresIn": 59_000}, 60) == ["expiresIn must be from 60 to 60 seconds"]


@pytest.mark.parametrize("seconds", ["3600", 3600.5, True, [3600]])
def test_a_lifetime_is_an_integer(seconds: object) -> None:
    assert refused({"expiresIn": seconds}) == ["expiresIn must be an integer"]


def test_data_and_layout_classes_have_the_vendors_limits() -> None:
    assert parse_token_request({"data": "é" * 1000}, DAY).data == "é" * 1000
    assert refused({"data": "é" * 1001}) == ["data must have at most 1000 characters"]
    assert refused({"data": 1}) == ["data must be a string"]
    assert refused({"data": {"name": "x"}}) == ["data must be a string"]
    longest = ["a" * 499, "b" * 500]
    assert parse_token_request({"initialLayoutClassList": longest}, DAY).layout_classes == tuple(
        longest
    )
    for layout, words in (
        (["a" * 500, "b" * 500], "joined by spaces must have at most 1000 characters"),
        (["a b"], "each class must be a name without white space"),
        ([""], "each class must be a name without white space"),
        ("focus", "must be an array of strings"),
        ([1], "must be an array of strings"),
    ):
        assert refused({"initialLayoutClassList": layout}) == [f"initialLayoutClassList {words}"]


def test_all_validation_errors_are_reported_together() -> None:
    said = refused(
        {"role": "x", "expiresIn": 1, "data": 1, "initialLayoutClassList": [""], "ttl": 5}
    )
    assert {complaint.split()[0] for complaint in said} == {
        "role",
        "expiresIn",
        "data",
        "initialLayoutClassList",
        "ttl",
    }


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from([*Role, "x", None]),
            "expiresIn": st.integers() | st.integers(50, 90_000) | st.none(),
            "data": st.text(st.characters(), max_size=1010) | st.none(),
            "initialLayoutClassList": st.lists(st.text(st.characters(), max_size=300)),
        },
    ),
    st.integers(60, 30 * DAY),
)
def test_no_token_request_exceeds_the_limits(body: dict[str, object], seconds_max: int) -> None:
    try:
        request = parse_token_request(body, seconds_max)
    except InvalidRequest as invalid:
        assert {error.field for error in invalid.errors} <= body.keys()
        return
    assert 60 <= request.expires_in <= seconds_max
    assert len(request.data) <= 1000
    assert len(" ".join(request.layout_classes)) <= 1000
