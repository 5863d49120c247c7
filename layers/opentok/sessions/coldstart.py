"""Makes a function's start short; imported first by every handler.

While hundreds of modules are imported, nothing becomes garbage, so the collector's passes are
wasted: it is off until `ready`, which also exempts what start-up made from every later pass.
"""

from __future__ import annotations

import gc

gc.disable()

__all__ = ["ready"]


def ready() -> None:
    """The last step of a start: garbage collection from here on, of new objects only."""
    gc.freeze()
    gc.enable()
