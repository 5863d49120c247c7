"""The workers of a function share one copy of its files."""

import types
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.stack.launcher.archives import unpack_once


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """MiniStack's module, with copies in a directory of their own."""
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    module = types.SimpleNamespace(zipfile=zipfile)
    unpack_once(module)
    return module


def archive(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as new:
        for name, content in files.items():
            new.writestr(f"python/{name}.py", content)
    return path


def unpack(runtime: Any, file: Path, target: Path) -> Path:
    """Unpacks as a worker of MiniStack does."""
    target.mkdir(parents=True)
    with runtime.zipfile.ZipFile(file) as opened:
        opened.extractall(target)
    return target


def test_workers_share_the_files_of_an_archive(runtime: Any, tmp_path: Path) -> None:
    file = archive(tmp_path / "layer.zip", module="A = 1")
    targets = [tmp_path / f"worker-{number}" / "layer" for number in range(8)]

    with ThreadPoolExecutor(8) as threads:
        unpacked = list(threads.map(lambda target: unpack(runtime, file, target), targets))

    assert [(path / "python" / "module.py").read_text() for path in unpacked] == ["A = 1"] * 8
    assert len({path.resolve() for path in unpacked}) == 1
    assert [path.name for path in (tmp_path / "copies").iterdir()] == [unpacked[0].resolve().name]


def test_another_version_has_files_of_its_own(runtime: Any, tmp_path: Path) -> None:
    old = unpack(runtime, archive(tmp_path / "code.zip", module="A = 1"), tmp_path / "old")
    new = unpack(runtime, archive(tmp_path / "code.zip", module="A = 2"), tmp_path / "new")

    assert (old / "python" / "module.py").read_text() == "A = 1"
    assert (new / "python" / "module.py").read_text() == "A = 2"


def test_no_file_is_written_outside_of_the_copy(runtime: Any, tmp_path: Path) -> None:
    file = tmp_path / "evil.zip"
    with zipfile.ZipFile(file, "w") as new:
        new.writestr("../../outside.py", "")
    unpacked = unpack(runtime, file, tmp_path / "worker")

    assert [path.name for path in unpacked.iterdir()] == ["outside.py"]
    assert not list(tmp_path.glob("outside.py"))


def test_an_invalid_archive_is_the_error_that_ministack_handles(
    runtime: Any, tmp_path: Path
) -> None:
    file = tmp_path / "layer.zip"
    file.write_text("not an archive")
    with pytest.raises(runtime.zipfile.BadZipFile):
        unpack(runtime, file, tmp_path / "worker")
