"""The vendor's secret is rotated under load, and no request fails.

The order is the documented one: first a new key in the vendor's service, which accepts the old one
for as long as functions cache it; then the new value in Secrets Manager.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.integration.counts import SOAK, RecordProperty, count
from tests.integration.emulator import Emulator
from tests.integration.function_settings import environment
from tests.integration.identities import Issuer
from tests.integration.polling import until
from tests.integration.records import Records
from tests.integration.refill import fill
from tests.integration.stack import Answer, Stack
from tests.integration.traffic import paced

RATE = 20
SECONDS = max(10, count(60))
CACHE_SECONDS = 10 if SOAK else 2
OVERLAP_SECONDS = CACHE_SECONDS + 12
"""How long the old key stays valid: the cache TTL and an allowance for a busy machine."""

STORAGE_ATTEMPTS = 3

LIVE = {"archiveMode": "always"}
"""Options of no pool, so that the vendor is called."""

WITH_CREDENTIALS = ("create_session", "issue_token", "precreate_sessions")

pytestmark = pytest.mark.usefixtures("calm")


@dataclass
class Account:
    """The vendor's account, and its credentials in Secrets Manager."""

    stack: Stack
    vendor: Emulator

    def rotate(self, old_valid_seconds: float, **members: str) -> dict[str, str]:
        new = self.vendor.rotate(old_valid_seconds, **members)
        self.put(new)
        return new

    def put(self, credentials: dict[str, str]) -> None:
        self.stack.client("secretsmanager").put_secret_value(
            SecretId=self.stack.facts["secretId"], SecretString=json.dumps(credentials)
        )

    def restore(self) -> None:
        """Restores the credentials with which the stack was started."""
        platform = self.stack.facts["platform"]
        credentials = self.stack.facts["credentials"][platform]
        self.vendor.rotate(OVERLAP_SECONDS, **credentials)
        self.put(credentials)


@pytest.fixture(scope="module")
def short_cache(stack: Stack) -> Iterator[None]:
    """Shortens the TTL of the functions' credential cache."""
    with environment(stack, *WITH_CREDENTIALS, SECRET_CACHE_SECONDS=str(CACHE_SECONDS)):
        yield


@pytest.fixture
def account(stack: Stack, vendor: Emulator, short_cache: None) -> Iterator[Account]:
    """Restores the account after the test."""
    account = Account(stack, vendor)
    yield account
    account.restore()


def test_rotations_under_load_fail_no_request_and_every_token_connects(
    stack: Stack,
    vendor: Emulator,
    issuer: Issuer,
    account: Account,
    record_property: RecordProperty,
) -> None:
    users = [issuer.user() for _ in range(10)]
    known = stack.call("POST", "/sessions", {"room": "rotated"}, token=users[0].token)
    at = f"/sessions/{known.body['sessionId']}"
    rotate_at = {int(RATE * SECONDS * part) for part in (0.15, 0.6)}

    def request(number: int) -> tuple[Answer, Answer | None]:
        """Issues a token for the room's session, or creates a live session with a token."""
        if number in rotate_at:
            rotating.append(beside.submit(account.rotate, OVERLAP_SECONDS))
        token = users[number % 10].token
        if number % 2:
            response = call(f"{at}/tokens", {}, token)
            return response, _connected(vendor, response.body)
        response = call("/sessions", {**LIVE, "token": {}}, token)
        return response, _connected(vendor, response.body.get("token"))

    def call(path: str, body: Mapping[str, object], token: str) -> Answer:
        """Repeats a request to which the table of a busy machine did not respond in time."""
        for _ in range(STORAGE_ATTEMPTS):
            response = stack.call("POST", path, body, token=token)
            if response.body.get("code") != "storage_unavailable":
                break
            slow.append(response)
        return response

    slow: list[Answer] = []
    with ThreadPoolExecutor(1) as beside:
        rotating: list[Future[dict[str, str]]] = []
        outcomes = paced(RATE, SECONDS, request, in_flight=6)
        keys = [rotation.result() for rotation in rotating]

    assert len({json.dumps(key) for key in keys}) == 2
    failed = [response for response, _ in outcomes if response.status != 201]
    assert not failed, failed
    refused = [connected for _, connected in outcomes if connected and connected.status != 200]
    assert not refused, refused
    assert len(outcomes) == RATE * SECONDS
    record_property("requests", len(outcomes))
    record_property("failed", len(failed))
    record_property("repeated, because the table did not respond in time", len(slow))
    assert len(slow) <= len(outcomes) / 100, slow
    record_property("tokens that connected", sum(1 for _, connected in outcomes if connected))

    # When the old keys have expired, the functions have the new one, and tokens still connect.
    early = next(response.body for response, _ in outcomes if "expiresAt" in response.body)
    until("the old keys have expired", lambda: not _connects(vendor, early))
    response = stack.call("POST", f"{at}/tokens", {}, token=users[0].token)
    assert vendor.connect(known.body["sessionId"], response.body["token"]).status == 200


