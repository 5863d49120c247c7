"""What the checks of one run share: the stack, its users, and what was created."""

import contextlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from local.verify.http import Response, send
from local.verify.outcome import CheckSkipped
from local.verify.target import Target, operator_setting

__all__ = ["Run", "User", "started"]


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in user of the API."""

    sub: str
    token: str = field(repr=False)
    id_token: str = field(default="", repr=False)


@dataclass(slots=True)
class Run:
    """One acceptance run. The checks fill in what later checks need."""

    target: Target
    mark: str = field(default_factory=lambda: f"verify-{secrets.token_hex(4)}")
    started: float = field(default_factory=time.time)
    users: dict[str, User] = field(default_factory=dict)
    session: Mapping[str, Any] | None = None
    closed: list[str] = field(default_factory=list)
    created: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set, repr=False)

    def user(self, name: str) -> User:
        """Returns a signed-in user; raises `CheckSkipped` if there is none."""
        if name not in self.users:
            raise CheckSkipped(f"no signed-in user {name}")
        return self.users[name]

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        user: str = "alice",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Calls the API as one of the users, and keeps what has to be cleaned up."""
        sent = {"Authorization": f"Bearer {self.user(user).token}", **(headers or {})}
        response = send(method, self.target.api_url + path, body, sent)
        if isinstance(response.body, dict):
            self._keep(response.body)
        return response

    def open_session(self) -> Mapping[str, Any]:
        """Returns the session that the first check created; raises `CheckSkipped` without one."""
        if self.session is None:
            raise CheckSkipped("no session was created")
        return self.session

    def credentials(self) -> Mapping[str, Any]:
        """Returns the content of the secret. Raises botocore's errors, or `ValueError`."""
        secret = self.target.client("secretsmanager").get_secret_value(
            SecretId=self.target.outputs["SecretId"]
        )
        content = secret["SecretString"] if "SecretString" in secret else secret["SecretBinary"]
        if isinstance(content, bytes):
            content = content.decode("utf-8-sig")
        value = json.loads(content.removeprefix("\ufeff"))
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        key = value.get("apiKey")
        return {**value, "apiKey": int(key)} if isinstance(key, float) else value

    def _keep(self, body: Mapping[str, Any]) -> None:
        token = body.get("token")
        if isinstance(token, dict):
            token = token.get("token")
        if isinstance(token, str):
            self.tokens.add(token)
        if isinstance(body.get("sessionId"), str) and "owner" in body:
            self.created.add(body["sessionId"])


@contextlib.contextmanager
def started(target: Target) -> Iterator[Run]:
    """Signs users in for the body; closes their sessions and deletes them afterwards."""
    run = Run(target)
    names: list[str] = []
    try:
        if target.own_user_pool:
            for name in ("alice", "bob", "moderator"):
                names.append(f"{run.mark}-{name}")
                run.users[name] = _create_user(target, names[-1], moderator=name == "moderator")
        else:
            run.users.update(_given_users())
        yield run
    finally:
        _close_sessions(run)
        _delete_records(run)
        for name in names:
            with contextlib.suppress(ClientError):
                target.client("cognito-idp").admin_delete_user(
                    UserPoolId=target.outputs["UserPoolId"], Username=name
                )


def _create_user(target: Target, name: str, *, moderator: bool) -> User:
    """Creates a user with a random password, and signs the user in as an operator can."""
    cognito, pool = target.client("cognito-idp"), target.outputs["UserPoolId"]
    password = f"Aa1{secrets.token_urlsafe(18)}"
    created = cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=name, Password=password, Permanent=True
    )
    if moderator:
        cognito.admin_add_user_to_group(
            UserPoolId=pool, Username=name, GroupName=target.parameter("ModeratorsGroupName")
        )
    result = cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=target.outputs["UserPoolClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )["AuthenticationResult"]
    attributes = {item["Name"]: item["Value"] for item in created["User"]["Attributes"]}
    return User(attributes["sub"], result["AccessToken"], result.get("IdToken", ""))


def _given_users() -> dict[str, User]:
    """Returns the users whose tokens the operator gave, for a stack with an issuer of its own."""
    given = {
        "alice": operator_setting("VERIFY_TOKEN"),
        "bob": operator_setting("VERIFY_OTHER_TOKEN"),
        "moderator": operator_setting("VERIFY_MODERATOR_TOKEN"),
    }
    return {name: User(sub="", token=token) for name, token in given.items() if token}


def _close_sessions(run: Run) -> None:
    """Closes what the run created, so that no more tokens are issued for it."""
    for session_id in run.created:
        for user in ("moderator", "alice", "bob"):
            if user in run.users:
                with contextlib.suppress(OSError):
                    if run.call("DELETE", f"/sessions/{session_id}", user=user).status == 204:
                        break


def _delete_records(run: Run) -> None:
    """Deletes the records of the run's sessions and room; idempotency keys expire in a day."""
    table = run.target.client("dynamodb")
    name = run.target.outputs["TableName"]
    with contextlib.suppress(ClientError):
        keys = [
            item["AttributeName"]
            for item in table.describe_table(TableName=name)["Table"]["KeySchema"]
        ]
        for pk in [*(f"session#{session_id}" for session_id in run.created), f"room#{run.mark}"]:
            found = table.query(
                TableName=name,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}},
                ConsistentRead=True,
            )["Items"]
            for item in found:
                table.delete_item(TableName=name, Key={key: item[key] for key in keys})
