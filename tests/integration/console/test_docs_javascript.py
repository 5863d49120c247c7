"""Every JavaScript block of docs/clients.md, word for word: a signed-in user joins a call."""

import os
import subprocess
import uuid
from pathlib import Path

import requests
from playwright.sync_api import Browser, Page, Route, expect

from local.browser_sdk import install
from tests.contract.test_docs import blocks
from tests.emulator import ROOT
from tests.integration.conftest import Stack
from tests.integration.console.conftest import TIMEOUT_MS
from tests.integration.polling import until

CLIENTS = ROOT / "docs" / "clients.md"
PACKAGES = Path(__file__).parent / "docs_javascript"
"""The libraries that the first block imports, and a bundler that resolves them for browsers."""

PAGE = """<!doctype html><html lang="en"><title>docs/clients.md</title>
{sdk}
<script type="module">
  window.app = await import("/docs-example.js");
  document.title = "ready";
</script></html>"""

SIGN_IN = """async ([pool, client, name, password]) => {
  await app.signedIn(pool, client, name, password);
  window.jwt = await app.currentJwt();
  return window.jwt;
}"""

JOIN = """async ([api, room]) => {
  try {
    window.joined = await app.joinRoom(api, jwt, room, OT);
  } catch ({ name, code, message }) {
    throw new Error(`${name} ${code}: ${message}`);
  }
  const { session, sessionId, expiresAt } = joined;
  return [sessionId, session.connection.connectionId, expiresAt.getTime() - Date.now()];
}"""

RENEW = """async ([api]) => {
  let early = false;
  app.renewBefore(new Date(Date.now() + 365 * 24 * 3600 * 1000), () => (early = true));
  const left = (joined.expiresAt.getTime() - Date.now()) / 1000;
  const fresh = await new Promise((resolve) => {
    const renew = () => resolve(app.freshToken(api, jwt, joined.sessionId));
    app.renewBefore(joined.expiresAt, renew, left);
  });
  joined.session.disconnect();
  await new Promise((resolve, reject) =>
    joined.session.connect(fresh.token, (error) => (error ? reject(error) : resolve())));
  return [fresh.role, early, joined.session.connection.connectionId];
}"""


def bundled(directory: Path) -> str:
    """Returns the blocks as one module in which the imported libraries are included."""
    install(PACKAGES)
    source = directory / "example.js"
    source.write_text("\n".join(blocks(CLIENTS, "js")))
    bundler = PACKAGES / "node_modules" / ".bin" / "esbuild"
    done = subprocess.run(
        [str(bundler), str(source), "--bundle", "--format=esm", "--log-level=warning"],
        env={**os.environ, "NODE_PATH": str(PACKAGES / "node_modules")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def opened(page: Page, stack: Stack, script: str) -> None:
    """Opens a page of the console's origin that has the documented SDK and the blocks."""
    console = stack.facts["consoleUrl"]
    sdk = next(block for block in blocks(CLIENTS, "html") if "/sdk/" in block)
    document = PAGE.format(sdk=sdk.replace("http://127.0.0.1:PORT", console))
    page.route(
        f"{console}/docs-example", lambda r: r.fulfill(body=document, content_type="text/html")
    )
    page.route(
        f"{console}/docs-example.js",
        lambda r: r.fulfill(body=script, content_type="text/javascript"),
    )
    page.route("**/*.opentok.com/**", lambda route: route.abort())
    page.route("https://cognito-idp.*.amazonaws.com/", lambda route: _local_cognito(route, stack))
    page.goto(f"{console}/docs-example")
    expect(page).to_have_title("ready")


def _local_cognito(route: Route, stack: Stack) -> None:
    """Answers the user pool's address. The local AWS requires a known access key of every call."""
    request = route.request
    scope = f"{stack.facts['awsAccessKeyId']}/20260101/{stack.facts['region']}/cognito-idp"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}/aws4_request",
        "Content-Type": request.headers["content-type"],
        "X-Amz-Target": request.headers["x-amz-target"],
    }
    response = requests.post(
        stack.facts["awsEndpointUrl"], data=request.post_data, headers=headers, timeout=60
    )
    route.fulfill(
        status=response.status_code,
        body=response.content,
        content_type=response.headers["content-type"],
        headers={"access-control-allow-origin": "*"},
    )


def new_user(stack: Stack) -> tuple[str, str]:
    """Creates a user of the stack's user pool; returns the name and the password."""
    name, password = f"reader-{uuid.uuid4()}", f"Aa1-{uuid.uuid4()}"
    pool = {"UserPoolId": stack.facts["userPoolId"], "Username": name}
    cognito = stack.client("cognito-idp")
    cognito.admin_create_user(**pool, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(**pool, Password=password, Permanent=True)
    return name, password


def test_the_documented_javascript_signs_in_joins_and_renews(
    media_browser: Browser, stack: Stack, tmp_path: Path
) -> None:
    api = stack.facts["consoleUrl"] + "/api"
    # For Chromium an intercepted page is one of the internet, which may not call the emulator.
    page = media_browser.new_page(permissions=["local-network-access"])
    page.set_default_timeout(TIMEOUT_MS)
    opened(page, stack, bundled(tmp_path))

    pool = [stack.facts["userPoolId"], stack.facts["userPoolClientId"]]
    jwt = page.evaluate(SIGN_IN, [*pool, *new_user(stack)])
    assert stack.call("GET", "/sessions", token=jwt).status == 200
    session_id, connection, left = page.evaluate(JOIN, [api, f"docs.{uuid.uuid4()}"])
    assert 3500_000 < left <= 3600_000
    assert connected(stack, session_id) == [connection]
    role, early, connection = page.evaluate(RENEW, [api])
    assert (role, early) == ("publisher", False)
    until("only the new client", lambda: connected(stack, session_id) == [connection])


def connected(stack: Stack, session_id: str) -> list[str]:
    session = stack.vendor("GET", f"/_emulator/sessions/{session_id}").body
    return [each["connectionId"] for each in session["connections"]]
