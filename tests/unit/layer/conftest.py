"""The layer, built once for the interpreter that runs the tests."""

from __future__ import annotations

import os

import pytest

from local.stack.run import locked
from tests.unit.layer.builds import Built, copy_layer, existing_build, run_build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # that of all processes of this run
    directory = root / "layer-opentok"
    source, output = directory / "opentok", directory / "built"
    with locked(directory):
        if (found := existing_build(source, output)) is not None:
            return found
        return run_build(copy_layer("opentok", source), output)
