"""DynamoDB, Secrets Manager and the vendor as one TLS server with canned responses.

A response depends on the request alone. Every session exists and belongs to the caller, every room
has a session, and every pool has candidates unless the table is `EMPTY_POOL`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from .certificates import private_key, private_key_pem

API_KEY = "47665971"
APPLICATION_ID = "29f760f8-7ce1-46c9-ade3-f2dedee4ed5f"
OPENTOK_SECRET = "opentok-credentials"
VONAGE_SECRET = "vonage-credentials"
OWNER = "11111111-2222-4333-8444-555555555555"
TABLE = "sessions"
EMPTY_POOL = "sessions-with-empty-pools"
ROOM = "standup"
MONITORED = 4242
"""The number of the session that callbacks have been received for."""
CLOSED = 4343
"""The number of the session that is closed."""
CONNECTION = "5f0c2c11-6e0b-4b9c-9a64-0f9f6d1f7a10"
SIGNATURE_SECRET = "benchmark-signature-secret-0123456789"
SLOW_PATH = "/slow"
VENDOR_SECONDS = 0.15

JSON = dict[str, object]


def session_id(number: int = 0, project: str = API_KEY) -> str:
    """Returns an id in the vendor's format."""
    text = f"1~{project}~~1739538894959~Q9mcXG1QrN3TIYu8y+p{number:04}s~~~"
    return "1_" + base64.b64encode(text.encode(), b"-_").decode().rstrip("=")


def session_item(session: str) -> JSON:
    now = int(time.time())
    hints = {"monitoredSince": {"N": str(now * 1000)}, "lastEventAt": {"N": str(now * 1000)}}
    project = base64.b64decode(session[2:] + "==", b"-_").decode().split("~")[1]
    return {
        "pk": {"S": f"session#{session}"},
        "sk": {"S": "session"},
        "schema": {"N": "1"},
        "sessionId": {"S": session},
        "projectId": {"S": project},
        "mediaMode": {"S": "routed"},
        "mediaModeReason": {"S": "requested"},
        "archiveMode": {"S": "manual"},
        "owner": {"S": OWNER},
        "state": {"S": "closed" if session == session_id(CLOSED) else "open"},
        "createdAt": {"N": str((now - 60) * 1000)},
        "source": {"S": "created"},
        "lastUsedAt": {"N": str(now)},
        "claimId": {"S": "benchmark"},
        "room": {"S": ROOM},
        "reuse": {"S": "conversation"},
        "ttl": {"N": str(now + 2_592_000)},
        **(hints if session == session_id(MONITORED) else {}),
    }


def room_item(name: str) -> JSON:
    return {
        "pk": {"S": f"room#{name}"},
        "sk": {"S": "room"},
        "schema": {"N": "1"},
        "sessionId": {"S": session_id()},
        "owner": {"S": OWNER},
        "reuse": {"S": "conversation"},
        "ttl": {"N": str(int(time.time()) + 2_592_000)},
    }


def live_item(session: str, connection: str = CONNECTION) -> JSON:
    now = int(time.time())
    return {
        "pk": {"S": f"session#{session}"},
        "sk": {"S": f"live#{connection}"},
        "schema": {"N": "1"},
        "connectionId": {"S": connection},
        "connectedAt": {"N": str((now - 30) * 1000)},
        "connectionData": {"S": "name=Alice"},
        "ttl": {"N": str(now + 2_592_000)},
    }


def get_item(request: JSON) -> JSON:
    key = request["Key"]
    assert isinstance(key, dict)
    pk = str(key["pk"]["S"])
    if str(key["sk"]["S"]).startswith("live#"):
        return {"Item": live_item(pk.partition("#")[2])}
    kind, _, name = pk.partition("#")
    if kind == "session":
        return {"Item": session_item(name)}
    if kind == "room":
        return {"Item": room_item(name)}
    return {}


