"""The report: a table for people, and the same as JSON for scripts."""

import json
from collections.abc import Sequence
from typing import TextIO

from local.verify.outcome import Outcome, Status

__all__ = ["line", "summary"]

WIDTH = 52


def line(outcome: Outcome, out: TextIO) -> None:
    """Prints one row of the table."""
    row = f"{outcome.status:<8}{outcome.seconds:6.1f} s  {outcome.name:<{WIDTH}}  {outcome.detail}"
    print(row.rstrip(), file=out, flush=True)


def summary(stack: str, outcomes: Sequence[Outcome], out: TextIO) -> bool:
    """Prints the counts, then everything as one JSON line; returns whether all checks passed."""
    counts = {status: sum(each.status is status for each in outcomes) for status in Status}
    ok = counts[Status.FAILED] == 0 and counts[Status.OK] > 0
    seconds = sum(outcome.seconds for outcome in outcomes)
    print(
        f"\n{counts[Status.OK]} passed, {counts[Status.FAILED]} failed,"
        f" {counts[Status.SKIPPED]} skipped, {seconds:.0f} s",
        file=out,
    )
    result = {
        "stack": stack,
        "ok": ok,
        "seconds": round(seconds, 1),
        "checks": [outcome.to_json() for outcome in outcomes],
    }
    print(json.dumps(result), file=out)
    return ok
