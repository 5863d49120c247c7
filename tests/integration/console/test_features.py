"""Recordings and captions that the owner starts, watches and stops through the console page."""

from playwright.sync_api import expect

from tests.integration.conftest import Stack
from tests.integration.console.conftest import OpenConsole
from tests.integration.console.test_accessibility import violations


def test_a_recording_and_captions_are_started_watched_and_stopped(
    open_console: OpenConsole, stack: Stack
) -> None:
    console = open_console().sign_in("alice")
    console.form.get_by_label("Media mode").select_option("routed")
    session_id = console.create()
    features = console.features
    start = features.get_by_role("button", name="Start recording")
    start.click()
    expect(features.get_by_role("alert")).to_contain_text("nobody_connected")

    token = stack.call("POST", f"/sessions/{session_id}/tokens", {}, user="alice").body["token"]
    joined = stack.vendor("POST", "/_emulator/connect", {"sessionId": session_id, "token": token})
    assert joined.status == 200
    features.get_by_label("Name of the recording").fill("Board <b>meeting</b>")
    start.click()
    recordings = features.get_by_role("listitem")
    expect(recordings).to_contain_text("Board <b>meeting</b>")
    expect(recordings).to_contain_text("started")
    expect(features.get_by_role("alert")).to_be_hidden()
    features.get_by_role("button", name="Start captions").click()
    expect(features.get_by_text("Captions are running.")).to_be_visible()
    assert violations(console.page) == []

    features.get_by_role("button", name="Stop captions").click()
    expect(features.get_by_text("Captions are off.")).to_be_visible()
    features.get_by_role("button", name="Stop recording").click()
    expect(recordings).to_contain_text("stopped")
    archive = recordings.get_attribute("data-archive")
    available = {"status": "available"}
    stack.vendor("PUT", f"/_emulator/archives/{archive}/status", available)
    expect(features.get_by_role("link", name="View")).to_be_visible()

    console.sign_in("bob")
    expect(features.get_by_text("Only the owner and moderators")).to_be_visible()
    expect(start).to_be_hidden()


def test_a_relayed_session_cannot_be_recorded(open_console: OpenConsole) -> None:
    console = open_console().sign_in("alice")
    console.form.get_by_label("Media mode").select_option("relayed")
    console.create()

    expect(console.features.get_by_text("This session is relayed")).to_be_visible()
    expect(console.features.get_by_role("button")).to_have_count(0)
