"""The layer, built once for the interpreter that runs the tests."""

from __future__ import annotations

import pytest

from tests.unit.layer.builds import Built, copy_layer, run_build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    source = copy_layer("opentok", tmp_path_factory.mktemp("source") / "opentok")
    return run_build(source, tmp_path_factory.mktemp("layer"))
