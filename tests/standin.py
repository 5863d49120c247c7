"""The vendor's stand-in as a process of its own, for the tests that talk to it.

`running` starts one on free ports, waits until it is ready and stops it; the fixture `standin` of
`tests/contract/standin/conftest.py` shares one between the tests of a module.
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

__all__ = ["CALL_SECONDS", "ROOT", "StandIn", "running"]

ROOT = Path(__file__).parent.parent
START_SECONDS = 60
"""How long a start may take on a busy machine; it usually takes less than one second."""
CALL_SECONDS = 60

Object = dict[str, object]
Credentials = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class StandIn:
    """A stand-in that is running."""

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
        """A call to one of the `/_emulator` paths."""
        return requests.request(
            method, f"{self.url}/_emulator/{path}", json=body, timeout=CALL_SECONDS
        )

    def connect(self, session_id: str, token: str, **others: object) -> requests.Response:
        """What a client meets that connects with this token."""
        body = {"sessionId": session_id, "token": token, **others}
        return self.control("POST", "connect", body)

    def fault(self, **members: object) -> None:
        """Let the next calls meet a fault."""
        answer = self.control("PUT", "faults", members)
        assert answer.status_code == 200, answer.text

    def requests(self) -> list[Object]:
        """What it was asked since the log was last emptied."""
        entries = self.control("GET", "requests").json()["requests"]
        assert isinstance(entries, list)
        return entries

    def understood(self, session_id: str) -> Object:
        """What it took a session's options to be."""
        session = self.control("GET", f"sessions/{session_id}").json()
        assert isinstance(session, dict)
        return session

    def reset(self) -> None:
        """No fault, and an empty log."""
        self.control("DELETE", "faults")
        self.control("DELETE", "requests")


@contextmanager
def running(
    directory: Path, *arguments: str, credentials: Credentials | None = None
) -> Iterator[StandIn]:
    """A stand-in, started with these arguments and with credentials of its own if none are given.

    `directory` takes its output and its credentials file.
    """
    command = [sys.executable, "-m", "local.opentok", "--port", "0", *arguments]
    if credentials is not None:
        given = directory / "credentials.json"
        given.write_text(json.dumps(credentials))
        command += ["--credentials", str(given)]
    output = directory / "standin.log"
    with output.open("wb") as stdout:
        process = subprocess.Popen(command, cwd=ROOT, stdout=stdout, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_SECONDS
        standin = _announced(process, output, deadline, credentials)
        while not _answers(standin):
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.02)
        yield standin
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def _announced(
    process: subprocess.Popen[bytes],
    output: Path,
    deadline: float,
    credentials: Credentials | None,
) -> StandIn:
    """What the line says that it prints once it listens."""
    while True:
        text = output.read_text()
        if text.endswith("\n") and text.startswith("{"):
            line = json.loads(text.splitlines()[0])
            return StandIn(
                url=line["opentokUrl"],
                vonage_url=line["vonageUrl"],
                credentials=credentials or line["credentials"],
                process=process,
            )
        assert process.poll() is None, text
        assert time.monotonic() < deadline, text
        time.sleep(0.02)


def _answers(standin: StandIn) -> bool:
    try:
        return bool(standin.control("GET", "health").json() == {"ok": True})
    except requests.ConnectionError:
        return False
