"""Starting programs so that they can be found and stopped again, whatever happened in between.

Every program gets a mark in its environment that all its descendants inherit. Together with process
ids and start times this finds the workers of a killed parent, and never a stranger that was given a
process id of ours later on.
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

#: The environment variable that marks what one stack started; its value is the stack's random id.
MARK = "OPENTOK_SESSIONS_STACK_ID"

#: Seconds that a program gets to end after SIGTERM, before it is killed.
GRACE = 8.0

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Program:
    """A running program. `started` tells it from a later one with the same process id."""

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
    """Start a program of its own session, with its output in `log`.

    Raises `StackError` when the program cannot be started at all.
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
    # Popen is dropped on purpose: the stack outlives this process. `_reap` collects what ends.
    process.returncode = 0
    return Program(name, process.pid, _start_time(process.pid) or "", log)


def wait_until(
    ready: Callable[[], bool], program: Program, *, seconds: float, advice: str = ""
) -> None:
    """Poll `ready` until it says yes; raises `StackError` when the program ends or time is up."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not program.alive():
            raise StackError(
                program.name, "it ended while starting", log=program.log, advice=advice
            )
        if time.monotonic() > deadline:
            raise StackError(
                program.name,
                f"it was not ready after {seconds:.0f} s",
                log=program.log,
                advice=advice,
            )
        time.sleep(0.05)


def stop_all(programs: Iterable[Program], mark: str) -> list[int]:
    """Stop the programs and everything that carries their mark; the ids of what was stopped."""
    known = list(programs)
    return _stop(lambda: {program.pid for program in known if program.alive()} | marked(mark))


def stop(program: Program) -> None:
    """Stop this program alone."""
    _stop(lambda: {program.pid} if program.alive() else set())


def _stop(running: Callable[[], set[int]]) -> list[int]:
    """Stop what `running` names until it names nothing; the ids of what was stopped."""
    stopped = running()
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        deadline = time.monotonic() + patience
        told: set[int] = set()
        while (pids := running()) and time.monotonic() < deadline:
            for pid in pids - told:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            told |= pids
            stopped |= pids
            time.sleep(0.05)
    if left := running():
        raise StackError("stopping", f"these processes do not end: {sorted(left)}")
    return sorted(stopped)


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _reap(pid: int) -> None:
    """Collect a child of ours that has ended; other processes are not ours to collect."""
    with suppress(ChildProcessError, PermissionError):
        os.waitpid(pid, os.WNOHANG)


def _start_time(pid: int) -> str | None:
    """When the process was started, in the system's own unit; None when it does not run."""
    _reap(pid)
    if _PROC.is_dir():
        try:
            # The second field, the command in brackets, may itself hold brackets and blanks.
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    ps = shutil.which("ps") or "/bin/ps"
    answer = subprocess.run(
        [ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def marked(mark: str) -> set[int]:
    """The processes whose environment carries the mark, as far as the system lets us see it.

    Without /proc there are none to be seen; the workers then end by themselves, when the pipe to
    their parent breaks.
    """
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.add(int(entry.name))
    return {pid for pid in found if _start_time(pid) is not None}
