"""The request that each SDK of the vendor sends to create a session, replayed byte by byte.

One test per known SDK version: claims and headers of the REST token, and the form. A plain socket
client sends the bytes, so that nothing is added on the way.
"""

from __future__ import annotations

import http.client
import json
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from tests.contract.emulator.signing import hs256, rs256
from tests.emulator import CALL_SECONDS, Emulator

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

Headers = dict[str, str]
Claims = dict[str, object]


@dataclass(frozen=True)
class Recording:
    """A request of one SDK, and its expected meaning."""

    sdk: str
    authentication: Callable[[Emulator], Headers]
    form: str
    accept: str | None = None
    content_type: str | None = FORM
    media_mode: str = "relayed"
    others: Claims = field(default_factory=dict)


def _times(seconds: int | None) -> Claims:
    now = int(time.time())
    return {"iat": now} if seconds is None else {"iat": now, "exp": now + seconds}


def _opentok(seconds: int, header: Claims, **claims: object) -> Callable[[Emulator], Headers]:
    def headers(emulator: Emulator) -> Headers:
        said = claims | {"iss": emulator.api_key} | _times(seconds)
        return {"X-OPENTOK-AUTH": hs256(emulator.api_secret, said, header)}

    return headers


def _vonage(seconds: int | None, header: str, **claims: object) -> Callable[[Emulator], Headers]:
    def headers(emulator: Emulator) -> Headers:
        said = claims | {"application_id": emulator.application_id, "jti": "5f2a7a5c"}
        token = rs256(emulator.private_key, said | _times(seconds))
        return {header: f"Bearer {token}" if header == "Authorization" else token}

    return headers


def _with(more: Headers, headers: Callable[[Emulator], Headers]) -> Callable[[Emulator], Headers]:
    return lambda emulator: more | headers(emulator)


ALG: Claims = {"alg": "HS256"}
ALG_TYP: Claims = {"alg": "HS256", "typ": "JWT"}
PYTHON_JWT = _opentok(180, ALG_TYP, ist="project", jti="0.5497")
NODE_JWT = _opentok(300, ALG_TYP, ist="project")
RUBY_JWT = _opentok(300, {"ist": "project"} | ALG)
JAVA_JWT = _opentok(180, ALG, ist="project", jti="b4f0")
PHP_JWT = _opentok(300, ALG_TYP, ist="project", jti="65f1a2")
DOTNET_JWT = _with({"X-TB-VERSION": "1"}, _opentok(300, ALG_TYP, ist="project"))
DAY_LONG_JWT = _opentok(86_400, ALG_TYP, ist="project")
BEARER = _vonage(900, "Authorization")

OPENTOK_RECORDINGS = [
    Recording("Python", PYTHON_JWT, "p2p.preference=enabled&archiveMode=manual&e2ee=false", JSON),
    Recording(
        "Node",
        _with({"headers": "[object Object]"}, NODE_JWT),
        "archiveMode=manual&p2p.preference=enabled&anything=else",
        JSON,
    ),
    Recording("Ruby", RUBY_JWT, "p2p.preference=enabled", "*/*"),
    Recording(
        "PHP", PHP_JWT, "archiveMode=manual&e2ee=false&p2p.preference=enabled&api_key=47665971"
    ),
    Recording("Java", JAVA_JWT, "p2p.preference=enabled&archiveMode=manual", JSON),
    Recording(
        ".NET",
        DOTNET_JWT,
        "location=&p2p.preference=enabled&archiveMode=manual&e2ee=False",
    ),
    Recording(
        ".NET, always",
        DOTNET_JWT,
        "location=&p2p.preference=disabled&archiveMode=always&e2ee=False"
        "&archiveName=&archiveResolution=640x480",
        media_mode="routed",
        others={"archiveMode": "always", "archiveName": None, "archiveResolution": "640x480"},
    ),
    Recording("opentok-jwt, a day long", DAY_LONG_JWT, "", JSON, media_mode="routed"),
]

