"""The state directory of a local stack: what was started, who owns it, whose turn it is.

`run.json` is written before anything in it is needed, so that whoever comes after a crash can stop
what was left.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from local.stack import cloud, programs

__all__ = ["CREDENTIALS", "Run", "locked", "owned", "write"]

CREDENTIALS = "credentials.json"


class Run:
    """What has been started for one state directory, written down before it is needed."""

    def __init__(
        self, state: Path, mark: str = "", started: list[programs.Program] | None = None
    ) -> None:
        self.state = state
        self.mark = mark or os.urandom(16).hex()
        self.programs = started or []
        self._save()

    @classmethod
    def read(cls, state: Path) -> "Run | None":
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
        """Stop all of it, and forget it. The logs stay."""
        programs.stop_all(self.programs, self.mark)
        for name in ("stack.json", "users.json", CREDENTIALS, "run.json"):
            (self.state / name).unlink(missing_ok=True)
        cloud.clean_up(self.state, self.mark)

    def _save(self) -> None:
        started = [{**asdict(program), "log": str(program.log)} for program in self.programs]
        write(self.state / "run.json", {"mark": self.mark, "programs": started})


def write(path: Path, content: object) -> None:
    """Write JSON in one go, readable by its owner only: there are credentials in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=2) + "\n")
    fresh.replace(path)


@contextmanager
def owned(state: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the state directory for as long as this process lives, whatever ends it."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "owner").open("w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """One at a time: who comes second waits."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
