"""The two routes that the vendor's sample apps call."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.conftest import Answer, Stack, send

MEMBERS = {"apiKey", "applicationId", "sessionId", "token"}


def ask(stack: Stack, path: str, method: str = "GET", **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(method, stack.facts["consoleUrl"] + path, None, sent)


@pytest.mark.parametrize("path", ["/session", "/room/demo"])
def test_a_sample_app_gets_its_four_values(stack: Stack, path: str) -> None:
    response = ask(stack, path, Origin="https://samples.example")

    assert response.status == 200
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "no-store"
    assert response.body.keys() == MEMBERS
    assert all(isinstance(value, str) and value for value in response.body.values())
    platform = stack.facts["platform"]
    name = "applicationId" if platform == "vonage" else "apiKey"
    project = stack.facts["credentials"][platform][name]
    assert {response.body["apiKey"], response.body["applicationId"]} == {project}


def test_a_sample_app_can_connect_and_publish(stack: Stack) -> None:
    given = ask(stack, "/session").body

    connected = stack.vendor(
        "POST",
        "/_emulator/connect",
        {"sessionId": given["sessionId"], "token": given["token"]},
    )

    assert connected.status == 200
    assert connected.body["role"] == "publisher"


def test_sample_apps_and_api_callers_of_a_room_get_one_session(stack: Stack) -> None:
    room = f"sample.{uuid.uuid4()}"
    with ThreadPoolExecutor(8) as callers:
        responses = list(callers.map(lambda _: ask(stack, f"/room/{room}"), range(8)))
    joined = stack.call("POST", "/sessions", {"room": room}, user="bob")

    assert {response.body["sessionId"] for response in responses} == {joined.body["sessionId"]}
    assert joined.body["owner"] == stack.facts["users"]["alice"]["sub"]
    assert ask(stack, f"/room/other-{room}").body["sessionId"] != joined.body["sessionId"]


def test_the_session_without_a_room_is_that_of_the_room_session(stack: Stack) -> None:
    assert (
        ask(stack, "/session").body["sessionId"] == (ask(stack, "/room/session").body["sessionId"])
    )


@pytest.mark.parametrize("path", ["/session", "/room/demo"])
def test_any_origin_and_header_is_allowed(stack: Stack, path: str) -> None:
    response = ask(
        stack,
        path,
        "OPTIONS",
        Origin="https://samples.example",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="content-type, x-requested-with",
        Access_Control_Request_Private_Network="true",
    )

    assert response.status == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert "GET" in re.split(r",\s*", response.headers["access-control-allow-methods"])
    assert response.headers["access-control-allow-headers"] == "content-type, x-requested-with"
    assert response.headers["access-control-allow-private-network"] == "true"


def test_an_error_of_the_api_is_passed_on(stack: Stack) -> None:
    response = ask(stack, "/room/not%20a%20name")

    assert response.status == 400
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["content-type"] == "application/problem+json"
    assert response.body["code"] == "invalid_request"


def post(stack: Stack, path: str, body: object) -> Answer:
    address = stack.facts["consoleUrl"] + path
    return send("POST", address, body, {"Origin": "https://samples.example"})


def test_the_buttons_of_the_archiving_sample(stack: Stack) -> None:
    given = ask(stack, f"/room/archived.{uuid.uuid4()}").body
    refused = post(stack, "/archive/start", {"sessionId": given["sessionId"]})
    assert (refused.status, refused.body["code"]) == (409, "nobody_connected")
    assert refused.headers["access-control-allow-origin"] == "*"

    joined = {"sessionId": given["sessionId"], "token": given["token"]}
    assert stack.vendor("POST", "/_emulator/connect", joined).status == 200
    started = post(stack, "/archive/start", {"sessionId": given["sessionId"]})
    assert started.status == 200, started.body
    assert started.body["status"] == "started"
    stopped = post(stack, f"/archive/{started.body['id']}/stop", {})
    assert stopped.status == 200, stopped.body
    assert stopped.headers["access-control-allow-origin"] == "*"
    viewed = ask(stack, f"/archive/{started.body['id']}/view")
    assert viewed.status == 200
    assert "The archive is stopped." in viewed.body
    available = {"status": "available"}
    stack.vendor("PUT", f"/_emulator/archives/{started.body['id']}/status", available)
    recording = ask(stack, f"/archive/{started.body['id']}/view")
    assert (recording.status, recording.headers["content-type"]) == (200, "video/mp4")


def test_the_buttons_of_the_captions_sample(stack: Stack) -> None:
    given = ask(stack, f"/room/captioned.{uuid.uuid4()}").body
    joined = {"sessionId": given["sessionId"], "token": given["token"]}
    assert stack.vendor("POST", "/_emulator/connect", joined).status == 200

    started = post(stack, "/captions/start", joined)

    assert started.status == 200, started.body
    stopped = post(stack, f"/captions/{started.body['id']}/stop", {})
    assert stopped.status == 200, stopped.body
    assert post(stack, "/captions/start", {}).status == 400
    assert post(stack, "/archive/..%2f..%2fx/stop", {}).status == 404
