"""JWTs with the signature of each platform, and keys that cannot sign."""

from __future__ import annotations

import base64
import sys
import traceback

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from opentok_client.credentials import OpenTokCredentials, VonageCredentials
from opentok_client.errors import InvalidCredentials
from opentok_client.signing import CLOCK_SKEW_SECONDS, signed_jwt

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def pem(key: PrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def test_opentok_signs_with_the_secret(opentok: OpenTokCredentials) -> None:
    token = signed_jwt(opentok, {"iss": "47665971"})
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert jwt.decode(token, opentok.api_secret, ["HS256"]) == {"iss": "47665971"}
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, opentok.api_secret[::-1], ["HS256"])


def test_vonage_signs_with_the_private_key(
    vonage: VonageCredentials, rsa_key: rsa.RSAPrivateKey
) -> None:
    token = signed_jwt(vonage, {"sub": "video"})
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT"}
    assert jwt.decode(token, rsa_key.public_key(), ["RS256"]) == {"sub": "video"}


def test_claims_with_any_text_are_signed_unchanged(
    opentok: OpenTokCredentials, vonage: VonageCredentials, rsa_key: rsa.RSAPrivateKey
) -> None:
    claims: dict[str, object] = {"data": 'Zoë "Ω" \\ 🎥 \n', "nested": {"list": [1, None, True]}}
    assert jwt.decode(signed_jwt(opentok, claims), opentok.api_secret, ["HS256"]) == claims
    assert jwt.decode(signed_jwt(vonage, claims), rsa_key.public_key(), ["RS256"]) == claims


def test_a_key_in_the_older_pem_form_signs(rsa_key: rsa.RSAPrivateKey) -> None:
    older = VonageCredentials("a", pem(rsa_key, PrivateFormat.TraditionalOpenSSL))
    assert jwt.decode(signed_jwt(older, {}), rsa_key.public_key(), ["RS256"]) == {}


def test_a_private_key_is_parsed_once_per_key(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    load = serialization.load_pem_private_key

    def counting(data: bytes, password: bytes | None) -> object:
        parsed.append(data)
        return load(data, password)

    monkeypatch.setattr(serialization, "load_pem_private_key", counting)
    old, new = (
        VonageCredentials("a", pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
        for _ in range(2)
    )
    for credentials in (old, old, new, old, new, new):
        signed_jwt(credentials, {})
    assert parsed == [old.private_key.encode(), new.private_key.encode()]


def _unknown_algorithm() -> str:
    """Returns a well-formed PKCS#8 key of an undefined algorithm."""
    der = bytes.fromhex("300e" + "020100" + "3005" + "06032a0304" + "04020400")
    return (
        "-----BEGIN PRIVATE KEY-----\n"
        + base64.b64encode(der).decode()
        + "\n-----END PRIVATE KEY-----"
    )


UNUSABLE_KEYS = {
    "a word": "do-not-show-this",
    "nothing inside": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
    "junk inside": "-----BEGIN PRIVATE KEY-----\ndo-not-show-this\n-----END PRIVATE KEY-----",
    "an unknown algorithm": _unknown_algorithm(),
    "an elliptic curve": pem(ec.generate_private_key(ec.SECP256R1())),
    "an Edwards curve": pem(ed25519.Ed25519PrivateKey.generate()),
    "a public key": ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "an encrypted key": ec.generate_private_key(ec.SECP256R1())
    .private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pass")
    )
    .decode(),
}


@pytest.mark.parametrize("key", UNUSABLE_KEYS.values(), ids=UNUSABLE_KEYS.keys())
def test_an_unusable_key_is_reported_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidCredentials, match="privateKey is not") as refused:
        signed_jwt(VonageCredentials("a", key), {})
    assert refused.value.__cause__ is None
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    assert "do-not-show-this" not in shown
    assert not any(line in shown for line in key.splitlines()[1:-1])


SSH_KEY = "ssh-ed25519 AAAA\ndo-not-show-this user@host"


@pytest.mark.parametrize(
    "key", [UNUSABLE_KEYS["an elliptic curve"], UNUSABLE_KEYS["a public key"], SSH_KEY]
)
def test_a_key_in_place_of_a_secret_is_reported(key: str) -> None:
    with pytest.raises(InvalidCredentials, match="apiSecret") as refused:
        signed_jwt(OpenTokCredentials("47665971", key), {})
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    assert key.splitlines()[1] not in shown


def test_without_cryptography_the_parameter_to_change_is_named(
    monkeypatch: pytest.MonkeyPatch, rsa_key: rsa.RSAPrivateKey, opentok: OpenTokCredentials
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    never_seen = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    with pytest.raises(InvalidCredentials, match="Platform=vonage"):
        signed_jwt(VonageCredentials("a", never_seen), {})
    assert signed_jwt(opentok, {})  # which does not need it


def test_issue_times_are_backdated() -> None:
    assert 5 <= CLOCK_SKEW_SECONDS <= 60
