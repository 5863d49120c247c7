"""A layer is built once for the same sources."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.stack import bundle

STACKS = 6


def test_stacks_that_start_at_the_same_time_build_a_layer_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds: list[Path] = []
    ready = threading.Barrier(STACKS)

    def version() -> str:
        ready.wait(30)
        return "3.13"

    def build(folder: Path, directory: Path, version: str, log: Path) -> Path:
        builds.append(folder)
        archive = directory / "layer.zip"
        archive.write_bytes(b"the layer")
        return archive

    monkeypatch.setattr(bundle, "_python_version", version)
    monkeypatch.setattr(bundle, "_build_layer", build)
    folder = tmp_path / "opentok"
    folder.mkdir()
    with ThreadPoolExecutor(STACKS) as threads:
        zips = threads.map(lambda _: bundle.layer_zip(folder, tmp_path / "cache"), range(STACKS))
        assert set(zips) == {b"the layer"}
    assert builds == [folder]
