"""One emulator per test module; every test starts without a fault and with an empty log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator import Emulator, running


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture
def emulator(process: Emulator) -> Emulator:
    process.reset()
    return process
