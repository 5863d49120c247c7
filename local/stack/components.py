"""Starts the emulator and the console page, the parts of a stack besides MiniStack."""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

from local.stack import cloud, http, programs
from local.stack.errors import StackError
from local.stack.run import CREDENTIALS

__all__ = ["EMULATOR", "configure_callbacks", "responds", "start_console", "start_emulator"]

EMULATOR = "the vendor emulator"


def start_emulator(state: Path, mark: str, port: int) -> tuple[programs.Program, str]:
    """Starts the emulator with the credentials in the state directory; returns it and its URL."""
    sessions = state / "tmp" / "vendor-sessions.jsonl"
    arguments = ["--credentials", str(state / CREDENTIALS), "--state", str(sessions)]
    log = state / "logs" / "emulator.log"
    program = _start(EMULATOR, "local.emulator", [*arguments, "--port", str(port)], mark, log)
    url = f"http://127.0.0.1:{port}"
    programs.wait_until(lambda: responds(f"{url}/_emulator/health"), program, seconds=30)
    return program, url


def start_console(state: Path, mark: str) -> tuple[programs.Program, str]:
    """Starts the console page for the stack in the state directory; returns it and its URL."""
    port = programs.free_port()
    arguments = ["--stack", str(state / "stack.json"), "--port", str(port)]
    log = state / "logs" / "console.log"
    program = _start("the console page", "local.console", arguments, mark, log)
    url = f"http://127.0.0.1:{port}"
    programs.wait_until(lambda: responds(f"{url}/console/stack"), program, seconds=60)
    return program, url


def configure_callbacks(emulator: str, url: str) -> None:
    """Registers the URL of the callback routes. Raises `StackError` if the emulator refuses it."""
    base = url.removesuffix("/callbacks")  # the emulator appends the path
    try:
        response = http.call("PUT", f"{emulator}/_emulator/callbacks", body={"url": base})
    except OSError as error:
        raise StackError(EMULATOR, f"no response: {error}") from error

    if response.status >= 300:
        reason = f"it refused the callback URL: {response.status} {json.dumps(response.body)}"
        raise StackError(EMULATOR, reason)


def responds(url: str) -> bool:
    """Returns whether there is a response with status 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _start(name: str, module: str, arguments: list[str], mark: str, log: Path) -> programs.Program:
    environment: dict[str, Any] = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
    }
    return programs.start(
        name,
        [sys.executable, "-m", module, *arguments],
        environment=environment,
        mark=mark,
        cwd=cloud.ROOT,
        log=log,
    )
