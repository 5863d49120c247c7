"""Lock the layers: `python layers/lock.py` writes `*/requirements.txt` from `*/requirements.in`.

Only wheels are locked. For `opentok` only those that run anywhere, so that one build serves both
architectures; for `crypto`, which is compiled code, those of Lambda's two architectures and of the
machines that develop.
Needs pip 23 or later.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
LINUX = [
    f"manylinux_{glibc}_{machine}"
    for machine in ("aarch64", "x86_64")
    for glibc in ("2_34", "2_28", "2_17")
]
MACOS = [
    f"macosx_{release}_{machine}" for machine in ("arm64", "x86_64") for release in ("11_0", "10_9")
]

#: Per layer: what pip is asked for, one platform at a time.
TARGETS = {
    "opentok": [("3.13", "any")],
    "crypto": [(version, platform) for version in VERSIONS for platform in LINUX + MACOS],
}


def resolve(requirements: Path, version: str, platform: str) -> list[tuple[str, str, str]]:
    """Name, version and SHA-256 of the wheels that pip would take; nothing where one is missing."""
    command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
    command += ["--report", "-", "--target", "unused", "--only-binary", ":all:"]
    command += ["--platform", platform, "--python-version", version, "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return []
    return [
        (
            part["metadata"]["name"].lower().replace("_", "-"),
            part["metadata"]["version"],
            part["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for part in json.loads(done.stdout)["install"]
    ]


def lock(layer: Path) -> str:
    """The text of the layer's lock."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for version, platform in TARGETS[layer.name]:
        for name, release, digest in resolve(layer / "requirements.in", version, platform):
            hashes[f"{name}=={release}"].add(digest)
    pins = [
        " \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in sorted(hashes[pin]))])
        for pin in sorted(hashes)
    ]
    return "\n".join(["# Written by layers/lock.py from requirements.in.", *pins, ""])


if __name__ == "__main__":
    for name in TARGETS:
        folder = Path(__file__).parent / name
        text = lock(folder)
        (folder / "requirements.txt").write_text(text)
        print(f"{name}: {text.count('==')} distributions, {text.count('--hash')} wheels")
