"""Which pools a deployment declares, and which pool a session belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from opentok_client.options import ArchiveMode, SessionOptions

from .create_request import OPTION_MEMBERS, read_options
from .errors import FieldError, IllegalCombination, InvalidRequest
from .members import Members

__all__ = ["POOL_SIZE_MAX", "Pool", "Pools", "pool_name", "read_pools"]

POOL_SIZE_MAX = 10_000


class Pool(NamedTuple):
    """Sessions of the same options, made ahead: between `minimum` and `maximum` of them."""

    options: SessionOptions
    minimum: int
    maximum: int

    @property
    def name(self) -> str:
        """The options in short, as metrics and reports show them: `routed`, `routed/always`."""
        return pool_name(self.options)

    def id_for(self, project_id: str) -> str:
        """The pool's key in the table. The project is part of it: after a change of project the
        sessions of the old one are never found again."""
        return f"{project_id}#{self.name}"


class Pools:
    """The declared pools, by the options of their sessions."""

    def __init__(self, pools: Sequence[Pool]) -> None:
        self._by_options: Mapping[SessionOptions, Pool] = {pool.options: pool for pool in pools}

    def fitting(self, options: SessionOptions) -> Pool | None:
        """The pool whose sessions have exactly these options."""
        return self._by_options.get(options)

    @classmethod
    def parse(cls, text: str) -> Pools:
        """From the JSON of the template's parameter. Raises like `read_pools`."""
        try:
            declared = json.loads(text)
        except ValueError:
            raise InvalidRequest("The pools are not JSON.") from None
        return cls(read_pools(declared))


def read_pools(declared: object) -> list[Pool]:
    """Pools from a list of objects: options of `POST /sessions`, `min` and `max`.

    Raises `InvalidRequest` or `IllegalCombination` naming every pool and member that is wrong.
    """
    if not isinstance(declared, list):
        message = "must be a list of pools"
        raise InvalidRequest("There are no pools to be read.", [FieldError("pools", message)])
    pools: list[Pool] = []
    errors: list[FieldError] = []
    for position, entry in enumerate(declared):
        try:
            pool = _read_pool(entry, f"pools[{position}]")
        except (InvalidRequest, IllegalCombination) as problem:
            errors += problem.errors
            continue
        if any(pool.options == other.options for other in pools):
            message = f"is the pool {pool.name!r} a second time"
            errors.append(FieldError(f"pools[{position}]", message))
        pools.append(pool)
    if errors:
        names = "; ".join(f"{error.field} {error.message}" for error in errors)
        raise InvalidRequest(f"The pools are not valid: {names}.", errors)
    return pools


def _read_pool(entry: object, within: str) -> Pool:
    if not isinstance(entry, dict):
        raise InvalidRequest("", [FieldError(within, "must be an object")])
    members = Members(entry, (*OPTION_MEMBERS, "min", "max"), within=within)
    for name in ("min", "max"):
        if name not in members:
            members.wrong(name, "is missing")
    chosen = read_options(members)
    minimum = members.integer("min", 0, POOL_SIZE_MAX) or 0
    maximum = members.integer("max", 1, POOL_SIZE_MAX) or 0
    if members.fine and minimum > maximum:
        members.illegal("min", f"is above max, in the pool {pool_name(chosen.options)!r}")
    members.finish()
    return Pool(chosen.options, minimum, maximum)


def pool_name(options: SessionOptions) -> str:
    """The options that differ from the defaults, after the media mode."""
    parts = [options.media_mode.value]
    if options.archive_mode is ArchiveMode.ALWAYS:
        parts.append("always")
    if options.archive_resolution:
        parts.append(options.archive_resolution)
    if options.location:
        parts.append(options.location)
    if options.e2ee:
        parts.append("e2ee")
    if options.archive_name:  # last, because it may be any text, and look like the others
        parts.append(f"name={quote(options.archive_name)}")  # CloudWatch wants ASCII
    return "/".join(parts)
