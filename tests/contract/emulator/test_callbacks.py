"""Callbacks: events, bodies, signatures, retries and faults, as a receiver sees them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import requests

from tests.contract.emulator.receiver import Received, Receiver, receiver
from tests.contract.emulator.signing import hs256, rs256
from tests.emulator import CALL_SECONDS, Emulator

SCALE = 100  # 5 s become 50 ms


@pytest.fixture
def target(emulator: Emulator) -> Iterator[Receiver]:
    with receiver() as running:
        _configure(emulator, running)
        yield running
        emulator.control("PUT", "callbacks", {"url": None})
        emulator.control("DELETE", "callbacks")
        emulator.control("DELETE", "variants")


def _configure(emulator: Emulator, target: Receiver, **faults: object) -> None:
    body = {"url": target.url, "timeScale": SCALE, "faults": faults}
    response = emulator.control("PUT", "callbacks", body)
    assert response.status_code == 200, response.text


def _variants(emulator: Emulator, **variants: object) -> None:
    response = emulator.control("PUT", "variants", variants)
    assert response.status_code == 200, response.text


class Call:
    """A routed session of one project, and clients that connect to it."""

    def __init__(self, emulator: Emulator, platform: str = "opentok", **form: str) -> None:
        self._emulator = emulator
        self._vonage = platform == "vonage"
        self.project = emulator.application_id if self._vonage else emulator.api_key
        response = requests.post(
            f"{emulator.url}/session/create",
            data={"p2p.preference": "disabled", **form},
            headers=self.headers() | {"Accept": "application/json"},
            timeout=CALL_SECONDS,
        )
        self.id: str = response.json()[0]["session_id"]

    def headers(self) -> dict[str, str]:
        now = int(time.time())
        claims: dict[str, object] = {"iat": now, "exp": now + 180}
        if self._vonage:
            claims["application_id"] = self.project
            return {"Authorization": f"Bearer {rs256(self._emulator.private_key, claims)}"}
        claims |= {"iss": self.project, "ist": "project"}
        return {"X-OPENTOK-AUTH": hs256(self._emulator.api_secret, claims)}

    def token(self, role: str = "publisher", data: str = "") -> str:
        claims: dict[str, object] = {
            "session_id": self.id, "role": role, "scope": "session.connect",
            "iat": int(time.time()), "connection_data": data,
        }  # fmt: skip
        if self._vonage:
            return rs256(self._emulator.private_key, claims | {"application_id": self.project})
        named = claims | {"iss": self.project, "ist": "project"}
        return hs256(self._emulator.api_secret, named)

    def connect(self, data: str = "", **options: object) -> str:
        token = self.token(data=data)
        response = self._emulator.connect(self.id, token, **({"publish": False} | options))
        assert response.status_code == 200, response.text
        return str(response.json()["connectionId"])

    def disconnect(self, connection_id: str, **options: str) -> None:
        body = {"connectionId": connection_id, **options}
        assert self._emulator.control("POST", "disconnect", body).status_code == 204

    def rest(self, method: str, path: str, body: object = None) -> requests.Response:
        return requests.request(
            method,
            f"{self._emulator.url}/v2/project/{self.project}{path}",
            json=body,
            headers=self.headers(),
            timeout=CALL_SECONDS,
        )

    def deliveries(self) -> list[dict[str, Any]]:
        listed = self._emulator.control("GET", f"callbacks?sessionId={self.id}").json()
        found: list[dict[str, Any]] = listed["deliveries"]
        return found


def _events(received: list[Received]) -> list[str]:
    """The events in the order of their time; callbacks travel independently."""
    order = sorted(received, key=lambda request: request.body.get("timestamp", 0))
    return [request.event for request in order]


def _verify(request: Received, secret: str) -> dict[str, Any]:
    """Verifies a signature by hand and returns its claims."""
    assert request.authorization is not None
    scheme, token = request.authorization.split(" ")
    signed, signature = token.rsplit(".", 1)
    expected = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    assert scheme == "Bearer"
    assert hmac.compare_digest(_decoded(signature), expected)
    header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert claims["payload_hash"] == hashlib.sha256(request.raw).hexdigest()
    assert isinstance(claims, dict)
    return claims


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


# Events


def test_joining_and_leaving(emulator: Emulator, target: Receiver) -> None:
    call = Call(emulator)
    connection_id = call.connect("user=alice", publish={"videoType": "screen", "name": "slides"})
    call.disconnect(connection_id)
    received = target.wait(6)
    assert {request.path for request in received} == {"/callbacks/session"}
    bodies = {request.event: request.body for request in received}
    assert set(bodies) == {
        "sessionCreated", "connectionCreated", "streamCreated",
        "streamDestroyed", "connectionDestroyed", "sessionDestroyed",
    }  # fmt: skip
    for body in bodies.values():
        assert (body["sessionId"], body["projectId"]) == (call.id, emulator.api_key)
        assert abs(body["timestamp"] / 1000 - time.time()) < 60
    created, destroyed = bodies["connectionCreated"], bodies["connectionDestroyed"]
    assert created["connection"]["id"] == connection_id
    assert created["connection"]["data"] == "user=alice"
    assert destroyed["connection"] == created["connection"]
    assert destroyed["reason"] == "clientDisconnected"
    stream = bodies["streamCreated"]["stream"]
    assert (stream["videoType"], stream["name"]) == ("screen", "slides")
    assert stream["connection"]["id"] == connection_id
    assert "reason" not in bodies["sessionDestroyed"]


def test_only_the_first_and_last_client_change_the_session(
    emulator: Emulator, target: Receiver
) -> None:
    call = Call(emulator)
    first, second = call.connect(), call.connect()
    call.disconnect(first)
    call.disconnect(second)
    names = [request.event for request in target.wait(6)]
    assert names.count("sessionCreated") == names.count("sessionDestroyed") == 1
    call.connect()
    assert [r.event for r in target.wait(8)].count("sessionCreated") == 2


@pytest.mark.parametrize("platform", ["opentok", "vonage"])
def test_forced_disconnect_over_rest(emulator: Emulator, target: Receiver, platform: str) -> None:
    call = Call(emulator, platform)
    kept, removed = call.connect(), call.connect()
    path = f"/session/{call.id}/connection"
    assert call.rest("DELETE", f"{path}/{removed}").status_code == 204
    assert call.rest("DELETE", f"{path}/{removed}").status_code == 404
    items = call.rest("GET", path).json()["items"]
    assert [item["connectionId"] for item in items] == [kept]
    (destroyed,) = [r.body for r in target.wait(4) if r.event == "connectionDestroyed"]
    assert destroyed["connection"]["id"] == removed
    assert destroyed["reason"] == "forceDisconnected"


def test_rotation_ends_the_session_for_all_clients(emulator: Emulator, target: Receiver) -> None:
    call = Call(emulator)
    call.connect()
    call.connect()
    body = {"sessionId": call.id, "reason": "serverRotation"}
    assert emulator.control("POST", "notify", body).status_code == 204
    assert emulator.control("POST", "end", body).status_code == 204
    bodies = [request.body for request in target.wait(7)]
    reasons = {body["event"]: body.get("reason") for body in bodies}
    assert reasons["sessionNotification"] == "serverRotation"
    assert reasons["sessionDestroyed"] == "serverRotation"
    assert reasons["connectionDestroyed"] == "forceDisconnected"


def test_archive_status(emulator: Emulator, target: Receiver) -> None:
    call = Call(emulator)
    connection_id = call.connect()
    archive = call.rest("POST", "/archive", {"sessionId": call.id, "name": "lesson"}).json()
    call.disconnect(connection_id)
    target.until(lambda: sum(r.path == "/callbacks/archive" for r in target.requests) == 2)
    bodies = [r.body for r in target.requests if r.path == "/callbacks/archive"]
    bodies.sort(key=lambda body: body["status"])
    assert [body["status"] for body in bodies] == ["started", "stopped"]
    assert bodies[1]["reason"] == "session ended"
    assert bodies[0]["id"] == archive["id"]
    assert bodies[0]["partnerId"] == int(emulator.api_key)
    assert bodies[0]["event"] == "archive"


def test_an_archive_uploaded_before_it_is_stopped(emulator: Emulator, target: Receiver) -> None:
    emulator.control("PUT", "variants", {"archiveUploadedFirst": True})
    call = Call(emulator)
    call.connect()
    archive = call.rest("POST", "/archive", {"sessionId": call.id}).json()
    stopped = call.rest("POST", f"/archive/{archive['id']}/stop").json()
    assert stopped["status"] == "stopped"
    target.until(lambda: sum(r.path == "/callbacks/archive" for r in target.requests) == 3)
    created = [d["body"]["status"] for d in call.deliveries() if d["kind"] == "archive"]
    assert created == ["started", "uploaded", "stopped"]
    found = call.rest("GET", f"/archive/{archive['id']}").json()
    assert found["status"] == "uploaded"


def test_either_form_of_archive_callbacks(emulator: Emulator, target: Receiver) -> None:
    newer = {"archiveSizeText": False, "archiveUpdatedAt": False}
    older = {
        "archiveEventField": False,
        "archiveProjectField": "projectId",
        "archiveSizeText": True,
    }
    bodies = []
    for variants in (newer, older):
        emulator.control("DELETE", "variants")
        emulator.control("PUT", "variants", variants)
        target.requests.clear()
        call = Call(emulator)
        call.connect()
        call.rest("POST", "/archive", {"sessionId": call.id})
        target.until(lambda: any(r.path == "/callbacks/archive" for r in target.requests))
        bodies += [r.body for r in target.requests if r.path == "/callbacks/archive"]
    assert (bodies[0]["event"], bodies[0]["size"]) == ("archive", 0)
    assert bodies[0]["partnerId"] == int(emulator.api_key)
    assert "updatedAt" not in bodies[0]
    assert (bodies[1].get("event"), bodies[1]["size"]) == (None, "0")
    assert bodies[1]["projectId"] == int(emulator.api_key)
    assert bodies[1]["updatedAt"] >= bodies[1]["createdAt"]


def test_without_url_nothing_is_sent(emulator: Emulator, target: Receiver) -> None:
    emulator.control("PUT", "callbacks", {"url": None})
    call = Call(emulator)
    call.connect()
    assert call.deliveries() == []


# Signatures


@pytest.mark.parametrize("platform", ["opentok", "vonage"])
def test_signature(emulator: Emulator, target: Receiver, platform: str) -> None:
    Call(emulator, platform).connect("é")
    secret = emulator.credentials[platform]["signatureSecret"]
    claims = [_verify(request, secret) for request in target.wait(2)]
    assert len({claim["jti"] for claim in claims}) == 2
    for claim in claims:
        assert claim["iss"] == "Vonage"
        assert abs(claim["iat"] - time.time()) < 60
        assert "exp" not in claim
        application = emulator.application_id if platform == "vonage" else None
        assert claim.get("application_id") == application


def test_rotated_signature_secret(emulator: Emulator, target: Receiver) -> None:
    old = emulator.credentials["opentok"]["signatureSecret"]
    new = "s" * 50
    credentials = {"platform": "opentok", "apiSecret": emulator.api_secret}
    try:
        changed = emulator.control(
            "PUT", "credentials", credentials | {"signatureSecret": new}
        ).json()
        assert changed["opentok"]["signatureSecret"] == new
        Call(emulator).connect()
        _verify(target.wait(1)[0], new)
    finally:
        emulator.control("PUT", "credentials", credentials | {"signatureSecret": old})
    invalid = credentials | {"signatureSecret": "s", "signatureSecretDelaySeconds": -1}
    assert emulator.control("PUT", "credentials", invalid).status_code == 400
    too_long = credentials | {"signatureSecret": "s" * 51}
    assert emulator.control("PUT", "credentials", too_long).status_code == 400


def test_new_signature_secret_takes_effect_later(emulator: Emulator, target: Receiver) -> None:
    old = emulator.credentials["opentok"]["signatureSecret"]
    credentials = {"platform": "opentok", "apiSecret": emulator.api_secret}
    change = {"signatureSecret": "n" * 40, "signatureSecretDelaySeconds": 3600}
    try:
        emulator.control("PUT", "credentials", credentials | change)
        Call(emulator).connect()
        _verify(target.wait(1)[0], old)
    finally:
        emulator.control("PUT", "credentials", credentials | {"signatureSecret": old})


@pytest.mark.parametrize("fault", ["misSign", "wrongHash", "unsigned"])
def test_invalid_signatures(emulator: Emulator, target: Receiver, fault: str) -> None:
    _configure(emulator, target, **{fault: 1, "events": ["connectionCreated"]})
    Call(emulator).connect()
    secret = emulator.credentials["opentok"]["signatureSecret"]
    requests_by_event = {request.event: request for request in target.wait(2)}
    _verify(requests_by_event["sessionCreated"], secret)
    affected = requests_by_event["connectionCreated"]
    if fault == "unsigned":
        assert affected.authorization is None
    else:
        with pytest.raises(AssertionError):
            _verify(affected, secret)


@pytest.mark.parametrize("age", [86_400, -120])
def test_age_shifts_signature_and_timestamp(emulator: Emulator, target: Receiver, age: int) -> None:
    _configure(emulator, target, ageSeconds=age)
    Call(emulator).connect()
    request = target.wait(1)[0]
    claims = _verify(request, emulator.credentials["opentok"]["signatureSecret"])
    assert abs(time.time() - age - claims["iat"]) < 60
    assert abs(time.time() - age - request.body["timestamp"] / 1000) < 60


# Delivery


def test_failures_are_retried_with_growing_waits(emulator: Emulator, target: Receiver) -> None:
    target.statuses = [503, 500, 429]
    _configure(emulator, target, stop=True, events=["connectionCreated"])
    call = Call(emulator)
    call.connect()
    times = [request.time for request in target.wait(4)]
    waits = [later - earlier for earlier, later in pairwise(times)]
    for wait, expected in zip(waits, (5, 10, 20), strict=True):
        assert expected / SCALE <= wait < expected / SCALE + 5
    assert len({request.raw for request in target.requests}) == 1
    target.until(lambda: call.deliveries()[0]["state"] == "delivered")
    delivery = call.deliveries()[0]
    assert [attempt["status"] for attempt in delivery["attempts"]] == [503, 500, 429, 200]


def test_unreachable_target_is_retried(emulator: Emulator, target: Receiver) -> None:
    with receiver() as gone:
        pass
    _configure(emulator, gone)
    call = Call(emulator)
    call.connect()
    target.until(lambda: all(delivery["attempts"] for delivery in call.deliveries()))
    assert call.deliveries()[0]["attempts"][0]["status"] is None
    _configure(emulator, target)
    assert set(_events(target.wait(2))) == {"sessionCreated", "connectionCreated"}


@pytest.mark.parametrize(("again", "tokens"), [(True, 2), (False, 1)])
def test_retries_are_signed_again_or_not(
    emulator: Emulator, target: Receiver, again: bool, tokens: int
) -> None:
    _variants(emulator, retriesSignedAgain=again)
    target.statuses = [503]
    _configure(emulator, target, stop=True, events=["connectionCreated"])
    Call(emulator).connect()
    assert len({request.authorization for request in target.wait(2)}) == tokens


@pytest.mark.parametrize(
    ("status", "variants"),
    [(204, {"successStatuses": "200"}), (401, {"retriesAfter4xx": True})],
)
def test_statuses_that_are_retried(
    emulator: Emulator, target: Receiver, status: int, variants: dict[str, object]
) -> None:
    _variants(emulator, **variants)
    target.statuses = [status] * 2
    Call(emulator).connect()
    target.wait(3)


@pytest.mark.parametrize(
    ("status", "variants", "state"),
    [(204, {}, "delivered"), (401, {"retriesAfter4xx": False}, "rejected")],
)
def test_statuses_that_are_final(
    emulator: Emulator, target: Receiver, status: int, variants: dict[str, object], state: str
) -> None:
    _variants(emulator, **variants)
    target.statuses = [status] * 2
    call = Call(emulator)
    call.connect()
    target.until(lambda: {delivery["state"] for delivery in call.deliveries()} == {state})
    assert len(target.requests) == 2


def test_given_up_after_a_day(emulator: Emulator, target: Receiver) -> None:
    body = {"url": target.url, "timeScale": 1_000_000}
    emulator.control("PUT", "callbacks", body)
    target.statuses = [503] * 1000
    call = Call(emulator)
    call.connect()
    target.until(lambda: {delivery["state"] for delivery in call.deliveries()} == {"dropped"})
    attempts = len(call.deliveries()[0]["attempts"])
    assert attempts == 1 + 8 + (86_400 - 1275) // 900


# Faults


@pytest.mark.parametrize("fault", [{"lose": 1}, {"stop": True}])
def test_lost_callbacks(emulator: Emulator, target: Receiver, fault: dict[str, object]) -> None:
    _configure(emulator, target, **fault, events=["connectionCreated"])
    call = Call(emulator)
    call.disconnect(call.connect())
    assert "connectionCreated" not in [request.event for request in target.wait(3)]
    states = {delivery["event"]: delivery["state"] for delivery in call.deliveries()}
    assert states["connectionCreated"] in ("lost", "stopped")


def test_duplicates_are_identical(emulator: Emulator, target: Receiver) -> None:
    _configure(emulator, target, duplicate=1, events=["connectionCreated"])
    Call(emulator).connect()
    bodies = [r.raw for r in target.wait(3) if r.event == "connectionCreated"]
    assert len(bodies) == 2
    assert len(set(bodies)) == 1


def test_reordered_callback_follows_a_later_one(emulator: Emulator, target: Receiver) -> None:
    body = {"url": target.url, "faults": {"reorder": 1, "events": ["connectionCreated"]}}
    emulator.control("PUT", "callbacks", body)
    call = Call(emulator)
    connection_id = call.connect()
    target.wait(1)
    call.disconnect(connection_id)
    order = [request.event for request in target.wait(4)]
    assert order.index("connectionCreated") > 0
    assert order[0] == "sessionCreated"


def test_delay(emulator: Emulator, target: Receiver) -> None:
    _configure(emulator, target, delayMs=300)
    started = time.monotonic()
    Call(emulator).connect()
    assert target.wait(1)[0].time - started >= 0.3


def test_share_loses_the_same_callbacks_each_time(emulator: Emulator, target: Receiver) -> None:
    def states() -> list[str]:
        _configure(emulator, target, lose=0.4)
        call = Call(emulator)
        for _ in range(20):
            call.connect()
        target.until(lambda: all(d["state"] != "pending" for d in call.deliveries()))
        return [delivery["state"] for delivery in call.deliveries()]

    first = states()
    assert first == states()
    assert 2 <= first.count("lost") <= 19


# Variants


@pytest.mark.parametrize(
    ("variants", "event", "expected"),
    [
        ({"dataInDestroyed": False}, "connectionDestroyed", {"connection.data": ""}),
        ({"sessionDestroyedReason": "clientDisconnected"}, "sessionDestroyed",
         {"reason": "clientDisconnected"}),
        ({"projectField": "applicationId"}, "sessionCreated", {"projectId": None}),
    ],
)  # fmt: skip
def test_forms_of_bodies(
    emulator: Emulator,
    target: Receiver,
    variants: dict[str, object],
    event: str,
    expected: dict[str, object],
) -> None:
    _variants(emulator, **variants)
    call = Call(emulator)
    call.disconnect(call.connect("data"))
    (body,) = [request.body for request in target.wait(4) if request.event == event]
    for path, value in expected.items():
        first, _, second = path.partition(".")
        actual = body.get(first)
        assert (actual[second] if second and actual else actual) == value


def test_project_as_a_number(emulator: Emulator, target: Receiver) -> None:
    _variants(emulator, projectNumber=True)
    Call(emulator).connect()
    assert target.wait(1)[0].body["projectId"] == int(emulator.api_key)


def test_session_ends_later_unless_a_client_returns(emulator: Emulator, target: Receiver) -> None:
    _variants(emulator, sessionDestroyedAfterMs=400)
    call = Call(emulator)
    call.disconnect(call.connect())
    second = call.connect()
    target.wait(4)
    assert emulator.session(call.id)["live"] is True
    call.disconnect(second)
    names = [request.event for request in target.wait(6)]
    assert names.count("sessionDestroyed") == names.count("sessionCreated") == 1


def test_audio_only_stream_has_no_video_type(emulator: Emulator, target: Receiver) -> None:
    Call(emulator).connect(publish={"videoType": None})
    (body,) = [r.body for r in target.wait(3) if r.event == "streamCreated"]
    assert "videoType" not in body["stream"]


def test_streams_and_connection_in_either_order(emulator: Emulator, target: Receiver) -> None:
    orders = []
    for first in (False, True):
        _variants(emulator, connectionDestroyedFirst=first)
        call = Call(emulator)
        call.disconnect(call.connect(publish=True))
        names = [delivery["event"] for delivery in call.deliveries()]
        orders.append(names.index("connectionDestroyed") < names.index("streamDestroyed"))
    assert orders == [False, True]


# Settings


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"url": 5}, "url"),
        ({"url": "ftp://x"}, "url"),
        ({"timeScale": 0}, "timeScale"),
        ({"faults": []}, "faults"),
        ({"faults": {"lose": 2}}, "lose"),
        ({"faults": {"lose": True}}, "lose"),
        ({"faults": {"stop": 1}}, "stop"),
        ({"faults": {"events": ["x"]}}, "events"),
        ({"faults": {"delayMs": -1}}, "delayMs"),
        ({"extra": 1}, "extra"),
        ([], "object"),
    ],
)
def test_invalid_settings_are_rejected(emulator: Emulator, settings: object, field: str) -> None:
    response = emulator.control("PUT", "callbacks", settings)
    assert response.status_code == 400
    assert field in response.json()["message"]


@pytest.mark.parametrize(
    "variants",
    [{"unknown": 1}, {"dataInDestroyed": "yes"}, {"successStatuses": "all"},
     {"sessionDestroyedAfterMs": -1}, []],
)  # fmt: skip
def test_invalid_variants_are_rejected(emulator: Emulator, variants: object) -> None:
    before = emulator.control("GET", "variants").json()
    assert emulator.control("PUT", "variants", variants).status_code == 400
    assert emulator.control("GET", "variants").json() == before


def test_deliveries_have_no_signature(emulator: Emulator, target: Receiver) -> None:
    Call(emulator).connect()
    target.wait(2)
    shown = emulator.control("GET", "callbacks").text
    for request in target.requests:
        assert request.authorization is not None
        assert request.authorization.removeprefix("Bearer ") not in shown
