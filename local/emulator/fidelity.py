"""The fidelity table: every endpoint and behaviour, how faithful it is, and the source.

*faithful*: recorded from the service or documented by the vendor. *simplified*: the service does
more. *unknown*: not recorded; what the emulator does is a guess that clients should not rely on.
*ours*: the service does not have it.

``make docs`` writes the table to ``docs/fidelity.md``; tests compare it with the routes.
"""

from __future__ import annotations

from local.emulator import (
    fidelity_browser,
    fidelity_callbacks,
    fidelity_control,
    fidelity_features,
    fidelity_rest,
)
from local.emulator.fidelity_row import Row

__all__ = ["ROWS", "Row", "markdown"]

ROWS: tuple[Row, ...] = (
    fidelity_rest.ROWS
    + fidelity_features.ROWS
    + fidelity_browser.ROWS
    + fidelity_callbacks.ROWS
    + fidelity_control.ROWS
)


def markdown() -> str:
    """Returns the table in Markdown."""
    lines = ["| endpoint | behaviour | | source |", "|---|---|---|---|"]
    lines += [
        f"| {_cell(row.endpoint)} | {row.behaviour} | {row.degree} | {row.source} |" for row in ROWS
    ]
    return "\n".join(lines) + "\n"


def _cell(endpoint: str) -> str:
    return endpoint if "`" in endpoint else f"`{endpoint}`"
