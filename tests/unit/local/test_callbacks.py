"""`make callbacks`: unknown fields survive, a dry run by default, and no secret is shown."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from local.callbacks import WEBHOOKS, main

APPLICATION: dict[str, Any] = {
    "id": "aaaa",
    "name": "app",
    "keys": {"public_key": "PEM"},
    "capabilities": {
        "voice": {"webhooks": {"answer_url": {"address": "https://x"}}},
        "video": {
            "environment_id": 7,
            "webhooks": {"session_created": {"address": "https://old", "custom": 1}},
            "storage": {"cloud_storage": True},
        },
    },
    "unknown": {"kept": True},
}
URL = "https://api.example.com/callbacks"


class Api:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.written: dict[str, Any] = {}
        self.url = ""


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            api.calls.append((self.command, self.path))
            if self.command == "PUT":
                api.written = json.loads(body)
            answer = json.dumps(APPLICATION).encode()
            self.send_response(200 if "aaaa" in self.path else 404)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield api
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VONAGE_API_KEY", "VONAGE_API_SECRET", "SIGNATURE_SECRET"):
        monkeypatch.setenv(name, f"value-of-{name}")


def run(api: Api, *more: str, application: str = "aaaa") -> int:
    options = ["--url", URL, "--platform", "vonage", "--application", application]
    return main([*options, "--api", api.url, *more])


def test_nothing_is_written_by_default(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(api) == 0
    assert api.calls == [("GET", "/v2/applications/aaaa")]
    shown = capsys.readouterr().out
    assert f"session_created: https://old -> {URL}/session" in shown
    assert "value-of" not in shown


def test_all_webhooks_are_set_and_every_other_field_survives(api: Api) -> None:
    assert run(api, "--write") == 0
    video = api.written["capabilities"].pop("video")
    assert len(WEBHOOKS) == 15
    assert set(video["webhooks"]) == set(WEBHOOKS)
    assert video["webhooks"]["archive_status"] == {
        "address": f"{URL}/archive",
        "secret": "value-of-SIGNATURE_SECRET",
        "active": True,
    }
    assert video["webhooks"]["session_created"]["custom"] == 1
    assert (video["environment_id"], video["storage"]) == (7, {"cloud_storage": True})
    kept = {**APPLICATION, "capabilities": {"voice": APPLICATION["capabilities"]["voice"]}}
    assert api.written == kept


def test_an_unknown_application_fails(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(api, "--write", application="bbbb") == 1
    assert "value-of" not in capsys.readouterr().err


def test_missing_settings_are_named(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIGNATURE_SECRET")
    assert run(api) == 2
    assert "SIGNATURE_SECRET" in capsys.readouterr().err


def test_a_secret_that_the_vendor_would_not_accept_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNATURE_SECRET", "x" * 51)
    assert run(api) == 2
    assert api.calls == []


def test_the_steps_for_opentok_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", URL + "/"]) == 0
    assert f"Session monitoring: {URL}/session" in capsys.readouterr().out
