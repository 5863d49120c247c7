"""Features of routed sessions over HTTP: each family end to end, refusals, a lost response."""

import pytest

from opentok_client.families import FAMILIES, Family
from tests.contract.openapi import operations, strict_contract, violations
from tests.integration.emulator import Emulator
from tests.integration.feature_bodies import BODIES
from tests.integration.polling import until
from tests.integration.stack import Answer, Stack
from tests.integration.test_live_sessions import connect, create


@pytest.fixture(autouse=True)
def no_faults(vendor: Emulator) -> None:
    vendor.recover()


@pytest.fixture
def session_id(stack: Stack) -> str:
    """A routed session of alice with one client in it."""
    created: str = create(stack, "alice", mediaMode="routed")["sessionId"]
    connect(stack, created, "alice")
    return created


def ask(
    stack: Stack, method: str, session_id: str, path: str, body: object = None, user: str = "alice"
) -> Answer:
    return stack.call(method, f"/sessions/{session_id}/{path}", body, user=user)


def start(stack: Stack, session_id: str, family: str) -> Answer:
    return ask(stack, "POST", session_id, family, BODIES[family])


def conforming(answer: Answer, method: str, path: str) -> Answer:
    """Returns a response that has exactly the fields of the contract."""
    route = (method, f"/sessions/{{sessionId}}/{path}")
    (operation,) = [each for each in operations() if (each.method, each.path) == route]
    content = operation.responses[str(answer.status)]["content"]["application/json"]
    assert violations(content["schema"], answer.body, strict_contract()) == []
    return answer


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_feature_is_started_shown_changed_and_stopped(
    stack: Stack, session_id: str, family: Family
) -> None:
    started = start(stack, session_id, family.name)
    assert started.status == (202 if family.accepted else 201), started
    conforming(started, "POST", family.name)
    feature_id = started.body["id"]
    at = f"{family.name}/{feature_id}"
    if family.found:
        assert started.headers["location"] == f"/sessions/{session_id}/{at}"
        found = ask(stack, "GET", session_id, at)
        assert (found.status, found.body["status"]) == (200, "started")
        conforming(found, "GET", f"{family.name}/{{featureId}}")
        listed = conforming(ask(stack, "GET", session_id, family.name), "GET", family.name)
        assert [item["id"] for item in listed.body["items"]] == [feature_id]
        assert listed.body["count"] == 1
    if family.arranged:
        layout = ask(stack, "PUT", session_id, f"{at}/layout", {"type": "pip"})
        streams = ask(stack, "PATCH", session_id, f"{at}/streams", {"addStream": "stream"})
        assert (layout.status, streams.status) == (204, 204)
    other = create(stack, "alice", mediaMode="routed")["sessionId"]
    assert refused(ask(stack, "POST", other, f"{at}/stop")) == (404, "feature_not_found")
    stopped = ask(stack, "POST", session_id, f"{at}/stop")
    if family.name in ("archives", "broadcasts"):
        assert (stopped.status, stopped.body["status"]) == (200, "stopped")
        conforming(stopped, "POST", f"{family.name}/{{featureId}}/stop")
    else:
        assert stopped.status == 204, stopped
    if family.found:
        assert ask(stack, "GET", session_id, at).body["status"] == "stopped"


def test_the_status_that_a_callback_reports_is_shown_until_the_archive_is_deleted(
    stack: Stack, session_id: str
) -> None:
    at = f"archives/{start(stack, session_id, 'archives').body['id']}"
    running = ask(stack, "DELETE", session_id, at)
    assert refused(running) == (409, "feature_cannot_be_deleted")
    assert ask(stack, "POST", session_id, f"{at}/stop").status == 200
    change = {"status": "available"}
    assert stack.vendor("PUT", f"/_emulator/{at}/status", change).status == 200
    found = ask(stack, "GET", session_id, at).body
    assert (found["status"], found["url"][:4]) == ("available", "http")
    assert ask(stack, "DELETE", session_id, at).status == 204
    deleted = ask(stack, "GET", session_id, at)
    assert (deleted.status, deleted.body["status"]) == (200, "deleted")
    assert "url" not in conforming(deleted, "GET", "archives/{featureId}").body
    assert ask(stack, "GET", session_id, "archives").body == {"items": [], "count": 0}


