"""The console starts for a running stack only, and reports what is missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.console.stack_file import StackFile, UnusableStackFile


@pytest.fixture
def facts() -> dict[str, Any]:
    return {
        "apiUrl": "http://127.0.0.1:1/api",
        "opentokUrl": "http://127.0.0.1:2",
        "vonageUrl": "http://127.0.0.1:3",
        "awsEndpointUrl": "http://127.0.0.1:4",
        "awsAccessKeyId": "key",
        "awsSecretAccessKey": "secret",
        "region": "us-east-1",
        "platform": "opentok",
        "table": "sessions",
        "userPoolId": "pool",
        "userPoolClientId": "client",
        "functions": {"precreate_sessions": "function"},
        "users": {"alice": {"sub": "sub-1", "token": "t"}},
        "credentials": {
            "opentok": {"apiKey": "12345", "apiSecret": "s"},
            "vonage": {"applicationId": "app-1", "privateKey": "k"},
        },
    }


def written(directory: Path, facts: dict[str, Any], passwords: object) -> Path:
    path = directory / "stack.json"
    path.write_text(json.dumps(facts))
    (directory / "users.json").write_text(json.dumps(passwords))
    return path


@pytest.mark.parametrize(
    ("platform", "project", "vendor"), [("opentok", "12345", 2), ("vonage", "app-1", 3)]
)
def test_the_platform_decides_project_and_vendor(
    tmp_path: Path, facts: dict[str, Any], platform: str, project: str, vendor: int
) -> None:
    facts["platform"] = platform
    stack = StackFile.read(written(tmp_path, facts, {"alice": "p"}))

    assert (stack.project_id, stack.vendor_url) == (project, f"http://127.0.0.1:{vendor}")
    assert stack.users["alice"].password == "p"


def test_a_missing_file_is_reported_with_the_command_that_starts_a_stack(tmp_path: Path) -> None:
    with pytest.raises(UnusableStackFile, match="make up"):
        StackFile.read(tmp_path / "stack.json")


@pytest.mark.parametrize(
    "missing", ["apiUrl", "platform", "users", "credentials", "awsAccessKeyId"]
)
def test_a_missing_field_is_named(tmp_path: Path, facts: dict[str, Any], missing: str) -> None:
    del facts[missing]
    path = written(tmp_path, facts, {"alice": "p"})

    with pytest.raises(UnusableStackFile, match=rf"stack\.json.*{missing}"):
        StackFile.read(path)


def test_a_user_without_a_password_is_reported(tmp_path: Path, facts: dict[str, Any]) -> None:
    with pytest.raises(UnusableStackFile, match="alice"):
        StackFile.read(written(tmp_path, facts, {}))
