"""Builds a Lambda layer from the folder that contains this file.

    python3 layers/opentok/build_layer.py --output DIR [--python-version 3.13]
    python3 layers/crypto/build_layer.py  --output DIR --architecture arm64

`layers/crypto/build_layer.py` is a link to this file: `sam build` runs a layer's makefile in a
scratch copy of that layer's folder alone, so what it needs has to lie in there. Only the standard
library is used, and pip or uv.

The steps, in order:

1. the wheels of `requirements.txt` go to `DIR/python`, checked against their hashes;
2. the packages beside this file are copied next to them;
3. what no function can reach is taken out, botocore's data for 400 other services above all;
4. the trust stores are written (`trust_store.py`, where the layer has certifi);
5. the bytecode for the deployed Python version is written, last, and for the layer only: `/opt` is
   read-only on Lambda, so without it every cold start compiles the whole layer again;
6. modes and times are made equal, so that the same input gives the same zip, byte for byte.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: The layer's own folder. Not resolved: the link in `layers/crypto` means its own.
FOLDER = Path(__file__).absolute().parent

#: The AWS services that are called, with `sts` for credentials from a role.
SERVICES = ("dynamodb", "events", "secretsmanager", "sts")

#: One time for every file. Zip times start in 1980, in any time zone.
EPOCH = 946_728_000  # 2000-01-01T12:00:00Z
ZIP_TIME = (2000, 1, 1, 12, 0, 0)

#: glibc of the Lambda runtimes on Amazon Linux 2023 is 2.34; older wheels run there too.
GLIBC = ("2_34", "2_28", "2_17")
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}

#: Kept of a `.dist-info`: what licences ask for, and what scanners such as Amazon Inspector read.
KEPT_OF_DIST_INFO = ("METADATA", "licenses", "LICENSE", "LICENSE.txt", "NOTICE", "NOTICE.txt")


class BuildError(Exception):
    """The layer could not be built; the text has the next step."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One entry of the lock: a distribution, and the SHA-256 of each allowed wheel."""

    name: str
    version: str
    hashes: tuple[str, ...]


def read_lock(path: Path) -> list[Locked]:
    """Parses a `requirements.txt`. Raises `BuildError` for an entry without version or hash."""
    text = re.sub(r"(?m)#.*$", "", path.read_text()).replace("\\\n", " ")
    locked = []
    for line in filter(None, map(str.strip, text.splitlines())):
        pin = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line)
        hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
        if pin is None or not hashes:
            raise BuildError(f"{path.name}: neither version nor hash in: {line}")
        locked.append(Locked(pin[1], pin[2], hashes))
    return locked


def install_wheels(lock: Path, target: Path, version: str, architecture: str | None) -> None:
    """Installs exactly the locked wheels, with pip or uv, never a source distribution.

    `version` and `architecture` are those of the machine that will run them; None is this machine.
    """
    wheels = ["--require-hashes", "--only-binary=:all:", "--no-deps", "--quiet", "--quiet"]
    place = ["--target", str(target), "--python-version", version, "--requirement", str(lock)]
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", "--no-compile", "--no-input"]
        command += ["--disable-pip-version-check", "--no-warn-script-location"]
        if architecture:
            machine = MACHINES[architecture]
            command += [f"--platform=manylinux_{glibc}_{machine}" for glibc in GLIBC]
            command += [f"--platform=manylinux2014_{machine}"]
    elif uv := shutil.which("uv"):
        # Copies, because the cache's own files would get our modes and times through a hard link.
        command = [uv, "pip", "install", "--no-compile-bytecode", "--link-mode=copy"]
        if architecture:
            command += ["--python-platform", f"{MACHINES[architecture]}-manylinux_{GLIBC[0]}"]
    else:
        raise BuildError(f"there is neither pip for {sys.executable} nor uv: install one of them")
    if subprocess.run([*command, *wheels, *place], check=False).returncode:
        raise BuildError(f"the wheels of {lock.name} could not be installed (see above)")


def copy_packages(folder: Path, target: Path) -> None:
    """Copies the packages in the layer's folder, without a developer's own bytecode."""
    for marker in sorted(folder.glob("*/__init__.py")):
        package = marker.parent
        shutil.copytree(
            package, target / package.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def prune(target: Path) -> None:
    """Removes what no function imports."""
    # botocore reads its own bundle of roots only where certifi is missing.
    for unused in ("bin", ".lock", "boto3/examples", "botocore/cacert.pem"):
        remove(target / unused)
    for pattern in ("**/__pycache__", "**/*.pyi", "**/tests"):
        for path in sorted(target.glob(pattern)):
            remove(path)
    for info in target.glob("*.dist-info"):
        for path in info.iterdir():
            if path.name not in KEPT_OF_DIST_INFO:
                remove(path)
    prune_services(target / "boto3" / "data")
    prune_services(target / "botocore" / "data")


def prune_services(data: Path) -> None:
    """Keeps the newest API version of the used services, in the format that loads fastest.

    The files stay where they are, and `endpoints.json` keeps its form: pointing botocore to a
    smaller directory by its search path would make it take every endpoint for a custom one.
    """
    if not data.is_dir():
        return
    for service in filter(Path.is_dir, sorted(data.iterdir())):
        if service.name not in SERVICES:
            remove(service)
            continue
        for old in sorted(service.iterdir())[:-1]:
            remove(old)
        for examples in service.glob("*/examples-1.json"):
            remove(examples)
        for packed in service.glob("*/*.json.gz"):
            model = without_documentation(json.loads(gzip.decompress(packed.read_bytes())))
            write_json(packed.with_suffix(""), model)
            remove(packed)
    endpoints = data / "endpoints.json"
    if endpoints.exists():
        document = json.loads(endpoints.read_text())
        for partition in document["partitions"]:
            partition["services"] = {
                name: value for name, value in partition["services"].items() if name in SERVICES
            }
        write_json(endpoints, document)


def without_documentation(model: object) -> object:
    """Returns a service's model without its documentation, which is four fifths of it."""
    if isinstance(model, dict):
        return {
            name: without_documentation(value)
            for name, value in model.items()
            if not (name == "documentation" and isinstance(value, str))
        }
    return [without_documentation(value) for value in model] if isinstance(model, list) else model


def write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, separators=(",", ":")))


