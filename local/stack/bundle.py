"""Packages the working tree for CloudFormation: zip files, and a template that refers to them.

This is what `sam package` does. Without SAM the local stack starts in seconds.
"""

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from local.stack.cloud import PYTHON, ROOT
from local.stack.errors import StackError
from local.stack.run import locked

__all__ = ["bundle", "function_names", "layer_zip", "read_template"]

#: The property that names the folder to upload, by resource type.
_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
_ZIP_TIME = (2000, 1, 1, 0, 0, 0)


class _TemplateLoader(yaml.SafeLoader):
    """YAML with the short forms of CloudFormation's functions (`!Ref`, `!GetAtt`, `!If` …)."""


def _function(loader: _TemplateLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TypeError(node)
    if suffix in {"Ref", "Condition"}:
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _function)


def read_template(path: Path) -> dict[str, Any]:
    """Reads a template as plain data, with every function in its long form."""
    template: dict[str, Any] = yaml.load(path.read_text(), _TemplateLoader)  # noqa: S506
    return template


def bundle(
    template: dict[str, Any], bucket: str, cache: Path, *, unused: Collection[str] = ()
) -> dict[str, bytes]:
    """Zips every function, builds every layer, and puts their S3 locations into the template.

    Returns the files to upload by key. Nothing is built for the resources in `unused`, which the
    deployment does not create. Raises `StackError` when a layer cannot be built.
    """
    files = {}
    for name, resource in template["Resources"].items():
        field = _CODE.get(resource["Type"])
        if field is None:
            continue
        folder = ROOT / resource["Properties"][field]
        key = f"{name}.zip"
        resource["Properties"][field] = f"s3://{bucket}/{key}"
        if name not in unused:
            files[key] = layer_zip(folder, cache) if field == "ContentUri" else _zip(folder)
    return files


def function_names(template: dict[str, Any]) -> dict[str, str]:
    """Returns the logical id of each function by its name, which is the name of its folder."""
    return {
        Path(resource["Properties"]["CodeUri"]).name: logical
        for logical, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def layer_zip(folder: Path, cache: Path) -> bytes:
    """Returns the layer of that folder, built for the interpreter that MiniStack runs on.

    It is rebuilt only when a file of the folder or the interpreter has changed.
    Raises `StackError` when the build fails.
    """
    version = _python_version()
    content = hashlib.sha256(version.encode())
    for path in _sources(folder):
        content.update(f"{path.relative_to(folder)}\0".encode())
        content.update(path.read_bytes())
    archive = cache / f"layer-{folder.name}-{content.hexdigest()[:16]}.zip"
    with locked(cache):  # stacks that start at the same time build it once
        if not archive.exists():
            log = archive.with_suffix(".log")
            with tempfile.TemporaryDirectory(dir=cache) as directory:
                _build_layer(folder, Path(directory), version, log).rename(archive)
            for old in cache.glob(f"layer-{folder.name}-*"):
                if old.stem != archive.stem:
                    old.unlink(missing_ok=True)
        return archive.read_bytes()


def _build_layer(folder: Path, directory: Path, version: str, log: Path) -> Path:
    """Runs the build that `sam build` runs as well; returns the path of the zip."""
    archive = directory / "layer.zip"
    script, output = folder / "build_layer.py", directory / "layer"
    command = [sys.executable, str(script), "--output", str(output), "--zip", str(archive)]
    with log.open("wb") as lines:
        done = subprocess.run(
            [*command, "--python-version", version],
            cwd=folder,
            stdout=lines,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise StackError(
            f"the layer {folder.name}",
            f"the build ended with exit status {done.returncode}",
            log=log,
            advice="the first build needs the package index: check the network, then try again",
        )
    return archive


def _sources(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if "__pycache__" not in path.parts)


def _zip(folder: Path) -> bytes:
    """Returns the folder as a zip that is identical for identical files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _sources(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _ZIP_TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _python_version() -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    printed = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=True)
    return printed.stdout.strip()
