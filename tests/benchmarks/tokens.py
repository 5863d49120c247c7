"""Measures tokens per second of this project, of the vendor's SDKs and of OpenSSL alone.

Runs on the measured interpreter with the layers on its path, and prints one JSON object
`{"kind": {"ours": [per second, ...], "sdk": [...]}}`. The batches of the implementations alternate
in one process, so that all run on the same machine state. `openssl` is a bare RSA signature with
the key already parsed, which no token in RS256 can be faster than.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from opentok import Client, Roles
from vonage_http_client import Auth, HttpClient  # type: ignore[import-untyped]
from vonage_video import Video  # type: ignore[import-untyped]
from vonage_video.models import (  # type: ignore[import-untyped]
    TokenOptions,
    TokenRole,
)

from opentok_client.credentials import Credentials, OpenTokCredentials, VonageCredentials
from opentok_client.grant import Role, TokenFormat, TokenGrant
from opentok_client.tokens import client_token

DATA = "name=Alice"
LIFE_SECONDS = 3600


def ours(credentials: Credentials, session: str, token_format: TokenFormat) -> Callable[[], object]:
    def issue() -> str:
        now = int(time.time())
        grant = TokenGrant(session, Role.PUBLISHER, now, now + LIFE_SECONDS, DATA)
        return client_token(credentials, grant, secrets.token_hex(8), token_format)

    return issue


def opentok_sdk(key: str, secret: str, session: str, *, jwt: bool) -> Callable[[], object]:
    client = Client(key, secret)

    def issue() -> object:
        expires = int(time.time()) + LIFE_SECONDS
        return client.generate_token(session, Roles.publisher, expires, DATA, use_jwt=jwt)

    return issue


def vonage_sdk(application: str, private_key: str, session: str) -> Callable[[], object]:
    video = Video(HttpClient(Auth(application_id=application, private_key=private_key)))

    def issue() -> object:
        options = TokenOptions(session_id=session, role=TokenRole.PUBLISHER, connection_data=DATA)
        return video.generate_client_token(options)

    return issue


def openssl(private_key: str, sample: str) -> Callable[[], object]:
    """Signs as many bytes as the token `sample` signs."""
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    message, scheme, digest = (
        sample.rpartition(".")[0].encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    return lambda: key.sign(message, scheme, digest)


def per_second(operation: Callable[[], object], seconds: float) -> float:
    """Returns the operations per second, measured over at least `seconds` and one operation."""
    count, started = 0, time.perf_counter()
    while (took := time.perf_counter() - started) < seconds or not count:
        operation()
        count += 1
    return count / took


def main() -> None:
    parameters = json.load(sys.stdin)
    key, secret = parameters["apiKey"], parameters["apiSecret"]
    application, private_key = parameters["applicationId"], parameters["privateKey"]
    session, vonage_session = parameters["session"], parameters["vonageSession"]
    opentok = OpenTokCredentials(key, secret)
    vonage = ours(VonageCredentials(application, private_key), vonage_session, TokenFormat.JWT)
    kinds = {
        "opentokJwt": {
            "ours": ours(opentok, session, TokenFormat.JWT),
            "sdk": opentok_sdk(key, secret, session, jwt=True),
        },
        "opentokT1": {
            "ours": ours(opentok, session, TokenFormat.T1),
            "sdk": opentok_sdk(key, secret, session, jwt=False),
        },
        "vonage": {
            "ours": vonage,
            "openssl": openssl(private_key, str(vonage())),
            "sdk": vonage_sdk(application, private_key, vonage_session),
        },
    }
    for implementations in kinds.values():
        for issue in implementations.values():
            issue()
    result: dict[str, dict[str, list[float]]] = {
        kind: {name: [] for name in implementations} for kind, implementations in kinds.items()
    }
    for _ in range(parameters["batches"]):
        for kind, implementations in kinds.items():
            for name, issue in implementations.items():
                result[kind][name].append(per_second(issue, parameters["seconds"]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
