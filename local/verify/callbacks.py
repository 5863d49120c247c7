"""Checks of the callback API, as the vendor calls it: signed, forged, unsigned."""

import hashlib
import json
import time
import uuid
from typing import Any

import jwt

from local.verify.http import Response, send
from local.verify.outcome import Check, CheckSkipped, require
from local.verify.run import Run

__all__ = ["CHECKS"]


def a_probe_of_the_url_succeeds(run: Run) -> str:
    """The vendor probes a new URL with a request that is not an event."""
    _post(run, b"{}").expect(200)
    return "200"


def a_forged_callback_is_rejected(run: Run) -> str:
    body = _event(run, "connectionCreated", str(uuid.uuid4()))
    refused = _post(run, body, _signature(body, "a secret that no one has configured"))
    if _secret(run):
        refused.expect(401)
        altered = _post(run, body.replace(b"verify", b"forged"), _signature(body, _secret(run)))
        altered.expect(401)
        return "401 with a wrong signature and with a changed body"
    refused.expect(503)
    return "503: the secret has no signatureSecret, so the vendor retries"


def an_unsigned_callback_is_retried(run: Run) -> str:
    _post(run, _event(run, "connectionCreated", str(uuid.uuid4()))).expect(503)
    return "503"


def a_signed_callback_is_recorded(run: Run) -> str:
    secret = _secret(run)
    if not secret:
        raise CheckSkipped("the secret has no signatureSecret")
    client = str(uuid.uuid4())
    for name, connections in (("connectionCreated", 1), ("connectionDestroyed", 0)):
        body = _event(run, name, client)
        _post(run, body, _signature(body, secret)).expect(200)
        session = run.call("GET", f"/sessions/{run.open_session()['sessionId']}").expect(200).body
        if "live" not in session:
            raise CheckSkipped("accepted, but the API does not show who is connected")
        found = session["live"]["connections"]
        require(
            found == connections,
            f"after {name} the session has {found} connections instead of {connections}",
        )
    return "a client connects and leaves"


def _post(run: Run, body: bytes, signature: str = "") -> Response:
    target = run.target
    base = target.local.get("callbackUrl") if target.local else target.outputs.get("CallbackUrl")
    if not base:
        raise CheckSkipped("the stack has no callback API")
    headers = {"Authorization": f"Bearer {signature}"} if signature else {}
    url = base.rstrip("/")
    if not url.endswith("/callbacks"):
        url += "/callbacks"
    return send("POST", f"{url}/session", body, headers)


def _event(run: Run, name: str, client: str) -> bytes:
    now = int(time.time() * 1000)
    event: dict[str, Any] = {
        "sessionId": run.open_session()["sessionId"],
        "projectId": run.open_session()["projectId"],
        "event": name,
        "timestamp": now,
        "connection": {"id": client, "createdAt": now, "data": "verify"},
    }
    if name == "connectionDestroyed":
        event["reason"] = "clientDisconnected"
    return json.dumps(event).encode()


def _signature(body: bytes, secret: str) -> str:
    claims = {
        "iat": int(time.time()),
        "jti": str(uuid.uuid4()),
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
    }
    return jwt.encode(claims, secret, "HS256")


def _secret(run: Run) -> str:
    """Returns the signature secret, the first one during a rotation; empty without one."""
    found = run.credentials().get("signatureSecret") or ""
    return str(found[0]) if isinstance(found, list) else str(found)


CHECKS = (
    Check("a probe of the callback URL succeeds", a_probe_of_the_url_succeeds),
    Check("a forged callback is rejected", a_forged_callback_is_rejected),
    Check("an unsigned callback is retried", an_unsigned_callback_is_retried),
    Check("a signed callback is recorded", a_signed_callback_is_recorded),
)
