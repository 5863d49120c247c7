"""Response shapes and refusals of the REST calls: JSON and XML, OpenTok and Vonage."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests

from tests.contract.emulator.signing import hs256, rs256
from tests.emulator import CALL_SECONDS, Emulator, running

JSON = "application/json"
XML_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

Headers = dict[str, str]
Claims = dict[str, object]


def _claims(emulator: Emulator, **changes: object) -> Claims:
    """Returns a valid REST token's claims with changes; None omits one."""
    now = int(time.time())
    good: Claims = {"iss": emulator.api_key, "ist": "project", "iat": now, "exp": now + 180}
    return {name: value for name, value in (good | changes).items() if value is not None}


def _opentok(emulator: Emulator, **changes: object) -> Headers:
    return {"X-OPENTOK-AUTH": hs256(emulator.api_secret, _claims(emulator, **changes))}


def _vonage(emulator: Emulator, **changes: object) -> Headers:
    now = int(time.time())
    good: Claims = {
        "application_id": emulator.application_id,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 900,
    }
    claims = {name: value for name, value in (good | changes).items() if value is not None}
    return {"Authorization": f"Bearer {rs256(emulator.private_key, claims)}"}


def _create(
    emulator: Emulator, headers: Headers, form: object = None, accept: str = JSON, url: str = ""
) -> requests.Response:
    return requests.post(
        f"{url or emulator.url}/session/create",
        data=form,  # type: ignore[arg-type]
        headers={"Accept": accept} | headers,
        timeout=CALL_SECONDS,
    )


# A session


def test_json_session(emulator: Emulator) -> None:
    before = int(time.time())
    response = _create(emulator, _opentok(emulator))
    assert response.headers["Content-Type"] == JSON
    (session,) = response.json()
    assert list(session) == [
        "session_id", "project_id", "partner_id", "create_dt", "session_status",
        "status_invalid", "media_server_hostname", "messaging_server_url", "messaging_url",
        "symphony_address", "properties", "ice_server", "session_segment_id", "ice_servers",
        "ice_credential_expiration",
    ]  # fmt: skip
    assert session["project_id"] == session["partner_id"] == emulator.api_key
    assert session["ice_credential_expiration"] == 86_100
    assert uuid.UUID(session["session_segment_id"]).version == 4
    nulls = set(session) - {
        "session_id", "project_id", "partner_id", "create_dt", "session_segment_id",
        "ice_credential_expiration",
    }  # fmt: skip
    assert all(session[name] is None for name in nulls)
    assert before <= _pacific(session["create_dt"]) <= time.time()


def test_create_dt_equals_the_time_in_the_id(emulator: Emulator) -> None:
    (session,) = _create(emulator, _opentok(emulator)).json()
    created_ms = emulator.session(session["session_id"])["createdAt"]
    assert isinstance(created_ms, int)
    assert _pacific(session["create_dt"]) == created_ms // 1000


@pytest.mark.parametrize("accept", ["*/*", "text/xml", "", "application/jsonlines"])
def test_xml_session(emulator: Emulator, accept: str) -> None:
    response = _create(emulator, _opentok(emulator), accept=accept)
    assert response.headers["Content-Type"] == "text/xml"
    assert re.fullmatch(
        re.escape(XML_HEAD) + r"<sessions><Session><session_id>1_[\w-]+</session_id>"
        rf"<partner_id>{emulator.api_key}</partner_id>"
        r"<create_dt>\w{3} \w{3} \d\d \d\d:\d\d:\d\d P[SD]T \d{4}</create_dt>"
        r"</Session></sessions>",
        response.text,
    )


@pytest.mark.parametrize(
    "accept", [JSON, "text/html, application/json;q=0.9", "Application/JSON", f"{JSON}, */*"]
)
def test_accept_with_json_returns_json(emulator: Emulator, accept: str) -> None:
    assert _create(emulator, _opentok(emulator), accept=accept).headers["Content-Type"] == JSON


def test_vonage_session(emulator: Emulator) -> None:
    (session,) = _create(emulator, _vonage(emulator)).json()
    assert session["project_id"] == session["partner_id"] == emulator.application_id
    assert 109 <= len(session["session_id"]) <= 112


def test_ids_are_all_different(emulator: Emulator) -> None:
    made = {_create(emulator, _opentok(emulator)).json()[0]["session_id"] for _ in range(20)}
    assert len(made) == 20


