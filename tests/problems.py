"""All problems of the API, found from their base class."""

from __future__ import annotations

from opentok_sessions.domain import feature_problems
from opentok_sessions.domain.problems import Problem, ProblemType

__all__ = ["PROBLEMS"]

_MODULES = (feature_problems,)  # imported, so that their problems exist


def _leaves(kind: type[Problem]) -> list[type[Problem]]:
    below = kind.__subclasses__()
    return [leaf for one in below for leaf in _leaves(one)] if below else [kind]


PROBLEMS: dict[type[Problem], ProblemType] = {leaf: leaf.type for leaf in _leaves(Problem)}
