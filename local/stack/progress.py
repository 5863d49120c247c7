"""Reports progress to a terminal, with the time that each step took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["Progress"]


class Progress:
    """Writes one line for each step, in colour on a terminal only."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self._colour = self._out.isatty()

    def say(self, text: str = "") -> None:
        print(text, file=self._out, flush=True)

    def title(self, text: str) -> None:
        self.say(self._painted("1", text))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Runs the body as one step and reports whether it succeeded."""
        started = time.monotonic()
        try:
            yield
        except BaseException:
            self._report("31", "failed", started, name)
            raise
        self._report("32", "ok", started, name)

    def _report(self, colour: str, result: str, started: float, name: str) -> None:
        seconds = time.monotonic() - started
        self.say(f"  {self._painted(colour, f'{result:6}')} {seconds:5.1f} s  {name}")

    def _painted(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text
