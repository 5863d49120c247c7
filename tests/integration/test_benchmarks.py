"""`make bench` works, and its last line has the documented shape. No time is judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
FUNCTIONS = (
    "get_session",
    "close_session",
    "issue_token",
    "create_session_pool",
    "create_session_live",
)
NUMBER = object()
SHAPE = {
    "coldStart": {
        "floorMs": NUMBER,
        "functions": {name: {"ms": NUMBER, "ratio": NUMBER} for name in FUNCTIONS},
        "sdkHandler": {"ms": NUMBER, "ratioToOurs": NUMBER},
        "stdlibLimit": {"ms": NUMBER, "ratio": NUMBER},
    },
    "warm": {name: {"ratio": NUMBER} for name in FUNCTIONS},
    "tokens": {
        kind: {"perSecond": NUMBER, "ratioToSdk": NUMBER}
        for kind in ("opentokJwt", "opentokT1", "vonage")
    },
    "timeToSession": {"poolOverLive": NUMBER, "roomOverLive": NUMBER},
    "layerZippedMb": NUMBER,
    "peakMemoryMb": dict.fromkeys((*FUNCTIONS, "floor", "sdkHandler"), NUMBER),
}


def test_a_quick_run_measures_everything_and_writes_no_docs() -> None:
    page = PROJECT / "docs" / "performance.md"
    before = page.read_bytes()

    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "round 1 of 1" in done.stderr  # a full run says how far it is
    assert shape(json.loads(done.stdout.splitlines()[-1])) == SHAPE
    assert page.read_bytes() == before


def shape(value: object) -> object:
    """The value with `NUMBER` in place of its positive numbers."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return NUMBER if isinstance(value, int | float) and value > 0 else value
