"""The state directory of a local stack: which programs were started, and who owns it.

`run.json` is written before each program is needed, so that the programs of a crashed stack can be
found and stopped.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from local.stack import cloud, programs

__all__ = ["CREDENTIALS", "DEFAULT_STATE", "Run", "locked", "owned", "private_directory", "write"]

CREDENTIALS = "credentials.json"
DEFAULT_STATE = cloud.ROOT / ".local"


class Run:
    """The programs that were started for one state directory."""

    def __init__(
        self, state: Path, mark: str = "", started: list[programs.Program] | None = None
    ) -> None:
        self.state = state
        self.mark = mark or os.urandom(16).hex()
        self.programs = started or []
        self._save()

    @classmethod
    def read(cls, state: Path) -> "Run | None":
        """Returns the run of that state directory; None if there is none."""
        try:
            saved = json.loads((state / "run.json").read_text())
        except FileNotFoundError:
            return None
        started = [
            programs.Program(**{**program, "log": Path(program["log"])})
            for program in saved["programs"]
        ]
        return cls(state, saved["mark"], started)

    def add(self, program: programs.Program) -> None:
        self.programs.append(program)
        self._save()

    def stop(self) -> None:
        """Stops every program and removes the state, except the logs."""
        programs.stop_all(self.programs, self.mark)
        for name in ("stack.json", "users.json", CREDENTIALS, "run.json"):
            (self.state / name).unlink(missing_ok=True)
        cloud.clean_up(self.state)

    def _save(self) -> None:
        started = [{**asdict(program), "log": str(program.log)} for program in self.programs]
        write(self.state / "run.json", {"mark": self.mark, "programs": started})


def write(path: Path, content: object) -> None:
    """Writes JSON atomically, readable by its owner only, because it contains credentials."""
    private_directory(path.parent)
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=2) + "\n")
    fresh.replace(path)


def private_directory(directory: Path) -> None:
    """Creates a directory that only its owner can enter.

    `.local` is restricted even if it exists. Another existing directory is left as it is.
    """
    if directory.is_relative_to(DEFAULT_STATE):
        DEFAULT_STATE.mkdir(mode=0o700, exist_ok=True)
        DEFAULT_STATE.chmod(0o700)
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def owned(state: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds the state directory until the body or this process ends.

    Raises `BlockingIOError` if another process holds it and `wait` is false.
    """
    private_directory(state)
    with (state / "owner").open("w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Holds an exclusive lock on the state directory."""
    private_directory(state)
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
