"""Signing in as one of the stack's own users."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jwt

from local.console.stack_file import StackFile, UserEntry
from local.stack import accounts

__all__ = ["SignedIn", "UnknownUser", "Users"]

#: A token that ends sooner is not handed out any more: the page may hold it for a while.
RENEW_SECONDS = 300


class UnknownUser(Exception):
    """The stack has no such user."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user with a token that is good for some minutes at least. `expires_at` is in seconds."""

    name: str
    sub: str
    expires_at: int
    token: str = field(repr=False)


class Users:
    """The stack's users. `sign_in` gives a fresh token for a name and a password."""

    def __init__(
        self,
        users: Mapping[str, UserEntry],
        sign_in: Callable[[str, str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._users = users
        self._sign_in = sign_in
        self._clock = clock
        self._tokens = {name: user.token for name, user in users.items()}
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @classmethod
    def of(cls, stack: StackFile) -> Users:
        """The users in the stack's own user pool."""

        def sign_in(name: str, password: str) -> str:
            client = stack.user_pool_client
            return accounts.sign_in(stack.aws_url, stack.user_pool, client, name, password).token

        return cls(stack.users, sign_in)

    @property
    def names(self) -> list[str]:
        return list(self._users)

    def sub(self, name: str) -> str:
        return self._users[name].sub

    async def signed_in(self, name: str) -> SignedIn:
        """That user with their token, a new one when it ends soon.

        Raises `UnknownUser`, and what boto3 raises when Cognito does not answer.
        """
        if name not in self._users:
            raise UnknownUser(name)
        async with self._one_at_a_time[name]:
            if _expiry(self._tokens[name]) < self._clock() + RENEW_SECONDS:
                password = self._users[name].password
                self._tokens[name] = await asyncio.to_thread(self._sign_in, name, password)
        token = self._tokens[name]
        return SignedIn(name, self._users[name].sub, _expiry(token), token)


def _expiry(token: str) -> int:
    """When a token of ours ends. Whether it is genuine is for the gateway to say."""
    return int(jwt.decode(token, options={"verify_signature": False})["exp"])
