"""The number of iterations: all in `make soak`, a tenth in `make test`."""

import os
from collections.abc import Callable

__all__ = ["CROWD", "SOAK", "RecordProperty", "count"]

SOAK = os.environ.get("SOAK") == "1"
CROWD = 50 if SOAK else 20
"""Concurrent callers, where their number matters. MiniStack starts a worker for each."""

RecordProperty = Callable[[str, object], None]
"""The type of pytest's `record_property`. The run prints the recorded results at its end."""


def count(full: int) -> int:
    """Returns the full number, or a tenth of it."""
    return full if SOAK else max(1, full // 10)