# OpenTok says 403

FORBIDDEN: dict[str, tuple[Callable[[Emulator], Headers], str]] = {
    "nothing": (lambda s: {}, "No suitable authentication found"),
    "old partner header": (
        lambda s: {"X-TB-PARTNER-AUTH": f"{s.api_key}:{s.api_secret}"},
        "Invalid partner credentials",
    ),
    "old token header": (
        lambda s: {"X-TB-TOKEN-AUTH": "T1==x"},
        "No suitable authentication found",
    ),
    "no JWT": (lambda s: {"X-OPENTOK-AUTH": "nonsense"}, "Invalid token format"),
    "half a JWT": (
        lambda s: {"X-OPENTOK-AUTH": _opentok(s)["X-OPENTOK-AUTH"].rpartition(".")[0]},
        "Invalid token format",
    ),
    "another secret": (
        lambda s: {"X-OPENTOK-AUTH": hs256("x" * 40, _claims(s))},
        "Invalid signature",
    ),
    "no signature": (
        lambda s: {"X-OPENTOK-AUTH": hs256(s.api_secret, _claims(s), {"alg": "none"})},
        "Invalid signature",
    ),
    "another algorithm": (
        lambda s: {"X-OPENTOK-AUTH": hs256(s.api_secret, _claims(s), {"alg": "HS512"})},
        "Invalid signature",
    ),
    "altered claims": (lambda s: {"X-OPENTOK-AUTH": _altered(s)}, "Invalid signature"),
    "issuer in letters": (lambda s: _opentok(s, iss="abc"), "Invalid issuer format"),
    "unknown issuer": (lambda s: _opentok(s, iss="1"), "Issuer not found"),
    "issuer of accounts": (lambda s: _opentok(s, ist="account"), "Issuer not found"),
    "from the future": (
        lambda s: _opentok(s, iat=int(time.time()) + 60),
        "issued time cannot be greater than current time",
    ),
}
FORBIDDEN_WITH_UNRECORDED_MESSAGE: dict[str, Callable[[Emulator], Headers]] = {
    "expired": lambda s: _opentok(s, iat=int(time.time()) - 400, exp=int(time.time()) - 100),
    "no issuer": lambda s: _opentok(s, iss=None),
    "no issuer type": lambda s: _opentok(s, ist=None),
    "no issue time": lambda s: _opentok(s, iat=None),
    "no end": lambda s: _opentok(s, exp=None),
    "end in words": lambda s: _opentok(s, exp="tomorrow"),
    "end as a fraction": lambda s: _opentok(s, exp=time.time() + 100.5),
}


def _altered(emulator: Emulator) -> str:
    """Returns the claims of one token with the signature of another."""
    good, other = (hs256(emulator.api_secret, _claims(emulator, jti=jti)) for jti in ("a", "b"))
    return ".".join([*other.split(".")[:2], good.split(".")[2]])