def interpreters(version: str) -> Iterator[Path]:
    """Yields possible places of `pythonX.Y`: this one, the PATH, the folders of pyenv and uv."""
    yield Path(sys.executable)
    for folder in os.get_exec_path():
        yield Path(folder) / f"python{version}"
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    uv = home / ".local" / "share" / "uv" / "python"
    for root, pattern in ((pyenv, f"{version}.*"), (uv, f"cpython-{version}.*")):
        for found in sorted(root.glob(pattern)):
            yield found / "bin" / f"python{version}"


def find_interpreter(version: str) -> Path | None:
    """Returns a Python of exactly this version, or None. Runs each: a pyenv shim can fail."""
    for path in interpreters(version):
        if not path.exists():
            continue
        ask = [str(path), "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        answer = subprocess.run(ask, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip() == version:
            return path
    return None


def compile_bytecode(target: Path, interpreter: Path) -> None:
    """Writes a `.pyc` for every module, with paths below `/opt/python`.

    The files are unchecked: modules of a layer do not change, and the times that are usually
    compared do not survive every way of unpacking a zip. Never do this in a source folder, where
    later edits would be ignored.
    """
    compileall = ["-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    places = ["-s", str(target), "-p", "/opt/python", str(target)]
    # One process and one hash seed: the order of a frozenset's constants is part of the bytecode.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [str(interpreter), "-S", "-W", "ignore", *compileall, *places], env=environment, check=False
    )
    if done.returncode:
        raise BuildError("a module of the layer could not be compiled (see above)")


def make_equal(root: Path) -> None:
    """Sets the same time for every file, and a mode that Lambda's own user can read."""
    for path in sorted(root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def write_zip(root: Path, archive: Path) -> None:
    """Zips `root/python`, sorted and with one time, so that the same tree gives the same bytes."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for path in sorted((root / "python").rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), ZIP_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix, so that the mode below counts
                entry.external_attr = 0o100644 << 16
                out.writestr(entry, path.read_bytes())


def write_sbom(lock: list[Locked], layer: str, path: Path) -> None:
    """Writes the layer's parts as CycloneDX 1.6; the hashes are those of the locked wheels."""
    components = [
        {
            "type": "library",
            "name": part.name,
            "version": part.version,
            "purl": f"pkg:pypi/{part.name.lower().replace('_', '-')}@{part.version}",
            "hashes": [{"alg": "SHA-256", "content": digest} for digest in part.hashes],
        }
        for part in lock
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "library", "name": f"{layer}-layer"}},
        "components": components,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def build(
    folder: Path, output: Path, python_version: str, architecture: str | None = None
) -> Path | None:
    """Writes `output/python`; returns the interpreter that compiled it, or None without one.

    `architecture` (`arm64`, `x86_64`) asks for Linux wheels for it; None is this machine.
    Raises `BuildError`.
    """
    target = output / "python"
    remove(target)
    target.mkdir(parents=True)
    install_wheels(folder / "requirements.txt", target, python_version, architecture)
    copy_packages(folder, target)
    prune(target)
    if (target / "certifi").is_dir():
        from trust_store import write_trust_stores  # the other layer lacks both

        write_trust_stores(target / "certifi" / "cacert.pem", target / "ca")
    interpreter = find_interpreter(python_version)
    if interpreter:
        compile_bytecode(target, interpreter)
    make_equal(output)
    return interpreter


def main() -> int:
    running = "{}.{}".format(*sys.version_info)
    parser = argparse.ArgumentParser(description=f"Build the Lambda layer of {FOLDER.name}/.")
    parser.add_argument("--output", type=Path, required=True, help="gets the folder python/")
    parser.add_argument(
        "--python-version",
        default=running,
        help="the version that will run the layer (default: %(default)s)",
    )
    parser.add_argument(
        "--architecture",
        choices=sorted(MACHINES),
        help="of the function (default: this machine)",
    )
    parser.add_argument("--zip", type=Path, metavar="FILE", help="also write the layer as a zip")
    parser.add_argument("--sbom", type=Path, metavar="FILE", help="also write its parts list")
    wanted = parser.parse_args()
    try:
        interpreter = build(FOLDER, wanted.output, wanted.python_version, wanted.architecture)
        if wanted.zip:
            write_zip(wanted.output, wanted.zip)
        if wanted.sbom:
            write_sbom(read_lock(FOLDER / "requirements.txt"), FOLDER.name, wanted.sbom)
    except BuildError as error:
        print(f"build_layer: {error}", file=sys.stderr)
        return 1
    if interpreter is None:
        print(
            f"build_layer: WARNING: the layer {FOLDER.name} has no bytecode, because there is no"
            f" Python {wanted.python_version} on this machine. It works, but every cold start"
            " compiles it again and takes twice as long. Build it where"
            f" `python{wanted.python_version}` is installed.",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
