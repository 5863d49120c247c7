"""How much of everything: all of it in `make soak`, a tenth in `make test`."""

import os
from collections.abc import Callable

__all__ = ["CROWD", "SOAK", "Figure", "count"]

SOAK = os.environ.get("SOAK") == "1"
CROWD = 50 if SOAK else 20
"""How many callers come at once where that matters: MiniStack starts a worker for each."""

Figure = Callable[[str, object], None]
"""What pytest's `record_property` is: the run shows what is passed to it at its end."""


def count(full: int) -> int:
    """So many, or a tenth of it."""
    return full if SOAK else max(1, full // 10)
