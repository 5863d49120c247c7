"""Builds of a layer, in a copy of its folder alone, as `sam build` makes them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[3]
LAYERS = PROJECT / "layers"
WARNINGS = "warnings.txt"


@dataclass(frozen=True, slots=True)
class Built:
    """What one run wrote: the unpacked layer, the zip, the parts list, and its warnings."""

    source: Path
    python: Path
    archive: Path
    sbom: Path
    warnings: str


def copy_layer(name: str, target: Path) -> Path:
    """The layer's folder, without what a developer's Python left in it."""
    return Path(
        shutil.copytree(LAYERS / name, target, ignore=shutil.ignore_patterns("__pycache__"))
    )


def keep_package(source: Path, name: str) -> None:
    """Removes all other packages from a copied layer's lock, for a build that takes a second."""
    lock = source / "requirements.txt"
    entries = re.findall(r"(?ms)^[a-z].*?(?=^[a-z#]|\Z)", lock.read_text())
    [kept] = [entry for entry in entries if entry.startswith(f"{name}==")]
    lock.write_text(kept)


def run_build(source: Path, output: Path, *arguments: str) -> Built:
    """Run the build that lies in `source`; it must succeed."""
    archive, sbom = output / "layer.zip", output / "sbom.json"
    command = [sys.executable, str(source / "build_layer.py"), "--output", str(output)]
    command += ["--zip", str(archive), "--sbom", str(sbom), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (output / WARNINGS).write_text(done.stderr)
    return Built(source, output / "python", archive, sbom, done.stderr)


def existing_build(source: Path, output: Path) -> Built | None:
    """Returns a build that another process has finished; None if there is none."""
    warnings = output / WARNINGS
    if not warnings.exists():
        return None
    archive, sbom = output / "layer.zip", output / "sbom.json"
    return Built(source, output / "python", archive, sbom, warnings.read_text())
