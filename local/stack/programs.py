"""Starts programs so that they can be found and stopped later, even after a crash.

Every program gets a mark in its environment that all its descendants inherit. Together with process
ids and start times it identifies the workers of a killed parent, and never an unrelated process
that got the same process id later.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local.stack.errors import StackError

__all__ = ["Program", "free_port", "marked", "start", "stop", "stop_all", "wait_until"]

#: The environment variable that marks the processes of a stack; its value is the stack's random id.
MARK = "OPENTOK_SESSIONS_STACK_ID"

#: Seconds between SIGTERM and SIGKILL.
GRACE_SECONDS = 8.0

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Program:
    """A running program. `started` distinguishes it from a later one with the same process id."""

    name: str
    pid: int
    started: str
    log: Path

    def alive(self) -> bool:
        return _start_time(self.pid) == self.started


def start(
    name: str,
    command: list[str],
    *,
    environment: Mapping[str, str],
    mark: str,
    cwd: Path,
    log: Path,
) -> Program:
    """Starts a program in its own process session, with its output in `log`.

    Raises `StackError` when the program cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**environment, MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise StackError(name, str(error), log=log, advice="run `make setup`") from error
    # Popen is discarded because the stack outlives this process. `_reap` collects ended children.
    process.returncode = 0
    return Program(name, process.pid, _start_time(process.pid) or "", log)


def wait_until(
    ready: Callable[[], bool], program: Program, *, seconds: float, advice: str = ""
) -> None:
    """Polls `ready` until it returns True.

    Raises `StackError` when the program ends or the time is over.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if not program.alive():
            raise StackError(
                program.name, "the program ended while starting", log=program.log, advice=advice
            )
        if time.monotonic() > deadline:
            raise StackError(
                program.name,
                f"not ready after {seconds:.0f} s",
                log=program.log,
                advice=advice,
            )
        time.sleep(0.05)


def stop_all(programs: Iterable[Program], mark: str) -> list[int]:
    """Stops the programs and every process with their mark; returns the ids of the processes."""
    known = list(programs)
    return _stop(lambda: {program.pid for program in known if program.alive()} | marked(mark))


def stop(program: Program) -> None:
    """Stops only this program."""
    _stop(lambda: {program.pid} if program.alive() else set())


def _stop(running: Callable[[], set[int]]) -> list[int]:
    """Stops the processes that `running` returns until there are none; returns their ids."""
    stopped = running()
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + GRACE_SECONDS
        signalled: set[int] = set()
        while (pids := running()) and time.monotonic() < deadline:
            for pid in pids - signalled:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            signalled |= pids
            stopped |= pids
            time.sleep(0.05)
    if left := running():
        raise StackError("stopping", f"these processes could not be stopped: {sorted(left)}")
    return sorted(stopped)


def free_port() -> int:
    """Returns a loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _reap(pid: int) -> None:
    """Collects an ended child process. Other processes cannot be collected."""
    with suppress(ChildProcessError, PermissionError):
        os.waitpid(pid, os.WNOHANG)


def _start_time(pid: int) -> str | None:
    """Returns when the process was started, in the system's unit; None if it is not running."""
    _reap(pid)
    if _PROC.is_dir():
        try:
            # The second field, the command in brackets, may contain brackets and spaces.
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    ps = shutil.which("ps") or "/bin/ps"
    listed = subprocess.run(
        [ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip() or None


def marked(mark: str) -> set[int]:
    """Returns the processes whose environment has the mark, as far as the system shows it.

    Without /proc the result is empty. Workers then end when the pipe to their parent breaks.
    """
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.add(int(entry.name))
    return {pid for pid in found if _start_time(pid) is not None}
