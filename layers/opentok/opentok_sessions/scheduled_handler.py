"""Turns the refill of the pools into the Lambda handler that the schedule invokes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .domain.pools import Pool
from .domain.problems import FieldError, InvalidRequest, Problem
from .http.pools import parse_pools
from .runtime import cold_start, telemetry

__all__ = ["scheduled_handler"]

Reports = Sequence[Mapping[str, object]]


def scheduled_handler(
    refill: Callable[[Sequence[Pool], float], Reports],
) -> Callable[[object, object], dict[str, object]]:
    """Returns a Lambda handler for the use case: pools in, one report per pool out.

    A failure is raised, so that the invocation fails and Lambda's retries, the on-failure queue and
    the alarm apply.
    """

    def handler(event: object, context: object) -> dict[str, object]:
        telemetry.start_request(getattr(context, "aws_request_id", ""))
        try:
            remaining = getattr(context, "get_remaining_time_in_millis", lambda: 60_000)
            reports = refill(_pools(event), remaining() / 1000)
            telemetry.logger.info("refilled", extra={"pools": reports})
            return {"pools": reports}
        except Exception as failure:
            if isinstance(failure, Problem):
                telemetry.count_failure(failure.type)
            telemetry.logger.error("refill_failed", extra={"reason": str(failure)})
            raise
        finally:
            telemetry.flush()

    cold_start.ready()
    return handler


def _pools(event: object) -> Sequence[Pool]:
    if not isinstance(event, Mapping) or set(event) != {"pools"}:
        message = 'must be {"pools": […]}, as in events/precreate_sessions.json'
        raise InvalidRequest(f"The event {message}.", [FieldError("event", message)])
    return parse_pools(event["pools"])
