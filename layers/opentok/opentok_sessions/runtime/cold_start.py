"""Shortens a function's cold start; imported first by every handler.

Importing hundreds of modules creates no garbage, so the collector's passes would be wasted. It is
off until `ready`, which also exempts all objects created so far from later passes.

Most imports are from the standard library, which is last on `sys.path`. It is first until `ready`,
which avoids searching the function's folder and every layer for each of them.
"""

from __future__ import annotations

import gc
import os
import sys

gc.disable()

_PATH = list(sys.path)
_STANDARD_LIBRARY = os.path.dirname(os.__file__)
sys.path.sort(key=lambda p: p not in (_STANDARD_LIBRARY, f"{_STANDARD_LIBRARY}/lib-dynload"))

__all__ = ["ready"]


def ready() -> None:
    """Ends the cold start: garbage collection from here on, of new objects only."""
    sys.path[:] = _PATH
    gc.freeze()
    gc.enable()
