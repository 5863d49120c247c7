"""The modules that each function loads when it starts. Every module adds to its cold start, so a
new one must be added here, and `make bench` shows its cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.aws import ENVIRONMENT

PROJECT = Path(__file__).parents[3]

# What botocore and Powertools bring; no boto3, event handler, pydantic or X-Ray SDK among it.
LIBRARIES = {
    "aws_lambda_powertools",
    "botocore",
    "certifi",
    "dateutil",
    "jmespath",
    "six",
    "typing_extensions",
    "urllib3",
}
POWERTOOLS = {"logging", "metrics", "tracing"}  # the root loads all three; Tracer's SDK is lazy

# Relative to `opentok_sessions`, except the client's modules.
SHARED = {
    "opentok_client.errors",
    "opentok_client.grant",
    "opentok_client.options",
    "composition",
    "domain",
    "domain.claims",
    "domain.deadline",
    "domain.models",
    "domain.presence",
    "domain.problems",
    "runtime",
    "runtime.aws",
    "runtime.cold_start",
    "runtime.settings",
    "runtime.telemetry",
    "storage",
    "storage.attributes",
    "storage.items",
    "storage.keys",
    "storage.session_store",
    "storage.session_writes",
    "storage.table",
    "storage.write_requests",
}
HTTP = SHARED | {
    "opentok_client.session_id",
    "http",
    "http.caller",
    "http.handler",
    "http.request",
    "domain.policy",
}
RESPONSES = {"http.responses", "domain.media_mode"}
FIELDS = {"http.fields", "http.scalar_fields"}
ROOMS = {"domain.requests", "domain.rooms"}
CREDENTIALS = {"opentok_client.clock", "opentok_client.credentials", "credentials"}
LIMITS = {"caller_limits", "domain.limits", "storage.limit_store"}
TOKENS = CREDENTIALS | {
    "jwt",
    "opentok_client.signing",
    "opentok_client.tokens",
    "issue_token",
    "http.issue_token",
}
# Neither `opentok_client.transport` nor `requests`: the first live creation loads them.
CREATION = {
    "opentok_client.session_id",
    "domain.media_mode",
    "domain.pools",
    "http.create_session",
    "http.issue_token",
    "http.pools",
    "storage.pool_store",
    "vendor",
}

CONVERSATIONS = {"conversations", "storage.presence_store"}

# Neither `opentok_client.features` nor `requests`: the first call of the vendor loads them.
FEATURES = {
    "opentok_client.families",
    "opentok_client.feature_fields",
    "opentok_client.rules",
    "domain.feature_policy",
    "domain.feature_problems",
    "domain.features",
    "storage.feature_store",
}

STREAM = {"stream_handler", "storage.stream", "storage.presence_store", "vendor"}

LOADED = {
    "disconnect_clients": SHARED
    | {"opentok_client.session_id"}
    | CREDENTIALS
    | STREAM
    | {"disconnect_clients"},
    "publish_events": SHARED
    | {"opentok_client.session_id", "stream_handler", "storage.stream", "publish_events"},
    "remove_connection": HTTP
    | CREDENTIALS
    | {"remove_connection", "storage.presence_store", "vendor"},
    "manage_features": HTTP
    | FIELDS
    | CREDENTIALS
    | FEATURES
    | LIMITS
    | {"manage_features", "feature_vendor", "http.manage_features", "vendor"},
    "update_session": HTTP
    | RESPONSES
    | FIELDS
    | ROOMS
    | LIMITS
    | {
        "update_session",
        "http.update_session",
        "http.create_session",
        "http.issue_token",
        "storage.session_changes",
    },
    "close_session": HTTP | {"close_session"},
    "receive_callback": HTTP - {"domain.policy"}
    | CREDENTIALS
    # Neither `domain.feature_events` nor `storage.feature_store`: the first callback about a
    # feature loads them.
    | {"receive_callback", "opentok_client.callbacks", "storage.presence_store"},
    "release_room": HTTP | LIMITS | {"release_room"},
    "get_session": CONVERSATIONS
    | HTTP
    | RESPONSES
    | FIELDS
    | ROOMS
    | {"get_session", "http.get_session", "storage.session_list"},
    "issue_token": CONVERSATIONS | HTTP | RESPONSES | FIELDS | ROOMS | TOKENS | LIMITS,
    "create_session": CONVERSATIONS
    | HTTP
    | RESPONSES
    | FIELDS
    | ROOMS
    | TOKENS
    | CREATION
    | LIMITS
    | {"create_session", "join_session", "session_supply"},
    "precreate_sessions": SHARED
    | FIELDS
    | ROOMS - {"domain.rooms"}
    | CREDENTIALS
    | CREATION
    | {"http", "scheduled_handler", "domain.pool_size", "precreate_sessions"},
}

# `cryptography` is in the test environment but not in the layer, and PyJWT takes it when it can.
PROBE = """
import json, sys
sys.modules["cryptography"] = None
import app
print(json.dumps([name for name, module in sys.modules.items() if module is not None]))
"""


@pytest.fixture(scope="module", params=sorted(LOADED))
def function(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def modules(function: str) -> set[str]:
    """Returns all modules of a new process after the function has started."""
    path = [PROJECT / "functions" / function, PROJECT / "layers" / "opentok"]
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_a_function_loads_only_the_modules_that_it_needs(function: str, modules: set[str]) -> None:
    """Every module prolongs the start. `LOADED` lists the allowed ones."""
    ours = {
        name.removeprefix("opentok_sessions.")
        for name in modules
        if name.startswith(("opentok_sessions.", "opentok_client."))
    }
    assert ours == LOADED[function] - {"jwt"}


def test_a_function_loads_only_the_libraries_that_it_needs(
    function: str, modules: set[str]
) -> None:
    libraries = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    ours = {"app", "opentok_client", "opentok_sessions"}
    # An environment's own start-up hooks load a few modules with a leading underscore.
    found = {name for name in libraries - ours if not name.startswith("_")}
    assert found == LIBRARIES | ({"jwt"} & LOADED[function])


def test_a_function_loads_only_logs_and_metrics_of_powertools(modules: set[str]) -> None:
    parts = {
        name.split(".")[1] for name in modules if name.startswith("aws_lambda_powertools.")
    } & {"event_handler", "logging", "metrics", "tracing"}
    assert parts == POWERTOOLS
    heavy = ("idempotency", "parameters", "parser", "validation")
    assert not modules & {f"aws_lambda_powertools.utilities.{name}" for name in heavy}


def test_every_function_is_listed() -> None:
    folders = {path.parent.name for path in PROJECT.glob("functions/*/app.py")}
    assert folders == set(LOADED), "LOADED above says what each function loads"
