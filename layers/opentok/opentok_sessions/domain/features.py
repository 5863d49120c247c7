"""What callbacks report of a session's features, and which of two reports is the later one.

Callbacks arrive in any order, and some of them without a time. So statuses have ranks: a feature
never returns to a lower one. Between statuses of one rank the vendor's time decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["FINAL", "RUNNING", "FeatureRecord", "rank"]

STARTING, RUNNING, ENDED, FINAL, REMOVED = range(5)
"""The ranks of statuses: how far a feature has come."""
_RANKS = {
    "starting": STARTING,
    "created": STARTING,
    "stopped": ENDED,
    "hangup": ENDED,
    "uploaded": FINAL,
    "available": FINAL,
    "failed": FINAL,
    "destroyed": FINAL,
    "expired": REMOVED,
    "deleted": REMOVED,
}


class FeatureRecord(NamedTuple):
    """The latest known status of a feature. `family` is its segment in our API.

    `updated_at` is the vendor's time in milliseconds; 0 when the vendor did not say. `fields` are
    those that callers may see. None of them is a credential.
    """

    family: str
    id: str
    status: str
    updated_at: int
    fields: Mapping[str, object]


def rank(status: str) -> int:
    """Returns the rank of a status, from `STARTING` to `REMOVED`.

    The set of statuses is open: an unknown one counts as running.
    """
    return _RANKS.get(status, RUNNING)
