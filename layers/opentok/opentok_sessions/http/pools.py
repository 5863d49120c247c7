"""Parses pools: the template's parameter `Pools`, and the event of the schedule."""

from __future__ import annotations

import json

from ..domain.pools import Pool, Pools, pool_name
from ..domain.problems import FieldError, InvalidCombination, InvalidRequest, Problem
from ..runtime import telemetry
from .create_session import OPTION_FIELDS, parse_options
from .fields import Fields

__all__ = ["POOL_SIZE_MAX", "parse_pools", "pools_from_json", "usable_pools"]

POOL_SIZE_MAX = 10_000


def pools_from_json(text: str) -> Pools:
    """Returns the pools in the JSON of the template's parameter. Raises like `parse_pools`."""
    try:
        declared = json.loads(text)
    except ValueError:
        raise InvalidRequest("The pools are not valid JSON.") from None
    return Pools(parse_pools(declared))


def parse_pools(declared: object) -> list[Pool]:
    """Returns the pools in a list of objects: options of `POST /sessions`, `min` and `max`.

    Raises `InvalidRequest` naming every pool and field that is wrong.
    """
    if not isinstance(declared, list):
        message = "must be a JSON array"
        raise InvalidRequest("`pools` must be a JSON array.", [FieldError("pools", message)])
    pools: list[Pool] = []
    errors: list[FieldError] = []
    for position, entry in enumerate(declared):
        try:
            pool = _parse_pool(entry, f"pools[{position}]")
        except (InvalidRequest, InvalidCombination) as problem:
            errors += problem.errors
            continue
        if any(pool.options == other.options for other in pools):
            message = f"declares the pool {pool.name!r} a second time"
            errors.append(FieldError(f"pools[{position}]", message))
        pools.append(pool)
    if errors:
        names = "; ".join(f"{error.field} {error.message}" for error in errors)
        raise InvalidRequest(f"The pools are invalid: {names}.", errors)
    return pools


def _parse_pool(entry: object, within: str) -> Pool:
    if not isinstance(entry, dict):
        raise InvalidRequest("", [FieldError(within, "must be an object")])
    fields = Fields(entry, (*OPTION_FIELDS, "min", "max"), within=within)
    for name in ("min", "max"):
        if name not in fields:
            fields.wrong(name, "is required")
    chosen = parse_options(fields)
    minimum = fields.integer("min", 0, POOL_SIZE_MAX) or 0
    maximum = fields.integer("max", 1, POOL_SIZE_MAX) or 0
    if fields.valid and minimum > maximum:
        fields.excluded("min", f"must not exceed `max` in the pool {pool_name(chosen.options)!r}")
    fields.finish()
    return Pool(chosen.options, minimum, maximum)


def usable_pools(text: str) -> Pools:
    """Returns the declared pools; none when they are invalid, so that callers are still served.

    The scheduled run reads the same parameter and fails then.
    """
    try:
        return pools_from_json(text)
    except Problem as problem:
        telemetry.logger.error("pools_unusable", extra={"reason": problem.detail})
        telemetry.count("InternalError")
        return Pools([])
