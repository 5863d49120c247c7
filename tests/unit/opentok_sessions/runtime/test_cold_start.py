"""The cold start suspends garbage collection and reorders the path, and `ready` restores both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.aws import ENVIRONMENT

PROJECT = Path(__file__).parents[4]
FUNCTIONS = sorted(path.parent.name for path in PROJECT.glob("functions/*/app.py"))
PROBE = """
import gc, json, sys
before = list(sys.path)
from opentok_sessions.runtime import cold_start
during = gc.isenabled()
import app
print(json.dumps([during, gc.isenabled(), gc.get_freeze_count() > 0, sys.path == before]))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_handler_ends_the_cold_start(function: str) -> None:
    path = [PROJECT / "functions" / function, PROJECT / "layers" / "opentok"]
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    collected_during, collected_after, frozen, path_restored = json.loads(done.stdout)
    assert not collected_during
    assert collected_after
    assert frozen
    assert path_restored
