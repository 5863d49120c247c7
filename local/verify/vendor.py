"""Checks against the vendor, with the account in the secret: is what we issue accepted there?"""

import base64
import time
import uuid
from collections.abc import Mapping
from typing import Any

import jwt

from local.verify.http import send
from local.verify.outcome import Check, CheckFailed, CheckSkipped, require
from local.verify.run import Run

__all__ = ["CHECKS"]

HOSTS = {"opentok": "https://api.opentok.com", "vonage": "https://video.api.vonage.com"}
SECONDS = 180


def the_vendor_knows_the_session(run: Run) -> str:
    """The vendor responds 404 to a valid caller if no client is connected, and 403 to others."""
    session_id = run.open_session()["sessionId"]
    status = _list_streams(run, session_id, run.credentials())
    require(
        status in {200, 404},
        f"the vendor rejects our credentials for the new session: {status}",
    )
    return "404: no client is connected" if status == 404 else "200"


def the_vendor_rejects_other_credentials(run: Run) -> str:
    """Without this, the check before would prove nothing."""
    session_id = run.open_session()["sessionId"]
    credentials = run.credentials()
    if run.target.platform == "vonage":
        wrong = {**credentials, "applicationId": str(uuid.uuid4())}
    else:
        wrong = {**credentials, "apiSecret": "0" * 40}
    status = _list_streams(run, session_id, wrong, project=credentials)
    require(status in {401, 403}, f"the vendor accepts a wrong secret: {status}")
    return f"{status} with a wrong secret"


def a_client_connects_with_our_token(run: Run) -> str:
    session = run.open_session()
    if run.target.local is None:
        raise CheckSkipped("the vendor's REST API checks no client tokens: connect an app")
    response = send(
        "POST",
        f"{run.target.local['opentokUrl']}/_emulator/connect",
        {"sessionId": session["sessionId"], "token": session["token"]["token"]},
    )
    require(response.status == 200, f"the emulator rejects our token: {response.problem}")
    return f"role {response.body['role']}"


def _list_streams(
    run: Run,
    session_id: str,
    credentials: Mapping[str, Any],
    project: Mapping[str, Any] | None = None,
) -> int:
    """Returns the status of the vendor's response to a list of the session's streams."""
    now = int(time.time())
    claims: dict[str, Any] = {"iat": now - 5, "exp": now + SECONDS, "jti": str(uuid.uuid4())}
    if run.target.platform == "vonage":
        claims["application_id"] = credentials["applicationId"]
        try:
            token = jwt.encode(claims, _pem(credentials["privateKey"]), "RS256")
        except (ValueError, jwt.PyJWTError) as error:
            raise CheckFailed(f"the secret's privateKey cannot sign: {error}") from None
        headers = {"Authorization": f"Bearer {token}"}
        name = (project or credentials)["applicationId"]
    else:
        claims |= {"iss": str(credentials["apiKey"]), "ist": "project"}
        headers = {"X-OPENTOK-AUTH": jwt.encode(claims, credentials["apiSecret"], "HS256")}
        name = (project or credentials)["apiKey"]
    host = run.target.parameter("ApiUrl") or HOSTS[run.target.platform]
    url = f"{host.rstrip('/')}/v2/project/{name}/session/{session_id}/stream"
    return send("GET", url, headers=headers).status


def _pem(key: str) -> str:
    """Returns a private key as PEM; the secret may hold it as base64, or its line ends as text."""
    if "BEGIN" not in key:
        key = base64.b64decode(key).decode()
    return key.replace("\\r\\n", "\n").replace("\\n", "\n")


CHECKS = (
    Check("the vendor knows the session", the_vendor_knows_the_session),
    Check("the vendor rejects other credentials", the_vendor_rejects_other_credentials),
    Check("a client connects with a token", a_client_connects_with_our_token),
)
