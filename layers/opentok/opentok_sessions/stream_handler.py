"""Turns a use case about one change of the table into a Lambda handler of its stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .domain.problems import Problem
from .runtime import cold_start, telemetry
from .storage.stream import ItemChange

__all__ = ["stream_handler"]

Failures = dict[str, list[dict[str, str]]]


def stream_handler(
    use_case: Callable[[ItemChange], None],
) -> Callable[[Mapping[str, Any], object], Failures]:
    """Returns a Lambda handler that reports the changes that failed.

    Lambda repeats the batch from the first of them on, so the use case must be idempotent. The
    changes after it are tried nevertheless: one session must not delay the others.
    """

    def handler(event: Mapping[str, Any], context: object) -> Failures:
        telemetry.start_request(getattr(context, "aws_request_id", ""))
        failed = []
        for record in event["Records"]:
            change = ItemChange.of(record)
            try:
                use_case(change)
            except Exception as failure:
                details = {"item": f"{change.pk} {change.sk}", "reason": str(failure)}
                if isinstance(failure, Problem):
                    telemetry.logger.warning("change_failed", extra=details)
                else:
                    telemetry.logger.exception("change_failed", extra=details)
                telemetry.count("ChangeFailed")
                failed.append({"itemIdentifier": change.sequence_number})
        telemetry.flush()
        return {"batchItemFailures": failed}

    cold_start.ready()
    return handler
