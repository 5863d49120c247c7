"""`make test` runs every test, and fails if one of them fails."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import suite
from tests.integration.polling import until
from tests.suite import BESIDE, EVERYWHERE, INTEGRATION, MAIN_PATH, Run

ROOT = Path(suite.__file__).parents[1]
PASSES = "def test_that_passes(): pass"
FAILS = "def test_that_fails(): assert 1 + 1 == 3"


def small_run(directory: Path, name: str, content: str, **environment: str) -> Run:
    """Returns a run of one module with these tests; it loads only the plugin that is configured."""
    path = directory / f"test_{name}.py"
    path.write_text(content)
    quick = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment}
    return Run(name, ["-p", "pytest_timeout", str(path)], quick)


@pytest.mark.parametrize("name", [*BESIDE, EVERYWHERE, *MAIN_PATH])
def test_every_named_part_exists(name: str) -> None:
    assert (ROOT / INTEGRATION / name).exists()


@pytest.mark.parametrize("platform", ["opentok", "vonage"])
def test_every_test_is_in_a_group(platform: str) -> None:
    _, (first, on_other), (second,) = suite.groups(platform)
    ignored = {argument.removeprefix("--ignore=") for argument in first.arguments[1:]}
    assert first.arguments[0] == INTEGRATION
    assert ignored == set(second.arguments) - {f"{INTEGRATION}/{EVERYWHERE}"}
    assert on_other.environment["PLATFORM"] == ("vonage" if platform == "opentok" else "opentok")
    runs = (first, on_other, second)
    assert all(run.environment["OPENTOK_SESSIONS_STACK"] == "" for run in runs)


def test_a_failure_in_any_group_fails_the_suite_and_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = small_run(tmp_path, "good", PASSES)
    bad = small_run(tmp_path, "bad", FAILS)

    assert suite.execute([[good], [bad, good]]) == 1

    printed = capsys.readouterr().out
    assert "[bad] FAILED (exit code 1)" in printed
    assert printed.count("[good] passed") == 2, "a failure does not end its group"
    assert "assert (1 + 1) == 3" in printed
    assert printed.splitlines()[-1].startswith("Failed after")


def test_a_suite_without_a_failure_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uses = "import os\ndef test_variable(): assert os.environ['PLATFORM'] == 'other'"
    run = small_run(tmp_path, "good", uses, PLATFORM="other")
    assert suite.execute([[run]]) == 0
    assert "All tests have passed" in capsys.readouterr().out


def test_an_interrupted_suite_ends_its_tests_in_order(tmp_path: Path) -> None:
    waits = f"""
import pathlib, pytest, threading

@pytest.fixture
def stack():
    yield
    pathlib.Path({str(tmp_path / "stopped")!r}).touch()

def test_that_waits(stack):
    pathlib.Path({str(tmp_path / "begun")!r}).touch()
    threading.Event().wait(60)
"""
    name, arguments, environment = small_run(tmp_path, "waits", waits)
    script = f"""
import signal, sys
from tests import suite
suite.handle_signals()
more = {arguments!r}, {environment!r}
sys.exit(suite.execute([[suite.Run({name!r}, *more), suite.Run("next", *more)]]))
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as running:
        try:
            until("the test has begun", (tmp_path / "begun").exists)
            running.send_signal(signal.SIGTERM)
            output, _ = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 1
    assert (tmp_path / "stopped").exists()
    assert b"Failed after" in output and b"waits, next" in output
