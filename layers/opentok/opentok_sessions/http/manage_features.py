"""Parses the requests for features of routed sessions: path, query and body."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from opentok_client.errors import Invalid
from opentok_client.families import FAMILIES, Family
from opentok_client.rules import Rule, check

from ..domain.feature_problems import FeatureNotFound
from .fields import Fields
from .request import Request
from .scalar_fields import FieldErrors

__all__ = ["COUNT_MAX", "Operation", "Target", "parse_body", "parse_page", "target_of"]

COUNT_DEFAULT, COUNT_MAX = 50, 1000
OFFSET_MAX = 1_000_000


class Operation(StrEnum):
    """What a request does with a family or with one of its features, as the template's route."""

    START = "POST /sessions/{sessionId}/{family}"
    LIST = "GET /sessions/{sessionId}/{family}"
    FIND = "GET /sessions/{sessionId}/{family}/{featureId}"
    STOP = "POST /sessions/{sessionId}/{family}/{featureId}/stop"
    DELETE = "DELETE /sessions/{sessionId}/{family}/{featureId}"
    LAYOUT = "PUT /sessions/{sessionId}/{family}/{featureId}/layout"
    STREAMS = "PATCH /sessions/{sessionId}/{family}/{featureId}/streams"


class Target(NamedTuple):
    """The family, the operation, and the feature's id; empty for a start and a list."""

    family: Family
    operation: Operation
    feature_id: str


_FEATURE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_OFFERS: Mapping[Operation, Callable[[Family], bool]] = {
    Operation.START: lambda family: True,
    Operation.LIST: lambda family: family.listed,
    Operation.FIND: lambda family: family.found,
    Operation.STOP: lambda family: True,
    Operation.DELETE: lambda family: family.deleted,
    Operation.LAYOUT: lambda family: family.arranged,
    Operation.STREAMS: lambda family: family.arranged,
}


def target_of(request: Request) -> Target:
    """Returns what a request is about. Raises `FeatureNotFound` if the vendor has no such family,
    no such operation, or no such ids."""
    family = FAMILIES.get(request.path_parameter("family"))
    operation = next((each for each in Operation if each == request.route), None)
    if family is None or operation is None or not _OFFERS[operation](family):
        raise FeatureNotFound
    feature_id = request.path_parameter("featureId")
    of_family = operation in (Operation.START, Operation.LIST)
    if not of_family and not _FEATURE_ID.fullmatch(feature_id):
        raise FeatureNotFound
    return Target(family, operation, feature_id)


def parse_body(rule: Rule, body: Mapping[str, object]) -> Mapping[str, object]:
    """Returns the fields that the rule allows.

    Raises `InvalidRequest` or `InvalidCombination` naming every wrong field.
    """
    try:
        return check(rule, body)
    except Invalid as invalid:
        errors = FieldErrors()
        errors.add_violations(invalid)
        errors.finish()
        raise


def parse_page(query: Mapping[str, object]) -> tuple[int, int]:
    """Returns offset and count of a list. Raises `InvalidRequest` naming every wrong parameter."""
    fields = Fields(query, ("offset", "count"))
    offset = fields.integer_text("offset", 0, OFFSET_MAX)
    count = fields.integer_text("count", 1, COUNT_MAX)
    fields.finish()
    return offset or 0, COUNT_DEFAULT if count is None else count
