"""What is measured, laid out as on Lambda: runtime, layers, functions, one folder each.

Nothing is made again while what it is made from is unchanged.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import build_layer
from trust_store import CERTIFICATE, write_hashed

from .certificates import write_authority

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
FUNCTIONS = PROJECT / "functions"
LAYER = PROJECT / "layers" / "opentok"
CRYPTO = PROJECT / "layers" / "crypto"
PREFERRED_PYTHON = "3.13"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where everything lies.

    `runtime` has boto3 in full and awslambdaric, `vonage` the SDK for the unified platform;
    `source_only` is the layer without its bytecode.
    """

    python: Path
    python_version: str
    root: Path
    server: Path
    runtime: Path
    sdk: Path
    vonage: Path
    layer: Path
    source_only: Path
    crypto: Path
    layer_zip: Path
    functions: Path
    handlers: Path


def prepare(folder: Path, say: Callable[[str], None]) -> Prepared:
    """Make what is missing or out of date below `folder`. Raises `build_layer.BuildError`."""
    running = "{}.{}".format(*sys.version_info)
    python = build_layer.find_interpreter(PREFERRED_PYTHON)
    version = PREFERRED_PYTHON if python else running
    python = python or Path(sys.executable)
    make = _Maker(folder / version, python, version, say)

    authority = make("authority", [HERE / "certificates.py"], write_authority)
    root = authority / "root.pem"

    def peers(name: str, trust: str) -> Path:
        lock = HERE / "peers" / f"{name}.txt"

        def install(target: Path) -> None:
            build_layer.install_wheels(lock, target, version, None)
            if trust:
                _append(root, target / trust)
            build_layer.compile_bytecode(target, python)

        return make(name, [lock, root], install)

    def layer(target: Path) -> None:
        build_layer.build(LAYER, target, version)
        build_layer.write_zip(target, target / "layer.zip")
        # The servers here are no Amazon's, so each trust store gets their root besides.
        _append(root, target / "python" / "ca" / "aws.pem")
        write_hashed(CERTIFICATE.findall(root.read_text()), target / "python" / "ca" / "vendor")

    ours = make("layer", [root, *_sources(LAYER)], layer)
    bare = make("source-only", [root, *_sources(LAYER)], lambda out: _without_bytecode(ours, out))
    crypto = make("crypto", _sources(CRYPTO), lambda out: _crypto(out, version))
    # Source alone: a developer's own bytecode beside it would be read.
    functions = make("functions", _sources(FUNCTIONS), lambda out: _copy_sources(FUNCTIONS, out))
    handlers = HERE / "handlers"
    theirs = make("handlers", _sources(handlers), lambda out: _copy_sources(handlers, out))
    return Prepared(
        python=python,
        python_version=version,
        root=root,
        server=authority / "server.pem",
        runtime=peers("runtime", "botocore/cacert.pem"),
        sdk=peers("sdk", "certifi/cacert.pem"),
        vonage=peers("vonage", ""),
        layer=ours / "python",
        source_only=bare,
        crypto=crypto / "python",
        layer_zip=ours / "layer.zip",
        functions=functions,
        handlers=theirs,
    )


class _Maker:
    """Makes a folder when its inputs have changed; what it was made from is noted beside it."""

    def __init__(self, root: Path, python: Path, version: str, say: Callable[[str], None]) -> None:
        self._root = root
        self._say = say
        self._python = f"{python} {version}"

    def __call__(self, name: str, inputs: Iterable[Path], write: Callable[[Path], None]) -> Path:
        digest = hashlib.sha256(self._python.encode())
        for path in inputs:
            digest.update(str(path).encode() + path.read_bytes())
        folder, note = self._root / name, self._root / f"{name}.sha256"
        if not (note.exists() and note.read_text() == digest.hexdigest()):
            self._say(f"preparing {name}")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write(folder)
            note.write_text(digest.hexdigest())
        return folder


def _sources(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts)


def _without_bytecode(layer: Path, target: Path) -> None:
    """The layer as a build leaves it that does not compile, as `sam build` by itself does not."""
    _copy_sources(layer / "python", target)


def _copy_sources(folder: Path, target: Path) -> None:
    shutil.copytree(
        folder, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )


def _crypto(output: Path, version: str) -> None:
    build_layer.build(CRYPTO, output, version)


def _append(pem: Path, bundle: Path) -> None:
    with bundle.open("a") as file:
        file.write(pem.read_text())
