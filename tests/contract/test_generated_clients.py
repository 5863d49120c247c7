"""Generators make a client of openapi.yaml that says what it should, before anything is called."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.contract.clients.making import make_python_client, make_typescript_client, run


def test_python_client_has_types_that_fit_its_use(tmp_path: Path) -> None:
    usage = make_python_client(tmp_path)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    nowhere = ["--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    run([*mypy, *nowhere, str(usage)], {"MYPYPATH": str(tmp_path)})


def test_typescript_client_has_types_that_fit_its_use(tmp_path: Path) -> None:
    assert make_typescript_client(tmp_path).exists()
