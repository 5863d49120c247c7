"""Control routes: request log, sessions as parsed, key rotation, state file."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import opentok
import pytest
import requests

from tests.contract.emulator.signing import hs256, rs256
from tests.emulator import CALL_SECONDS, ROOT, Emulator, running

Claims = dict[str, object]


def _headers(emulator: Emulator, secret: str = "", api_key: str = "") -> dict[str, str]:
    now = int(time.time())
    claims: Claims = {
        "iss": api_key or emulator.api_key, "ist": "project", "iat": now, "exp": now + 180,
    }  # fmt: skip
    return {
        "X-OPENTOK-AUTH": hs256(secret or emulator.api_secret, claims),
        "Accept": "application/json",
    }


def _create(emulator: Emulator, **credentials: str) -> requests.Response:
    return requests.post(
        f"{emulator.url}/session/create",
        headers=_headers(emulator, **credentials),
        timeout=CALL_SECONDS,
    )


def _token(emulator: Emulator, session_id: str, secret: str = "", api_key: str = "") -> str:
    claims: Claims = {
        "iss": api_key or emulator.api_key, "ist": "project", "iat": int(time.time()),
        "scope": "session.connect", "session_id": session_id, "role": "publisher",
    }  # fmt: skip
    return hs256(secret or emulator.api_secret, claims)


# The request log


def test_log_records_requests(emulator: Emulator) -> None:
    before = time.time()
    response = requests.post(
        f"{emulator.url}/session/create?extra=1",
        data={"p2p.preference": "disabled", "location": "12.34.56.78", "extra": ""},
        headers=_headers(emulator) | {"User-Agent": "a-client"},
        timeout=CALL_SECONDS,
    )
    (entry,) = emulator.requests()
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/session/create", 200)
    assert entry["query"] == {"extra": "1"}
    assert entry["form"] == {
        "p2p.preference": "disabled", "location": "12.34.56.78", "extra": ""
    }  # fmt: skip
    headers, claims, session = entry["headers"], entry["claims"], entry["session"]
    assert isinstance(headers, dict) and isinstance(claims, dict) and isinstance(session, dict)
    assert headers["User-Agent"] == "a-client"
    assert claims["iss"] == emulator.api_key
    assert session["sessionId"] == response.json()[0]["session_id"]
    assert (session["mediaMode"], session["location"]) == ("routed", "12.34.56.78")
    assert isinstance(entry["time"], float) and before <= entry["time"] <= time.time()
    assert entry["faulty"] is False


def test_log_records_refused_and_unknown_calls(emulator: Emulator) -> None:
    requests.post(f"{emulator.url}/session/create", timeout=CALL_SECONDS)
    requests.get(f"{emulator.url}/nowhere", timeout=CALL_SECONDS)
    assert [entry["status"] for entry in emulator.requests()] == [403, 501]


def test_log_has_no_credentials(emulator: Emulator) -> None:
    session_id = _create(emulator).json()[0]["session_id"]
    token = _token(emulator, session_id)
    now = int(time.time())
    bearer = rs256(emulator.private_key, {"application_id": emulator.application_id, "iat": now})
    secrets = [
        emulator.api_secret, "T1==cGFydG5lcl9pZD0x", token, bearer, "a cookie", "my password"
    ]  # fmt: skip
    headers = _headers(emulator) | {
        "X-TB-PARTNER-AUTH": f"{emulator.api_key}:{emulator.api_secret}",
        "X-TB-TOKEN-AUTH": "T1==cGFydG5lcl9pZD0x",
        "Authorization": f"Bearer {bearer}",
        "Cookie": "a cookie",
        "Referer": f"https://example.com/?t={token}",
    }
    secrets.append(headers["X-OPENTOK-AUTH"])
    requests.post(
        f"{emulator.url}/session/create?token=my+password&q={token}",
        data={"api_secret": emulator.api_secret, "data": "T1==cGFydG5lcl9pZD0x"},
        headers=headers,
        timeout=CALL_SECONDS,
    )
    requests.post(
        f"{emulator.url}/v2/project/{emulator.api_key}/archive",
        json={"sessionId": session_id, "name": [token], "deeper": {"password": "my password"}},
        headers=headers,
        timeout=CALL_SECONDS,
    )
    text = emulator.control("GET", "requests").text
    assert session_id in text
    for secret in secrets:
        assert secret not in text
        assert secret.split(".")[-1] not in text  # nor a signature alone


def test_log_can_be_cleared(emulator: Emulator) -> None:
    for _ in range(3):
        _create(emulator)
    log = emulator.control("GET", "requests?limit=2").json()
    assert (log["total"], len(log["requests"])) == (3, 2)
    assert emulator.control("DELETE", "requests").status_code == 204
    assert emulator.control("GET", "requests").json() == {"total": 0, "requests": []}


def test_control_calls_are_not_logged(emulator: Emulator) -> None:
    emulator.control("GET", "sessions")
    assert emulator.requests() == []


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_invalid_limits_are_rejected(emulator: Emulator, limit: str) -> None:
    assert emulator.control("GET", f"requests?limit={limit}").status_code == 400


# What it parsed


def test_newest_session_first(emulator: Emulator) -> None:
    made = [_create(emulator).json()[0]["session_id"] for _ in range(3)]
    listed = emulator.control("GET", "sessions?limit=2").json()
    assert [session["sessionId"] for session in listed["sessions"]] == made[:0:-1]
    assert listed["total"] >= 3


def test_unknown_session_is_404(emulator: Emulator) -> None:
    assert emulator.control("GET", "sessions/x").status_code == 404


# A new secret


@pytest.fixture
def rotating(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator whose credentials a test may change."""
    with running(tmp_path) as emulator:
        yield emulator


