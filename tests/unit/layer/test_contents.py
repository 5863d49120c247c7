"""What is in the layer, what is not, and how much it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import build_layer
from tests.aws import ENVIRONMENT
from tests.unit.layer.builds import LAYERS, PROJECT, Built, copy_layer, keep_package, run_build

MEGABYTE = 1_000_000
PACKAGES = {
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "ca",
    "certifi",
    "charset_normalizer",
    "dateutil",
    "idna",
    "jmespath",
    "jwt",
    "opentok_client",
    "requests",
    "s3transfer",
    "opentok_sessions",
    "six",
    "typing_extensions",
    "urllib3",
}


def test_the_layer_contains_only_what_the_functions_need(built: Built) -> None:
    # Each of cryptography, pydantic and the X-Ray SDK would cost every cold start 20 to 80 ms.
    found = {path.name.removesuffix(".py") for path in built.python.iterdir()}
    assert {name for name in found if not name.endswith(".dist-info")} - {"__pycache__"} == PACKAGES


def test_the_layer_runs_on_both_architectures(built: Built) -> None:
    assert not list(built.python.rglob("*.so"))


def test_the_layer_is_small(built: Built) -> None:
    assert built.archive.stat().st_size <= 6 * MEGABYTE


@pytest.mark.parametrize(
    "function", sorted(path.parent.name for path in PROJECT.glob("functions/*/app.py"))
)
def test_a_function_needs_nothing_beside_it(built: Built, function: str) -> None:
    folder = PROJECT / "functions" / function
    environment = {
        **ENVIRONMENT,
        "PYTHONPATH": os.pathsep.join([str(folder), str(built.python)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    alone = [sys.executable, "-S", "-c", "import app; assert callable(app.handler)"]
    done = subprocess.run(alone, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_module_has_bytecode_that_no_file_time_can_invalidate(built: Built) -> None:
    modules = list(built.python.rglob("*.py"))
    assert len(modules) > 300
    for module in modules:
        tag = sys.implementation.cache_tag
        bytecode = module.parent / "__pycache__" / f"{module.stem}.{tag}.pyc"
        header = bytecode.read_bytes()[:8]
        unchecked_hash = (0b01).to_bytes(4, "little")
        assert header == MAGIC_NUMBER + unchecked_hash, module


def test_the_source_folder_gets_none(built: Built) -> None:
    # There it would hide every later edit.
    assert not list(built.source.glob("[os]*/**/*.pyc"))


def test_without_the_wanted_interpreter_it_is_built_all_the_same(
    tmp_path: Path,
) -> None:
    source = copy_layer("opentok", tmp_path / "opentok")
    keep_package(source, "certifi")

    source_only = run_build(source, tmp_path / "built", "--python-version", "3.99")

    assert "no bytecode" in source_only.warnings and "3.99" in source_only.warnings
    assert not list(source_only.python.rglob("*.pyc"))
    assert (source_only.python / "opentok_sessions" / "__init__.py").exists()


def test_the_same_input_gives_the_same_zip(tmp_path: Path) -> None:
    source = copy_layer("opentok", tmp_path / "opentok")
    if os.environ.get("SOAK") != "1":
        keep_package(source, "certifi")
    once = run_build(source, tmp_path / "once")
    before = os.umask(0o077)
    try:
        again = run_build(source, tmp_path / "again")
    finally:
        os.umask(before)
    assert again.archive.read_bytes() == once.archive.read_bytes()


def test_the_lock_names_everything_that_its_parts_require(built: Built) -> None:
    locked = {part.name for part in build_layer.read_lock(LAYERS / "opentok" / "requirements.txt")}
    for metadata in built.python.glob("*.dist-info/METADATA"):
        lines = re.findall(r"(?m)^Requires-Dist: (.+)$", metadata.read_text(encoding="utf-8"))
        for requirement in map(Requirement, lines):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert normal(requirement.name) in locked, metadata


def test_both_layers_are_built_by_one_file() -> None:
    assert (LAYERS / "crypto" / "build_layer.py").samefile(LAYERS / "opentok" / "build_layer.py")


@pytest.mark.parametrize("layer", ["opentok", "crypto"])
def test_the_lock_pins_what_is_asked_for(layer: str) -> None:
    asked = (LAYERS / layer / "requirements.in").read_text()
    pins = set(re.findall(r"(?m)^([a-z0-9-]+==\S+)$", asked))
    locked = build_layer.read_lock(LAYERS / layer / "requirements.txt")
    assert pins and pins <= {f"{part.name}=={part.version}" for part in locked}


def test_the_parts_list_is_the_lock(built: Built) -> None:
    locked = build_layer.read_lock(LAYERS / "opentok" / "requirements.txt")
    document = json.loads(built.sbom.read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert [part["purl"] for part in document["components"]] == [
        f"pkg:pypi/{part.name}@{part.version}" for part in locked
    ]


@pytest.mark.parametrize("line", ["requests==2.34.2", "requests --hash=sha256:" + "0" * 64])
def test_a_lock_without_version_or_hash_is_refused(line: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(line)
    with pytest.raises(build_layer.BuildError, match="requests"):
        build_layer.read_lock(lock)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
