"""Client tokens: every claim, in each of the formats, and that no token outlives its grant."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from urllib.parse import parse_qsl

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from opentok_client.credentials import Credentials, OpenTokCredentials, VonageCredentials
from opentok_client.grant import LIFETIME_MAX_SECONDS, Role, TokenFormat, TokenGrant
from opentok_client.signing import CLOCK_SKEW_SECONDS
from opentok_client.tokens import client_token

SESSION_ID = "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-"
NOW = 1_800_000_000
NONCE = "0011223344556677"
PLAIN = TokenGrant(SESSION_ID, Role.PUBLISHER, NOW, NOW + 3600)
FULL = TokenGrant(
    SESSION_ID, Role.MODERATOR, NOW, NOW + 60, "user=a&b c é 🎥", ("focus", "full-width")
)

Claims = dict[str, object]


def claims(token: str, key: str | rsa.RSAPublicKey, algorithm: str) -> Claims:
    """The verified claims. The times of these tokens are not of today."""
    options = {"verify_exp": False, "verify_iat": False}
    decoded: Claims = jwt.decode(token, key, [algorithm], options=options)  # type: ignore[arg-type]
    return decoded


def opentok_claims(credentials: OpenTokCredentials, grant: TokenGrant) -> Claims:
    token = client_token(credentials, grant, NONCE, TokenFormat.JWT)
    return claims(token, credentials.api_secret, "HS256")


def t1_fields(token: str, secret: str) -> list[tuple[str, str]]:
    """The verified fields, in their order."""
    text = base64.b64decode(token.removeprefix("T1=="), validate=True).decode()
    outer, _, signed = text.partition(":")
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha1).hexdigest()
    assert outer == f"partner_id=47665971&sig={signature}"
    return parse_qsl(signed, keep_blank_values=True, strict_parsing=True)


def test_an_opentok_jwt_contains_project_session_role_and_times(
    opentok: OpenTokCredentials,
) -> None:
    assert opentok_claims(opentok, PLAIN) == {
        "iss": "47665971",
        "ist": "project",
        "iat": NOW - CLOCK_SKEW_SECONDS,
        "exp": NOW + 3600,
        "nonce": NONCE,
        "scope": "session.connect",
        "session_id": SESSION_ID,
        "role": "publisher",
    }


def test_an_opentok_jwt_carries_data_and_layout_classes(opentok: OpenTokCredentials) -> None:
    made = opentok_claims(opentok, FULL)
    assert made["connection_data"] == "user=a&b c é 🎥"
    assert made["initial_layout_class_list"] == "focus full-width"
    assert made["role"] == "moderator"


def test_a_vonage_jwt_has_the_claims_of_the_vendors_node_sdk(
    vonage: VonageCredentials, rsa_key: rsa.RSAPrivateKey
) -> None:
    token = client_token(vonage, PLAIN, NONCE, TokenFormat.JWT)
    assert claims(token, rsa_key.public_key(), "RS256") == {
        "application_id": "29f760f8-7ce1-46c9-ade3-f2dedee4ed5f",
        "iat": NOW - CLOCK_SKEW_SECONDS,
        "exp": NOW + 3600,
        "jti": NONCE,
        "sub": "video",
        "acl": {"paths": {"/session/**": {}}},
        "scope": "session.connect",
        "session_id": SESSION_ID,
        "role": "publisher",
    }


def test_a_vonage_jwt_carries_data_and_layout_classes(
    vonage: VonageCredentials, rsa_key: rsa.RSAPrivateKey
) -> None:
    token = client_token(vonage, FULL, NONCE, TokenFormat.JWT)
    made = claims(token, rsa_key.public_key(), "RS256")
    assert made["connection_data"] == "user=a&b c é 🎥"
    assert made["initial_layout_class_list"] == "focus full-width"


def test_a_vonage_token_is_a_jwt_regardless_of_the_format(vonage: VonageCredentials) -> None:
    token = client_token(vonage, PLAIN, NONCE, TokenFormat.T1)
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT"}


def test_a_t1_token_has_exactly_this_text(opentok: OpenTokCredentials) -> None:
    signed = (
        f"session_id={SESSION_ID}&create_time={NOW - CLOCK_SKEW_SECONDS}&expire_time={NOW + 60}"
        f"&role=moderator&nonce={NONCE}&initial_layout_class_list=focus+full-width"
        "&connection_data=user%3Da%26b+c+%C3%A9+%F0%9F%8E%A5"
    )
    signature = hmac.new(opentok.api_secret.encode(), signed.encode(), hashlib.sha1).hexdigest()
    text = f"partner_id=47665971&sig={signature}:{signed}"
    expected = "T1==" + base64.b64encode(text.encode()).decode()
    assert client_token(opentok, FULL, NONCE, TokenFormat.T1) == expected


def test_a_t1_token_has_an_empty_layout_and_no_empty_data(opentok: OpenTokCredentials) -> None:
    token = client_token(opentok, PLAIN, NONCE, TokenFormat.T1)
    assert t1_fields(token, opentok.api_secret) == [
        ("session_id", SESSION_ID),
        ("create_time", str(NOW - CLOCK_SKEW_SECONDS)),
        ("expire_time", str(NOW + 3600)),
        ("role", "publisher"),
        ("nonce", NONCE),
        ("initial_layout_class_list", ""),
    ]


@pytest.mark.parametrize("token_format", TokenFormat)
def test_the_nonce_makes_tokens_of_one_second_differ(
    opentok: OpenTokCredentials, token_format: TokenFormat
) -> None:
    tokens = {client_token(opentok, PLAIN, nonce, token_format) for nonce in ("1", "2", "2")}
    assert len(tokens) == 2


@pytest.mark.parametrize("role", Role)
def test_roles_have_the_vendors_names(opentok: OpenTokCredentials, role: Role) -> None:
    grant = TokenGrant(SESSION_ID, role, NOW, NOW + 60)
    assert opentok_claims(opentok, grant)["role"] == role.value
    t1 = client_token(opentok, grant, NONCE, TokenFormat.T1)
    assert ("role", role.value) in t1_fields(t1, opentok.api_secret)


@pytest.mark.parametrize("token_format", TokenFormat)
def test_a_token_has_characters_that_need_no_escaping_in_json(
    opentok: OpenTokCredentials, vonage: VonageCredentials, token_format: TokenFormat
) -> None:
    for credentials in (opentok, vonage):
        token = client_token(credentials, FULL, NONCE, token_format)
        assert re.fullmatch(r"[A-Za-z0-9+/=._-]+", token)


NAME = st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1)
GRANTS = st.builds(
    lambda role, issued, life, data, layout: TokenGrant(
        SESSION_ID, role, issued, issued + life, data, tuple(layout)
    ),
    st.sampled_from(Role),
    st.integers(1, 2**40),
    st.integers(1, LIFETIME_MAX_SECONDS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=1000),
    st.lists(NAME.filter(lambda name: name.split() == [name]), max_size=5).filter(
        lambda layout: len(" ".join(layout)) <= 1000
    ),
)


def _lives(issued: int, expires: int, grant: TokenGrant) -> None:
    assert expires <= grant.expires_at
    assert issued < grant.issued_at
    assert 0 < expires - issued <= LIFETIME_MAX_SECONDS


@given(grant=GRANTS)
@settings(max_examples=150)
def test_an_opentok_jwt_contains_exactly_the_grant(grant: TokenGrant) -> None:
    credentials = OpenTokCredentials("47665971", "s" * 40)
    _is_granted(credentials, credentials.api_secret, "HS256", grant)


@given(grant=GRANTS)
@settings(max_examples=50)
def test_a_vonage_jwt_contains_exactly_the_grant(
    vonage: VonageCredentials, rsa_key: rsa.RSAPrivateKey, grant: TokenGrant
) -> None:
    _is_granted(vonage, rsa_key.public_key(), "RS256", grant)


def _is_granted(
    credentials: Credentials, key: str | rsa.RSAPublicKey, algorithm: str, grant: TokenGrant
) -> None:
    made = claims(client_token(credentials, grant, NONCE, TokenFormat.JWT), key, algorithm)
    assert made["session_id"] == grant.session_id
    assert made["role"] == grant.role
    assert made.get("connection_data", "") == grant.data
    assert str(made.get("initial_layout_class_list", "")).split() == list(grant.layout_classes)
    issued, expires = made["iat"], made["exp"]
    assert isinstance(issued, int)
    assert isinstance(expires, int)
    _lives(issued, expires, grant)


@given(grant=GRANTS)
@settings(max_examples=150)
def test_a_t1_token_contains_exactly_the_grant(grant: TokenGrant) -> None:
    credentials = OpenTokCredentials("47665971", "s" * 40)
    token = client_token(credentials, grant, NONCE, TokenFormat.T1)
    made = dict(t1_fields(token, credentials.api_secret))
    assert made["session_id"] == grant.session_id
    assert made["role"] == grant.role
    assert made.get("connection_data", "") == grant.data
    assert made["initial_layout_class_list"].split() == list(grant.layout_classes)
    _lives(int(made["create_time"]), int(made["expire_time"]), grant)


def test_the_longest_lifetime_is_shortened_by_the_backdating(opentok: OpenTokCredentials) -> None:
    made = opentok_claims(
        opentok, TokenGrant(SESSION_ID, Role.PUBLISHER, NOW, NOW + LIFETIME_MAX_SECONDS)
    )
    assert made["exp"] == NOW + LIFETIME_MAX_SECONDS - CLOCK_SKEW_SECONDS
    assert made["iat"] == NOW - CLOCK_SKEW_SECONDS
