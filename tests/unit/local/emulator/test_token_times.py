"""Validity of REST and client tokens, to the second."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import jwt
import pytest

from local.emulator.client_tokens import ClientTokens, ConnectRefused
from local.emulator.errors import Forbidden, Unauthorized
from local.emulator.projects import Platform, Projects, generated_credentials
from local.emulator.rest_auth import RestAuth

NOW = 1_800_000_000
DAY = 86_400
GENERATED = generated_credentials()
API_KEY, SECRET = GENERATED["opentok"]["apiKey"], GENERATED["opentok"]["apiSecret"]
APPLICATION, PRIVATE_KEY = (
    GENERATED["vonage"]["applicationId"],
    GENERATED["vonage"]["privateKey"],
)

Claims = dict[str, object]


@pytest.fixture
def projects() -> Projects:
    projects = Projects(lambda: NOW)
    projects.load(GENERATED)
    return projects


def _taken(auth: RestAuth, claims: Claims) -> bool:
    token = jwt.encode({"iss": API_KEY, "ist": "project"} | claims, SECRET)
    try:
        project = auth.caller({"X-OPENTOK-AUTH": token}, None)
    except Forbidden:
        return False
    return (project.platform, project.id) == (Platform.OPENTOK, API_KEY)


@pytest.mark.parametrize(
    ("iat", "exp", "taken"),
    [
        (NOW, NOW + 180, True),
        (NOW + 1, NOW + 180, True),
        (NOW + 2, NOW + 180, False),
        (NOW - 180, NOW + 1, True),
        (NOW - 180, NOW, False),
        (NOW - DAY, NOW + DAY, True),
    ],
)
def test_rest_token(projects: Projects, iat: int, exp: int, taken: bool) -> None:
    assert _taken(RestAuth(projects), {"iat": iat, "exp": exp}) is taken


@pytest.mark.parametrize(("life", "taken"), [(300, True), (301, False)])
def test_rest_token_with_the_strict_switch(projects: Projects, life: int, taken: bool) -> None:
    claims: Claims = {"iat": NOW - 10, "exp": NOW - 10 + life}
    assert _taken(RestAuth(projects, strict_jwt_life=True), claims) is taken


@pytest.mark.parametrize(
    ("times", "taken"),
    [
        ({"iat": NOW + 1, "exp": NOW + 900}, True),
        ({"iat": NOW + 2, "exp": NOW + 900}, False),
        ({"iat": NOW, "exp": NOW}, False),
        ({"iat": NOW - 10 * DAY}, True),
        ({"exp": NOW + 900}, False),
        ({"iat": NOW, "exp": "soon"}, False),
    ],
)
def test_vonage_rest_token(projects: Projects, times: Claims, taken: bool) -> None:
    claims: Claims = {"application_id": APPLICATION} | times
    # Signed as bytes: the library would not write an end in words.
    token = jwt.PyJWS().encode(_json(claims), PRIVATE_KEY, algorithm="RS256")
    try:
        RestAuth(projects).caller({"Authorization": f"Bearer {token}"}, None)
    except Unauthorized:
        assert not taken
    else:
        assert taken


@pytest.mark.parametrize(
    ("issued", "end", "expires_at"),
    [
        (NOW, NOW + 1, NOW + 1),
        (NOW, NOW, None),
        (NOW + 1, NOW + 60, NOW + 60),
        (NOW + 2, NOW + 60, None),
        (NOW, None, NOW + DAY),
        (NOW - DAY + 1, None, NOW + 1),
        (NOW - DAY, None, None),
        (NOW, NOW + 30 * DAY, NOW + 30 * DAY),
        (NOW, NOW + 30 * DAY + 2, None),
    ],
)
@pytest.mark.parametrize("kind", ["jwt", "t1", "vonage"])
def test_client_token(
    projects: Projects, kind: str, issued: int, end: int | None, expires_at: int | None
) -> None:
    token = {"jwt": _jwt, "t1": _t1, "vonage": _vonage}[kind](issued, end)
    try:
        grant = ClientTokens(projects).verify(token)
    except ConnectRefused as refusal:
        assert (refusal.code, expires_at) == (1004, None)
    else:
        assert (grant.issued_at, grant.expires_at) == (issued, expires_at)
        assert grant.session_id == "1_x"


def _client_claims(issued: int, end: int | None) -> Claims:
    claims: Claims = {
        "scope": "session.connect", "session_id": "1_x", "role": "publisher", "iat": issued
    }  # fmt: skip
    return claims if end is None else claims | {"exp": end}


def _jwt(issued: int, end: int | None) -> str:
    claims = _client_claims(issued, end) | {"iss": API_KEY, "ist": "project"}
    return jwt.encode(claims, SECRET)


def _vonage(issued: int, end: int | None) -> str:
    claims = _client_claims(issued, end) | {"application_id": APPLICATION}
    return jwt.encode(claims, PRIVATE_KEY, algorithm="RS256")


def _t1(issued: int, end: int | None) -> str:
    data = f"session_id=1_x&create_time={issued}&role=publisher"
    if end is not None:
        data += f"&expire_time={end}"
    signature = hmac.new(SECRET.encode(), data.encode(), hashlib.sha1).hexdigest()
    text = f"partner_id={API_KEY}&sig={signature}:{data}"
    return "T1==" + base64.b64encode(text.encode()).decode()


def _json(claims: Claims) -> bytes:
    return json.dumps(claims).encode()
