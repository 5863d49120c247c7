"""`make` passes the template's parameters to the local stack and to SAM, with any characters.

The commands are printed, not run, and parsed the way a shell and SAM parse them.
"""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WANTED = {
    "RefillSchedule": "rate(5 minutes)",
    "Pools": '[{"mediaMode":"routed","archiveName":"a b","min":2,"max":50}]',
    "JwtIssuer": "https://issuer.example/?a=b",
    "JwtAudience": "web,ios",
    "AllowedOrigins": "",
}
PARAMETERS = " ".join(f"{name}={value.replace(' ', '%20')}" for name, value in WANTED.items())


def arguments(target: str) -> list[str]:
    """Returns the words of the last command of a target."""
    make = ["make", "--dry-run", target, f"PARAMETERS={PARAMETERS}"]
    alone = {"PATH": os.environ["PATH"]}  # independent of the `make` that runs the tests
    printed = subprocess.run(make, cwd=ROOT, env=alone, capture_output=True, text=True, check=True)
    return shlex.split(printed.stdout.splitlines()[-1])


@pytest.mark.parametrize("target", ["up", "serve", "demo"])
def test_make_passes_parameters_to_the_local_stack(target: str) -> None:
    words = arguments(target)
    given = [words[n + 1] for n, word in enumerate(words) if word == "--parameter"]
    assert dict(pair.split("=", 1) for pair in given) == WANTED


def test_make_passes_parameters_to_sam() -> None:
    found = [re.fullmatch(r'(\w+)="(.*)"', word) for word in arguments("deploy")]
    given = {pair[1]: pair[2].replace('\\"', '"') for pair in found if pair}
    assert given == WANTED
