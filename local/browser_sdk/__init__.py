"""The vendor's browser SDK, installed from npm."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

__all__ = ["NO_NPM", "SdkUnavailable", "install", "sdk_file"]

HERE = Path(__file__).resolve().parent
INSTALL_SECONDS = 300

NO_NPM = "the vendor's browser SDK requires Node.js 20 or later with npm on the PATH"


class SdkUnavailable(Exception):
    """The SDK is not installed and cannot be installed."""


def sdk_file(package: str = "@opentok/client", directory: Path = HERE) -> Path:
    """Returns the path of the SDK's script, whether it is installed or not."""
    return directory / "node_modules" / package / "dist" / "js" / "opentok.min.js"


def install(directory: Path = HERE) -> None:
    """Installs what the directory's package-lock.json names, once per lock.

    Raises:
        SdkUnavailable: if npm is missing or fails.
    """
    npm = shutil.which("npm")
    digest = hashlib.sha256((directory / "package-lock.json").read_bytes()).hexdigest()
    installed = directory / "node_modules" / ".installed"
    with (directory / "package.json").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # several processes may install at the same time
        if installed.exists() and installed.read_text() == digest:
            return
        if npm is None:
            raise SdkUnavailable(NO_NPM)
        command = [npm, "ci", "--ignore-scripts", "--prefix", str(directory)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            raise SdkUnavailable(f"npm ci took longer than {INSTALL_SECONDS} s") from None
        if done.returncode:
            raise SdkUnavailable(f"npm ci failed: {done.stderr[-500:]}")
        installed.write_text(digest)
