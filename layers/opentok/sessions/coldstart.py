"""Makes a function's start short; imported first by every handler.

While hundreds of modules are imported, nothing becomes garbage, so the collector's passes are
wasted: it is off until `ready`, which also exempts what start-up made from every later pass.

Three modules of five come from the standard library, which is last on the path: it goes first until
`ready`, so that they are not looked for in the function's folder and in every layer before.
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
    """The last step of a start: garbage collection from here on, of new objects only."""
    sys.path[:] = _PATH
    gc.freeze()
    gc.enable()
