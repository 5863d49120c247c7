"""Signs tokens without a library, so that a test controls every byte."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

__all__ = ["hs256", "rs256", "t1"]

Claims = Mapping[str, object]


def hs256(secret: str, claims: Claims, header: Claims | None = None) -> str:
    """Returns an OpenTok JWT."""
    text = _unsigned(claims, header or {"typ": "JWT", "alg": "HS256"})
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{_base64(signature)}"


def rs256(private_key: str, claims: Claims, header: Claims | None = None) -> str:
    """Returns a Vonage JWT."""
    text = _unsigned(claims, header or {"typ": "JWT", "alg": "RS256"})
    key = load_pem_private_key(private_key.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return f"{text}.{_base64(key.sign(text.encode(), PKCS1v15(), hashes.SHA256()))}"


def t1(api_key: str, secret: str, data: str, *, outer: str = "", url_safe: bool = False) -> str:
    """Returns a T1 token over this query string; `outer` precedes the signature."""
    signature = hmac.new(secret.encode(), data.encode(), hashlib.sha1).hexdigest()
    text = f"partner_id={api_key}&{outer}sig={signature}:{data}".encode()
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    return "T1==" + encode(text).decode()


def _unsigned(claims: Claims, header: Claims) -> str:
    return f"{_base64(_json(header))}.{_base64(_json(claims))}"


def _json(value: Claims) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