def test_a_revoked_key_causes_errors_for_no_longer_than_the_cache_ttl(
    stack: Stack, vendor: Emulator, account: Account
) -> None:
    room = {"room": f"revoked-{uuid.uuid4()}", "mediaMode": "routed"}
    session_id = stack.call("POST", "/sessions", room, user="alice").body["sessionId"]
    account.rotate(old_valid_seconds=0)

    def creates_work() -> bool:
        return stack.call("POST", "/sessions", LIVE, user="alice").status == 201

    def tokens_work() -> bool:
        response = stack.call("POST", f"/sessions/{session_id}/tokens", {}, user="alice")
        return vendor.connect(session_id, response.body["token"]).status == 200

    until("creation works again", creates_work, CACHE_SECONDS + 30)
    until("tokens connect again", tokens_work, CACHE_SECONDS + 30)


def test_after_a_change_of_project_no_old_session_is_returned(
    stack: Stack, vendor: Emulator, account: Account
) -> None:
    fill(stack, 5)
    old_pool = Records.read(stack).pooled
    room = {"room": f"moved-{uuid.uuid4()}", "mediaMode": "relayed"}
    before = stack.call("POST", "/sessions", room, user="alice").body
    other = {"apiKey": "49999999"}
    if stack.facts["platform"] == "vonage":
        other = {"applicationId": str(uuid.uuid4())}
    (other_id,) = other.values()
    account.rotate(OVERLAP_SECONDS, **other)

    def refused() -> bool:
        response = stack.call("POST", f"/sessions/{before['sessionId']}/tokens", {}, user="alice")
        return (response.status, response.body.get("code")) == (409, "session_of_another_project")

    until("creates are under the other project", lambda: _project(stack) == other_id)
    until("tokens of the old one are refused", refused)
    for _ in range(5):
        created = stack.call("POST", "/sessions", {"mediaMode": "routed"}, user="bob").body
        assert (created["projectId"], created["source"]) == (other_id, "created")
    moved = stack.call("POST", "/sessions", {**room, "token": {}}, user="alice").body
    assert (moved["projectId"], moved["sessionId"] != before["sessionId"]) == (other_id, True)
    assert vendor.connect(moved["sessionId"], moved["token"]["token"]).status == 200
    assert stack.call("GET", f"/sessions/{before['sessionId']}", user="alice").status == 200
    assert Records.read(stack).pooled >= old_pool, "its pool remains and is not used"


def _connects(vendor: Emulator, token: dict[str, str]) -> bool:
    return vendor.connect(token["sessionId"], token["token"]).status == 200


def _connected(vendor: Emulator, token: dict[str, str] | None) -> Answer | None:
    if not token or "token" not in token:
        return None
    return vendor.connect(token["sessionId"], token["token"])


def _project(stack: Stack) -> str:
    response = stack.call("POST", "/sessions", LIVE, user="bob")
    project: str = response.body["projectId"]
    return project
