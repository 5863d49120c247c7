"""Invented accounts of a local stack: the vendor's credentials, and users who call the API."""

import json
import secrets
import uuid
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.stack.cloud import Aws

__all__ = ["Credentials", "User", "create_users", "make_credentials", "put_secret", "sign_in"]

TENANT_ATTRIBUTE = "custom:tenant"


class _Profile(NamedTuple):
    tenant: str
    moderator: bool = False


USERS = {
    "alice": _Profile("acme"),
    "bob": _Profile("acme"),
    "carol": _Profile("globex"),
    "moderator": _Profile("acme", moderator=True),
}


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The credentials of one invented account with the vendor, by platform."""

    opentok: dict[str, str]
    vonage: dict[str, str]

    def of(self, platform: str) -> dict[str, str]:
        return self.vonage if platform == "vonage" else self.opentok


@dataclass(frozen=True, slots=True, repr=False)
class User:
    """A user of the stack's own user pool, with a new token."""

    name: str
    sub: str
    token: str


def make_credentials() -> Credentials:
    """Returns new random credentials in the vendor's formats.

    `signatureSecret` signs the vendor's callbacks.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Credentials(
        opentok={
            "apiKey": str(40_000_000 + secrets.randbelow(9_999_999)),
            "apiSecret": secrets.token_hex(20),
            "signatureSecret": secrets.token_urlsafe(32),
        },
        vonage={
            "applicationId": str(uuid.uuid4()),
            "privateKey": pem.decode(),
            "signatureSecret": secrets.token_urlsafe(32),
        },
    )


def put_secret(aws: Aws, secret_id: str, credentials: dict[str, str]) -> None:
    """Stores the vendor's credentials, as an operator does after the first deployment."""
    aws.client("secretsmanager").put_secret_value(
        SecretId=secret_id, SecretString=json.dumps(credentials)
    )


def create_users(aws: Aws, pool_id: str, group: str) -> dict[str, str]:
    """Creates the users, as an administrator does, and returns their passwords by name.

    Users have a tenant if the user pool has the attribute `custom:tenant`.
    """
    cognito = aws.client("cognito-idp")
    pool = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    has_tenants = any(
        attribute["Name"] == TENANT_ATTRIBUTE for attribute in pool.get("SchemaAttributes", ())
    )
    passwords = {}
    for name, profile in USERS.items():
        passwords[name] = f"Aa1{secrets.token_urlsafe(18)}"
        tenant = [{"Name": TENANT_ATTRIBUTE, "Value": profile.tenant}] if has_tenants else []
        cognito.admin_create_user(
            UserPoolId=pool_id, Username=name, MessageAction="SUPPRESS", UserAttributes=tenant
        )
        cognito.admin_set_user_password(
            UserPoolId=pool_id, Username=name, Password=passwords[name], Permanent=True
        )
        if profile.moderator:
            cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=name, GroupName=group)
    return passwords


def sign_in(aws: Aws, pool_id: str, client_id: str, name: str, password: str) -> User:
    """Signs a user in. The token is valid for an hour.

    It is the ID token, because Cognito leaves custom attributes out of access tokens.
    """
    cognito = aws.client("cognito-idp")
    response = cognito.admin_initiate_auth(
        UserPoolId=pool_id,
        ClientId=client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )
    user = cognito.admin_get_user(UserPoolId=pool_id, Username=name)
    attributes = {item["Name"]: item["Value"] for item in user["UserAttributes"]}
    return User(name, attributes["sub"], response["AuthenticationResult"]["IdToken"])
