"""A page of another origin that uses the console as the vendor's sample apps use their server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.integration.conftest import Stack
from tests.integration.console.conftest import TIMEOUT_MS

PAGE = """<!doctype html>
<html lang="en"><title>Sample</title>
<ol id="events"></ol><div id="videos"></div>
<script src="SERVER/sdk/opentok.min.js"></script>
<script>
const log = (text) => {
  const item = document.createElement("li");
  item.textContent = text;
  document.getElementById("events").append(item);
};
const post = async (path, body) => (await fetch("SERVER" + path, {
  method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
})).json();
const run = async () => {
  const {apiKey, applicationId, sessionId, token} = await (await fetch("SERVER/session")).json();
  const session = OT.initSession(apiKey || applicationId, sessionId);
  session.on("signal:msg", ({data}) => log(`signal ${data}`));
  session.on("archiveStopped", () => log("archive stopped"));
  session.on("archiveStarted", ({id}) => {
    log("archive started");
    post(`/archive/${id}/stop`, {});
  });
  session.connect(token, async (error) => {
    if (error) return log(error.message);
    session.publish(OT.initPublisher("videos"), (error) => log(error?.message ?? "published"));
    session.signal({type: "msg", data: "hello"}, () => {});
    await post("/archive/start", {sessionId});
    const {id} = await post("/captions/start", {sessionId, token});
    const {status} = await post(`/captions/${id}/stop`, {});
    log(`captions ${status}`);
  });
};
run().catch((error) => log(`failed: ${error}`));
</script></html>"""


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serves a directory from an origin of its own; yields the address."""
    handler = partial(QuietHandler, directory=str(directory))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_sample_page_publishes_signals_archives_and_captions(
    media_browser: Browser, stack: Stack, tmp_path: Path
) -> None:
    page_file = tmp_path / "index.html"
    page_file.write_text(PAGE.replace("SERVER", stack.facts["consoleUrl"]))
    page = media_browser.new_context().new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.route("**/*.opentok.com/**", lambda route: route.abort())
    with served(tmp_path) as address:
        page.goto(address)
        expect(page.get_by_text("captions stopped")).to_be_visible()
        for expected in ("published", "signal hello", "archive started", "archive stopped"):
            expect(page.get_by_text(expected, exact=True)).to_be_visible()
