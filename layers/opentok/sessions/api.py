"""Between API Gateway and the use cases: requests in, answers out.

Every failure becomes a problem (RFC 9457) here, and every request one line in the log.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from . import coldstart, telemetry
from .errors import INTERNAL_ERROR, PROBLEMS, Kind, Problem, Unavailable
from .http_request import Request
from .settings import Settings

__all__ = ["Request", "Response", "http_handler"]


class Response(NamedTuple):
    """An answer; `body` None means none at all. `session_id` is for the log."""

    status: int
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    session_id: str | None = None

    def __repr__(self) -> str:  # the body may hold a token
        return f"Response({self.status})"


def http_handler(
    settings: Settings,
) -> Callable[[Callable[[Request], Response]], Callable[[object, object], dict[str, object]]]:
    """Makes a Lambda handler of a function from request to response; the start ends here."""

    def decorate(
        answer: Callable[[Request], Response],
    ) -> Callable[[object, object], dict[str, object]]:
        def handler(event: object, context: object) -> dict[str, object]:
            started = time.monotonic()
            request = Request(event, settings)
            telemetry.sample()
            kind = None
            try:
                response = answer(request)
            except Problem as problem:
                kind = PROBLEMS[type(problem)]
                response = _problem_response(problem, kind, request.id)
            except Exception:
                kind = INTERNAL_ERROR
                telemetry.logger.exception("internal_error", extra={"request_id": request.id})
                detail = "The request could not be served; its id helps us to find out why."
                response = Response(kind.status, _problem_body(kind, detail, request.id))
            if kind is not None:
                telemetry.count_failure(kind)
            _log(request, response, kind, context, time.monotonic() - started)
            telemetry.flush()
            return _proxy(response)

        coldstart.ready()
        return handler

    return decorate


def _log(
    request: Request, response: Response, kind: Kind | None, context: object, seconds: float
) -> None:
    try:
        caller = request.caller.sub
    except Problem:
        caller = None
    try:
        session_id: str | None = response.session_id or request.session_id
    except Problem:
        session_id = None
    telemetry.logger.info(
        "request",
        extra={
            "request_id": request.id,
            "function_request_id": getattr(context, "aws_request_id", None),
            "route": request.route,
            "caller": caller,
            "session_id": session_id,
            "status": response.status,
            "code": kind.code if kind else None,
            "duration_ms": round(seconds * 1000, 1),
        },
    )


def _problem_response(problem: Problem, kind: Kind, request_id: str) -> Response:
    headers = {}
    if isinstance(problem, Unavailable):
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after)))
    body = _problem_body(kind, problem.detail, request_id)
    if problem.errors:
        body["errors"] = [error._asdict() for error in problem.errors]
    return Response(kind.status, body, headers)


def _problem_body(kind: Kind, detail: str, request_id: str) -> dict[str, object]:
    return {
        "type": f"urn:opentok-sessions:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": kind.code,
        "requestId": request_id,
    }


def _proxy(response: Response) -> dict[str, object]:
    """The answer in the form that the gateway takes."""
    headers = dict(response.headers)
    if response.body is None:
        return {"statusCode": response.status, "headers": headers}
    problem = response.status >= 400
    headers["Content-Type"] = "application/problem+json" if problem else "application/json"
    body = json.dumps(response.body, ensure_ascii=False, separators=(",", ":"))
    # A problem may quote a name that the caller sent, even one that has no UTF-8 form.
    body = body.encode(errors="replace").decode()
    return {"statusCode": response.status, "headers": headers, "body": body}
