"""The functions as Lambda runs them: each from its `app.py`, freshly loaded, on events."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from opentok_sessions.domain.models import Caller
from tests.unit.opentok_sessions.application import ALICE

__all__ = ["Answer", "Handler", "call", "load"]

FUNCTIONS = Path(__file__).parents[3] / "functions"
Handler = Callable[[object, object], dict[str, object]]


@dataclass(frozen=True)
class Answer:
    """What a function told the gateway."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> dict[str, object]:
        members: dict[str, object] = json.loads(self.text)
        return members


def load(name: str) -> Handler:
    """The handler of a function that starts now, in the environment of the moment."""
    spec = importlib.util.spec_from_file_location(f"started_{name}", FUNCTIONS / name / "app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler


def call(
    handler: Handler,
    route: str,
    *,
    caller: Caller = ALICE,
    session_id: str | None = None,
    room: str | None = None,
    connection_id: str | None = None,
    body: Mapping[str, object] | None = None,
    key: str | None = None,
    query: Mapping[str, str] | None = None,
    family: str | None = None,
    feature_id: str | None = None,
) -> Answer:
    """One request, as the gateway passes it on."""
    groups = {"cognito:groups": "[moderators]"} if caller.moderator else {}
    tenant = {"custom:tenant": caller.tenant} if caller.tenant else {}
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": route,
        "headers": {"content-type": "application/json"} | ({"idempotency-key": key} if key else {}),
        "requestContext": {
            "requestId": "request-1",
            "authorizer": {"jwt": {"claims": {"sub": caller.sub, **groups, **tenant}}},
        },
    }
    path = {"sessionId": session_id, "room": room, "connectionId": connection_id}
    path |= {"family": family, "featureId": feature_id}
    if any(path.values()):
        event["pathParameters"] = {name: value for name, value in path.items() if value is not None}
    if query is not None:
        event["queryStringParameters"] = dict(query)
    if body is not None:
        event["body"] = json.dumps(body)
    answer = handler(event, None)
    status, headers, text = answer["statusCode"], answer["headers"], answer.get("body", "")
    assert isinstance(status, int) and isinstance(headers, dict) and isinstance(text, str)
    return Answer(status, headers, text)
