"""The vendor's Node SDKs, unmodified: mutes, layout classes, several archives, missing routes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.browser_sdk import SdkUnavailable, install
from tests.emulator import CALL_SECONDS, ROOT, Emulator, running

DIRECTORY = ROOT / "tests" / "contract" / "node_sdks"


class Moderated:
    """What moderation.cjs reported, and what the emulator knows after it."""

    def __init__(self, emulator: Emulator, sdk: str) -> None:
        vonage = sdk == "@vonage/video"
        arguments = {
            "sdk": sdk,
            "url": emulator.url,
            "project": emulator.application_id if vonage else emulator.api_key,
            "secret": emulator.private_key if vonage else emulator.api_secret,
        }
        node = shutil.which("node")
        assert node
        done = subprocess.run(
            [node, str(DIRECTORY / "moderation.cjs")],
            input=json.dumps(arguments),
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        self.outcomes: dict[str, Any] = json.loads(done.stdout)
        self.session: Any = emulator.session(self.outcomes["sessionId"])
        self.requests: list[Any] = emulator.requests()

    def sent(self, ending: str) -> list[tuple[str, int, Any]]:
        """Returns method, status and body of the requests whose path ends like this."""
        return [
            (each["method"], each["status"], each["body"])
            for each in self.requests
            if each["path"].endswith(ending)
        ]


@pytest.fixture(scope="module", params=["opentok", "@vonage/video"])
def moderated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Moderated]:
    try:
        install(DIRECTORY)
    except SdkUnavailable as error:
        pytest.skip(str(error))
    directory: Path = tmp_path_factory.mktemp("node")
    with running(directory) as emulator:
        yield Moderated(emulator, request.param)


def test_mutes(moderated: Moderated) -> None:
    (stream,) = moderated.session["connections"][0]["streams"]
    for name in ("muteAllButOne", "disableMute", "muteStream"):
        assert "error" not in moderated.outcomes[name], (name, moderated.outcomes[name])
    assert stream["muted"] is True
    assert moderated.sent(f"/stream/{stream['id']}/mute")[0][:2] == ("POST", 200)
    of_session = [
        (status, body["active"])
        for _, status, body in moderated.sent(f"{moderated.outcomes['sessionId']}/mute")
    ]
    assert of_session == [(200, True), (200, False)]


def test_layout_classes_of_streams(moderated: Moderated) -> None:
    (stream,) = moderated.session["connections"][0]["streams"]
    assert "error" not in moderated.outcomes["layoutClasses"]
    assert [each["id"] for each in moderated.outcomes["streams"]["result"]] == [stream["id"]]
    items = [{"id": stream["id"], "layoutClassList": ["full"]}]
    assert ("PUT", 200, {"items": items}) in moderated.sent("/stream")


def test_a_session_has_one_archive_per_tag(moderated: Moderated) -> None:
    first, second, repeated = moderated.outcomes["archives"]
    assert first["result"]["id"] != second["result"]["id"]
    assert "error" in repeated
    assert [status for _, status, _ in moderated.sent("/archive")] == [200, 200, 409]


def test_a_missing_route_is_501(moderated: Moderated) -> None:
    assert "error" in moderated.outcomes["notEmulated"]
    assert [each["path"] for each in moderated.requests if each["status"] == 501]
