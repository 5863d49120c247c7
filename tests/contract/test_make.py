"""What `make` hands to the local stack and to SAM: parameters of the template, whatever they hold.

The commands are printed, not run, and read as a shell and SAM read them.
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
    """The words of the command that the target ends with."""
    make = ["make", "--dry-run", target, f"PARAMETERS={PARAMETERS}"]
    alone = {"PATH": os.environ["PATH"]}  # not as part of the `make` that runs the tests
    printed = subprocess.run(make, cwd=ROOT, env=alone, capture_output=True, text=True, check=True)
    return shlex.split(printed.stdout.splitlines()[-1])


@pytest.mark.parametrize("target", ["up", "serve", "demo"])
def test_the_local_stack_gets_them(target: str) -> None:
    words = arguments(target)
    given = [words[n + 1] for n, word in enumerate(words) if word == "--parameter"]
    assert dict(pair.split("=", 1) for pair in given) == WANTED


def test_sam_gets_them() -> None:
    found = [re.fullmatch(r'(\w+)="(.*)"', word) for word in arguments("deploy")]
    given = {pair[1]: pair[2].replace('\\"', '"') for pair in found if pair}
    assert given == WANTED
