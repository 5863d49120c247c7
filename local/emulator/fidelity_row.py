"""A row of the fidelity table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["GUESS", "REST_DOCS", "SDKS", "SDK_TESTS", "Row"]

Degree = Literal["faithful", "simplified", "unknown", "ours"]


@dataclass(frozen=True, slots=True)
class Row:
    """A behaviour of an endpoint."""

    endpoint: str
    behaviour: str
    degree: Degree
    source: str


GUESS = "none: a guess"
SDKS = "code of the vendor's SDKs"
SDK_TESTS = "recordings in the tests of the vendor's SDKs"
REST_DOCS = "the vendor's REST reference"
