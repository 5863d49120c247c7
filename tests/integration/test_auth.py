"""The gateway rejects every request without a token of the right issuer, audience and time.

No function may run: a request that the gateway rejects costs nothing and reaches no code.
"""

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.integration.conftest import Stack

ROUTES = [
    ("POST", "/sessions"),
    ("GET", "/sessions"),
    ("GET", "/sessions/some-id"),
    ("POST", "/sessions/some-id/tokens"),
    ("DELETE", "/sessions/some-id"),
]


@pytest.fixture(scope="module")
def signing_key(stack: Stack) -> str:
    """The private key that the user pool signs ID tokens with."""
    keys = stack.state / "tmp" / "ministack" / "cognito-pool-keys"
    return (keys / f"{stack.facts['userPoolId']}-id.pem").read_text()


@pytest.fixture(scope="module")
def good(stack: Stack) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns header and claims of a valid token."""
    token = stack.facts["users"]["alice"]["token"]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return jwt.get_unverified_header(token), claims


@pytest.fixture
def no_invocation(stack: Stack) -> Iterator[None]:
    """Verifies that no function is invoked during the test."""
    before = _invocations(stack)
    yield
    assert _invocations(stack) == before


def test_a_token_signed_with_the_pools_key_is_accepted(
    stack: Stack, signing_key: str, good: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """Otherwise the rejections below would prove nothing."""
    header, claims = good
    token = jwt.encode(claims, signing_key, "RS256", headers={"kid": header["kid"]})
    assert stack.call("GET", "/sessions", token=token).status == 200


@pytest.mark.usefixtures("no_invocation")
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_request_without_a_token_is_rejected(stack: Stack, method: str, path: str) -> None:
    assert stack.call(method, path).status == 401


@pytest.mark.usefixtures("no_invocation")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"exp": int(time.time()) - 1}, id="expired"),
        pytest.param({"aud": ["another-app"]}, id="other-audience"),
        pytest.param({"aud": "another-app"}, id="other-aud"),
        pytest.param({"iss": "https://issuer.example"}, id="other-issuer"),
        pytest.param({"nbf": int(time.time()) + 3600}, id="not-yet"),
    ],
)
def test_a_token_with_wrong_claims_is_rejected(
    stack: Stack,
    signing_key: str,
    good: tuple[dict[str, Any], dict[str, Any]],
    change: dict[str, Any],
) -> None:
    header, claims = good
    token = jwt.encode({**claims, **change}, signing_key, "RS256", headers={"kid": header["kid"]})
    assert stack.call("GET", "/sessions", token=token).status == 401


@pytest.mark.usefixtures("no_invocation")
def test_a_token_signed_with_another_key_is_rejected(
    stack: Stack, good: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    header, claims = good
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jwt.encode(claims, theirs, "RS256", headers={"kid": header["kid"]})
    assert stack.call("GET", "/sessions", token=token).status == 401


@pytest.mark.usefixtures("no_invocation")
def test_an_unsigned_token_is_rejected(
    stack: Stack, good: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    header, claims = good
    token = jwt.encode(claims, "", "none", headers={"kid": header["kid"]})
    assert stack.call("GET", "/sessions", token=token).status == 401


def _invocations(stack: Stack) -> int:
    """Returns the number of invocations, counted by the lines that Lambda writes."""
    logs = stack.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    pages = (
        page
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group["logGroupName"], filterPattern="START"
        )
    )
    return sum(len(page["events"]) for page in pages)
