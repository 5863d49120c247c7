"""Our client tokens beside those of the vendor's own SDKs, for the same wishes, claim by claim.

Every difference stands in a table below, with its reason; there are no others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import opentok
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vonage_jwt.jwt import JwtClient
from vonage_video.models.token import TokenOptions  # type: ignore[import-untyped]

from opentok_client.credentials import OpenTokCredentials, VonageCredentials
from opentok_client.grant import Role, TokenFormat, TokenGrant
from opentok_client.signing import CLOCK_SKEW_SECONDS
from opentok_client.tokens import client_token

SDK = Any  # it has no types
Claims = dict[str, Any]

API_KEY = "47665971"
API_SECRET = "0123456789abcdef0123456789abcdef01234567"
APPLICATION_ID = "29f760f8-7ce1-46c9-ade3-f2dedee4ed5f"
NOW = 1_900_000_000
NONCE = 123_456

WISHES: dict[str, tuple[str, int, str, tuple[str, ...]]] = {
    "nothing special": ("publisher", 3600, "", ()),
    "a subscriber": ("subscriber", 60, "", ()),
    "a moderator with data": ("moderator", 86_400, "name=Zoë&id=1 2", ()),
    "publishing only, with a layout": ("publisheronly", 3600, "", ("focus",)),
    "everything": ("publisher", 30 * 86_400 - 100, 'é漢🎥 "\\+%=&/~', ("focus", "full-width")),
    "the longest data": ("publisher", 3600, "é" * 1000, ("a" * 1000,)),
}
every_wish = pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES.keys())
Wish = tuple[str, int, str, tuple[str, ...]]

OPENTOK_DIFFERENCES = {
    "iat": "backdated, because the vendor rejects a token that was issued in the future",
    "nonce": "a text of 64 random bits instead of a number below a million: the vendor takes both",
}
WRAPPER_DIFFERENCES = {
    "iat": OPENTOK_DIFFERENCES["iat"],
    "jti": "random on both sides",
    "sub": "the registered claim, as the vendor's Node SDK sends it",
    "subject": "the Python SDKs' name for it, which no JWT library knows",
}
VONAGE_DIFFERENCES = {
    **WRAPPER_DIFFERENCES,
    "initial_layout_class_list": "one text, as all other SDKs send it; this one sends a list",
}


# --- the two sides --------------------------------------------------------------------------------


def session_id(project: str) -> str:
    decoded = f"1~{project}~~1739538894959~Q9mcXG1QrN3TIYu8y+ppx/gs~P~~"
    return "1_" + base64.b64encode(decoded.encode(), b"-_").decode().rstrip("=")


def granted(project: str, wish: Wish) -> TokenGrant:
    role, seconds, data, layout = wish
    return TokenGrant(session_id(project), Role(role), NOW, NOW + seconds, data, layout)


def ours(wish: Wish, token_format: TokenFormat = TokenFormat.JWT) -> str:
    credentials = OpenTokCredentials(API_KEY, API_SECRET)
    return client_token(credentials, granted(API_KEY, wish), str(NONCE), token_format)


def theirs(sdk: SDK, project: str, wish: Wish, **more: bool) -> str:
    role, seconds, data, layout = wish
    token: str = sdk.generate_token(
        session_id(project),
        role=opentok.Roles(role),
        expire_time=NOW + seconds,
        data=data or None,
        initial_layout_class_list=list(layout),
        **more,
    )
    return token


@pytest.fixture(autouse=True)
def _at_a_given_time_with_a_given_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(time=lambda: float(NOW - CLOCK_SKEW_SECONDS))
    monkeypatch.setattr("opentok.opentok.time", clock)
    monkeypatch.setattr("opentok.opentok.random.randint", lambda least, most: NONCE)
    monkeypatch.setattr("vonage_video.models.token.time", clock.time)


@pytest.fixture(scope="module")
def opentok_sdk() -> SDK:
    return opentok.Client(API_KEY, API_SECRET)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def vonage(key: rsa.RSAPrivateKey) -> VonageCredentials:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return VonageCredentials(APPLICATION_ID, pem)


def read(token: str | bytes, key: str | rsa.RSAPublicKey, algorithm: str) -> Claims:
    """Returns the verified claims, without checking the times."""
    options = {"verify_exp": False, "verify_iat": False, "verify_sub": False}
    claims: Claims = jwt.decode(token, key, [algorithm], options=options)  # type: ignore[arg-type]
    return claims


def differences(one: Mapping[str, object], other: Mapping[str, object]) -> set[str]:
    return {name for name in {*one, *other} if one.get(name) != other.get(name)}


# --- OpenTok --------------------------------------------------------------------------------------


@every_wish
def test_an_opentok_jwt_has_the_claims_of_the_sdks(opentok_sdk: SDK, wish: Wish) -> None:
    our_token, their_token = ours(wish), theirs(opentok_sdk, API_KEY, wish)
    assert jwt.get_unverified_header(our_token) == jwt.get_unverified_header(their_token)
    our_claims = read(our_token, API_SECRET, "HS256")
    their_claims = read(their_token, API_SECRET, "HS256")
    assert our_claims.keys() == their_claims.keys()
    assert differences(our_claims, their_claims) <= OPENTOK_DIFFERENCES.keys()
    assert our_claims["iat"] == NOW - CLOCK_SKEW_SECONDS
    assert our_claims["nonce"] == str(their_claims["nonce"])


def test_the_listed_differences_from_the_opentok_sdk_exist(
    opentok_sdk: SDK, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opentok.opentok.time", SimpleNamespace(time=lambda: float(NOW)))
    wish = WISHES["everything"]
    our_claims = read(ours(wish), API_SECRET, "HS256")
    their_claims = read(theirs(opentok_sdk, API_KEY, wish), API_SECRET, "HS256")
    assert differences(our_claims, their_claims) == OPENTOK_DIFFERENCES.keys()


@every_wish
def test_a_t1_token_is_identical_to_the_sdks(opentok_sdk: SDK, wish: Wish) -> None:
    assert ours(wish, TokenFormat.T1) == theirs(opentok_sdk, API_KEY, wish, use_jwt=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    role=st.sampled_from(Role),
    seconds=st.integers(1, 30 * 86_400 - 10),
    data=st.text(max_size=1000),
    layout=st.lists(st.text("aé-_.:1", min_size=1, max_size=9), max_size=5).map(tuple),
)
def test_any_t1_token_is_identical_to_the_sdks(
    opentok_sdk: SDK, role: Role, seconds: int, data: str, layout: tuple[str, ...]
) -> None:
    wish = (role.value, seconds, data, layout)
    assert ours(wish, TokenFormat.T1) == theirs(opentok_sdk, API_KEY, wish, use_jwt=False)


def test_a_t1_token_is_signed_as_the_vendor_verifies_it() -> None:
    token = ours(WISHES["everything"], TokenFormat.T1)
    text = base64.b64decode(token.removeprefix("T1==")).decode()
    outer, _, signed = text.partition(":")
    signature = hmac.new(API_SECRET.encode(), signed.encode(), hashlib.sha1).hexdigest()
    assert outer == f"partner_id={API_KEY}&sig={signature}"


# --- Vonage ---------------------------------------------------------------------------------------


def our_vonage_claims(vonage: VonageCredentials, key: rsa.RSAPrivateKey, wish: Wish) -> Claims:
    token = client_token(vonage, granted(APPLICATION_ID, wish), "a-jti", TokenFormat.JWT)
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT"}
    return read(token, key.public_key(), "RS256")


@every_wish
def test_a_vonage_token_has_the_claims_of_the_node_sdk(
    vonage: VonageCredentials, key: rsa.RSAPrivateKey, wish: Wish
) -> None:
    """As recorded of `@vonage/video` 1.28.0: that is the SDK whose claims are followed."""
    role, seconds, data, layout = wish
    expected: Claims = {
        "scope": "session.connect",
        "session_id": session_id(APPLICATION_ID),
        "role": role,
        "exp": NOW + seconds,
        "sub": "video",
        "acl": {"paths": {"/session/**": {}}},
        "jti": "a-jti",
        "iat": NOW - CLOCK_SKEW_SECONDS,
        "application_id": APPLICATION_ID,
    }
    expected |= {"connection_data": data} if data else {}
    expected |= {"initial_layout_class_list": " ".join(layout)} if layout else {}
    assert our_vonage_claims(vonage, key, wish) == expected


@every_wish
def test_a_vonage_token_differs_from_the_opentok_sdks_only_as_listed(
    vonage: VonageCredentials, key: rsa.RSAPrivateKey, wish: Wish, tmp_path: Path
) -> None:
    path = tmp_path / "application.key"  # this mode is chosen by the name of a file
    path.write_text(vonage.private_key)
    sdk = opentok.Client(APPLICATION_ID, str(path))
    their_claims = read(theirs(sdk, APPLICATION_ID, wish), key.public_key(), "RS256")
    our_claims = our_vonage_claims(vonage, key, wish)
    assert differences(our_claims, their_claims) <= WRAPPER_DIFFERENCES.keys()
    assert our_claims["sub"] == their_claims["subject"]


@every_wish
def test_a_vonage_token_differs_from_the_vonage_sdks_only_as_listed(
    vonage: VonageCredentials, key: rsa.RSAPrivateKey, wish: Wish
) -> None:
    role, seconds, data, layout = wish
    wanted = TokenOptions(
        session_id=session_id(APPLICATION_ID),
        role=role,
        exp=NOW + seconds,
        connection_data=data or None,
        initial_layout_class_list=list(layout) or None,
    )
    client = JwtClient(APPLICATION_ID, vonage.private_key)
    their_token = client.generate_application_jwt(wanted.model_dump(exclude_none=True))
    their_claims = read(their_token, key.public_key(), "RS256")
    our_claims = our_vonage_claims(vonage, key, wish)
    assert differences(our_claims, their_claims) <= VONAGE_DIFFERENCES.keys()
    our_layout = our_claims.get("initial_layout_class_list", "")
    assert our_layout.split() == their_claims.get("initial_layout_class_list", [])