def test_new_secret(rotating: Emulator) -> None:
    session_id = _create(rotating).json()[0]["session_id"]
    changed = rotating.control("PUT", "credentials", {"apiSecret": "n" * 40})
    assert changed.json() == {
        "opentok": dict(rotating.credentials["opentok"]) | {"apiSecret": "n" * 40}
    }
    assert _create(rotating).json()["message"] == "Invalid signature"
    assert rotating.connect(session_id, _token(rotating, session_id)).status_code == 403
    assert _create(rotating, secret="n" * 40).status_code == 200
    token = _token(rotating, session_id, secret="n" * 40)
    assert rotating.connect(session_id, token).status_code == 200


def test_old_secret_stays_valid_for_the_requested_time(rotating: Emulator) -> None:
    body = {"apiSecret": "n" * 40, "oldValidSeconds": 3600}
    assert rotating.control("PUT", "credentials", body).status_code == 200
    for secret in ("", "n" * 40):
        response = _create(rotating, secret=secret)
        assert response.status_code == 200
        session_id = response.json()[0]["session_id"]
        token = _token(rotating, session_id, secret=secret)
        assert rotating.connect(session_id, token).status_code == 200
    assert rotating.control("PUT", "credentials", {"apiSecret": "m" * 40}).status_code == 200
    assert [_create(rotating, secret=letter * 40).status_code for letter in "nm"] == [403, 200]


def test_omitted_secret_is_generated(rotating: Emulator) -> None:
    changed = rotating.control("PUT", "credentials", {}).json()["opentok"]
    assert changed["apiKey"] == rotating.api_key
    assert _create(rotating).status_code == 403
    assert _create(rotating, secret=changed["apiSecret"]).status_code == 200


def test_another_project(rotating: Emulator) -> None:
    session_id = _create(rotating).json()[0]["session_id"]
    body = {"platform": "opentok", "apiKey": "12345678", "apiSecret": "n" * 40}
    changed = rotating.control("PUT", "credentials", body).json()["opentok"]
    assert changed["signatureSecret"] != rotating.credentials["opentok"]["signatureSecret"]
    assert _create(rotating).json()["message"] == "Issuer not found"
    new = {"secret": "n" * 40, "api_key": "12345678"}
    response = _create(rotating, **new)
    assert response.json()[0]["project_id"] == "12345678"
    refusal = rotating.connect(session_id, _token(rotating, session_id, **new))
    assert refusal.json() == {
        "code": 1004, "message": "The provided API key does not match this token"
    }  # fmt: skip


def test_new_private_key(rotating: Emulator, tmp_path: Path) -> None:
    changed = rotating.control("PUT", "credentials", {"platform": "vonage"}).json()["vonage"]
    assert changed["applicationId"] == rotating.application_id
    statuses = []
    for name, private_key in (("old", rotating.private_key), ("new", changed["privateKey"])):
        path = tmp_path / f"{name}.key"
        path.write_text(private_key)
        sdk: Any = opentok.Client(rotating.application_id, str(path), timeout=CALL_SECONDS)
        response = requests.post(
            f"{rotating.url}/session/create", headers=sdk.get_headers(), timeout=CALL_SECONDS
        )
        statuses.append(response.status_code)
    assert statuses == [401, 200]


