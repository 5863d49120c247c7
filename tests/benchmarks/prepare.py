"""Lays out what is measured as on Lambda: runtimes, layers, functions, one folder each.

A folder is built again only when its inputs have changed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import build_layer
from trust_store import CERTIFICATE, write_hashed

from .certificates import write_authority

__all__ = ["PROJECT", "Prepared", "prepare"]

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
FUNCTIONS = PROJECT / "functions"
LAYER = PROJECT / "layers" / "opentok"
CRYPTO = PROJECT / "layers" / "crypto"
HANDLERS = HERE / "handlers"
NODE_PEERS = HERE / "peers" / "node"
NODE_HANDLERS = ("node_floor", "node_sdk")
PREFERRED_PYTHON = "3.13"
INSTALL_SECONDS = 600

#: `module` first lets esbuild drop unused code, as AWS recommends for the SDK v3.
ESBUILD = (
    *("--bundle", "--platform=node", "--target=node20", "--format=cjs", "--minify"),
    "--main-fields=module,main",
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The prepared folders.

    `runtime` holds the full boto3 and awslambdaric, `vonage` the SDK for the unified platform, and
    `source_only` the layer without bytecode. `node_bundled` holds the handlers of `handlers` that
    are written in JavaScript, each bundled into one file.
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
    node: Path
    node_version: str
    node_runtime: Path
    node_modules: Path
    node_bundled: Path


def prepare(folder: Path, progress: Callable[[str], None], chosen: Path | None = None) -> Prepared:
    """Builds what is missing or out of date below `folder`, for the `chosen` interpreter if any.

    Raises `build_layer.BuildError` when a layer cannot be built or Node.js is missing.
    """
    python = chosen or build_layer.find_interpreter(PREFERRED_PYTHON) or Path(sys.executable)
    version = _run(str(python), "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    version = version.strip()
    node, node_version = _find_node()
    build = _Builder(folder / version, f"{python} {version} {node_version}", progress)

    authority = build("authority", [HERE / "certificates.py"], write_authority)
    root = authority / "root.pem"

    def python_peers(name: str, trust: str) -> Path:
        lock = HERE / "peers" / f"{name}.txt"

        def install(target: Path) -> None:
            build_layer.install_wheels(lock, target, version, None)
            if trust:
                _append(root, target / trust)
            build_layer.compile_bytecode(target, python)

        return build(name, [lock, root], install)

    def layer(target: Path) -> None:
        build_layer.build(LAYER, target, version)
        build_layer.write_zip(target, target / "layer.zip")
        # The benchmark's server is not signed by Amazon's roots, so both trust stores get its root.
        _append(root, target / "python" / "ca" / "aws.pem")
        write_hashed(CERTIFICATE.findall(root.read_text()), target / "python" / "ca" / "vendor")

    def crypto_layer(target: Path) -> None:
        build_layer.build(CRYPTO, target, version)

    ours = build("layer", [root, *_sources(LAYER)], layer)
    bare = build("source-only", [root, *_sources(LAYER)], lambda out: _without_bytecode(ours, out))
    crypto = build("crypto", _sources(CRYPTO), crypto_layer)
    # Only the sources: a developer's bytecode beside them would be loaded.
    functions = build("functions", _sources(FUNCTIONS), lambda out: _copy_sources(FUNCTIONS, out))
    handlers = build("handlers", _sources(HANDLERS), lambda out: _copy_sources(HANDLERS, out))
    lock = [NODE_PEERS / name for name in ("package.json", "package-lock.json", ".npmrc")]
    modules = build("node", lock, lambda out: _install_node_modules(lock, out)) / "node_modules"
    bundled = build(
        "node-bundled",
        [*lock, Path(__file__), *_sources(HANDLERS)],
        lambda out: _bundle(handlers, modules, out),
    )
    return Prepared(
        python=python,
        python_version=f"{version} ({chosen or _configuration(python)})",
        root=root,
        server=authority / "server.pem",
        runtime=python_peers("runtime", "botocore/cacert.pem"),
        sdk=python_peers("sdk", "certifi/cacert.pem"),
        vonage=python_peers("vonage", ""),
        layer=ours / "python",
        source_only=bare,
        crypto=crypto / "python",
        layer_zip=ours / "layer.zip",
        functions=functions,
        handlers=handlers,
        node=node,
        node_version=node_version,
        node_runtime=NODE_PEERS / "runtime.js",
        node_modules=modules,
        node_bundled=bundled,
    )


class _Builder:
    """Builds a folder when its inputs have changed, and records their digest beside it."""

    def __init__(self, root: Path, versions: str, progress: Callable[[str], None]) -> None:
        self._root = root
        self._progress = progress
        self._versions = versions

    def __call__(self, name: str, inputs: Iterable[Path], write: Callable[[Path], None]) -> Path:
        digest = hashlib.sha256(self._versions.encode())
        for path in inputs:
            digest.update(str(path).encode() + path.read_bytes())
        folder, record = self._root / name, self._root / f"{name}.sha256"
        if not (record.exists() and record.read_text() == digest.hexdigest()):
            self._progress(f"preparing {name}")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write(folder)
            record.write_text(digest.hexdigest())
        return folder


def _sources(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts)


def _without_bytecode(layer: Path, target: Path) -> None:
    """Copies the layer as a build without a compile step leaves it, such as plain `sam build`."""
    _copy_sources(layer / "python", target)


def _copy_sources(folder: Path, target: Path) -> None:
    shutil.copytree(
        folder, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )


def _append(pem: Path, bundle: Path) -> None:
    with bundle.open("a") as file:
        file.write(pem.read_text())


def _configuration(python: Path) -> str:
    """Returns whether the interpreter was configured for speed, as Lambda's is."""
    code = "import sysconfig; print(sysconfig.get_config_var('CONFIG_ARGS'))"
    optimised = "--enable-optimizations" in _run(str(python), "-S", "-c", code)
    return f"configured {'with' if optimised else 'without'} `--enable-optimizations`"


def _find_node() -> tuple[Path, str]:
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        raise build_layer.BuildError("the benchmarks need Node.js 20 or later with npm on the PATH")
    return Path(node), _run(node, "--version").strip()


def _install_node_modules(lock: Iterable[Path], target: Path) -> None:
    for path in lock:
        shutil.copy(path, target)
    _run("npm", "ci", "--ignore-scripts", "--prefix", str(target))


def _bundle(handlers: Path, modules: Path, target: Path) -> None:
    for name in NODE_HANDLERS:
        # esbuild resolves packages beside the handler, not along NODE_PATH.
        folder = target / "build" / name
        shutil.copytree(handlers / name, folder)
        (folder / "node_modules").symlink_to(modules)
        # `require("node-fetch")` fails when esbuild takes that package's ES module.
        fetch = f"--alias:node-fetch={modules / 'node-fetch' / 'lib' / 'index.js'}"
        output = f"--outfile={target / name / 'app.js'}"
        _run(str(modules / ".bin" / "esbuild"), str(folder / "app.js"), *ESBUILD, fetch, output)


def _run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
    )
    if done.returncode:
        raise build_layer.BuildError(f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}")
    return done.stdout
