"""Clients that are generated from openapi.yaml work against the deployed API."""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from tests.contract.clients.making import make_python_client, make_typescript_client, run
from tests.integration.conftest import Stack

STORY = {
    "opened": 201,
    "moderator": "moderator",
    "joined": 200,
    "together": True,
    "publisher": "publisher",
    "found": ["open"],
    "seen": "routed",
    "refused": "role_not_allowed",
    "wrong": "archiveMode",
    "recording": "nobody_connected",
    "archives": 0,
    "streaming": "not_owner",
    "closed": 204,
    "late": "session_closed",
}


def test_a_generated_python_client_has_types_and_works(stack: Stack, tmp_path: Path) -> None:
    usage = make_python_client(tmp_path)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    nowhere = ["--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    run([*mypy, *nowhere, str(usage)], {"MYPYPATH": str(tmp_path)})
    assert json.loads(run([sys.executable, str(usage)], _setting(stack))) == STORY


def test_a_generated_typescript_client_works(stack: Stack, tmp_path: Path) -> None:
    usage = make_typescript_client(tmp_path)
    node = shutil.which("node")
    assert node
    assert json.loads(run([node, str(usage)], _setting(stack))) == STORY


def _setting(stack: Stack) -> Mapping[str, str]:
    """Returns the address of the API, two JWTs and an unused room."""
    users = stack.facts["users"]
    return {
        "API_URL": stack.facts["apiUrl"].rstrip("/"),
        "ALICE": users["alice"]["token"],
        "BOB": users["bob"]["token"],
        "ROOM": f"clients-{uuid.uuid4()}",
    }
