"""One stand-in for each module of tests; every test begins without a fault and an empty log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standin import StandIn, running


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running(tmp_path_factory.mktemp("standin")) as standin:
        yield standin


@pytest.fixture
def standin(process: StandIn) -> StandIn:
    process.reset()
    return process
