"""The secrets scan finds credentials and allows samples."""

import secrets
import subprocess
from pathlib import Path

import pytest

from tests.secrets_scan import find, main

ROOT = Path(__file__).parents[2]
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
        ("-".join(["k3y0", "8x2q", "w7vd", "p1mz", "4c9t"]), "a stream key"),
        ("live_" + "123456789_" + "Zk3Wq8Lp0Xv5Tn2Rb7Yc", "a stream key"),
        ("FB-" + "1234567890123-0-" + "AbCdEf0123", "a stream key"),
        ("sip:" + "desk:" + "correct-horse@pbx.example", "a SIP password"),
    ],
    ids=[
        "secret",
        "key",
        "quoted key",
        "access key",
        "JWT",
        "T1",
        "YouTube",
        "Twitch",
        "FB",
        "SIP",
    ],
)
def test_the_secrets_scan_finds_a_credential(secret: str, kind: str) -> None:
    assert list(find(f"first line\nvalue = {secret}\n")) == [(2, kind)]


@pytest.mark.parametrize(
    "harmless",
    [
        "0123456789abcdef0123456789abcdef01234567",
        "0" * 40,
        "AKIAIOSFODNN7EXAMPLE",
        f"{KEY}\n-----END",
        "f" * 64,
        "7b3b1f0a-1c5e-4a44-8b6a-0f3a2d1c9e55",
        "sip:desk@pbx.example;transport=tls",
        "sip:desk@pbx.example:5061",
    ],
)
def test_the_secrets_scan_allows_an_obvious_sample(harmless: str) -> None:
    assert list(find(harmless)) == []


def test_the_repository_contains_no_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main() == 0, capsys.readouterr().err


def test_the_secrets_scan_covers_untracked_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "new.py").write_text(f"\nSECRET = '{secrets.token_hex(20)}'\n")
    monkeypatch.chdir(tmp_path)
    assert main() == 1
    assert capsys.readouterr().err == "new.py:2: this looks like an API secret\n"
