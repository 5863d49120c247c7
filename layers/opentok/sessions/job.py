"""Between the schedule (or the console's test button) and the use case that fills the pools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from . import coldstart, telemetry
from .errors import PROBLEMS, FieldError, InvalidRequest, Problem
from .pools import Pool, read_pools

__all__ = ["job_handler"]

Reports = Sequence[Mapping[str, object]]


def job_handler(
    refill: Callable[[Sequence[Pool], float], Reports],
) -> Callable[[object, object], dict[str, object]]:
    """Makes a Lambda handler of the use case: pools in, a report on each out.

    A failure is raised, not answered: so the invocation fails, which is what retries, the
    on-failure queue and the alarm go by.
    """

    def handler(event: object, context: object) -> dict[str, object]:
        telemetry.sample()
        try:
            remaining = getattr(context, "get_remaining_time_in_millis", lambda: 60_000)
            reports = refill(_pools(event), remaining() / 1000)
            telemetry.logger.info("refilled", extra={"pools": reports})
            return {"pools": reports}
        except Exception as failure:
            if isinstance(failure, Problem):
                telemetry.count_failure(PROBLEMS[type(failure)])
            telemetry.logger.error("refill_failed", extra={"reason": str(failure)})
            raise
        finally:
            telemetry.flush()

    coldstart.ready()
    return handler


def _pools(event: object) -> Sequence[Pool]:
    if not isinstance(event, Mapping) or set(event) != {"pools"}:
        message = 'must be {"pools": […]}, as in events/precreate_sessions.json'
        raise InvalidRequest(f"The event {message}.", [FieldError("event", message)])
    return read_pools(event["pools"])
