"""Tokens are returned while they are valid for some minutes, and otherwise renewed once."""

import asyncio

import jwt
import pytest

from local.console.stack_file import UserEntry
from local.console.users import UnknownUser, Users

NOW = 1_795_000_000
KEY = "a key that is not checked, long enough"


def token(expires_at: int) -> str:
    return jwt.encode({"sub": "sub-1", "exp": expires_at}, KEY, "HS256")


class Cognito:
    """A fake of Cognito that records sign-ins."""

    def __init__(self) -> None:
        self.signed_in: list[tuple[str, str]] = []

    def sign_in(self, name: str, password: str) -> str:
        self.signed_in.append((name, password))
        return token(NOW + 3600)


def users(expires_at: int, cognito: Cognito) -> Users:
    entry = UserEntry("sub-1", token(expires_at), "secret")
    return Users({"alice": entry}, cognito.sign_in, clock=lambda: NOW)


def test_a_token_with_time_left_is_returned_unchanged() -> None:
    cognito = Cognito()
    user = asyncio.run(users(NOW + 301, cognito).signed_in("alice"))

    assert (user.name, user.sub, user.expires_at) == ("alice", "sub-1", NOW + 301)
    assert cognito.signed_in == []


@pytest.mark.parametrize("left", [299, 0, -5000])
def test_a_token_that_expires_soon_is_renewed_once_for_concurrent_callers(left: int) -> None:
    cognito = Cognito()
    stack = users(NOW + left, cognito)

    async def many() -> set[int]:
        signed_in = await asyncio.gather(*(stack.signed_in("alice") for _ in range(5)))
        return {user.expires_at for user in signed_in}

    assert asyncio.run(many()) == {NOW + 3600}
    assert cognito.signed_in == [("alice", "secret")]


def test_an_unknown_user_cannot_sign_in() -> None:
    with pytest.raises(UnknownUser):
        asyncio.run(users(NOW + 3600, Cognito()).signed_in("mallory"))


def test_no_token_or_password_is_in_a_repr() -> None:
    cognito = Cognito()
    entry = UserEntry("sub-1", token(NOW + 3600), "secret")
    user = asyncio.run(users(NOW + 3600, cognito).signed_in("alice"))

    assert token(NOW + 3600) not in repr(entry) + repr(user)
    assert "secret" not in repr(entry)
