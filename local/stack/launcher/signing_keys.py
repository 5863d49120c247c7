"""The public keys of the user pool, for the API's authorizer.

MiniStack's gateway requests them from MiniStack over HTTP without credentials, which the guard
refuses. Here it reads them in the same process.
"""

import json
import urllib.parse
from typing import Any

__all__ = ["read_in_process"]

_PATH_END = "/.well-known/jwks.json"


def read_in_process(gateway: Any, cognito: Any, port: int) -> None:
    """Replaces the gateway's request by a call, for keys of MiniStack's own user pools."""
    request_keys = gateway._fetch_jwks

    async def fetch(url: str) -> Any:
        parts = urllib.parse.urlsplit(url)
        if parts.port != port or not parts.path.endswith(_PATH_END):
            return await request_keys(url)
        _, _, body = cognito.well_known_jwks(parts.path.removesuffix(_PATH_END).strip("/"))
        return json.loads(body)

    gateway._fetch_jwks = fetch
