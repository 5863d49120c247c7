"""However slow AWS and the vendor are, an answer comes within the function's time.

Every call takes as long as one that is tried three times; time is the test's own clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from opentok_client.options import SessionOptions
from sessions.errors import StorageUnavailable, VendorUnavailable
from sessions.models import Created, TokenRequest
from sessions.vendor import BUDGET_SECONDS, NewSession
from tests.aws import Aws
from tests.unit.sessions.application import ALICE, BOB, Application, Clock

FUNCTION_SECONDS = 25
"""The functions' `Timeout` in the template."""
CALL_SECONDS = (1, 3, 5, 7, 8)
"""Up to three attempts of two seconds, and the pauses between them."""
IDLE_SECONDS = 12 * 3600

Create = Callable[[Application], Created]
CREATES: dict[str, Create] = {
    "from the pool": lambda app: app.create({"token": {}}),
    "live": lambda app: app.create({"archiveMode": "always", "token": {}}),
    "with a key": lambda app: app.create({}, key="new"),
    "live with a key": lambda app: app.create({"archiveMode": "always"}, key="new"),
    "with a key that is known": lambda app: app.create({"token": {}}, key="known"),
    "in a new room": lambda app: app.create({"room": "new", "token": {}}, key="new"),
    "in a room that is there": lambda app: app.create({"room": "lobby"}, BOB, key="new"),
}


@pytest.fixture(params=CALL_SECONDS)
def slow(
    request: pytest.FixtureRequest, app: Application, aws: Aws, clock: Clock
) -> Iterator[None]:
    """A room and a key that are known and whose use is due; then everything takes long."""
    app.create({"room": "lobby"})
    app.create({"token": {}}, key="known")
    clock.turn(IDLE_SECONDS / 2)
    app.credentials.current()

    def send(event_name: str, sent: AWSPreparedRequest) -> AWSResponse:
        clock.turn(request.param)
        return Aws.send(aws, event_name, sent)

    create = app.vendor.create_session

    def create_session(options: SessionOptions, budget: float = BUDGET_SECONDS) -> NewSession:
        clock.turn(budget)
        return create(options)

    with (
        mock.patch.object(aws, "send", send),
        mock.patch.object(type(app.vendor), "create_session", staticmethod(create_session)),
    ):
        yield


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("create", CREATES.values(), ids=CREATES)
def test_creating(app: Application, clock: Clock, create: Create) -> None:
    began = clock()
    try:
        create(app)
    except (StorageUnavailable, VendorUnavailable) as failure:
        assert failure.retry_after > 0
    assert clock() - began <= FUNCTION_SECONDS


@pytest.mark.usefixtures("slow")
def test_what_the_vendor_made_is_written_down(app: Application, aws: Aws, clock: Clock) -> None:
    created = app.create({"archiveMode": "always"})
    assert created.session.session_id in app.owned()


@pytest.mark.usefixtures("slow")
def test_a_token(app: Application, clock: Clock) -> None:
    (session_id, *_) = app.owned()
    began = clock()
    app.issue_token(session_id, ALICE, TokenRequest())
    assert clock() - began <= FUNCTION_SECONDS
