"""Telling a person what is going on, with the time that each step took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["Progress"]


class Progress:
    """Writes one line a step; in colour on a terminal only."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self._colour = self._out.isatty()

    def say(self, text: str = "") -> None:
        print(text, file=self._out, flush=True)

    def title(self, text: str) -> None:
        self.say(self._painted("1", text))

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Run the body as one step: a line when it is done, or when it has failed."""
        begun = time.monotonic()
        try:
            yield
        except BaseException:
            self.say(f"  {self._painted('31', 'failed')} {time.monotonic() - begun:5.1f} s  {what}")
            raise
        self.say(f"  {self._painted('32', 'ok')}     {time.monotonic() - begun:5.1f} s  {what}")

    def _painted(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text
