"""Stream records reach a function in order, again after failures, and are never lost silently."""

from collections.abc import Callable
from typing import Any

import pytest

from local.stack.launcher.delivery import Batch, Delivery, Outcome, Policy

NOW = 1_795_000_000.0


def batch(*numbers: str, age: float = 0) -> Batch:
    return [
        {"dynamodb": {"SequenceNumber": number, "ApproximateCreationDateTime": NOW - age}}
        for number in numbers
    ]


def numbers(records: Batch) -> str:
    return "".join(record["dynamodb"]["SequenceNumber"] for record in records)


class Function:
    """A fake function, with the batches that it got and the batches that were discarded."""

    def __init__(self, behaviour: Callable[[str, int], Outcome]) -> None:
        self._behaviour = behaviour
        self.invoked: list[str] = []
        self.discarded: list[tuple[str, str]] = []
        self.pauses: list[float] = []
        self.now = NOW
        self.active = True

    def deliver(self, records: Batch, **policy: Any) -> bool:
        def invoke(got: Batch) -> Outcome:
            self.invoked.append(numbers(got))
            return self._behaviour(self.invoked[-1], len(self.invoked))

        def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            self.now += seconds

        return Delivery(
            Policy(**policy),
            invoke,
            lambda given_up, condition: self.discarded.append((numbers(given_up), condition)),
            lambda: self.active,
            lambda: self.now,
            pause,
        ).deliver(records)


def reported(*failed: object) -> Outcome:
    return Outcome(False, {"batchItemFailures": [{"itemIdentifier": item} for item in failed]})


DONE, CRASHED = Outcome(False, {"batchItemFailures": []}), Outcome(True)


@pytest.mark.parametrize("result", [None, {}, {"batchItemFailures": None}, "text"])
def test_a_processed_batch_is_delivered_once(result: object) -> None:
    function = Function(lambda *_: Outcome(False, result))
    assert function.deliver(batch("1", "2"), reports_items=True)
    assert function.invoked == ["12"]


def test_delivery_resumes_at_the_first_reported_record() -> None:
    function = Function(lambda _, attempt: reported("4", "3") if attempt == 1 else DONE)
    assert function.deliver(batch("1", "2", "3", "4", "5"), reports_items=True)
    assert function.invoked == ["12345", "345"]


@pytest.mark.parametrize("identifier", ["", None, "unknown"])
def test_an_unknown_identifier_fails_the_whole_batch(identifier: object) -> None:
    function = Function(lambda _, attempt: reported(identifier) if attempt == 1 else DONE)
    assert function.deliver(batch("1", "2"), reports_items=True)
    assert function.invoked == ["12", "12"]


def test_reports_count_only_if_the_mapping_asks_for_them() -> None:
    function = Function(lambda *_: reported("1"))
    assert function.deliver(batch("1", "2"))
    assert function.invoked == ["12"]


def test_a_crash_retries_the_batch_with_growing_pauses() -> None:
    function = Function(lambda _, attempt: CRASHED if attempt < 6 else DONE)
    assert function.deliver(batch("1", "2"))
    assert function.invoked == ["12"] * 6
    assert function.pauses == [0.25, 0.5, 1, 2, 4]


def test_splitting_isolates_the_record_that_crashes() -> None:
    function = Function(lambda got, _: CRASHED if "3" in got else DONE)
    assert function.deliver(batch("1", "2", "3", "4"), bisects=True, retries=1)
    assert function.invoked == ["1234", "12", "34", "3", "3", "4"]
    assert function.discarded == [("3", "RetryAttemptsExhausted")]


def test_exhausted_retries_discard_what_was_not_processed() -> None:
    function = Function(lambda *_: reported("2"))
    assert function.deliver(batch("1", "2", "3"), reports_items=True, retries=2)
    assert function.invoked == ["123", "23", "23"]
    assert function.discarded == [("23", "RetryAttemptsExhausted")]


def test_records_that_are_too_old_are_discarded_and_the_others_delivered() -> None:
    function = Function(lambda _, attempt: CRASHED if attempt == 1 else DONE)
    assert function.deliver(batch("1", age=59.9) + batch("2"), record_age_seconds=60)
    assert function.invoked == ["12", "2"]
    assert function.discarded == [("1", "MaximumRecordAgeExceeded")]


def test_a_removed_mapping_stops_the_delivery() -> None:
    function = Function(lambda *_: CRASHED)
    function.active = False
    assert not function.deliver(batch("1"))
    assert function.invoked == []


def test_the_policy_is_read_from_the_mapping() -> None:
    mapping = {
        "MaximumRetryAttempts": 3,
        "MaximumRecordAgeInSeconds": 3600,
        "BisectBatchOnFunctionError": "true",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    assert Policy.of(mapping) == Policy(3, 3600, True, True)
    assert Policy.of({"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1}) == Policy()
    assert Policy.of({}) == Policy()