def query(request: JSON) -> JSON:
    if request["TableName"] == EMPTY_POOL:
        return {"Items": [], "Count": 0, "ScannedCount": 0}
    values = request["ExpressionAttributeValues"]
    assert isinstance(values, dict)
    if ":live" in values:  # the connections of a session
        session = str(values[":pk"]["S"]).partition("#")[2]
        items = [live_item(session, f"{CONNECTION[:-1]}{number}") for number in range(3)]
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)}
    pool = next((v for v in values.values() if "#" in v["S"] or "routed" in v["S"]), {"S": "pool"})
    items = [
        {
            "pk": {"S": f"session#{session_id(number)}"},
            "sk": {"S": "session"},
            "schema": {"N": "1"},
            "poolId": pool,
            "poolKey": {"S": f"{number:032x}"},
        }
        for number in range(1, 6)
    ]
    return {"Items": items, "Count": len(items), "ScannedCount": len(items)}


def get_secret_value(request: JSON) -> JSON:
    secret = SECRETS[str(request["SecretId"])]
    return {
        "ARN": f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{request['SecretId']}",
        "Name": request["SecretId"],
        "VersionId": "11111111-2222-4333-8444-555555555555",
        "SecretString": json.dumps(secret),
        "VersionStages": ["AWSCURRENT"],
    }


SECRETS = {
    OPENTOK_SECRET: {
        "apiKey": API_KEY,
        "apiSecret": "benchmark-secret-0123456789abcdef0123456789",
        "signatureSecret": SIGNATURE_SECRET,
    },
    VONAGE_SECRET: {
        "applicationId": APPLICATION_ID,
        "privateKey": private_key_pem(private_key()),
    },
}


def archive() -> JSON:
    """Returns an archive that the vendor has just started."""
    return {
        "id": "b40ef09b-3811-4726-b508-e41a0f96c68f",
        "status": "started",
        "name": "standup",
        "reason": "",
        "sessionId": session_id(),
        "projectId": API_KEY,
        "createdAt": 1384221730000,
        "size": 0,
        "duration": 0,
        "outputMode": "composed",
        "streamMode": "auto",
        "hasAudio": True,
        "hasVideo": True,
        "resolution": "640x480",
        "url": None,
    }


RESPONSES: dict[str, Callable[[JSON], JSON]] = {
    "GetItem": get_item,
    "Query": query,
    "GetSecretValue": get_secret_value,
    "PutItem": lambda request: {},
    "UpdateItem": lambda request: {},
    "DeleteItem": lambda request: {},
    "TransactWriteItems": lambda request: {},
    "PutEvents": lambda request: {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]},
}


class Servers:
    """The TLS server, on threads, until `close`. `calls` counts the requests by operation."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        self.calls: Counter[str] = Counter()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),  # the peer disappears when its process is killed
            self._context.wrap_socket(plain, server_side=True) as connection,
            connection.makefile("rb") as stream,
        ):
            while first := stream.readline():
                headers: dict[bytes, bytes] = {}
                while (line := stream.readline()) != b"\r\n":
                    name, _, value = line.partition(b":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get(b"content-length", b"0")))
                connection.sendall(self._respond(first.decode(), headers, body))

    def _respond(self, first: str, headers: dict[bytes, bytes], body: bytes) -> bytes:
        response: object
        target = headers.get(b"x-amz-target", b"").decode().rpartition(".")[2]
        if target:
            self.calls[target] += 1
            response, kind = RESPONSES[target](json.loads(body)), "application/x-amz-json-1.1"
        elif first.startswith("DELETE /v2/project/"):
            self.calls["disconnect"] += 1
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        elif first.startswith("POST /v2/project/"):
            self.calls["archive"] += 1
            response, kind = archive(), "application/json"
        else:
            assert first.split()[1].endswith("/session/create"), first
            self.calls["session/create"] += 1
            if first.split()[1].startswith(SLOW_PATH):
                time.sleep(VENDOR_SECONDS)
            # The fields that clients read, and enough others for the length of the real response.
            created = {"session_id": session_id(9999), "project_id": API_KEY, "partner_id": API_KEY}
            nothing = {f"unused_{number}": None for number in range(9)}
            response, kind = [{**created, **nothing}], "application/json"
        text = json.dumps(response).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n"
        return head.encode() + b"x-amzn-RequestId: benchmark\r\n\r\n" + text
