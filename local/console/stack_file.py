"""Reads the parts of `stack.json` that the console needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.stack.cloud import Aws

__all__ = ["StackFile", "UnusableStackFile", "UserEntry"]

_ID_FIELD = {"opentok": "apiKey", "vonage": "applicationId"}


class UnusableStackFile(Exception):
    """The file does not exist, or `make up` did not write it."""


@dataclass(frozen=True, slots=True)
class UserEntry:
    """A user who can sign in, with the token from the start of the stack."""

    sub: str
    token: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StackFile:
    """A running stack: the addresses of its parts, and its users."""

    api_url: str
    vendor_url: str
    aws: Aws
    platform: str
    project_id: str
    table: str
    user_pool: str
    user_pool_client: str
    functions: Mapping[str, str]
    users: Mapping[str, UserEntry]

    @classmethod
    def read(cls, path: Path) -> StackFile:
        """Reads `stack.json`, and the passwords from `users.json` in the same directory.

        Raises `UnusableStackFile`.
        """
        try:
            stack = json.loads(path.read_text("utf-8"))
            passwords = json.loads((path.parent / "users.json").read_text("utf-8"))
            return cls._from(stack, passwords)
        except OSError as error:
            raise UnusableStackFile(f"{error} (`make up` starts the stack)") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnusableStackFile(
                f"{path} does not describe a running stack: {error!r}"
            ) from error

    @classmethod
    def _from(cls, stack: Mapping[str, Any], passwords: Mapping[str, str]) -> StackFile:
        platform = stack["platform"]
        return cls(
            api_url=stack["apiUrl"],
            vendor_url=stack[f"{platform}Url"],
            aws=Aws.of(stack),
            platform=platform,
            project_id=stack["credentials"][platform][_ID_FIELD[platform]],
            table=stack["table"],
            user_pool=stack["userPoolId"],
            user_pool_client=stack["userPoolClientId"],
            functions=dict(stack["functions"]),
            users={
                name: UserEntry(user["sub"], user["token"], passwords[name])
                for name, user in stack["users"].items()
            },
        )
