"""Runs all tests in three groups at the same time, for `make test`.

Integration tests mostly wait for the local stack, and unit tests compute. So the unit tests use the
time that the two groups of integration tests leave. Each of these has its own local stack.

Progress is printed as it comes. A group's failures, results and summary are printed when it ends.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

__all__ = [
    "BESIDE",
    "EVERYWHERE",
    "INTEGRATION",
    "MAIN_PATH",
    "Run",
    "execute",
    "groups",
    "handle_signals",
]

ROOT = Path(__file__).resolve().parents[1]
INTEGRATION = "tests/integration"

BESIDE = (
    "console",
    "test_access.py",
    "test_auth.py",
    "test_benchmarks.py",
    "test_deployment.py",
    "test_generated_clients.py",
    "test_least_privilege.py",
    "test_local_security.py",
    "test_local_stack.py",
    "test_schemathesis.py",
    "test_streams.py",
    "test_tenants_and_limits.py",
    "test_verify.py",
)
"""Tests of the second group. They do not need the vendor's faults, killed workers or crowds, which
are in the first group, as is every test that is not named here."""

EVERYWHERE = "test_secrets_stay_inside.py"
"""It inspects the effects of all other tests of a stack, so both groups include it."""

MAIN_PATH = ("test_lifecycle.py", "test_events.py")
"""Tests that run on both platforms. `make soak` runs all integration tests on both."""

SLOWEST = ("--durations=10", "--durations-min=5")

DETAILS = re.compile(r"=+ (FAILURES|ERRORS|warnings summary|results|slowest|short test summary)")
"""The heading at which pytest's progress ends."""


class Run(NamedTuple):
    """A run of pytest: its name in the output, its arguments, and further variables."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = {}


def groups(platform: str) -> list[list[Run]]:
    """Returns the groups. The runs of a group are executed one after the other."""
    other = "vonage" if platform == "opentok" else "opentok"
    beside = [f"{INTEGRATION}/{name}" for name in (*BESIDE, EVERYWHERE)]
    ignored = [f"--ignore={INTEGRATION}/{name}" for name in BESIDE]
    main_path = [f"{INTEGRATION}/{name}" for name in MAIN_PATH]
    own = {"OPENTOK_SESSIONS_STACK": ""}  # even if a developer uses a stack that is running
    on_other = Run(f"main path on {other}", main_path, {**own, "PLATFORM": other})
    unit = [
        "--numprocesses=auto",
        "--dist=loadfile",
        "--no-loadscope-reorder",
        "-pno:schemathesis",  # only integration tests use it, and it takes seconds to import
        "tests/unit",
        "tests/contract",
    ]
    return [
        [Run("unit and contract", unit)],
        [Run(f"integration 1 on {platform}", [INTEGRATION, *ignored], own), on_other],
        [Run(f"integration 2 on {platform}", beside, own)],
    ]


def handle_signals() -> None:
    """Makes Ctrl-C and SIGTERM end every run of pytest as Ctrl-C does, which stops local stacks."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def execute(groups: Sequence[Sequence[Run]]) -> int:
    """Runs the groups at the same time; returns 0 if every test has passed."""
    failed: list[str] = []
    threads = [threading.Thread(target=_execute, args=(group, failed)) for group in groups]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    minutes = (time.monotonic() - begun) / 60
    if failed:
        print(f"Failed after {minutes:.1f} minutes: {', '.join(failed)}.", flush=True)
        return 1
    print(f"All tests have passed in {minutes:.1f} minutes.", flush=True)
    return 0


_running: set[subprocess.Popen[str]] = set()
_interrupted = threading.Event()
_printing = threading.Lock()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _interrupted.set()
    for process in list(_running):
        process.send_signal(signal.SIGINT)


def _execute(group: Sequence[Run], failed: list[str]) -> None:
    for run in group:
        if _interrupted.is_set() or not _passed(run):
            failed.append(run.name)


def _passed(run: Run) -> bool:
    """Runs it, and prints its progress line by line and the rest at its end."""
    command = [sys.executable, "-u", "-m", "pytest", *SLOWEST, *run.arguments]
    details: list[str] = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **run.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that Ctrl-C reaches pytest once, from here
    ) as process:
        _running.add(process)
        for line in process.stdout or ():
            if details or DETAILS.match(line):
                details.append(line)
            elif line.strip():
                _print(f"[{run.name}] {line}")
    _running.discard(process)
    passed = process.returncode == 0
    ending = "passed" if passed else f"FAILED (exit code {process.returncode})"
    _print(f"[{run.name}] {ending}\n", *details)
    return passed


def _print(*lines: str) -> None:
    with _printing:
        sys.stdout.writelines(lines)
        sys.stdout.flush()


if __name__ == "__main__":
    handle_signals()
    sys.exit(execute(groups(os.environ.get("PLATFORM") or "opentok")))
