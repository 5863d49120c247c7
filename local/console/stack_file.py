"""What `make up` writes of a running stack, as far as the console needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["StackFile", "UnusableStackFile", "UserEntry"]

_ID_MEMBER = {"opentok": "apiKey", "vonage": "applicationId"}


class UnusableStackFile(Exception):
    """The file does not exist, or is not what `make up` writes."""


@dataclass(frozen=True, slots=True)
class UserEntry:
    """Someone who can sign in, with the token that they got when the stack was started."""

    sub: str
    token: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StackFile:
    """A running stack: where its parts are, and who may sign in."""

    api_url: str
    vendor_url: str
    aws_url: str
    platform: str
    project_id: str
    table: str
    user_pool: str
    user_pool_client: str
    functions: Mapping[str, str]
    users: Mapping[str, UserEntry]

    @classmethod
    def read(cls, path: Path) -> StackFile:
        """From `stack.json`, and the passwords in `users.json` beside it.

        Raises `UnusableStackFile`.
        """
        try:
            stack = json.loads(path.read_text("utf-8"))
            passwords = json.loads((path.parent / "users.json").read_text("utf-8"))
            return cls._from(stack, passwords)
        except OSError as error:
            raise UnusableStackFile(f"{error} (`make up` starts the stack)") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnusableStackFile(f"{path} is not of a running stack: {error!r}") from error

    @classmethod
    def _from(cls, stack: Mapping[str, Any], passwords: Mapping[str, str]) -> StackFile:
        platform = stack["platform"]
        return cls(
            api_url=stack["apiUrl"],
            vendor_url=stack[f"{platform}Url"],
            aws_url=stack["awsEndpointUrl"],
            platform=platform,
            project_id=stack["credentials"][platform][_ID_MEMBER[platform]],
            table=stack["table"],
            user_pool=stack["userPoolId"],
            user_pool_client=stack["userPoolClientId"],
            functions=dict(stack["functions"]),
            users={
                name: UserEntry(user["sub"], user["token"], passwords[name])
                for name, user in stack["users"].items()
            },
        )
