"""The pools that a deployment declares, and which pool a session belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from opentok_client.options import OPTIONS, SessionOptions

__all__ = ["Pool", "Pools", "pool_name"]


class Pool(NamedTuple):
    """Pre-created sessions with the same options: between `minimum` and `maximum` of them."""

    options: SessionOptions
    minimum: int
    maximum: int

    @property
    def name(self) -> str:
        """The options in short, as in metrics and reports: `routed`, `routed/always`."""
        return pool_name(self.options)

    def id_for(self, project_id: str) -> str:
        """Returns the pool's key in the table.

        The project is part of it: after a change of project, no session of the old one is found.
        """
        return f"{project_id}#{self.name}"


class Pools:
    """The declared pools, found by the options of their sessions."""

    def __init__(self, pools: Sequence[Pool]) -> None:
        self._by_options: Mapping[SessionOptions, Pool] = {pool.options: pool for pool in pools}

    def matching(self, options: SessionOptions) -> Pool | None:
        """Returns the pool whose sessions have exactly these options."""
        return self._by_options.get(options)


def pool_name(options: SessionOptions) -> str:
    """Returns the media mode, followed by the options that differ from their defaults."""
    return "/".join(part for option in OPTIONS if (part := option.pool_part(options)))
