"""Turns a function from request to response into a Lambda handler.

Every failure becomes a problem (RFC 9457) here, and every request one line in the log.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..domain.deadline import FUNCTION_SECONDS, RESPONSE_RESERVE_SECONDS, Deadline
from ..domain.models import Caller
from ..domain.problems import INTERNAL_ERROR, Problem, ProblemType
from ..runtime import cold_start, telemetry
from ..runtime.settings import Settings
from .request import Request

__all__ = ["Request", "Response", "http_handler"]

LambdaHandler = Callable[[object, object], dict[str, object]]


class Response(NamedTuple):
    """A response; `body` None means no body at all. `session_id` is for the log."""

    status: int
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    session_id: str | None = None

    def __repr__(self) -> str:  # the body may hold a token
        return f"Response({self.status})"


def http_handler(settings: Settings) -> Callable[[Callable[[Request], Response]], LambdaHandler]:
    """Decorates a function from request to response; initialisation ends here."""

    def decorate(respond: Callable[[Request], Response]) -> LambdaHandler:
        def handler(event: object, context: object) -> dict[str, object]:
            started = time.monotonic()
            request = Request(event, settings, _deadline(context))
            telemetry.start_request(request.id)
            problem_type = None
            try:
                response = respond(request)
            except Problem as problem:
                problem_type = problem.type
                response = _problem_response(problem, request.id)
            except Exception:
                problem_type = INTERNAL_ERROR
                telemetry.logger.exception("internal_error")
                detail = "The request failed. Include the request ID when you report this."
                body = _problem_body(problem_type, detail, request.id)
                response = Response(problem_type.status, body)
            if problem_type is not None:
                telemetry.count_failure(problem_type)
            _log(request, response, problem_type, context, time.monotonic() - started)
            telemetry.flush()
            return _proxy(response)

        cold_start.ready()
        return handler

    return decorate


def _deadline(context: object) -> Deadline:
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    seconds = remaining_ms() / 1000 if remaining_ms else FUNCTION_SECONDS
    return Deadline.after(seconds - RESPONSE_RESERVE_SECONDS, time.monotonic)


def _log(
    request: Request,
    response: Response,
    problem_type: ProblemType | None,
    context: object,
    seconds: float,
) -> None:
    try:
        caller: Caller | None = request.caller
    except Problem:
        caller = None
    try:
        session_id: str | None = response.session_id or request.session_id
    except Problem:
        session_id = None
    telemetry.logger.info(
        "request",
        extra={
            "function_request_id": getattr(context, "aws_request_id", None),
            "route": request.route,
            "caller": caller.sub if caller else None,
            **({"tenant": caller.tenant} if caller and caller.tenant else {}),
            "session_id": session_id,
            "status": response.status,
            "code": problem_type.code if problem_type else None,
            "duration_ms": round(seconds * 1000, 1),
        },
    )


def _problem_response(problem: Problem, request_id: str) -> Response:
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after)))
    body = _problem_body(problem.type, problem.detail, request_id) | dict(problem.extension)
    if problem.errors:
        body["errors"] = [error._asdict() for error in problem.errors]
    return Response(problem.type.status, body, headers)


def _problem_body(problem_type: ProblemType, detail: str, request_id: str) -> dict[str, object]:
    return {
        "type": f"urn:opentok-sessions:problem:{problem_type.code}",
        "title": problem_type.title,
        "status": problem_type.status,
        "detail": detail,
        "code": problem_type.code,
        "requestId": request_id,
    }


def _proxy(response: Response) -> dict[str, object]:
    """Converts to API Gateway's response format."""
    headers = dict(response.headers)
    if response.body is None:
        return {"statusCode": response.status, "headers": headers}
    problem = response.status >= 400
    headers["Content-Type"] = "application/problem+json" if problem else "application/json"
    body = json.dumps(response.body, ensure_ascii=False, separators=(",", ":"))
    # A problem may quote a name that the caller sent, even one that is not well-formed Unicode.
    body = body.encode(errors="replace").decode()
    return {"statusCode": response.status, "headers": headers, "body": body}
