"""How Lambda delivers a batch of stream records to a function.

From AWS' documentation of DynamoDB event source mappings: order is kept, a failed batch is retried
from the first failed record, it may be split, and what cannot be processed is discarded to the
on-failure destination.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["Batch", "Delivery", "Outcome", "Policy"]

Batch = list[dict[str, Any]]

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 4.0


class Policy(NamedTuple):
    """What a mapping says about failures. None means without limit."""

    retries: int | None = None
    record_age_seconds: int | None = None
    bisects: bool = False
    reports_items: bool = False

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> "Policy":
        """Reads the policy from an event source mapping; -1 stands for no limit there."""
        return cls(
            _limit(mapping.get("MaximumRetryAttempts")),
            _limit(mapping.get("MaximumRecordAgeInSeconds")),
            _flag(mapping.get("BisectBatchOnFunctionError")),
            "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()),
        )


class Outcome(NamedTuple):
    """What an invocation returned, and whether the function raised an error or timed out."""

    failed: bool
    result: object = None


class Delivery:
    """Delivers batches with one policy.

    `invoke` calls the function; `discard` gets the records that are given up, with the condition
    that AWS names in its on-failure record; `active` returns whether to go on.
    """

    def __init__(
        self,
        policy: Policy,
        invoke: Callable[[Batch], Outcome],
        discard: Callable[[Batch, str], None],
        active: Callable[[], bool],
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._policy = policy
        self._invoke = invoke
        self._discard = discard
        self._active = active
        self._clock = clock
        self._pause = pause

    def deliver(self, batch: Batch, retries: int = 0) -> bool:
        """Returns True once every record was processed or discarded; False when stopped."""
        pause = FIRST_PAUSE_SECONDS
        while batch := self._young(batch, retries):
            if not self._active():
                return False
            outcome = self._invoke(batch)
            failed_at = self._first_failure(batch, outcome)
            if failed_at is None:
                return True
            batch = batch[failed_at:]
            if outcome.failed and self._policy.bisects and len(batch) > 1:
                middle = len(batch) // 2  # splitting does not count as a retry
                halves = batch[:middle], batch[middle:]
                return all(self.deliver(half, retries) for half in halves)
            if self._policy.retries is not None and retries >= self._policy.retries:
                self._discard(batch, "RetryAttemptsExhausted")
                return True
            retries += 1
            self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return True

    def _young(self, batch: Batch, retries: int) -> Batch:
        """Returns the batch without the records that are too old to be retried."""
        limit = self._policy.record_age_seconds
        if limit is None or not retries:
            return batch
        oldest = self._clock() - limit
        old = [record for record in batch if _created(record) < oldest]
        if old:
            self._discard(old, "MaximumRecordAgeExceeded")
        return [record for record in batch if _created(record) >= oldest]

    def _first_failure(self, batch: Batch, outcome: Outcome) -> int | None:
        """Returns the index of the first failed record; None if the batch was processed."""
        if outcome.failed:
            return 0
        if not self._policy.reports_items or not isinstance(outcome.result, dict):
            return None
        failures = outcome.result.get("batchItemFailures") or []
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        try:
            return min((numbers.index(item["itemIdentifier"]) for item in failures), default=None)
        except (KeyError, TypeError, ValueError):
            return 0  # an unknown identifier makes the whole batch fail


def _created(record: Mapping[str, Any]) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def _limit(value: object) -> int | None:
    return None if value is None or int(str(value)) < 0 else int(str(value))


def _flag(value: object) -> bool:
    return value is True or str(value).lower() == "true"
