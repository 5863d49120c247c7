"""Responses of a handler: format, failures, the log line, and metrics."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from opentok_sessions.domain.problems import (
    INTERNAL_ERROR,
    CredentialsUnavailable,
    FieldError,
    InvalidRequest,
    Problem,
    SessionClosed,
    SessionNotFound,
    StorageUnavailable,
    TooManyRequests,
    Unavailable,
    VendorRejected,
    VendorUnavailable,
)
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.runtime.settings import Settings
from tests.aws import ENVIRONMENT
from tests.problems import PROBLEMS

SETTINGS = Settings.from_environment(ENVIRONMENT)
EVENT = {
    "routeKey": "POST /sessions/{sessionId}/tokens",
    "pathParameters": {"sessionId": "1_MX4"},
    "headers": {"authorization": "Bearer callers.own.token"},
    "requestContext": {
        "requestId": "request=",
        "authorizer": {"jwt": {"claims": {"sub": "alice"}}},
    },
}
CONTEXT = SimpleNamespace(aws_request_id="invocation")
SECRET = "do-not-show-this"

Log = Callable[[], str]


def handle(answer: Callable[[Request], Response], event: object = EVENT) -> dict[str, Any]:
    return http_handler(SETTINGS)(answer)(event, CONTEXT)


def raising(error: Exception) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        raise error

    return answer


def problem_of(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer["body"])
    assert problem["status"] == answer["statusCode"]
    assert problem["type"] == f"urn:opentok-sessions:problem:{problem['code']}"
    return problem


def lines(log: Log, message: str) -> list[dict[str, Any]]:
    parsed = [json.loads(line) for line in log().splitlines()]
    return [line for line in parsed if line["message"] == message]


def made(kind: type[Problem]) -> Problem:
    if issubclass(kind, TooManyRequests):
        return kind("In words for the caller.", 5.0, {"RateLimit": '"sessions";r=0;t=5'})
    values: dict[str, object] = {"detail": "In words for the caller.", "retry_after": 5.0}
    parameters = inspect.signature(kind).parameters
    return kind(**{name: values[name] for name in parameters if name in values})  # type: ignore[arg-type]


# --- answers --------------------------------------------------------------------------------------


def test_a_response_with_a_body_is_json() -> None:
    headers = {"Location": "/sessions/1_MX4"}
    answer = handle(lambda _: Response(201, {"name": "é🎥", "list": [1, None]}, headers))
    assert answer == {
        "statusCode": 201,
        "headers": {"Location": "/sessions/1_MX4", "Content-Type": "application/json"},
        "body": '{"name":"é🎥","list":[1,null]}',
    }
    assert headers == {"Location": "/sessions/1_MX4"}


def test_a_response_without_a_body_has_no_content_type() -> None:
    assert handle(lambda _: Response(204)) == {"statusCode": 204, "headers": {}}


def test_an_empty_object_is_a_body() -> None:
    assert handle(lambda _: Response(200, {}))["body"] == "{}"


def test_the_body_of_a_response_is_not_in_its_repr() -> None:
    assert SECRET not in repr(Response(201, {"token": SECRET}, {"X": SECRET}))


def test_the_request_is_read_with_the_deployments_settings() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(200, {"caller": request.caller.sub, "id": request.session_id})

    assert json.loads(handle(answer)["body"]) == {"caller": "alice", "id": "1_MX4"}
    assert seen[0].id == "request="


# --- problems -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_problem_has_the_status_code_and_title_of_its_type(kind: type[Problem]) -> None:
    answer = handle(raising(made(kind)))
    problem = problem_of(answer)
    expected = PROBLEMS[kind]
    assert answer["statusCode"] == expected.status
    assert problem == {
        "type": f"urn:opentok-sessions:problem:{expected.code}",
        "title": expected.title,
        "status": expected.status,
        "detail": made(kind).detail,
        "code": expected.code,
        "requestId": "request=",
    }
    retry = answer["headers"].get("Retry-After")
    assert (retry is not None) is issubclass(kind, Unavailable | TooManyRequests)


def test_every_problem_has_its_own_type() -> None:
    assert all("type" in vars(kind) for kind in PROBLEMS)
    codes = [kind.code for kind in PROBLEMS.values()]
    assert len(codes) == len(set(codes))
    assert INTERNAL_ERROR.code not in codes


def test_every_invalid_field_is_listed() -> None:
    errors = [FieldError("room", "is odd"), FieldError("token.role", "is unknown")]
    problem = problem_of(handle(raising(InvalidRequest("Two are wrong.", errors))))
    assert problem["detail"] == "Two are wrong."
    assert problem["errors"] == [
        {"field": "room", "message": "is odd"},
        {"field": "token.role", "message": "is unknown"},
    ]


@pytest.mark.parametrize(
    ("seconds", "header"), [(0, "1"), (0.2, "1"), (1, "1"), (1.1, "2"), (2.0, "2"), (29.01, "30")]
)
def test_retry_after_is_in_whole_seconds_and_not_too_early(seconds: float, header: str) -> None:
    answer = handle(raising(VendorUnavailable("Down.", seconds)))
    assert answer["headers"]["Retry-After"] == header


def test_a_problem_may_quote_a_name_that_is_not_valid_unicode() -> None:
    error = FieldError("\ud800", "unknown field")
    answer = handle(raising(InvalidRequest("\udfff is wrong.", [error])))
    answer["body"].encode()
    assert problem_of(answer)["errors"] == [{"field": "?", "message": "unknown field"}]


# --- bugs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"a bug near {SECRET}"),
        KeyError(SECRET),
        RecursionError(SECRET),
        Exception(SECRET),
        UnicodeEncodeError("utf-8", SECRET, 0, 1, SECRET),
    ],
)
def test_a_bug_is_a_500_without_internal_details(error: Exception, log: Log) -> None:
    answer = handle(raising(error))
    problem = problem_of(answer)
    assert answer["statusCode"] == 500
    assert problem == {
        "type": "urn:opentok-sessions:problem:internal_error",
        "title": INTERNAL_ERROR.title,
        "status": 500,
        "detail": problem["detail"],
        "code": "internal_error",
        "requestId": "request=",
    }
    assert SECRET not in answer["body"]
    assert type(error).__name__ not in answer["body"]
    [line] = lines(log, "internal_error")
    assert line["request_id"] == "request="
    assert type(error).__name__ in line["exception"]


# --- log and metrics ------------------------------------------------------------------------------


def test_a_request_is_one_line_in_the_log(log: Log) -> None:
    handle(lambda _: Response(200, {"token": SECRET}))
    [line] = lines(log, "request")
    assert line.pop("duration_ms") >= 0
    assert (
        line.items()
        >= {
            "level": "INFO",
            "request_id": "request=",
            "function_request_id": "invocation",
            "route": "POST /sessions/{sessionId}/tokens",
            "caller": "alice",
            "session_id": "1_MX4",
            "status": 200,
        }.items()
    )
    assert "code" not in line
    assert SECRET not in log()
    assert "callers.own.token" not in log()


def test_a_problem_is_logged_with_its_status_and_code(log: Log) -> None:
    handle(raising(SessionClosed("No more.")))
    [line] = lines(log, "request")
    assert (line["status"], line["code"]) == (410, "session_closed")


def test_the_session_of_the_response_is_logged_when_the_path_has_none(log: Log) -> None:
    event = {**EVENT, "pathParameters": None}
    handle(lambda _: Response(201, {}, session_id="2_MX4"), event)
    [line] = lines(log, "request")
    assert line["session_id"] == "2_MX4"


def test_a_request_without_a_caller_is_logged(log: Log) -> None:
    events: list[object] = [{}, None, [], {"requestContext": {"authorizer": None}}]
    for event in events:
        handle(lambda request: Response(200, {"caller": request.caller.sub}), event)
    found = lines(log, "request")
    assert [(line.get("caller"), line.get("session_id"), line["status"]) for line in found] == [
        (None, None, 400)
    ] * 4


def test_deeply_nested_claims_make_no_moderator() -> None:
    claims = {"sub": "alice", "cognito:groups": '["a",' + "[" * 50_000}
    event = {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}
    answer = handle(lambda request: Response(200, {"mo": request.caller.moderator}), event)
    assert json.loads(answer["body"]) == {"mo": False}


@pytest.mark.parametrize(
    ("error", "metric"),
    [
        (VendorRejected("x"), "VendorRejected"),
        (VendorUnavailable("x"), "VendorUnavailable"),
        (StorageUnavailable("x"), "StorageUnavailable"),
        (CredentialsUnavailable("x"), "CredentialsUnavailable"),
        (ValueError("x"), "InternalError"),
    ],
)
def test_a_failure_with_an_alarm_is_counted(
    error: Exception, metric: str, metrics: Callable[[], Counter[str]], log: Log
) -> None:
    handle(raising(error))
    assert metrics() == {metric: 1}


@pytest.mark.parametrize("error", [SessionNotFound(), InvalidRequest("x"), SessionClosed("x")])
def test_a_client_error_raises_no_alarm(
    error: Problem, metrics: Callable[[], Counter[str]], log: Log
) -> None:
    handle(raising(error))
    handle(lambda _: Response(200, {}))
    assert metrics() == {}