@pytest.mark.parametrize("family", ["archives", "broadcasts"])
def test_a_client_must_be_connected(stack: Stack, family: str) -> None:
    empty = create(stack, "alice", mediaMode="routed")["sessionId"]
    assert refused(start(stack, empty, family)) == (409, "nobody_connected")


def test_a_relayed_and_an_encrypted_session_have_no_features_except_captions(
    stack: Stack,
) -> None:
    relayed = create(stack, "alice", mediaMode="relayed")["sessionId"]
    encrypted = create(stack, "alice", mediaMode="routed", e2ee=True)["sessionId"]
    for family in FAMILIES:
        assert refused(start(stack, relayed, family)) == (409, "routed_session_required")
        if family != "captions":
            assert refused(start(stack, encrypted, family)) == (409, "not_available_with_e2ee")
    assert start(stack, encrypted, "captions").status == 202


def test_captions_that_are_running_are_named(stack: Stack, session_id: str) -> None:
    first = start(stack, session_id, "captions")
    second = start(stack, session_id, "captions")
    assert refused(second) == (409, "feature_already_running")
    assert second.body["featureId"] == first.body["id"]
    assert ask(stack, "POST", session_id, f"captions/{first.body['id']}/stop").status == 204
    assert start(stack, session_id, "captions").status == 202


def test_an_automatic_archive_cannot_be_stopped(stack: Stack) -> None:
    session_id = create(stack, "alice", mediaMode="routed", archiveMode="always")["sessionId"]
    connect(stack, session_id, "alice")
    [automatic] = ask(stack, "GET", session_id, "archives").body["items"]
    answer = ask(stack, "POST", session_id, f"archives/{automatic['id']}/stop")
    assert refused(answer) == (409, "feature_cannot_be_stopped")
    assert refused(start(stack, session_id, "archives")) == (409, "feature_already_running")
    tagged = ask(stack, "POST", session_id, "archives", {"multiArchiveTag": "second"})
    assert tagged.status == 201
    assert ask(stack, "POST", session_id, f"archives/{tagged.body['id']}/stop").status == 200


@pytest.mark.parametrize("requests", [1, 2], ids=["the start", "the start and its look-up"])
def test_a_repeat_of_a_start_with_a_lost_response_starts_no_second_archive(
    stack: Stack, vendor: Emulator, session_id: str, requests: int
) -> None:
    lost = {"path": "/v2/project", "reset": True}
    with vendor.failing(**lost, **({"count": 1} if requests == 1 else {})):
        first = start(stack, session_id, "archives")
    if requests == 1:
        assert first.status == 201, first
    else:
        assert refused(first) == (503, "feature_start_uncertain")
        assert int(first.headers["retry-after"]) > 0
    second = start(stack, session_id, "archives")
    if second.status == 503:  # the circuit breaker is open, and the app tries again later
        second = until_open(stack, session_id)
    assert refused(second) == (409, "feature_already_running")
    listed = ask(stack, "GET", session_id, "archives").body
    assert [item["id"] for item in listed["items"]] == [second.body["featureId"]]


def until_open(stack: Stack, session_id: str) -> Answer:
    answers: list[Answer] = []

    def responds() -> bool:
        answers.append(start(stack, session_id, "archives"))
        return answers[-1].status != 503

    until("the vendor is called again", responds)
    return answers[-1]


def test_features_are_for_the_owner_and_moderators(stack: Stack, session_id: str) -> None:
    path = f"/sessions/{session_id}/archives"
    assert refused(stack.call("POST", path, {}, user="bob")) == (403, "not_owner")
    started = stack.call("POST", path, {}, user="moderator")
    assert started.status == 201
    stopped = stack.call("POST", f"{path}/{started.body['id']}/stop", user="alice")
    assert stopped.status == 200
