"""However slow AWS and the vendor are, an answer comes within the function's time.

Every call takes as long as one that is tried three times; time is the test's own clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from opentok_client.options import SessionOptions
from opentok_sessions.domain.deadline import FUNCTION_SECONDS, VENDOR_SECONDS
from opentok_sessions.domain.models import Created, TokenRequest
from opentok_sessions.domain.problems import StorageUnavailable, VendorUnavailable
from opentok_sessions.vendor import NewSession
from tests.aws import Aws, canceled
from tests.unit.opentok_sessions.application import ALICE, BOB, Application, Clock

CALL_SECONDS = (1, 3, 5, 6, 7, 8, 9, 10, 11, 12)
"""Up to three attempts, each with a second to connect and two to be answered, and the pauses
between them, of a second and two at most."""
IDLE_SECONDS = 12 * 3600
CACHE_SECONDS = 60
"""For so long the vendor's credentials are kept."""

Metrics = Callable[[], Counter[str]]
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
    with _taking(request.param, app, aws, clock):
        yield


@contextmanager
def _taking(
    seconds: float, app: Application, aws: Aws, clock: Clock, *operations: str
) -> Iterator[None]:
    """The vendor uses up its budget, and these calls of AWS (or all) take so long."""

    def send(event_name: str, sent: AWSPreparedRequest) -> AWSResponse:
        slow = not operations or event_name.endswith(operations)
        clock.turn(seconds if slow else 0)
        return Aws.send(aws, event_name, sent)

    create = app.vendor.create_session

    def create_session(options: SessionOptions, seconds: float = VENDOR_SECONDS) -> NewSession:
        clock.turn(seconds)
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
def test_a_session_that_the_vendor_created_is_recorded(
    app: Application, aws: Aws, clock: Clock
) -> None:
    created = app.create({"archiveMode": "always"})
    assert created.session.session_id in app.owned()


def test_a_session_that_is_left_over_is_kept_only_in_time(
    app: Application, aws: Aws, clock: Clock, metrics: Metrics
) -> None:
    """It would fit a pool, but writing takes so long that the caller would hear nothing."""
    aws.meet_always("TransactWriteItems", canceled("None", "ConditionalCheckFailed"))
    began = clock()
    writes = "TransactWriteItems", "PutItem"
    with _taking(12, app, aws, clock, *writes), pytest.raises(StorageUnavailable):
        app.create({"room": "new", "mediaMode": "routed"})
    assert clock() - began <= FUNCTION_SECONDS
    assert metrics()["SessionDropped"] == 1


@pytest.mark.usefixtures("slow")
def test_a_token(app: Application, clock: Clock) -> None:
    (session_id, *_) = app.owned()
    clock.turn(CACHE_SECONDS)
    began = clock()
    app.issue_token(session_id, ALICE, TokenRequest(), app.deadline())
    assert clock() - began <= FUNCTION_SECONDS
