"""The paths of the stand-in's own: the request log, what it understood, rotation, its memory."""

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

from tests.contract.standin.signing import hs256, rs256
from tests.standin import CALL_SECONDS, ROOT, StandIn, running

Claims = dict[str, object]


def _headers(standin: StandIn, secret: str = "", api_key: str = "") -> dict[str, str]:
    now = int(time.time())
    claims: Claims = {
        "iss": api_key or standin.api_key, "ist": "project", "iat": now, "exp": now + 180,
    }  # fmt: skip
    return {
        "X-OPENTOK-AUTH": hs256(secret or standin.api_secret, claims),
        "Accept": "application/json",
    }


def _create(standin: StandIn, **credentials: str) -> requests.Response:
    return requests.post(
        f"{standin.url}/session/create",
        headers=_headers(standin, **credentials),
        timeout=CALL_SECONDS,
    )


def _token(standin: StandIn, session_id: str, secret: str = "", api_key: str = "") -> str:
    claims: Claims = {
        "iss": api_key or standin.api_key, "ist": "project", "iat": int(time.time()),
        "scope": "session.connect", "session_id": session_id, "role": "publisher",
    }  # fmt: skip
    return hs256(secret or standin.api_secret, claims)


# The request log


def test_log_says_what_was_asked(standin: StandIn) -> None:
    before = time.time()
    answer = requests.post(
        f"{standin.url}/session/create?extra=1",
        data={"p2p.preference": "disabled", "location": "12.34.56.78", "extra": ""},
        headers=_headers(standin) | {"User-Agent": "somebody"},
        timeout=CALL_SECONDS,
    )
    (entry,) = standin.requests()
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/session/create", 200)
    assert entry["query"] == {"extra": "1"}
    assert entry["form"] == {
        "p2p.preference": "disabled", "location": "12.34.56.78", "extra": ""
    }  # fmt: skip
    headers, claims, session = entry["headers"], entry["claims"], entry["session"]
    assert isinstance(headers, dict) and isinstance(claims, dict) and isinstance(session, dict)
    assert headers["User-Agent"] == "somebody"
    assert claims["iss"] == standin.api_key
    assert session["sessionId"] == answer.json()[0]["session_id"]
    assert (session["mediaMode"], session["location"]) == ("routed", "12.34.56.78")
    assert isinstance(entry["time"], float) and before <= entry["time"] <= time.time()
    assert entry["faulty"] is False


def test_log_has_refused_and_unknown_calls_too(standin: StandIn) -> None:
    requests.post(f"{standin.url}/session/create", timeout=CALL_SECONDS)
    requests.get(f"{standin.url}/nowhere", timeout=CALL_SECONDS)
    assert [entry["status"] for entry in standin.requests()] == [403, 404]


def test_log_has_no_credentials(standin: StandIn) -> None:
    session_id = _create(standin).json()[0]["session_id"]
    token = _token(standin, session_id)
    now = int(time.time())
    bearer = rs256(standin.private_key, {"application_id": standin.application_id, "iat": now})
    secrets = [
        standin.api_secret, "T1==cGFydG5lcl9pZD0x", token, bearer, "a cookie", "my password"
    ]  # fmt: skip
    headers = _headers(standin) | {
        "X-TB-PARTNER-AUTH": f"{standin.api_key}:{standin.api_secret}",
        "X-TB-TOKEN-AUTH": "T1==cGFydG5lcl9pZD0x",
        "Authorization": f"Bearer {bearer}",
        "Cookie": "a cookie",
        "Referer": f"https://example.com/?t={token}",
    }
    secrets.append(headers["X-OPENTOK-AUTH"])
    requests.post(
        f"{standin.url}/session/create?token=my+password&q={token}",
        data={"api_secret": standin.api_secret, "data": "T1==cGFydG5lcl9pZD0x"},
        headers=headers,
        timeout=CALL_SECONDS,
    )
    requests.post(
        f"{standin.url}/v2/project/{standin.api_key}/archive",
        json={"sessionId": session_id, "name": [token], "deeper": {"password": "my password"}},
        headers=headers,
        timeout=CALL_SECONDS,
    )
    text = standin.control("GET", "requests").text
    assert session_id in text
    for secret in secrets:
        assert secret not in text
        assert secret.split(".")[-1] not in text  # nor a signature alone


