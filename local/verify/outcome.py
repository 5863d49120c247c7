"""Checks and their outcomes."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.verify.run import Run

__all__ = ["Check", "CheckFailed", "CheckSkipped", "Outcome", "Status", "perform", "require"]


class CheckFailed(Exception):
    """The stack is not as it should be. The message says what, and what to do."""


class CheckSkipped(Exception):
    """The check does not apply to this stack. The message says why."""


class Status(StrEnum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """A check: `run` returns a detail for the report, or raises.

    `aws_only` is set if the local cloud differs from AWS: it names the difference, and the check is
    skipped there. docs/first-deployment.md lists these checks.
    """

    name: str
    run: Callable[["Run"], str]
    aws_only: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found."""

    name: str
    status: Status
    seconds: float
    detail: str

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.name,
            "status": self.status.value,
            "seconds": round(self.seconds, 1),
            "detail": self.detail,
        }


def require(condition: object, message: str) -> None:
    """Raises `CheckFailed` with the message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def perform(checks: Iterable[Check], run: "Run") -> Iterator[Outcome]:
    """Yields the outcome of each check; a failure does not stop the others."""
    for check in checks:
        begun = time.monotonic()
        status, detail = _perform(check, run)
        yield Outcome(check.name, status, time.monotonic() - begun, detail)


def _perform(check: Check, run: "Run") -> tuple[Status, str]:
    if check.aws_only and run.target.local is not None:
        return Status.SKIPPED, check.aws_only
    try:
        return Status.OK, check.run(run)
    except CheckFailed as failure:
        return Status.FAILED, str(failure)
    except CheckSkipped as reason:
        return Status.SKIPPED, str(reason)
    except Exception as error:  # a check that cannot be performed must not hide the others
        return Status.FAILED, f"{type(error).__name__}: {error}"
