"""Any number of users: ID tokens that the stack's own user pool could have issued.

The private key is the one that MiniStack keeps for the pool. On AWS it is not accessible.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.integration.stack import Stack

__all__ = ["Issuer", "User"]


@dataclass(frozen=True, slots=True, repr=False)
class User:
    sub: str
    token: str


class Issuer:
    """Signs tokens with the key of the user pool."""

    def __init__(self, stack: Stack) -> None:
        keys = stack.state / "tmp" / "ministack" / "cognito-pool-keys"
        pem = (keys / f"{stack.facts['userPoolId']}-id.pem").read_bytes()
        # Parsed once: that takes much longer than a signature.
        key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(key, RSAPrivateKey)
        self._key = key
        model = stack.facts["users"]["alice"]["token"]
        self.claims: dict[str, Any] = jwt.decode(model, options={"verify_signature": False})
        self.header = {"kid": jwt.get_unverified_header(model)["kid"]}

    @property
    def public_key(self) -> str:
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()  # fmt: skip

    def user(self, **claims: object) -> User:
        """Returns a new user: alice's claims, except the `sub` and those given."""
        sub = str(uuid.uuid4())
        return User(sub, self.signed({"sub": sub, "cognito:username": sub, **claims}))

    def signed(self, claims: Mapping[str, object]) -> str:
        """Returns a token with alice's claims replaced by these, valid for an hour by default."""
        now = int(time.time())
        fresh = {"iat": now, "auth_time": now, "exp": now + 3600, "jti": str(uuid.uuid4())}
        every = {**self.claims, **fresh, **claims}
        return jwt.encode(every, self._key, "RS256", headers=self.header)
