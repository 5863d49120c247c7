"""What `make deploy` refuses before CloudFormation would."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import preflight


class Issuer(HTTPServer):
    """An OIDC issuer on the loopback interface; `documents` holds its responses by path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.documents: dict[str, object] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def discover(self, **fields: object) -> None:
        """Serves a valid discovery document and keys, changed by `fields`."""
        self.documents["/keys"] = {"keys": [{"kid": "1"}]}
        self.documents[preflight.DISCOVERY] = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            **fields,
        }


class _Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        found = self.path in self.server.documents
        self.send_response(200 if found else 404)
        self.end_headers()
        if found:
            self.wfile.write(json.dumps(self.server.documents[self.path]).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Lambda:
    """Lambda's API in a region that rejects the filter with this error, or accepts it."""

    def __init__(self, code: str = "") -> None:
        self.code = code

    def list_layers(self, **_: object) -> dict[str, Any]:
        if self.code:
            error = {"Code": self.code, "Message": "CompatibleArchitectures are not supported"}
            raise ClientError({"Error": error}, "ListLayers")
        return {"Layers": []}


def test_a_layer_without_bytecode_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "OpenTokLayer" / "python" / "opentok_client"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__pycache__" / "client.cpython-312.pyc").touch()
    assert "no bytecode for python3.13" in str(preflight.bytecode_problem(tmp_path))
    (package / "__pycache__" / "client.cpython-313.pyc").touch()
    assert preflight.bytecode_problem(tmp_path) is None


def test_a_valid_issuer_is_accepted(issuer: Issuer) -> None:
    issuer.discover()
    assert preflight.issuer_problem(issuer.url) is None


def test_an_issuer_that_states_another_name_is_refused(issuer: Issuer) -> None:
    issuer.discover(issuer=issuer.url + "/")
    assert f"states the issuer {issuer.url}/" in str(preflight.issuer_problem(issuer.url))


@pytest.mark.parametrize("field", [{"jwks_uri": None}, {"jwks_uri": 7}])
def test_an_issuer_without_keys_is_refused(issuer: Issuer, field: dict[str, object]) -> None:
    issuer.discover(**field)
    assert "names no keys" in str(preflight.issuer_problem(issuer.url))


def test_an_issuer_that_does_not_respond_is_refused(issuer: Issuer) -> None:
    assert "not reachable" in str(preflight.issuer_problem(issuer.url))
    assert "not reachable" in str(preflight.issuer_problem("http://127.0.0.1:1"))


@pytest.mark.parametrize("status", preflight.BLOCKED)
def test_a_stack_that_cannot_be_updated_is_refused_with_the_next_step(status: str) -> None:
    problem = preflight.stack_problem({"StackName": "calls", "StackStatus": status})
    assert problem is not None
    assert f"The stack calls is {status}" in problem
    assert "--stack-name calls" in problem


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_a_stack_with_another_operation_is_refused(status: str) -> None:
    problem = preflight.stack_problem({"StackName": "calls", "StackStatus": status})
    assert "Wait until it ends" in str(problem)


@pytest.mark.parametrize(
    "status",
    ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"],
)
def test_a_stack_that_can_be_deployed_is_accepted(status: str) -> None:
    assert preflight.stack_problem({"StackName": "calls", "StackStatus": status}) is None


def test_a_first_deployment_is_accepted() -> None:
    assert preflight.stack_problem(None) is None


@pytest.mark.parametrize("code", ["InvalidParameterValueException", "ValidationException"])
def test_a_region_without_the_architecture_is_refused(code: str) -> None:
    problem = preflight.region_problem(Lambda(code), "me-central-1", "arm64")
    assert "Lambda in me-central-1 has no python3.13 on arm64" in str(problem)


@pytest.mark.parametrize("code", ["", "AccessDeniedException"])
def test_a_region_that_accepts_the_filter_or_cannot_be_asked_is_accepted(code: str) -> None:
    assert preflight.region_problem(Lambda(code), "eu-west-1", "arm64") is None


def test_pools_that_are_not_a_json_array_are_refused() -> None:
    assert "not valid JSON" in str(preflight.pools_problem("[{]"))
    assert "must be a JSON array" in str(preflight.pools_problem("{}"))
    assert preflight.pools_problem("[]") is None
