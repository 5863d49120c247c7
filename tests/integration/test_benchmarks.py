"""Tests that `make bench` runs and that its last line has the documented shape.

No measured time is judged here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.subjects import LIMITED, OURS

PROJECT = Path(__file__).parents[2]
NUMBER = object()
COLD = {"ms": NUMBER, "ratio": NUMBER}
COLD_TO_OURS = {"ms": NUMBER, "ratioToOurs": NUMBER}
TOKENS = {"perSecond": NUMBER, "ratioToSdk": NUMBER}
SHAPE = {
    "coldStart": {
        "floorMs": NUMBER,
        "functions": dict.fromkeys(OURS, COLD),
        "sdkHandler": COLD_TO_OURS,
        "stdlibLimit": COLD,
        "nodeFloor": COLD,
        "nodeFloorBundled": COLD,
        "nodeSdkHandler": COLD_TO_OURS,
        "nodeSdkHandlerBundled": COLD_TO_OURS,
    },
    "warm": {
        name: {"ratio": NUMBER, **({"ratioWithLimits": NUMBER} if name in LIMITED else {})}
        for name in OURS
    },
    "tokens": {
        "opentokJwt": TOKENS,
        "opentokT1": TOKENS,
        "vonage": {**TOKENS, "ratioToOpenssl": NUMBER},
    },
    "timeToSession": {"poolOverLive": NUMBER, "roomOverLive": NUMBER},
    "layerZippedMb": NUMBER,
    "peakMemoryMb": dict.fromkeys(
        (*OURS, "floor", "sdkHandler", "nodeFloor", "nodeSdkHandler"), NUMBER
    ),
}
GOAL = {"name", "bound", "value", "met"}


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
    assert "round 1 of 1" in done.stderr, "a run reports its progress"
    results = json.loads(done.stdout.splitlines()[-1])
    goals = results.pop("goals")
    assert shape(results) == SHAPE
    assert goals and all(set(goal) >= GOAL for goal in goals)
    assert page.read_bytes() == before


def shape(value: object) -> object:
    """Returns the value with `NUMBER` in place of its positive numbers."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return NUMBER if isinstance(value, int | float) and value > 0 else value
