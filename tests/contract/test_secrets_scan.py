"""The scan that keeps credentials out of the repository finds them, and lets samples be."""

import secrets

import pytest

from tests.secrets_scan import find

JWT = ".".join(["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJhbGljZSJ9", "c2lnbmF0dXJlIG9mIG1pbmU"])
KEY = "-----BEGIN PRIVATE " + "KEY-----"


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        (secrets.token_hex(20), "an API secret"),
        (f"{KEY}\n{'MIIEvgIBADANBgkqhkiG9w0BAQEFAASC' * 2}", "a private key"),
        (f'"{KEY}\\n{"MIIEvgIBADANBgkqhkiG9w0BAQEFAASC" * 2}"', "a private key"),
        ("AKIA" + "QWERTYUIOPASDFGH", "an AWS access key"),
        (JWT, "a signed JWT"),
        ("T1==" + "cGFydG5lcl9pZD00MDAwMDAwMSZzaWc9" * 3, "a client token"),
    ],
    ids=["secret", "key", "quoted key", "access key", "JWT", "T1"],
)
def test_it_finds(secret: str, kind: str) -> None:
    assert list(find(f"first line\nvalue = {secret}\n")) == [(2, kind)]


@pytest.mark.parametrize(
    "harmless",
    [
        "0123456789abcdef0123456789abcdef01234567",
        "0" * 40,
        "AKIAIOSFODNN7EXAMPLE",
        f"{KEY}\n-----END",
        "f" * 64,
    ],
)
def test_it_lets_samples_be(harmless: str) -> None:
    assert list(find(harmless)) == []
