"""Tokens are handed out while they are good for a while, and renewed once when they are not."""

import asyncio

import jwt
import pytest

from local.console.stack_file import UserEntry
from local.console.users import UnknownUser, Users

NOW = 1_795_000_000
KEY = "a key that nobody checks, long enough"


def token(expires_at: int) -> str:
    return jwt.encode({"sub": "sub-1", "exp": expires_at}, KEY, "HS256")


class Cognito:
    """Signs in whoever has the password, and counts."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def sign_in(self, name: str, password: str) -> str:
        self.asked.append((name, password))
        return token(NOW + 3600)


def users(expires_at: int, cognito: Cognito) -> Users:
    entry = UserEntry("sub-1", token(expires_at), "secret")
    return Users({"alice": entry}, cognito.sign_in, clock=lambda: NOW)


def test_a_token_with_time_left_is_handed_out_as_it_is() -> None:
    cognito = Cognito()
    user = asyncio.run(users(NOW + 301, cognito).signed_in("alice"))

    assert (user.name, user.sub, user.expires_at) == ("alice", "sub-1", NOW + 301)
    assert cognito.asked == []


@pytest.mark.parametrize("left", [299, 0, -5000])
def test_a_token_that_ends_soon_is_renewed_once_however_many_ask(left: int) -> None:
    cognito = Cognito()
    stack = users(NOW + left, cognito)

    async def many() -> set[int]:
        signed_in = await asyncio.gather(*(stack.signed_in("alice") for _ in range(5)))
        return {user.expires_at for user in signed_in}

    assert asyncio.run(many()) == {NOW + 3600}
    assert cognito.asked == [("alice", "secret")]


def test_who_is_not_of_the_stack_does_not_sign_in() -> None:
    with pytest.raises(UnknownUser):
        asyncio.run(users(NOW + 3600, Cognito()).signed_in("mallory"))


def test_no_token_or_password_is_in_a_repr() -> None:
    cognito = Cognito()
    entry = UserEntry("sub-1", token(NOW + 3600), "secret")
    user = asyncio.run(users(NOW + 3600, cognito).signed_in("alice"))

    assert token(NOW + 3600) not in repr(entry) + repr(user)
    assert "secret" not in repr(entry)
