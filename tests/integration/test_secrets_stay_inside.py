"""No secret or token appears in a log, metric, queue or record, or in an unrelated response.

The tests inspect the effects of all earlier tests, and first cause one of every kind themselves.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.emulator import Emulator
from tests.integration.feature_bodies import BODIES, CREDENTIALS
from tests.integration.refill import refill
from tests.integration.stack import Answer, Stack

pytestmark = [pytest.mark.last, pytest.mark.usefixtures("calm")]

LIKE_A_JWT = re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")
LIKE_T1 = re.compile(r"T1==[\w+/=]{20,}")
LIKE_A_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")


@pytest.fixture(autouse=True)
def one_of_everything(stack: Stack, vendor: Emulator) -> None:
    """Causes sessions, tokens, rejected tokens, errors of every kind, and a failed refill."""
    call = stack.call
    at = f"/sessions/{call('POST', '/sessions', {'token': {}}, user='alice').body['sessionId']}"
    call("POST", f"{at}/tokens", {"role": "moderator", "data": "a guest"}, user="alice")
    call("POST", f"{at}/tokens", {"role": "moderator"}, user="bob")
    call("POST", f"{at}/tokens", {"expiresIn": "soon"}, user="bob")
    token = stack.facts["users"]["alice"]["token"]
    call("POST", "/sessions", {"archiveName": token, "nonsense": token}, user="alice")
    call("GET", f"/sessions/{token}", user="alice")
    call("GET", f"/sessions?cursor={token}", user="alice")
    call("GET", at, user="alice")
    call("GET", "/sessions", token=f"{token}altered")
    call("DELETE", at, user="alice")
    start_features(stack, vendor)
    with vendor.failing(status=403):
        call("POST", "/sessions", {"archiveMode": "always"}, user="alice")
        refill(stack, {"mediaMode": "routed", "min": 1, "max": 1})


def start_features(stack: Stack, vendor: Emulator) -> None:
    """Starts every feature whose body holds a credential: valid, invalid, rejected and lost."""
    session = stack.call("POST", "/sessions", {"mediaMode": "routed", "token": {}}, user="alice")
    session_id, token = session.body["sessionId"], session.body["token"]["token"]
    assert vendor.connect(session_id, token).status == 200
    for family in ("broadcasts", "sip-calls", "audio-connectors"):
        body = BODIES[family]
        path = f"/sessions/{session_id}/{family}"
        assert stack.call("POST", path, body, user="alice").status == 201
        assert stack.call("POST", path, body | {"nonsense": 1}, user="alice").status == 400
        for fault in ({"status": 400}, {"status": 500}, {"reset": True}):
            quoted = json.dumps({"message": f"not accepted: {json.dumps(body)}"})
            text = {"text": quoted} if "status" in fault else {}
            with vendor.failing(path="/v2/project", count=1, **fault, **text):
                stack.call("POST", path, body, user="alice")
        stack.call("GET", path, user="alice")


def test_no_secret_or_token_appears_outside_its_own_response(stack: Stack) -> None:
    issued = {token for response in stack.heard for token in _tokens(response[2].body)}
    assert issued, "no test has issued a token"
    signatures = {_signature(token) for token in issued}
    callers = {_signature(user["token"]) for user in stack.facts["users"].values()}
    guarded = {part for secret in stack.secrets for part in _lines(secret)} | signatures | callers
    guarded |= set(CREDENTIALS)

    for place, text in _places(stack):
        for secret in guarded:
            # Not `assert secret not in text`: pytest would show the secret.
            if secret in text:
                pytest.fail(f"a secret or the signature of a token appears in {place}")
        for pattern in (LIKE_A_JWT, LIKE_T1, LIKE_A_KEY):
            if pattern.search(text):
                pytest.fail(f"text that looks like a secret ({pattern.pattern}) appears in {place}")


def test_responses_with_a_token_are_no_store(stack: Stack) -> None:
    for method, path, response in stack.heard:
        if any(_tokens(response.body)):
            assert response.headers["cache-control"] == "no-store", (method, path)


def _places(stack: Stack) -> Iterator[tuple[str, str]]:
    """Yields every place that other parties can read, with its content."""
    logs = stack.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
        yield name, "\n".join(event["message"] for page in pages for event in page["events"])
    metrics = stack.client("cloudwatch").get_paginator("list_metrics").paginate()
    yield "metrics", json.dumps([page["Metrics"] for page in metrics])
    items = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.facts["table"])
    yield "the table", json.dumps([page["Items"] for page in items])
    yield "the queue of failed refills", "\n".join(_messages(stack))
    yield (
        "the emulator's log",
        json.dumps(stack.vendor("GET", "/_emulator/requests?limit=10000").body["requests"]),
    )
    for method, path, response in stack.heard:
        yield f"the response to {method} {path[:60]}", _without_its_own_token(response)


def _messages(stack: Stack) -> Iterator[str]:
    client = stack.client("sqs")
    for url in client.list_queues().get("QueueUrls", []):
        while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            yield json.dumps(messages)


def _tokens(body: Any) -> Iterator[str]:
    """Yields the token that a response returns: its `token`, or the one inside it."""
    token = body.get("token") if isinstance(body, dict) else None
    if isinstance(token, dict):
        token = token.get("token")
    if isinstance(token, str):
        yield token


def _without_its_own_token(response: Answer) -> str:
    text = json.dumps([dict(response.headers), response.body])
    for token in _tokens(response.body):
        text = text.replace(token, "", 1)
    return text


def _signature(token: str) -> str:
    return token.rpartition(".")[2] if "." in token else token


def _lines(secret: str) -> Iterator[str]:
    """Yields the secret lines of a private key: all except the first and last ones."""
    lines = secret.strip().splitlines()
    yield from lines if len(lines) == 1 else lines[1:-1]