def test_another_application(rotating: Emulator) -> None:
    other = str(uuid.uuid4())
    changed = rotating.control("PUT", "credentials", {"applicationId": other}).json()
    assert changed["vonage"]["applicationId"] == other
    bearer = rs256(
        changed["vonage"]["privateKey"], {"application_id": other, "iat": int(time.time())}
    )
    response = requests.post(
        f"{rotating.url}/session/create",
        headers={"Authorization": f"Bearer {bearer}", "Accept": "application/json"},
        timeout=CALL_SECONDS,
    )
    assert response.json()[0]["project_id"] == other


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"platform": "zoom"}, "platform"),
        ({"oldValidSeconds": "long"}, "oldValidSeconds"),
        ({"oldValidSeconds": -1}, "oldValidSeconds"),
        ({"apiKey": "letters"}, "apiKey"),
        ({"apiSecret": ""}, "apiSecret"),
        ({"apiSecret": 5}, "apiSecret"),
        ({"privateKey": "no PEM"}, "privateKey"),
        ({"publicKey": "no PEM"}, "publicKey"),
    ],
)
def test_invalid_credentials_are_rejected(emulator: Emulator, body: object, field: str) -> None:
    response = emulator.control("PUT", "credentials", body)
    assert response.status_code == 400
    assert field in response.json()["message"]
    assert _create(emulator).status_code == 200


# Its memory


def test_sessions_survive_a_restart_with_a_state_file(tmp_path: Path) -> None:
    credentials = {"opentok": {"apiKey": "12345678", "apiSecret": "s" * 40}}
    state = str(tmp_path / "deeper" / "state.jsonl")
    form = {"p2p.preference": "disabled", "archiveMode": "always", "archiveName": "one"}
    with running(tmp_path, "--state", state, credentials=credentials) as emulator:
        response = requests.post(
            f"{emulator.url}/session/create",
            data=form,
            headers=_headers(emulator),
            timeout=CALL_SECONDS,
        )
        session_id = response.json()[0]["session_id"]
        emulator.connect(session_id, _token(emulator, session_id))
        before = emulator.session(session_id)
    assert "s" * 40 not in Path(state).read_text()
    with running(tmp_path, "--state", state, credentials=credentials) as emulator:
        after = emulator.session(session_id)
        assert after == before | {"connections": [], "live": False}
        archives = requests.get(
            f"{emulator.url}/v2/project/12345678/archive",
            headers=_headers(emulator),
            timeout=CALL_SECONDS,
        ).json()
        assert [item["name"] for item in archives["items"]] == ["one"]
        assert emulator.connect(session_id, _token(emulator, session_id)).status_code == 200


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    credentials = {"opentok": {"apiKey": "12345678", "apiSecret": "s" * 40}}
    with running(tmp_path, credentials=credentials) as emulator:
        session_id = _create(emulator).json()[0]["session_id"]
    with running(tmp_path, credentials=credentials) as emulator:
        refusal = emulator.connect(session_id, _token(emulator, session_id))
        assert refusal.json()["code"] == 1005


def test_nothing_but_the_loopback_address_is_served(emulator: Emulator) -> None:
    assert emulator.url.startswith("http://127.0.0.1:")
    listening = Path("/proc/net/tcp").read_text() if Path("/proc/net/tcp").exists() else ""
    port = int(emulator.url.rpartition(":")[2])
    addresses = {
        line.split()[1].partition(":")[0]
        for line in listening.splitlines()
        if f":{port:04X} " in line and line.split()[3] == "0A"
    }
    assert addresses <= {"0100007F"}


def test_output_has_the_generated_credentials_once(tmp_path: Path) -> None:
    with running(tmp_path) as emulator:
        _create(emulator)
        lines = (tmp_path / "emulator.log").read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["credentials"]["opentok"]["apiSecret"] == emulator.api_secret


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--credentials", "/nonexistent"], "No such file"),
        (["--credentials", "pyproject.toml"], "Expecting value"),
        (["--state", "pyproject.toml"], "is not a state file"),
        (["--port", "PORT"], "address already in use"),
    ],
)
def test_invalid_arguments_prevent_the_start(
    emulator: Emulator, arguments: list[str], reason: str
) -> None:
    port = emulator.url.rpartition(":")[2]
    ended = subprocess.run(
        [sys.executable, "-m", "local.emulator", *(a.replace("PORT", port) for a in arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=CALL_SECONDS,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("cannot start: ") and reason in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
