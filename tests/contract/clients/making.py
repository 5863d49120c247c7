"""Makes the clients that other people would generate from openapi.yaml, with their own tools."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.contract.openapi import CONTRACT

__all__ = ["make_python_client", "make_typescript_client", "run"]

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"


def make_python_client(directory: Path) -> Path:
    """Generates the package `opentok_sessions_client` into the directory.

    Gives the path of the program that uses it, and fails when the generator has to leave something
    out.
    """
    tool = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"]
    config = ["--config", str(HERE / "openapi-python-client.yaml"), "--meta", "none"]
    package = ["--output-path", str(directory / "opentok_sessions_client")]
    run([*tool, "--path", str(CONTRACT), *config, *package])
    return Path(shutil.copy(HERE / "usage.py", directory))


def make_typescript_client(directory: Path) -> Path:
    """Generates the types into the directory and compiles the program that uses them.

    Gives the path of the compiled program.
    """
    _install_node_modules()
    (directory / "node_modules").symlink_to(MODULES)
    for name in ("usage.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / name, directory)
    tools = MODULES / ".bin"
    run([str(tools / "openapi-typescript"), str(CONTRACT), "-o", str(directory / "api.ts")])
    run([str(tools / "tsc"), "--project", str(directory)])
    return directory / "usage.js"


def run(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    """Runs a program and gives what it printed; its complaints are the assertion's message."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{Path(command[0]).name}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _install_node_modules() -> None:
    """Installs the packages of package-lock.json, once per lock even for several test processes."""
    npm = shutil.which("npm")
    assert npm, "the TypeScript client needs Node.js 20 or later with npm on the PATH"
    lock = HERE / "package-lock.json"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    done = MODULES / ".installed"
    with (HERE / "package.json").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (done.exists() and done.read_text() == digest):
            run([npm, "ci", "--ignore-scripts", "--prefix", str(HERE)])
            done.write_text(digest)
