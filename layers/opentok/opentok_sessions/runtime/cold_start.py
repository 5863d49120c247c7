"""Shortens a function's cold start; imported first by every handler.

Importing hundreds of modules creates no garbage, so the collector's passes would be wasted. It is
off until `ready`, which also exempts all objects created so far from later passes.

Three of five modules come from the standard library, which is last on the path. It is first until
`ready`, so that they are not searched for in the function's folder and in every layer before.
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
