"""Writes the table in docs/fidelity.md from `local/emulator/fidelity.py`: `make docs`."""

from __future__ import annotations

from pathlib import Path

from local.emulator.fidelity import markdown

PAGE = Path(__file__).parent / "fidelity.md"
HEAD = markdown().splitlines()[0]


def with_table(page: str) -> str:
    """The page with its table replaced."""
    before, rest = page.split(HEAD, 1)
    after = rest.split("\n\n", 1)[1:]
    return "\n".join([before + markdown(), *after])


def main() -> None:
    """Writes the table."""
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
