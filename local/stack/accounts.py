"""Made-up accounts of a local stack: the vendor's credentials, and three users who call the API."""

import json
import secrets
import uuid
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.stack import cloud

__all__ = ["Credentials", "User", "create_users", "make_credentials", "put_secret", "sign_in"]

#: Who exists, and whether they are moderators.
USERS = {"alice": False, "bob": False, "moderator": True}


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The credentials of one made-up account at the vendor, by platform."""

    opentok: dict[str, str]
    vonage: dict[str, str]

    def of(self, platform: str) -> dict[str, str]:
        return self.vonage if platform == "vonage" else self.opentok


@dataclass(frozen=True, slots=True, repr=False)
class User:
    """Someone who can sign in to the stack's own user pool, with a fresh token of theirs."""

    name: str
    sub: str
    token: str


def make_credentials() -> Credentials:
    """New random credentials in the shapes that the vendor gives them out in."""
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
        },
        vonage={"applicationId": str(uuid.uuid4()), "privateKey": pem.decode()},
    )


def put_secret(address: str, secret_id: str, credentials: dict[str, str]) -> None:
    """Do what an operator does once after the first deployment."""
    cloud.client("secretsmanager", address).put_secret_value(
        SecretId=secret_id, SecretString=json.dumps(credentials)
    )


def create_users(address: str, pool_id: str, group: str) -> dict[str, str]:
    """Create the users, as an administrator does; their passwords by name."""
    cognito = cloud.client("cognito-idp", address)
    passwords = {}
    for name, moderator in USERS.items():
        passwords[name] = f"Aa1{secrets.token_urlsafe(18)}"
        cognito.admin_create_user(UserPoolId=pool_id, Username=name, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(
            UserPoolId=pool_id, Username=name, Password=passwords[name], Permanent=True
        )
        if moderator:
            cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=name, GroupName=group)
    return passwords


def sign_in(address: str, pool_id: str, client_id: str, name: str, password: str) -> User:
    """A fresh access token, good for an hour, as an app gets it when its user signs in."""
    cognito = cloud.client("cognito-idp", address)
    answer = cognito.admin_initiate_auth(
        UserPoolId=pool_id,
        ClientId=client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )
    user = cognito.admin_get_user(UserPoolId=pool_id, Username=name)
    attributes = {item["Name"]: item["Value"] for item in user["UserAttributes"]}
    return User(name, attributes["sub"], answer["AuthenticationResult"]["AccessToken"])
