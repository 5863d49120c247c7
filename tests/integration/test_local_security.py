"""The local stack accepts calls from this run's own programs, not from web pages or other users."""

import hashlib
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Browser

from local.stack import cloud
from tests.integration.conftest import Answer, Stack, send
from tests.integration.console.browser import NO_BROWSER, browser, chromium

EVIL = "evil.example"
SERVERS = ("awsEndpointUrl", "opentokUrl", "consoleUrl")
PATHS = {"awsEndpointUrl": "/", "opentokUrl": "/_emulator/requests", "consoleUrl": "/session"}


def port(stack: Stack, server: str) -> str:
    return str(stack.facts[server]).rpartition(":")[2]


def request(stack: Stack, server: str, path: str, method: str = "GET", **headers: str) -> Answer:
    return send(method, stack.facts[server] + path, None, headers)


@pytest.fixture(scope="module")
def unchecked_browser() -> Iterator[Browser]:
    """A browser that lets pages call local addresses, and resolves a foreign name to this one."""
    if chromium() is None:
        pytest.skip(NO_BROWSER)
    with browser(
        "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
        f"--host-resolver-rules=MAP {EVIL} 127.0.0.1",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def foreign_page() -> Iterator[str]:
    """The address of an empty page of another origin."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>page</title>")

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{EVIL}:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("host", [EVIL, f"{EVIL}:80", "127.0.0.1:1"])
def test_every_server_refuses_a_foreign_host(stack: Stack, server: str, host: str) -> None:
    if server not in stack.facts:
        pytest.skip("this stack has no console page")
    answer = request(stack, server, PATHS[server], Host=host)
    assert answer.status == 403
    assert "Host" in answer.body["message"]


@pytest.mark.parametrize("key", ["test", "000000000000", f"AKIA{'0' * 16}"])
def test_another_access_key_is_refused(stack: Stack, key: str) -> None:
    session = boto3.session.Session(
        region_name=cloud.REGION, aws_access_key_id=key, aws_secret_access_key="test"
    )
    for service, operation in (("lambda", "list_functions"), ("dynamodb", "list_tables")):
        client = session.client(service, endpoint_url=stack.facts["awsEndpointUrl"])
        with pytest.raises(ClientError) as refused:
            getattr(client, operation)()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_aws/sqs/messages"),
        ("POST", "/2015-03-31/functions"),
        ("OPTIONS", "/"),
    ],
)
def test_a_request_without_a_key_is_refused(stack: Stack, method: str, path: str) -> None:
    assert request(stack, "awsEndpointUrl", path, method).status == 403


def test_the_health_path_needs_no_key(stack: Stack) -> None:
    assert request(stack, "awsEndpointUrl", "/_ministack/health").status == 200


def test_credentials_of_functions_differ_from_those_that_can_be_computed(stack: Stack) -> None:
    """MiniStack's own derivation needs only the names, which are the same in every stack."""
    name = stack.facts["functions"]["create_session"]
    settings = stack.client("lambda").get_function_configuration(FunctionName=name)
    seed = f"{settings['FunctionArn']}:{settings['Role']}"
    digest = hashlib.sha256(seed.encode()).hexdigest()
    assert stack.call("GET", "/sessions", user="alice").status == 200  # its role is in use
    session = boto3.session.Session(
        region_name=cloud.REGION,
        aws_access_key_id=f"ASIA{digest[:16].upper()}",
        aws_secret_access_key=hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        aws_session_token=hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )
    with pytest.raises(ClientError) as refused:
        session.client("dynamodb", endpoint_url=stack.facts["awsEndpointUrl"]).list_tables()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_the_state_is_readable_by_its_owner_only(stack: Stack) -> None:
    assert stat.S_IMODE(stack.state.stat().st_mode) == 0o700
    for name in ("stack.json", "users.json", "credentials.json", "run.json"):
        assert stat.S_IMODE((stack.state / name).stat().st_mode) == 0o600


def test_a_foreign_page_cannot_call_the_local_aws(
    stack: Stack, unchecked_browser: Browser, foreign_page: str
) -> None:
    page = unchecked_browser.new_page()
    page.goto(foreign_page)
    base = stack.facts["awsEndpointUrl"]

    def fetch(path: str, **options: str) -> object:
        return page.evaluate(
            "([url, options]) => fetch(url, options).then((r) => r.type, () => 'failed')",
            [base + path, options],
        )

    # Sent by the browser without asking, and never readable.
    for path in ("/_ministack/reset", "/2015-03-31/functions?X-Amz-Credential=test%2F1"):
        assert fetch(path, method="POST", mode="no-cors", body="{}") == "opaque"
    # Asked for in a preflight, which is refused.
    assert fetch("/bucket", method="PUT") == "failed"
    assert fetch("/_ministack/health") == "failed"

    tables = stack.client("dynamodb").list_tables()["TableNames"]
    assert stack.facts["table"] in tables
    page.close()


def test_a_rebound_name_gets_no_token_from_the_console(
    stack: Stack, unchecked_browser: Browser
) -> None:
    page = unchecked_browser.new_page()
    response = page.goto(f"http://{EVIL}:{port(stack, 'consoleUrl')}/console/stack")
    assert response is not None
    assert response.status == 403
    status = page.evaluate(
        "fetch('/console/sign-in', {method: 'POST', body: '{\"user\": \"moderator\"}'})"
        ".then((r) => r.status)"
    )
    assert status == 403
    page.close()


def test_a_foreign_page_gets_no_token_from_the_console(
    stack: Stack, unchecked_browser: Browser, foreign_page: str
) -> None:
    page = unchecked_browser.new_page()
    page.goto(foreign_page)
    outcome = page.evaluate(
        "(url) => fetch(url, {method: 'POST', body: '{}'}).then((r) => r.type, () => 'failed')",
        f"{stack.facts['consoleUrl']}/console/sign-in",
    )
    assert outcome == "failed"
    page.close()
