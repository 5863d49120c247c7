"""How much of everything: all of it in `make soak`, a tenth in `make test`."""

import os

__all__ = ["SOAK", "count"]

SOAK = os.environ.get("SOAK") == "1"


def count(full: int) -> int:
    """So many, or a tenth of it."""
    return full if SOAK else max(1, full // 10)
