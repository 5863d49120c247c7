"""Injected faults, as a client sees them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from tests.contract.emulator.signing import hs256
from tests.emulator import CALL_SECONDS, Emulator


def _create(
    emulator: Emulator, *, stream: bool = False, read_timeout: float = CALL_SECONDS
) -> requests.Response:
    now = int(time.time())
    claims = {"iss": emulator.api_key, "ist": "project", "iat": now, "exp": now + 180}
    return requests.post(
        f"{emulator.url}/session/create",
        headers={
            "X-OPENTOK-AUTH": hs256(emulator.api_secret, claims),
            "Accept": "application/json",
        },
        timeout=(CALL_SECONDS, read_timeout),
        stream=stream,
        allow_redirects=False,
    )


def _made(emulator: Emulator) -> int:
    return int(emulator.control("GET", "sessions").json()["total"])


@pytest.fixture
def made(emulator: Emulator) -> Iterator[int]:
    """The number of sessions before the test."""
    yield _made(emulator)


@pytest.mark.parametrize(
    ("body", "content_type", "beginning"),
    [
        ("html", "text/html", b"<html>"),
        ("json", "application/json", b'{"code":503,"message":"Service Unavailable"}'),
        ("xml", "text/xml", b"<?xml"),
        ("empty", "text/html", b""),
        ("emptyList", "application/json", b"[]"),
        ("wrongShape", "application/json", b'{"sessions":'),
    ],
)
def test_status_and_body(
    emulator: Emulator, made: int, body: str, content_type: str, beginning: bytes
) -> None:
    emulator.fault(status=503, body=body)
    response = _create(emulator)
    assert (response.status_code, response.headers["Content-Type"]) == (503, content_type)
    assert response.content.startswith(beginning)
    assert bool(response.content) == bool(beginning)
    assert _made(emulator) == made


def test_forbidden_looks_like_the_vendors(emulator: Emulator) -> None:
    emulator.fault(status=403)
    assert _create(emulator).json() == {
        "code": -1, "message": "Forbidden", "description": "Forbidden"
    }  # fmt: skip


def test_unassigned_status(emulator: Emulator) -> None:
    emulator.fault(status=599)
    assert _create(emulator).json() == {"code": 599, "message": "Unknown error"}


def test_retry_after(emulator: Emulator) -> None:
    emulator.fault(status=429, headers={"Retry-After": "7"})
    response = _create(emulator)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")


def test_redirect(emulator: Emulator) -> None:
    emulator.fault(status=302, headers={"Location": f"{emulator.url}/elsewhere"})
    response = _create(emulator)
    assert (response.status_code, response.headers["Location"]) == (
        302,
        f"{emulator.url}/elsewhere",
    )


def test_changed_content_type_on_a_real_response(emulator: Emulator, made: int) -> None:
    emulator.fault(headers={"Content-Type": "application/json; charset=utf-8"})
    response = _create(emulator)
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.json()[0]["session_id"]
    assert _made(emulator) == made + 1


def test_text(emulator: Emulator) -> None:
    emulator.fault(text='[{"session_id":5}]')
    assert _create(emulator).json() == [{"session_id": 5}]


@pytest.mark.parametrize("fault", [{"body": "truncated"}, {"status": 500, "body": "truncated"}])
def test_truncated(emulator: Emulator, fault: dict[str, object]) -> None:
    emulator.fault(**fault)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _create(emulator)
    (entry,) = emulator.requests()
    assert entry["status"] == fault.get("status", 200)


def test_huge(emulator: Emulator) -> None:
    emulator.fault(body="huge")
    response = _create(emulator, stream=True)
    assert "Content-Length" not in response.headers
    assert sum(map(len, response.iter_content(1_000_000))) > 50_000_000


def test_client_closes_early(emulator: Emulator) -> None:
    emulator.fault(body="huge", count=1)
    response = _create(emulator, stream=True)
    next(response.iter_content(1000))
    response.close()
    assert _create(emulator).status_code == 200


def test_reset_after_the_session_was_created(emulator: Emulator, made: int) -> None:
    emulator.fault(reset=True)
    with pytest.raises(requests.ConnectionError, match="reset"):
        _create(emulator)
    assert _made(emulator) == made + 1
    (entry,) = emulator.requests()
    assert (entry["status"], entry["faulty"]) == (None, True)


def test_reset_before_execution(emulator: Emulator, made: int) -> None:
    emulator.fault(reset=True, status=500)
    with pytest.raises(requests.ConnectionError, match="reset"):
        _create(emulator)
    assert _made(emulator) == made


def test_delay(emulator: Emulator) -> None:
    emulator.fault(delayMs=300)
    started = time.monotonic()
    assert _create(emulator).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_delay_beyond_the_client_timeout(emulator: Emulator, made: int) -> None:
    emulator.fault(delayMs=60_000)
    with pytest.raises(requests.ReadTimeout):
        _create(emulator, read_timeout=0.2)
    assert _made(emulator) == made + 1, "immediately, not when the response is sent"
    emulator.control("DELETE", "faults")
    assert _create(emulator).status_code == 200


def test_byte_by_byte(emulator: Emulator) -> None:
    emulator.fault(status=500, byteDelayMs=5)
    started = time.monotonic()
    response = _create(emulator)
    assert time.monotonic() - started >= 0.005 * (len(response.content) - 1)
    assert response.json()["code"] == 500


def test_count_limits_the_affected_calls(emulator: Emulator) -> None:
    emulator.fault(status=500, count=3)
    assert [_create(emulator).status_code for _ in range(5)] == [500, 500, 500, 200, 200]
    state = emulator.control("GET", "faults").json()
    assert (state["met"], state["remaining"]) == (3, 0)


def test_fault_stays_until_it_is_deleted(emulator: Emulator) -> None:
    emulator.fault(status=500)
    assert {_create(emulator).status_code for _ in range(5)} == {500}
    assert emulator.control("DELETE", "faults").status_code == 204
    assert _create(emulator).status_code == 200
    assert emulator.control("GET", "faults").json()["fault"] is None


def test_share_affects_the_same_calls_each_time(emulator: Emulator) -> None:
    runs = []
    for _ in range(2):
        emulator.fault(status=500, share=0.3)
        runs.append([_create(emulator).status_code for _ in range(60)])
    assert runs[0] == runs[1]
    assert 6 <= runs[0].count(500) <= 30


def test_path_limits_the_affected_calls(emulator: Emulator) -> None:
    emulator.fault(status=500, path="/v2/")
    assert _create(emulator).status_code == 200
    url = f"{emulator.url}/v2/project/{emulator.api_key}/archive"
    assert requests.get(url, timeout=CALL_SECONDS).status_code == 500


def test_control_routes_get_no_fault(emulator: Emulator) -> None:
    emulator.fault(status=500)
    assert emulator.control("GET", "health").status_code == 200


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"statsu": 500}, "statsu"),
        ({"status": "500"}, "status"),
        ({"status": 99}, "status"),
        ({"status": True}, "status"),
        ({"body": "nonsense"}, "body"),
        ({"count": 0}, "count"),
        ({"share": 0}, "share"),
        ({"share": 1.5}, "share"),
        ({"delayMs": -1}, "delayMs"),
        ({"byteDelayMs": "5"}, "byteDelayMs"),
        ({"reset": "yes"}, "reset"),
        ({"headers": ["a"]}, "headers"),
        ({"headers": {"A": "b\r\nC: d"}}, "headers"),
        ({"text": 5}, "text"),
        ({"path": 5}, "path"),
        ([], "object"),
    ],
)
def test_invalid_faults_are_rejected(emulator: Emulator, fault: object, field: str) -> None:
    response = emulator.control("PUT", "faults", fault)
    assert response.status_code == 400
    assert field in response.json()["message"]
    assert emulator.control("GET", "faults").json()["fault"] is None