def test_log_can_be_forgotten(standin: StandIn) -> None:
    for _ in range(3):
        _create(standin)
    log = standin.control("GET", "requests?limit=2").json()
    assert (log["total"], len(log["requests"])) == (3, 2)
    assert standin.control("DELETE", "requests").status_code == 204
    assert standin.control("GET", "requests").json() == {"total": 0, "requests": []}


def test_own_calls_are_not_logged(standin: StandIn) -> None:
    standin.control("GET", "sessions")
    assert standin.requests() == []


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_limits_that_are_none(standin: StandIn, limit: str) -> None:
    assert standin.control("GET", f"requests?limit={limit}").status_code == 400


# What it understood


def test_newest_session_first(standin: StandIn) -> None:
    made = [_create(standin).json()[0]["session_id"] for _ in range(3)]
    listed = standin.control("GET", "sessions?limit=2").json()
    assert [session["sessionId"] for session in listed["sessions"]] == made[:0:-1]
    assert listed["total"] >= 3


def test_session_that_there_is_not(standin: StandIn) -> None:
    assert standin.control("GET", "sessions/x").status_code == 404


# A new secret


@pytest.fixture
def rotating(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in whose credentials a test may change."""
    with running(tmp_path) as standin:
        yield standin


def test_new_secret(rotating: StandIn) -> None:
    session_id = _create(rotating).json()[0]["session_id"]
    changed = rotating.control("PUT", "credentials", {"apiSecret": "n" * 40})
    assert changed.json() == {"opentok": {"apiKey": rotating.api_key, "apiSecret": "n" * 40}}
    assert _create(rotating).json()["message"] == "Invalid signature"
    assert rotating.connect(session_id, _token(rotating, session_id)).status_code == 403
    assert _create(rotating, secret="n" * 40).status_code == 200
    token = _token(rotating, session_id, secret="n" * 40)
    assert rotating.connect(session_id, token).status_code == 200


def test_old_secret_beside_the_new_one(rotating: StandIn) -> None:
    body = {"apiSecret": "n" * 40, "oldValidSeconds": 3600}
    assert rotating.control("PUT", "credentials", body).status_code == 200
    for secret in ("", "n" * 40):
        answer = _create(rotating, secret=secret)
        assert answer.status_code == 200
        session_id = answer.json()[0]["session_id"]
        token = _token(rotating, session_id, secret=secret)
        assert rotating.connect(session_id, token).status_code == 200
    assert rotating.control("PUT", "credentials", {"apiSecret": "m" * 40}).status_code == 200
    assert [_create(rotating, secret=letter * 40).status_code for letter in "nm"] == [403, 200]


def test_secret_that_is_made_up(rotating: StandIn) -> None:
    changed = rotating.control("PUT", "credentials", {}).json()["opentok"]
    assert changed["apiKey"] == rotating.api_key
    assert _create(rotating).status_code == 403
    assert _create(rotating, secret=changed["apiSecret"]).status_code == 200


def test_another_project(rotating: StandIn) -> None:
    session_id = _create(rotating).json()[0]["session_id"]
    body = {"platform": "opentok", "apiKey": "12345678", "apiSecret": "n" * 40}
    assert rotating.control("PUT", "credentials", body).status_code == 200
    assert _create(rotating).json()["message"] == "Issuer not found"
    new = {"secret": "n" * 40, "api_key": "12345678"}
    answer = _create(rotating, **new)
    assert answer.json()[0]["project_id"] == "12345678"
    refusal = rotating.connect(session_id, _token(rotating, session_id, **new))
    assert refusal.json() == {
        "code": 1004, "message": "The provided API key does not match this token"
    }  # fmt: skip


def test_new_private_key(rotating: StandIn, tmp_path: Path) -> None:
    changed = rotating.control("PUT", "credentials", {"platform": "vonage"}).json()["vonage"]
    assert changed["applicationId"] == rotating.application_id
    statuses = []
    for name, private_key in (("old", rotating.private_key), ("new", changed["privateKey"])):
        path = tmp_path / f"{name}.key"
        path.write_text(private_key)
        sdk: Any = opentok.Client(rotating.application_id, str(path), timeout=CALL_SECONDS)
        answer = requests.post(
            f"{rotating.url}/session/create", headers=sdk.get_headers(), timeout=CALL_SECONDS
        )
        statuses.append(answer.status_code)
    assert statuses == [401, 200]


def test_another_application(rotating: StandIn) -> None:
    other = str(uuid.uuid4())
    changed = rotating.control("PUT", "credentials", {"applicationId": other}).json()
    assert changed["vonage"]["applicationId"] == other
    bearer = rs256(
        changed["vonage"]["privateKey"], {"application_id": other, "iat": int(time.time())}
    )
    answer = requests.post(
        f"{rotating.url}/session/create",
        headers={"Authorization": f"Bearer {bearer}", "Accept": "application/json"},
        timeout=CALL_SECONDS,
    )
    assert answer.json()[0]["project_id"] == other


@pytest.mark.parametrize(
    ("body", "member"),
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
def test_what_are_no_credentials(standin: StandIn, body: object, member: str) -> None:
    answer = standin.control("PUT", "credentials", body)
    assert answer.status_code == 400
    assert member in answer.json()["message"]
    assert _create(standin).status_code == 200


# Its memory


def test_sessions_outlive_the_process(tmp_path: Path) -> None:
    credentials = {"opentok": {"apiKey": "12345678", "apiSecret": "s" * 40}}
    state = str(tmp_path / "deeper" / "state.jsonl")
    form = {"p2p.preference": "disabled", "archiveMode": "always", "archiveName": "one"}
    with running(tmp_path, "--state", state, credentials=credentials) as standin:
        answer = requests.post(
            f"{standin.url}/session/create",
            data=form,
            headers=_headers(standin),
            timeout=CALL_SECONDS,
        )
        session_id = answer.json()[0]["session_id"]
        standin.connect(session_id, _token(standin, session_id))
        before = standin.understood(session_id)
    assert "s" * 40 not in Path(state).read_text()
    with running(tmp_path, "--state", state, credentials=credentials) as standin:
        after = standin.understood(session_id)
        assert after == before | {"connections": []}
        archives = requests.get(
            f"{standin.url}/v2/project/12345678/archive",
            headers=_headers(standin),
            timeout=CALL_SECONDS,
        ).json()
        assert [item["name"] for item in archives["items"]] == ["one"]
        assert standin.connect(session_id, _token(standin, session_id)).status_code == 200


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    credentials = {"opentok": {"apiKey": "12345678", "apiSecret": "s" * 40}}
    with running(tmp_path, credentials=credentials) as standin:
        session_id = _create(standin).json()[0]["session_id"]
    with running(tmp_path, credentials=credentials) as standin:
        refusal = standin.connect(session_id, _token(standin, session_id))
        assert refusal.json()["code"] == 1005


def test_nothing_but_the_loopback_address_is_served(standin: StandIn) -> None:
    assert standin.url.startswith("http://127.0.0.1:")
    listening = Path("/proc/net/tcp").read_text() if Path("/proc/net/tcp").exists() else ""
    port = int(standin.url.rpartition(":")[2])
    addresses = {
        line.split()[1].partition(":")[0]
        for line in listening.splitlines()
        if f":{port:04X} " in line and line.split()[3] == "0A"
    }
    assert addresses <= {"0100007F"}


def test_output_holds_the_made_up_credentials_once(tmp_path: Path) -> None:
    with running(tmp_path) as standin:
        _create(standin)
        lines = (tmp_path / "standin.log").read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["credentials"]["opentok"]["apiSecret"] == standin.api_secret


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--credentials", "/nonexistent"], "No such file"),
        (["--credentials", "pyproject.toml"], "Expecting value"),
        (["--state", "pyproject.toml"], "is not a state file"),
        (["--port", "PORT"], "address already in use"),
    ],
)
def test_what_it_cannot_start_with(standin: StandIn, arguments: list[str], reason: str) -> None:
    port = standin.url.rpartition(":")[2]
    ended = subprocess.run(
        [sys.executable, "-m", "local.opentok", *(a.replace("PORT", port) for a in arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=CALL_SECONDS,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("cannot start: ") and reason in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
