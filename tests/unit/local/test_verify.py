"""The frame of `make verify`: outcomes, the report and its exit status."""

import io
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from local.verify import report
from local.verify.http import Response
from local.verify.outcome import Check, CheckFailed, CheckSkipped, Outcome, Status, perform, require
from local.verify.run import Run


def run_of(local: object) -> Run:
    """Returns a run against AWS (None) or the local stack."""
    return cast(Run, SimpleNamespace(target=SimpleNamespace(local=local)))


def raising(error: Exception) -> Check:
    def check(run: Run) -> str:
        raise error

    return Check("a check", check)


DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetRole")


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (CheckFailed("the throttle is 1"), Status.FAILED, "the throttle is 1"),
        (CheckSkipped("no pools"), Status.SKIPPED, "no pools"),
        (DENIED, Status.FAILED, f"ClientError: {DENIED}"),
        (KeyError("live"), Status.FAILED, "KeyError: 'live'"),
    ],
)
def test_an_exception_becomes_an_outcome_and_the_next_check_runs(
    error: Exception, status: Status, detail: str
) -> None:
    checks = [raising(error), Check("the next", lambda run: "fine")]
    first, second = perform(checks, run_of(None))
    assert (first.status, first.detail) == (status, detail)
    assert (second.status, second.detail) == (Status.OK, "fine")


def test_a_check_that_needs_aws_is_skipped_on_the_local_stack_only() -> None:
    check = Check("metrics", lambda run: "data", aws_only="no metrics here")
    (local,) = perform([check], run_of({}))
    (aws,) = perform([check], run_of(None))
    assert (local.status, local.detail) == (Status.SKIPPED, "no metrics here")
    assert aws.status is Status.OK


def test_require_names_what_is_wrong() -> None:
    require(1, "unused")
    with pytest.raises(CheckFailed, match="the alarm is missing"):
        require(None, "the alarm is missing")


@pytest.mark.parametrize(
    ("statuses", "ok"),
    [
        ([Status.OK, Status.SKIPPED], True),
        ([Status.OK, Status.FAILED], False),
        ([Status.SKIPPED], False),
        ([], False),
    ],
)
def test_the_last_line_is_the_result_as_json(statuses: list[Status], ok: bool) -> None:
    out = io.StringIO()
    outcomes = [Outcome(f"check {n}", status, 0.5, "") for n, status in enumerate(statuses)]
    assert report.summary("calls", outcomes, out) is ok
    result: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    assert (result["stack"], result["ok"]) == ("calls", ok)
    assert [each["status"] for each in result["checks"]] == statuses


def test_an_unexpected_status_is_reported_with_the_problem() -> None:
    body = {"code": "vendor_rejected", "title": "Rejected", "requestId": "1"}
    with pytest.raises(CheckFailed, match="expected 200 or 201, got 502: vendor_rejected, Rejecte"):
        Response(502, {}, body).expect(200, 201)
