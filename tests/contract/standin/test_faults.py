"""Everything that may go wrong on demand, as a client meets it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from tests.contract.standin.signing import hs256
from tests.standin import CALL_SECONDS, StandIn


def _create(
    standin: StandIn, *, stream: bool = False, patience: float = CALL_SECONDS
) -> requests.Response:
    now = int(time.time())
    claims = {"iss": standin.api_key, "ist": "project", "iat": now, "exp": now + 180}
    return requests.post(
        f"{standin.url}/session/create",
        headers={
            "X-OPENTOK-AUTH": hs256(standin.api_secret, claims),
            "Accept": "application/json",
        },
        timeout=(CALL_SECONDS, patience),
        stream=stream,
        allow_redirects=False,
    )


def _made(standin: StandIn) -> int:
    return int(standin.control("GET", "sessions").json()["total"])


@pytest.fixture
def made(standin: StandIn) -> Iterator[int]:
    """How many sessions there were before."""
    yield _made(standin)


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
    standin: StandIn, made: int, body: str, content_type: str, beginning: bytes
) -> None:
    standin.fault(status=503, body=body)
    answer = _create(standin)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, content_type)
    assert answer.content.startswith(beginning)
    assert bool(answer.content) == bool(beginning)
    assert _made(standin) == made


def test_forbidden_looks_like_the_vendors(standin: StandIn) -> None:
    standin.fault(status=403)
    assert _create(standin).json() == {
        "code": -1, "message": "Forbidden", "description": "Forbidden"
    }  # fmt: skip


def test_status_that_nobody_knows(standin: StandIn) -> None:
    standin.fault(status=599)
    assert _create(standin).json() == {"code": 599, "message": "Unknown error"}


def test_retry_after(standin: StandIn) -> None:
    standin.fault(status=429, headers={"Retry-After": "7"})
    answer = _create(standin)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_redirect(standin: StandIn) -> None:
    standin.fault(status=302, headers={"Location": f"{standin.url}/elsewhere"})
    answer = _create(standin)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{standin.url}/elsewhere")


def test_wrong_content_type_on_a_real_answer(standin: StandIn, made: int) -> None:
    standin.fault(headers={"Content-Type": "application/json; charset=utf-8"})
    answer = _create(standin)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json()[0]["session_id"]
    assert _made(standin) == made + 1


def test_text(standin: StandIn) -> None:
    standin.fault(text='[{"session_id":5}]')
    assert _create(standin).json() == [{"session_id": 5}]


@pytest.mark.parametrize("fault", [{"body": "truncated"}, {"status": 500, "body": "truncated"}])
def test_truncated(standin: StandIn, fault: dict[str, object]) -> None:
    standin.fault(**fault)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _create(standin)
    (entry,) = standin.requests()
    assert entry["status"] == fault.get("status", 200)


def test_huge(standin: StandIn) -> None:
    standin.fault(body="huge")
    answer = _create(standin, stream=True)
    assert "Content-Length" not in answer.headers
    assert sum(map(len, answer.iter_content(1_000_000))) > 50_000_000


def test_client_that_has_seen_enough(standin: StandIn) -> None:
    standin.fault(body="huge", count=1)
    answer = _create(standin, stream=True)
    next(answer.iter_content(1000))
    answer.close()
    assert _create(standin).status_code == 200


def test_reset_after_the_session_was_made(standin: StandIn, made: int) -> None:
    standin.fault(reset=True)
    with pytest.raises(requests.ConnectionError, match="reset"):
        _create(standin)
    assert _made(standin) == made + 1
    (entry,) = standin.requests()
    assert (entry["status"], entry["faulty"]) == (None, True)


def test_reset_before_anything_was_done(standin: StandIn, made: int) -> None:
    standin.fault(reset=True, status=500)
    with pytest.raises(requests.ConnectionError, match="reset"):
        _create(standin)
    assert _made(standin) == made


def test_delay(standin: StandIn) -> None:
    standin.fault(delayMs=300)
    begun = time.monotonic()
    assert _create(standin).status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_delay_beyond_the_clients_patience(standin: StandIn, made: int) -> None:
    standin.fault(delayMs=60_000)
    with pytest.raises(requests.ReadTimeout):
        _create(standin, patience=0.2)
    assert _made(standin) == made + 1, "at once, not when the answer would have come"
    standin.control("DELETE", "faults")
    assert _create(standin).status_code == 200


def test_byte_by_byte(standin: StandIn) -> None:
    standin.fault(status=500, byteDelayMs=5)
    begun = time.monotonic()
    answer = _create(standin)
    assert time.monotonic() - begun >= 0.005 * (len(answer.content) - 1)
    assert answer.json()["code"] == 500


def test_the_next_calls_only(standin: StandIn) -> None:
    standin.fault(status=500, count=3)
    assert [_create(standin).status_code for _ in range(5)] == [500, 500, 500, 200, 200]
    state = standin.control("GET", "faults").json()
    assert (state["met"], state["remaining"]) == (3, 0)


def test_until_it_is_ended(standin: StandIn) -> None:
    standin.fault(status=500)
    assert {_create(standin).status_code for _ in range(5)} == {500}
    assert standin.control("DELETE", "faults").status_code == 204
    assert _create(standin).status_code == 200
    assert standin.control("GET", "faults").json()["fault"] is None


def test_a_share_of_the_calls_and_always_the_same(standin: StandIn) -> None:
    runs = []
    for _ in range(2):
        standin.fault(status=500, share=0.3)
        runs.append([_create(standin).status_code for _ in range(60)])
    assert runs[0] == runs[1]
    assert 6 <= runs[0].count(500) <= 30


def test_some_paths_only(standin: StandIn) -> None:
    standin.fault(status=500, path="/v2/")
    assert _create(standin).status_code == 200
    url = f"{standin.url}/v2/project/{standin.api_key}/archive"
    assert requests.get(url, timeout=CALL_SECONDS).status_code == 500


def test_the_paths_of_our_own_meet_none(standin: StandIn) -> None:
    standin.fault(status=500)
    assert standin.control("GET", "health").status_code == 200


@pytest.mark.parametrize(
    ("fault", "member"),
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
def test_what_is_no_fault(standin: StandIn, fault: object, member: str) -> None:
    answer = standin.control("PUT", "faults", fault)
    assert answer.status_code == 400
    assert member in answer.json()["message"]
    assert standin.control("GET", "faults").json()["fault"] is None
