"""The emulator as a separate process, for tests.

`running` starts one on free ports, waits until it is ready and stops it; the fixture `emulator` of
`tests/contract/emulator/conftest.py` shares one between the tests of a module.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

__all__ = ["CALL_SECONDS", "ROOT", "Emulator", "running"]

ROOT = Path(__file__).parent.parent
START_SECONDS = 60
"""Limit for a start on a busy machine; it usually takes less than one second."""
CALL_SECONDS = 60

Object = dict[str, object]
Credentials = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    url: str
    vonage_url: str
    credentials: Credentials
    process: subprocess.Popen[bytes]

    @property
    def api_key(self) -> str:
        return self.credentials["opentok"]["apiKey"]

    @property
    def api_secret(self) -> str:
        return self.credentials["opentok"]["apiSecret"]

    @property
    def application_id(self) -> str:
        return self.credentials["vonage"]["applicationId"]

    @property
    def private_key(self) -> str:
        return self.credentials["vonage"]["privateKey"]

    def control(self, method: str, path: str, body: object = None) -> requests.Response:
        """Calls a control route."""
        return requests.request(
            method, f"{self.url}/_emulator/{path}", json=body, timeout=CALL_SECONDS
        )

    def connect(self, session_id: str, token: str, **others: object) -> requests.Response:
        """Connects a client with this token."""
        body = {"sessionId": session_id, "token": token, **others}
        return self.control("POST", "connect", body)

    def fault(self, **fields: object) -> None:
        """Configures a fault."""
        response = self.control("PUT", "faults", fields)
        assert response.status_code == 200, response.text

    def requests(self) -> list[Object]:
        """Returns the logged requests."""
        entries = self.control("GET", "requests").json()["requests"]
        assert isinstance(entries, list)
        return entries

    def session(self, session_id: str) -> Object:
        """Returns a session as parsed."""
        session = self.control("GET", f"sessions/{session_id}").json()
        assert isinstance(session, dict)
        return session

    def reset(self) -> None:
        """Removes the fault and clears the log."""
        self.control("DELETE", "faults")
        self.control("DELETE", "requests")


@contextmanager
def running(
    directory: Path, *arguments: str, credentials: Credentials | None = None
) -> Iterator[Emulator]:
    """Starts an emulator with these arguments; it generates credentials if none are given.

    `directory` takes its output and its credentials file.
    """
    command = [sys.executable, "-m", "local.emulator", "--port", "0", *arguments]
    if credentials is not None:
        given = directory / "credentials.json"
        given.write_text(json.dumps(credentials))
        command += ["--credentials", str(given)]
    output = directory / "emulator.log"
    with output.open("wb") as stdout:
        process = subprocess.Popen(command, cwd=ROOT, stdout=stdout, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_SECONDS
        emulator = _announced(process, output, deadline, credentials)
        while not _answers(emulator):
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.02)
        yield emulator
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def _announced(
    process: subprocess.Popen[bytes],
    output: Path,
    deadline: float,
    credentials: Credentials | None,
) -> Emulator:
    """Waits for the line with the addresses."""
    while True:
        text = output.read_text()
        if text.endswith("\n") and text.startswith("{"):
            line = json.loads(text.splitlines()[0])
            return Emulator(
                url=line["opentokUrl"],
                vonage_url=line["vonageUrl"],
                credentials=credentials or line["credentials"],
                process=process,
            )
        assert process.poll() is None, text
        assert time.monotonic() < deadline, text
        time.sleep(0.02)


def _answers(emulator: Emulator) -> bool:
    try:
        return bool(emulator.control("GET", "health").json() == {"ok": True})
    except requests.ConnectionError:
        return False
