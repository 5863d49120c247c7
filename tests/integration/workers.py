"""The processes in which MiniStack runs the functions (execution environments in Lambda).

They are children of the stack's own MiniStack, so no worker of another stack is touched.

A worker that is still starting is not killed. If one dies then, MiniStack discards all workers of
that function, even those with requests, which can take minutes.
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
    """Finds and kills workers by process ID."""

    def __init__(self, stack: Stack) -> None:
        run = json.loads((stack.state / "run.json").read_text())
        self._cloud = next(p["pid"] for p in run["programs"] if p["name"] == "MiniStack")
        self._functions = stack.facts["functions"]

    def of(self, function: str) -> list[int]:
        """Returns the process IDs of a function's workers."""
        return [process.pid for process in self._running(function)]

    def memory(self) -> dict[int, int]:
        """Returns the resident bytes of every worker by process ID."""
        return {p.pid: p.memory for name in self._functions for p in self._running(name)}

    def kill(self, function: str, number: int = 1) -> int:
        """Kills random workers of a function with SIGKILL; returns their number."""
        pids = [pid for pid in self.of(function) if _has_started(pid)]
        chosen = random.sample(pids, min(number, len(pids)))
        for pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(chosen)

    def renew(self, function: str) -> None:
        """Kills all of a function's workers that have started, so that the next request is a cold
        start."""
        self.kill(function, number=10_000)
        until("the workers have ended", lambda: not any(map(_has_started, self.of(function))))

    def _running(self, function: str) -> Iterator[_Process]:
        # MiniStack keeps the files of a worker in a directory named after its function.
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
            # The second field, the command in brackets, may contain brackets and spaces.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                yield _Process(int(entry.name), int(fields[1]), int(fields[21]) * _PAGE, command)


def _has_started(pid: int) -> bool:
    """Returns whether a worker has opened a connection, which none does before its first request.

    Without /proc it returns True.
    """
    files = _PROC / str(pid) / "fd"
    with suppress(OSError):
        return any(os.readlink(file).startswith("socket:") for file in files.iterdir())
    return not _PROC.is_dir()


def _listed() -> Iterator[_Process]:
    """Yields the processes on systems without /proc."""
    ps = shutil.which("ps") or "/bin/ps"
    columns = [ps, "-Ao", "pid=,ppid=,rss=,args="]
    listed = subprocess.run(columns, capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        pid, parent, kilobytes, command = line.split(None, 3)
        yield _Process(int(pid), int(parent), int(kilobytes) * 1024, command)
