"""Starting, crashing and stopping the local stack.

These tests start their own stacks in their own directories, with the commands of the Makefile.
Those that need a running stack share one, which each of them leaves running.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import programs
from tests.integration.counts import SOAK

ROOT = Path(__file__).parents[2]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    command(tmp_path, "down")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state directory of the shared stack."""
    directory = tmp_path_factory.mktemp("stack")
    yield directory
    command(directory, "down")


@pytest.fixture
def running(shared: Path) -> Path:
    """The state directory of a running stack."""
    up = command(shared, "--no-schedule", "up")
    assert up.returncode == 0, up.stderr
    return shared


def command(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.stack", "--state", str(state), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def started(state: Path) -> tuple[str, list[int]]:
    """Returns the mark of a stack, and the ids of its programs."""
    run = json.loads((state / "run.json").read_text())
    return run["mark"], [program["pid"] for program in run["programs"]]


def test_up_returns_when_ready_and_has_no_effect_when_repeated(shared: Path) -> None:
    state = shared
    command(state, "down")
    assert command(state, "status").returncode == 3
    first = command(state, "--no-schedule", "up")
    assert first.returncode == 0, first.stderr
    before = started(state)

    again = command(state, "--no-schedule", "up")

    assert again.returncode == 0, again.stderr
    assert "already running" in again.stdout
    assert started(state) == before
    assert command(state, "status").returncode == 0
    platform = json.loads((state / "stack.json").read_text())["platform"]
    other_platform = "opentok" if platform == "vonage" else "vonage"
    for option in (("--platform", other_platform), ("--parameter", "LogLevel=DEBUG")):
        other = command(state, *option, "up")
        assert other.returncode == 1
        assert "make down" in other.stderr


PROGRAMS = ("ministack", "vendor", "console")


@pytest.mark.parametrize("victim", range(3 if SOAK else 1), ids=lambda number: PROGRAMS[number])
def test_a_stack_with_a_killed_program_can_be_stopped_and_started(
    running: Path, victim: int
) -> None:
    state = running
    stack = json.loads((state / "stack.json").read_text())
    # A function's worker is a process as well and must be stopped.
    call(stack)
    mark, pids = started(state)
    assert len(programs.marked(mark)) > len(pids)
    os.kill(pids[victim], signal.SIGKILL)

    down = command(state, "down")

    assert down.returncode == 0, down.stderr
    assert programs.marked(mark) == set()
    assert command(state, "down").returncode == 0, "down must have no effect when repeated"
    up = command(state, "--no-schedule", "up")
    assert up.returncode == 0, up.stderr
    call(json.loads((state / "stack.json").read_text()))


def test_a_killed_worker_is_replaced(running: Path) -> None:
    stack = json.loads((running / "stack.json").read_text())
    call(stack)
    mark, pids = started(running)
    for worker in programs.marked(mark) - set(pids):
        os.kill(worker, signal.SIGKILL)

    deadline = time.monotonic() + 60
    while True:
        try:
            return call(stack)
        except OSError:  # the call of the killed worker
            assert time.monotonic() < deadline


def test_a_part_that_does_not_start_is_named_and_every_program_is_stopped(state: Path) -> None:
    failed = command(state, "--no-schedule", "--parameter", "LogLevel=NONSENSE", "up")

    assert failed.returncode == 1
    assert failed.stderr.startswith("the deployment failed:")
    assert "LogLevel" in failed.stderr
    assert not (state / "run.json").exists()
    assert not (state / "stack.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--parameter", "LogLevl=DEBUG", "up"], "LogLevl"),
        (["--parameter", "LogLevel", "up"], "NAME=VALUE"),
        (["--parameter", "Platform=vonage", "up"], "use PLATFORM=vonage instead"),
        (["--parameter", "JwtIssuer=https://issuer.example", "up"], "JwtIssuer cannot be set"),
        (["invoke", "create_session", "events/none.json"], "events/none.json: No such file"),
        (["invoke", "create_session", "README.md"], "README.md is not JSON"),
    ],
)
def test_an_invalid_argument_is_named(state: Path, arguments: list[str], words: str) -> None:
    if arguments[0] == "invoke":
        state.joinpath("stack.json").write_text('{"functions": {"create_session": "-"}}')
    failed = command(state, *arguments)
    assert failed.returncode in (1, 2)
    assert words in failed.stderr
    assert "Traceback" not in failed.stderr


def call(stack: dict[str, object]) -> None:
    """Lists alice's sessions. Raises `OSError` for any status except 200."""
    users = stack["users"]
    assert isinstance(users, dict)
    headers = {"Authorization": f"Bearer {users['alice']['token']}"}
    request = urllib.request.Request(f"{stack['apiUrl']}/sessions", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