@pytest.mark.parametrize(("headers", "message"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_forbidden(
    emulator: Emulator, headers: Callable[[Emulator], Headers], message: str
) -> None:
    response = _create(emulator, headers(emulator))
    assert response.status_code == 403
    assert response.headers["Content-Type"] == JSON
    assert response.json() == {"code": -1, "message": message, "description": message}
    response = _create(emulator, headers(emulator), accept="*/*")
    assert (response.status_code, response.headers["Content-Type"]) == (403, "text/xml")
    assert response.text == (
        f"{XML_HEAD}<errorPayload><code>-1</code><message>{message}</message></errorPayload>"
    )


@pytest.mark.parametrize(
    "headers", FORBIDDEN_WITH_UNRECORDED_MESSAGE.values(), ids=FORBIDDEN_WITH_UNRECORDED_MESSAGE
)
def test_forbidden_with_unrecorded_message(
    emulator: Emulator, headers: Callable[[Emulator], Headers]
) -> None:
    response = _create(emulator, headers(emulator))
    assert (response.status_code, response.json()["code"]) == (403, -1)


def test_refused_call_creates_no_session(emulator: Emulator) -> None:
    before = emulator.control("GET", "sessions").json()["total"]
    _create(emulator, {})
    _create(emulator, _opentok(emulator), {"archiveName": "x"})
    assert emulator.control("GET", "sessions").json()["total"] == before


def test_numeric_issuer(emulator: Emulator) -> None:
    assert _create(emulator, _opentok(emulator, iss=int(emulator.api_key))).status_code == 200


# Vonage says 401

UNAUTHORIZED: dict[str, Callable[[Emulator], Headers]] = {
    "basic": lambda s: {"Authorization": "Basic a2V5OnNlY3JldA=="},
    "no JWT": lambda s: {"Authorization": "Bearer nonsense"},
    "unknown application": lambda s: _vonage(s, application_id=str(uuid.uuid4())),
    "no application": lambda s: _vonage(s, application_id=None),
    "expired": lambda s: _vonage(s, iat=int(time.time()) - 400, exp=int(time.time()) - 100),
    "from the future": lambda s: _vonage(s, iat=int(time.time()) + 60),
    "no issue time": lambda s: _vonage(s, iat=None),
    "signed with a text": lambda s: {
        "Authorization": "Bearer "
        + hs256("x" * 40, {"application_id": s.application_id, "iat": int(time.time())})
    },
}


@pytest.mark.parametrize("headers", UNAUTHORIZED.values(), ids=UNAUTHORIZED)
@pytest.mark.parametrize("accept", [JSON, "*/*"])
def test_unauthorized(
    emulator: Emulator, headers: Callable[[Emulator], Headers], accept: str
) -> None:
    response = _create(emulator, headers(emulator), accept=accept)
    assert response.status_code == 401
    body = response.json()
    assert set(body) == {"type", "title", "detail", "instance"}
    assert body["title"] == "Unauthorized"


# 400


@pytest.mark.parametrize(
    "form",
    [
        "archiveName=x",
        "archiveName=",
        "archiveMode=manual&archiveName=x",
        "archiveResolution=640x480",
        "archiveMode=always&archiveName=" + "x" * 81,
        "location=1~2",
        "archiveMode=always&p2p.preference=enabled",
        "archiveMode=always&e2ee=true",
        "e2ee=true&p2p.preference=enabled",
        "archiveMode=always&archiveResolution=800x600",
        "location=eu",
        "p2p.preference=perhaps",
        "archiveMode=sometimes",
    ],
)
@pytest.mark.parametrize("platform", ["opentok", "vonage"])
def test_bad_request(emulator: Emulator, form: str, platform: str) -> None:
    headers = _opentok(emulator) if platform == "opentok" else _vonage(emulator)
    response = _create(emulator, headers, form)
    assert response.status_code == 400
    assert response.json()["code"] == 400
    assert response.json()["message"].startswith("Invalid request")
    response = _create(emulator, headers, form, accept="*/*")
    assert response.text.startswith(f"{XML_HEAD}<errorPayload><code>400</code><message>Invalid")


# Around a session


def test_connection_list(emulator: Emulator) -> None:
    for headers, project, name in (
        (_opentok(emulator), emulator.api_key, "projectId"),
        (_vonage(emulator), emulator.application_id, "applicationId"),
    ):
        session_id = _create(emulator, headers).json()[0]["session_id"]
        url = f"{emulator.url}/v2/project/{project}/session/{session_id}/connection"
        assert requests.get(url, headers=headers, timeout=CALL_SECONDS).status_code == 404
        connection_id = _joined(emulator, session_id)
        listed = requests.get(url, headers=headers, timeout=CALL_SECONDS).json()
        (item,) = listed.pop("items")
        assert listed == {"count": 1, name: project, "sessionId": session_id}
        assert set(item) == {"connectionId", "connectionState", "createdAt"}
        assert (item["connectionId"], item["connectionState"]) == (connection_id, "Connected")


def _joined(emulator: Emulator, session_id: str) -> str:
    now = int(time.time())
    token: Claims = {
        "session_id": session_id, "role": "subscriber", "scope": "session.connect", "iat": now
    }  # fmt: skip
    if emulator.session(session_id)["platform"] == "opentok":
        named = token | {"iss": emulator.api_key, "ist": "project"}
        response = emulator.connect(session_id, hs256(emulator.api_secret, named))
    else:
        named = token | {"application_id": emulator.application_id}
        response = emulator.connect(session_id, rs256(emulator.private_key, named))
    return str(response.json()["connectionId"])


def test_project_in_the_path(emulator: Emulator) -> None:
    session_id = _create(emulator, _opentok(emulator)).json()[0]["session_id"]
    response = requests.get(
        f"{emulator.url}/v2/project/1/session/{session_id}/stream",
        headers=_opentok(emulator),
        timeout=CALL_SECONDS,
    )
    assert response.status_code == 403
    assert response.json()["message"] == "Id in the token does not match the one in the url"


def test_session_of_the_other_platform(emulator: Emulator) -> None:
    session_id = _create(emulator, _vonage(emulator)).json()[0]["session_id"]
    response = requests.get(
        f"{emulator.url}/v2/project/{emulator.api_key}/session/{session_id}/stream",
        headers=_opentok(emulator),
        timeout=CALL_SECONDS,
    )
    assert (response.status_code, response.json()["message"]) == (404, "Session not found")


def test_archive_of_a_relayed_session_is_15008(emulator: Emulator) -> None:
    form = {"p2p.preference": "enabled"}
    session_id = _create(emulator, _opentok(emulator), form).json()[0]["session_id"]
    response = requests.post(
        f"{emulator.url}/v2/project/{emulator.api_key}/archive",
        json={"sessionId": session_id},
        headers=_opentok(emulator),
        timeout=CALL_SECONDS,
    )
    assert response.status_code == 409
    assert response.json() == {
        "code": 15008,
        "message": "Only routed sessions are allowed to initiate archives.",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("PATCH", "/session/create"),
        ("POST", "/v2/x"),
        ("GET", "/v2/project/1/callback"),
        ("POST", "/v2/project/1/callback"),
        ("DELETE", "/v2/project/1/callback/2"),
        ("POST", "/v2/project/1/connect/2/stop"),
    ],
)
def test_unknown_routes_are_501(emulator: Emulator, method: str, path: str) -> None:
    response = requests.request(method, emulator.url + path, timeout=CALL_SECONDS)
    assert response.status_code == 501
    assert response.headers["Content-Type"] in (JSON, "text/xml")
    assert f"Not emulated: {method} {path}" in response.text
    assert emulator.requests()[-1]["status"] == 501


# Started with other switches


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    arguments = ("--strict-jwt-life", "--vonage-port", "0", "--unrecorded", "accept")
    directory: Path = tmp_path_factory.mktemp("strict")
    with running(directory, *arguments) as emulator:
        yield emulator


@pytest.mark.parametrize(("seconds", "status"), [(300, 200), (301, 403)])
def test_strict_life_of_rest_tokens(strict: Emulator, seconds: int, status: int) -> None:
    now = int(time.time())
    response = _create(strict, _opentok(strict, iat=now, exp=now + seconds))
    assert response.status_code == status


def test_lenient_life_of_rest_tokens(emulator: Emulator) -> None:
    now = int(time.time())
    assert _create(emulator, _opentok(emulator, exp=now + 30 * 86_400)).status_code == 200


def test_each_host_accepts_only_its_own_credentials(strict: Emulator) -> None:
    assert strict.url != strict.vonage_url
    assert _create(strict, _opentok(strict)).status_code == 200
    assert _create(strict, _vonage(strict), url=strict.vonage_url).status_code == 200
    response = _create(strict, _vonage(strict))
    assert (response.status_code, response.json()["code"]) == (403, -1)
    assert response.json()["message"] == "No suitable authentication found"
    response = _create(strict, _opentok(strict), url=strict.vonage_url)
    assert response.status_code == 401
    assert _create(strict, {}, url=strict.vonage_url).status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        "archiveMode=always&p2p.preference=enabled",
        "e2ee=true&p2p.preference=enabled",
        "location=eu",
        "p2p.preference=perhaps",
    ],
)
def test_unrecorded_options_can_be_accepted(strict: Emulator, form: str) -> None:
    assert _create(strict, _opentok(strict), form).status_code == 200


def _pacific(text: str) -> float:
    """Converts a `create_dt` to seconds since the epoch."""
    words = text.split()
    zone = words.pop(4)
    moment = datetime.strptime(" ".join(words), "%a %b %d %H:%M:%S %Y").replace(
        tzinfo=ZoneInfo("America/Los_Angeles")
    )
    if moment.tzname() != zone:  # the hour in autumn that there is twice
        moment = moment.replace(fold=1)
    assert moment.tzname() == zone
    return moment.timestamp()
