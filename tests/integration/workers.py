"""The processes that MiniStack runs the functions in: what Lambda calls execution environments.

They are children of the stack's own MiniStack, so that none of another stack is ever touched.

A worker that is still starting is left alone: when one dies then, MiniStack throws away all workers
of that function, those that others are waiting for as well, and may be busy with that for minutes.
"""

import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.integration.polling import until
from tests.integration.stack import Stack

__all__ = ["Workers"]

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class _Process(NamedTuple):
    pid: int
    parent: int
    memory: int
    """Resident, in bytes."""
    command: str


class Workers:
    """Finds and kills workers, by process id."""

    def __init__(self, stack: Stack) -> None:
        run = json.loads((stack.state / "run.json").read_text())
        self._cloud = next(p["pid"] for p in run["programs"] if p["name"] == "MiniStack")
        self._functions = stack.facts["functions"]

    def of(self, function: str) -> list[int]:
        """The process ids of a function's workers."""
        return [process.pid for process in self._running(function)]

    def memory(self) -> dict[int, int]:
        """Resident bytes of every worker, by process id."""
        return {p.pid: p.memory for name in self._functions for p in self._running(name)}

    def kill(self, function: str, number: int = 1) -> int:
        """Kills so many of a function's workers by chance, with SIGKILL; how many it was."""
        pids = [pid for pid in self.of(function) if _has_started(pid)]
        chosen = random.sample(pids, min(number, len(pids)))
        for pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(chosen)

    def renew(self, function: str) -> None:
        """Kills all of a function's workers, when none is starting: the next request meets one that
        knows nothing."""
        self.kill(function, number=10_000)
        until("they are gone", lambda: not any(map(_has_started, self.of(function))))

    def _running(self, function: str) -> Iterator[_Process]:
        # MiniStack keeps a worker's files in a directory that is named after its function.
        mark = f"ministack-lambda-{self._functions[function]}-"
        for process in _processes():
            if process.parent == self._cloud and mark in process.command:
                yield process


def _processes() -> Iterator[_Process]:
    if not _PROC.is_dir():
        yield from _listed()
        return
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            # The second field, the command in brackets, may itself hold brackets and blanks.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                yield _Process(int(entry.name), int(fields[1]), int(fields[21]) * _PAGE, command)


def _has_started(pid: int) -> bool:
    """Whether it has opened a connection, which no worker does before its first request. Without
    /proc all have, as far as one can see."""
    files = _PROC / str(pid) / "fd"
    with suppress(OSError):
        return any(os.readlink(file).startswith("socket:") for file in files.iterdir())
    return not _PROC.is_dir()


def _listed() -> Iterator[_Process]:
    """For systems without /proc."""
    ps = shutil.which("ps") or "/bin/ps"
    columns = [ps, "-Ao", "pid=,ppid=,rss=,args="]
    answer = subprocess.run(columns, capture_output=True, text=True, check=True)
    for line in answer.stdout.splitlines():
        pid, parent, kilobytes, command = line.split(None, 3)
        yield _Process(int(pid), int(parent), int(kilobytes) * 1024, command)
