"""Credentials of both platforms, made up for these tests."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from opentok_client.credentials import OpenTokCredentials, VonageCredentials

API_KEY = "47665971"
API_SECRET = "0123456789abcdef0123456789abcdef01234567"
APPLICATION_ID = "29f760f8-7ce1-46c9-ade3-f2dedee4ed5f"


@pytest.fixture
def opentok() -> OpenTokCredentials:
    return OpenTokCredentials(API_KEY, API_SECRET)


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def vonage(rsa_key: rsa.RSAPrivateKey) -> VonageCredentials:
    pem = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return VonageCredentials(APPLICATION_ID, pem)
