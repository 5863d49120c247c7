"""Tokens per second: our client against the vendor's SDKs, in one process, in turns.

Run by the interpreter that is measured, with the layers on its path; prints one JSON object
`{"kind": {"ours": [per second, ...], "sdk": [...]}}`. Each batch of ours has one of the SDK's
beside it, so that both meet the same machine.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable

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


def ours(credentials: Credentials, session: str, form: TokenFormat) -> Callable[[], object]:
    def make() -> str:
        now = int(time.time())
        grant = TokenGrant(session, Role.PUBLISHER, now, now + LIFE_SECONDS, DATA)
        return client_token(credentials, grant, secrets.token_hex(8), form)

    return make


def opentok_sdk(key: str, secret: str, session: str, *, jwt: bool) -> Callable[[], object]:
    client = Client(key, secret)

    def make() -> object:
        expires = int(time.time()) + LIFE_SECONDS
        return client.generate_token(session, Roles.publisher, expires, DATA, use_jwt=jwt)

    return make


def vonage_sdk(application: str, private_key: str, session: str) -> Callable[[], object]:
    video = Video(HttpClient(Auth(application_id=application, private_key=private_key)))

    def make() -> object:
        options = TokenOptions(session_id=session, role=TokenRole.PUBLISHER, connection_data=DATA)
        return video.generate_client_token(options)

    return make


def per_second(make: Callable[[], object], seconds: float) -> float:
    """How many per second, over at least `seconds` and at least one."""
    count, started = 0, time.perf_counter()
    while (took := time.perf_counter() - started) < seconds or not count:
        make()
        count += 1
    return count / took


def main() -> None:
    wanted = json.load(sys.stdin)
    key, secret = wanted["apiKey"], wanted["apiSecret"]
    application, private_key = wanted["applicationId"], wanted["privateKey"]
    session, foreign = wanted["session"], wanted["foreignSession"]
    opentok = OpenTokCredentials(key, secret)
    vonage = VonageCredentials(application, private_key)
    kinds = {
        "opentokJwt": (
            ours(opentok, session, TokenFormat.JWT),
            opentok_sdk(key, secret, session, jwt=True),
        ),
        "opentokT1": (
            ours(opentok, session, TokenFormat.T1),
            opentok_sdk(key, secret, session, jwt=False),
        ),
        "vonage": (
            ours(vonage, foreign, TokenFormat.JWT),
            vonage_sdk(application, private_key, foreign),
        ),
    }
    for make, make_theirs in kinds.values():
        make(), make_theirs()
    result: dict[str, dict[str, list[float]]] = {kind: {"ours": [], "sdk": []} for kind in kinds}
    for _ in range(wanted["batches"]):
        for kind, (make, make_theirs) in kinds.items():
            result[kind]["ours"].append(per_second(make, wanted["seconds"]))
            result[kind]["sdk"].append(per_second(make_theirs, wanted["seconds"]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
