"""Searches for credentials in every file that git tracks or would add.

Run it with `python -m tests.secrets_scan`. It recognises the formats of the secrets that this
project handles (the vendor's secrets, private keys, tokens) and of those that people paste by
mistake. Obvious samples are allowed: a secret that counts up (`0123456789abcdef…`), AWS's own
`…EXAMPLE`, a key without content.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["find", "main"]

_SHAPES = {
    "a private key": r"PRIVATE KEY-----(?:\\n|\s|\")*[A-Za-z0-9+/=]{40}",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a signed JWT": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
    "a client token": r"\bT1==[A-Za-z0-9+/=]{60,}",
    "an API secret": r"\b[0-9a-f]{40}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    # The streaming services and phone systems that the vendor's features connect to.
    "a stream key": (
        r"\b[a-z0-9]{4}(?:-[a-z0-9]{4}){4}\b|\blive_\d{6,}_\w{20,}|\bFB-\d{10,}-\d-\w{8,}"
    ),
    "a SIP password": r"\bsips?:[^\s:@\"'{}]+:[^\s:@\"'{}]{4,}@",
}
_SHAPE = re.compile("|".join(f"({pattern})" for pattern in _SHAPES.values()))
_SAMPLES = "0123456789abcdef" * 5


def find(text: str) -> Iterator[tuple[int, str]]:
    """Yields line number and kind of everything in a text that looks like a credential."""
    for match in _SHAPE.finditer(text):
        sample = match[0] in _SAMPLES or match[0].endswith("EXAMPLE") or len(set(match[0])) < 4
        if sample:
            continue
        kind = list(_SHAPES)[match.lastindex - 1] if match.lastindex else "a secret"
        yield text.count("\n", 0, match.start()) + 1, kind


def main() -> int:
    found = 0
    for name in _files():
        try:
            text = Path(name).read_text()
        except (UnicodeDecodeError, OSError):
            continue  # binary, or deleted but still listed
        for line, kind in find(text):
            print(f"{name}:{line}: this looks like {kind}", file=sys.stderr)
            found += 1
    return 1 if found else 0


def _files() -> list[str]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    return [name for name in names.split("\0") if name]


if __name__ == "__main__":
    sys.exit(main())
