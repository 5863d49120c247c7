"""State file, log capacity and fault selection."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.emulator.faults import Fault, Faults
from local.emulator.options import SessionOptions
from local.emulator.projects import Platform, Project
from local.emulator.request_log import CAPACITY, RequestLog
from local.emulator.sessions import Connection
from local.emulator.state import EmulatorState

CREDENTIALS = {"opentok": {"apiKey": "1234", "apiSecret": "secret"}}
PROJECT = Project(Platform.OPENTOK, "1234")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[], EmulatorState]]:
    """Loads the state file each time it is called."""
    with ExitStack() as stack:

        def start() -> EmulatorState:
            state = EmulatorState(CREDENTIALS, state_file=tmp_path / "state.jsonl")
            stack.callback(state.journal.close)
            return state

        yield start


def test_sessions_and_archives_are_restored(
    tmp_path: Path, started: Callable[[], EmulatorState]
) -> None:
    state = started()
    created = [state.sessions.create(PROJECT, SessionOptions()) for _ in range(3)]
    state.presence.connect(created[0], Connection("c", "publisher", "", 0))
    kept, deleted = (_recorded(state, created[0].id) for _ in range(2))
    state.archives.delete(PROJECT, deleted)

    restored = started()
    assert [s.id for s in restored.sessions.newest(10)] == [s.id for s in created[::-1]]
    assert restored.sessions.get(created[0].id) is not None
    archives = restored.archives.listed(PROJECT, None)
    assert [(archive.id, archive.status) for archive in archives] == [(kept, "stopped")]
    lines = (tmp_path / "state.jsonl").read_text().splitlines()
    assert len(lines) == 1 + 4  # rewritten without the deleted archive


def _recorded(state: EmulatorState, session_id: str) -> str:
    """Starts and stops an archive and returns its id."""
    archive = state.archives.start(PROJECT, session_id, {})
    state.archives.stop(PROJECT, archive.id)
    return archive.id


def test_truncated_last_line_is_ignored(
    tmp_path: Path, started: Callable[[], EmulatorState]
) -> None:
    session = started().sessions.create(PROJECT, SessionOptions())
    with (tmp_path / "state.jsonl").open("a") as file:
        file.write('{"session":{"id":"1_')
    sessions = started().sessions
    assert [s.id for s in sessions.newest(10)] == [session.id]
    sessions.create(PROJECT, SessionOptions())
    assert len(started().sessions) == 2


@pytest.mark.parametrize("text", ["dear diary\n", '{"opentok":{"apiKey":"1"}}'])
def test_other_files_are_not_overwritten(
    tmp_path: Path, started: Callable[[], EmulatorState], text: str
) -> None:
    path = tmp_path / "state.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not a state file"):
        started()
    assert path.read_text() == text


def test_log_drops_its_oldest_entries() -> None:
    log = RequestLog()
    for number in range(CAPACITY + 5):
        log.add(number, "GET", "/", {}, {}, b"")
    assert (log.total, len(log.last(CAPACITY * 2))) == (CAPACITY + 5, CAPACITY)
    assert log.last(1)[0].time == CAPACITY + 4


def test_share_of_affected_calls() -> None:
    faults = Faults()
    faults.set(Fault(share=0.25))
    met = sum(faults.next("/") is not None for _ in range(4000))
    assert 900 < met < 1100


def test_count_counts_affected_calls() -> None:
    faults = Faults()
    faults.set(Fault.from_json({"share": 0.5, "count": 10}))
    assert sum(faults.next("/") is not None for _ in range(1000)) == 10


def test_fault_survives_a_round_trip() -> None:
    given = {
        "status": 503, "body": "html", "headers": {"Retry-After": "1"}, "delayMs": 5,
        "byteDelayMs": 1, "reset": True, "count": 2, "share": 0.5, "path": "/v2",
    }  # fmt: skip
    assert Fault.from_json(json.loads(json.dumps(given))).to_json() == given