VONAGE_RECORDINGS = [
    Recording(
        "@vonage/video",
        BEARER,
        "archiveMode=manual&location=null&p2p.preference=disabled",
        JSON,
        media_mode="routed",
    ),
    Recording("vonage-python, bare", BEARER, "", JSON, content_type=None, media_mode="routed"),
    Recording(
        "vonage-python, SessionOptions()",
        BEARER,
        "media_mode=routed&p2p.preference=disabled&archiveMode=manual",
        JSON,
        media_mode="routed",
    ),
    Recording(
        "vonage-python, e2ee",
        BEARER,
        "media_mode=routed&p2p.preference=disabled&archiveMode=manual&e2ee=True",
        JSON,
        media_mode="routed",
        others={"e2ee": True},
    ),
    Recording("vonage-python 1.5, relayed", BEARER, "p2p.preference=always", JSON),
    Recording(
        "vonage-python after a signal",
        BEARER,
        "p2p.preference=enabled",
        JSON,
        content_type="application/json",
    ),
    Recording("vonage-java", BEARER, "", JSON, media_mode="routed"),
    Recording(
        "vonage-java, IPv6",
        BEARER,
        "location=2001%3Adb8%3A%3A1",
        JSON,
        media_mode="routed",
        others={"location": "2001:db8::1"},
    ),
    Recording("vonage-php-video", BEARER, "p2p.preference=enabled&archiveMode=manual", JSON),
    Recording(
        "vonage-ruby", BEARER, "archiveMode=manual&p2p.preference=disabled", media_mode="routed"
    ),
    Recording(
        "vonage-dotnet, no exp",
        _vonage(None, "Authorization"),
        "location=&archiveMode=manual&p2p.preference=enabled&e2ee=false",
    ),
    Recording(
        "opentok-python in Vonage mode",
        _vonage(180, "Authorization", ist="project"),
        "p2p.preference=enabled&archiveMode=manual&e2ee=false",
        JSON,
    ),
    Recording(
        "opentok-node in Vonage mode",
        _vonage(300, "Authorization", iss="app", ist="project"),
        "archiveMode=manual&p2p.preference=enabled",
        JSON,
    ),
    Recording(
        "opentok-php in Vonage mode",
        _vonage(900, "X-OPENTOK-AUTH"),
        "archiveMode=manual&e2ee=false&p2p.preference=enabled",
    ),
]


@pytest.mark.parametrize(
    "recording", OPENTOK_RECORDINGS + VONAGE_RECORDINGS, ids=lambda recording: recording.sdk
)
def test_recorded_call(emulator: Emulator, recording: Recording) -> None:
    vonage = recording in VONAGE_RECORDINGS
    headers = dict(recording.authentication(emulator))
    if recording.accept is not None:
        headers["Accept"] = recording.accept
    if recording.content_type is not None:
        headers["Content-Type"] = recording.content_type
    status, content_type, body = _post(emulator.url, headers, recording.form)

    assert status == 200, body
    project = emulator.application_id if vonage else emulator.api_key
    if recording.accept == JSON:
        assert content_type == JSON
        (session,) = json.loads(body)
        assert session["project_id"] == session["partner_id"] == project
        session_id = session["session_id"]
    else:
        assert content_type == "text/xml"
        tree = ElementTree.fromstring(body)  # noqa: S314 - our own server wrote it
        assert tree.findtext("Session/partner_id") == project
        session_id = tree.findtext("Session/session_id")
    parsed = emulator.session(session_id)
    expected = {
        "mediaMode": recording.media_mode,
        "archiveMode": "manual",
        "location": None,
        "e2ee": False,
        "platform": "vonage" if vonage else "opentok",
    }
    assert parsed.items() >= (expected | recording.others).items()


def _post(url: str, headers: Headers, form: str) -> tuple[int, str | None, str]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=CALL_SECONDS)
    try:
        connection.putrequest("POST", "/session/create", skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(form)))
        connection.endheaders(form.encode())
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read().decode()
    finally:
        connection.close()
