"""The console's own server."""

import time
import uuid

from tests.integration.conftest import Answer, Stack, send


def ask(stack: Stack, method: str, path: str, body: object = None, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(method, stack.facts["consoleUrl"] + path, body, sent)


def test_a_user_who_signs_in_can_call_the_api(stack: Stack) -> None:
    user = ask(stack, "POST", "/console/sign-in", {"user": "bob"}).body
    listed = ask(stack, "GET", "/api/sessions?limit=1", Authorization=f"Bearer {user['token']}")

    assert user["sub"] == stack.facts["users"]["bob"]["sub"]
    assert user["expiresAt"] > time.time()
    assert listed.status == 200


def test_an_unknown_user_cannot_sign_in(stack: Stack) -> None:
    assert ask(stack, "POST", "/console/sign-in", {"user": "mallory"}).status == 404
    assert ask(stack, "POST", "/console/sign-in", ["alice"]).status == 400


def test_requests_and_responses_are_passed_on_unchanged(stack: Stack) -> None:
    token = stack.facts["users"]["alice"]["token"]
    key = str(uuid.uuid4())
    made = [
        ask(
            stack,
            "POST",
            "/api/sessions",
            {"mediaMode": "relayed"},
            Authorization=f"Bearer {token}",
            Content_Type="application/json",
            Idempotency_Key=key,
        )
        for _ in range(2)
    ]

    assert [response.status for response in made] == [201, 201]
    assert made[0].body["sessionId"] == made[1].body["sessionId"]
    assert made[0].headers["location"] == f"/sessions/{made[0].body['sessionId']}"
    assert made[0].headers["apigw-requestid"]
    assert "access-control-allow-origin" not in made[0].headers
    # An encoded `&` stays one: this is a strange room, and no limit.
    strange = "/api/sessions?room=a%26limit=5"
    refused = ask(stack, "GET", strange, Authorization=f"Bearer {token}")
    assert refused.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in refused.body["errors"]] == ["room"]
    assert ask(stack, "GET", "/api/sessions").status == 401
    assert ask(stack, "GET", "/api/unknown").status == 404


def test_the_page_loads_no_external_resources(stack: Stack) -> None:
    page = ask(stack, "GET", "/")

    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "://" not in page.body.replace("http://www.w3.org/2000/svg", "")
