"""The state file: one JSON object per line.

Sessions and archives are kept. Connections are not, because no client stays connected across a
restart; nor are credentials, which are passed at each start.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

__all__ = ["Journal"]

Record = Mapping[str, object]

_FIRST_LINE = '{"stateOf":"local.emulator"}'
"""Identifies a state file, so that no other file is overwritten by mistake."""


class Journal:
    """Appends records to a file; without a path it does nothing.

    Args:
        path: of the file, created if missing. None: nothing is kept.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: TextIO | None = None

    def recorded(self) -> list[dict[str, object]]:
        """Returns all records; a last line truncated by a crash is ignored.

        Raises:
            ValueError: if the file is not a state file.
        """
        if self._path is None or not self._path.exists():
            return []
        text = self._path.read_text("utf-8")
        first, _, rest = text.partition("\n")
        if text and first != _FIRST_LINE:
            raise ValueError(f"{self._path} is not a state file")
        return [json.loads(line) for line in rest.split("\n")[:-1]]

    def start(self, records: Iterable[Record]) -> None:
        """Replaces the file atomically by these records and opens it for appending."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        fresh.write_text(_FIRST_LINE + "\n" + "".join(map(_line, records)), "utf-8")
        fresh.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8")

    def append(self, record: Record) -> None:
        if self._file is not None:
            self._file.write(_line(record))
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _line(record: Record) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"
