"""Signs in as one of the stack's own users."""

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

#: A token that expires sooner is renewed first, because the page may keep it for a while.
RENEW_SECONDS = 300


class UnknownUser(Exception):
    """The stack has no such user."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user with a token that is valid for at least five minutes. `expires_at` is in seconds."""

    name: str
    sub: str
    expires_at: int
    token: str = field(repr=False)


class Users:
    """The stack's users. `sign_in` returns a new token for a name and a password."""

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
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @classmethod
    def of(cls, stack: StackFile) -> Users:
        """Returns the users of a running stack."""

        def sign_in(name: str, password: str) -> str:
            client = stack.user_pool_client
            return accounts.sign_in(stack.aws, stack.user_pool, client, name, password).token

        return cls(stack.users, sign_in)

    @property
    def names(self) -> list[str]:
        return list(self._users)

    def sub(self, name: str) -> str:
        return self._users[name].sub

    async def signed_in(self, name: str) -> SignedIn:
        """Returns the user with a token, a new one if the old one expires soon.

        Raises `UnknownUser`, and boto3's errors when Cognito does not respond.
        """
        if name not in self._users:
            raise UnknownUser(name)
        async with self._locks[name]:
            if _expiry(self._tokens[name]) < self._clock() + RENEW_SECONDS:
                password = self._users[name].password
                self._tokens[name] = await asyncio.to_thread(self._sign_in, name, password)
        token = self._tokens[name]
        return SignedIn(name, self._users[name].sub, _expiry(token), token)


def _expiry(token: str) -> int:
    """Returns when a token expires. The gateway checks whether it is genuine."""
    return int(jwt.decode(token, options={"verify_signature": False})["exp"])
