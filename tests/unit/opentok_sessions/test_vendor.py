"""Creating sessions with the vendor: rotation, rejections, outages, and reused clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from opentok_client import transport
from opentok_client.circuit_breaker import FAILURES_IN_A_ROW
from opentok_client.credentials import OpenTokCredentials
from opentok_client.options import MediaMode, SessionOptions
from opentok_sessions.credentials import CredentialCache
from opentok_sessions.domain.problems import (
    CredentialsUnavailable,
    SessionOfAnotherProject,
    VendorRejected,
    VendorUnavailable,
)
from opentok_sessions.vendor import NewSession, Vendor
from tests.aws import API_KEY, API_SECRET, Aws, refuse
from tests.unit.opentok_sessions.application import Application, Clock
from tests.unit.opentok_sessions.vendor_server import DOWN, VendorServer

NEXT_SECRET = "the-next-secret-that-was-made-up-for-tests"
ROUTED = SessionOptions()
Log = Callable[[], str]
Metrics = Callable[[], Counter[str]]


def rotate(aws: Aws, vendor: VendorServer) -> None:
    vendor.secrets[API_KEY] = NEXT_SECRET
    aws.put_secret({"apiKey": API_KEY, "apiSecret": NEXT_SECRET})


def test_a_created_session_comes_with_the_credentials_of_its_project(
    app: Application, vendor: VendorServer
) -> None:
    new = app.vendor.create_session(SessionOptions(MediaMode.RELAYED))
    assert new == NewSession(vendor.made[0], app.credentials.current())
    assert vendor.forms == [{"p2p.preference": "enabled", "archiveMode": "manual"}]


class TestRotation:
    @pytest.mark.parametrize("status", [401, 403])
    def test_rejected_credentials_are_read_again_and_the_call_is_retried(
        self,
        app: Application,
        aws: Aws,
        vendor: VendorServer,
        clock: Clock,
        log: Log,
        status: int,
    ) -> None:
        app.credentials.current()
        rotate(aws, vendor)
        clock.turn(2)
        vendor.next_replies.append((status, {}, b'{"message":"Invalid token"}'))
        assert app.vendor.create_session(ROUTED).session_id == vendor.made[0]
        assert vendor.asked == 2
        assert aws.calls == ["GetSecretValue"] * 2
        assert "vendor_rejected_credentials" in log()
        assert f'"vendor_status":{status}' in log()

    def test_rejected_credentials_are_read_again_only_once(
        self, app: Application, vendor: VendorServer, clock: Clock, log: Log
    ) -> None:
        app.credentials.current()
        clock.turn(2)
        vendor.secrets.clear()
        with pytest.raises(VendorRejected):
            app.vendor.create_session(ROUTED)
        assert vendor.asked == 2
        assert app.aws.calls == ["GetSecretValue"] * 2
        assert "vendor_rejected" in log()

    def test_credentials_stay_rejected_while_secrets_manager_fails(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app.credentials.current()
        clock.turn(2)
        vendor.secrets.clear()
        aws.meet("GetSecretValue", refuse("ResourceNotFoundException"))
        with pytest.raises(VendorRejected):
            app.vendor.create_session(ROUTED)

    def test_a_session_is_created_in_the_new_project_after_a_change_of_project(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app.credentials.current()
        clock.turn(2)
        vendor.secrets = {"46000000": NEXT_SECRET}
        aws.put_secret({"apiKey": "46000000", "apiSecret": NEXT_SECRET})
        assert app.vendor.create_session(ROUTED) == NewSession(
            vendor.made[0], OpenTokCredentials("46000000", NEXT_SECRET)
        )

    def test_secrets_are_never_logged(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock, log: Log
    ) -> None:
        app.credentials.current()
        aws.put_secret({"apiKey": API_KEY, "apiSecret": NEXT_SECRET})
        vendor.secrets.clear()
        clock.turn(2)
        with pytest.raises(VendorRejected):
            app.vendor.create_session(ROUTED)
        assert API_SECRET not in log()
        assert NEXT_SECRET not in log()
        assert "X-OPENTOK-AUTH" not in log()


class TestFailures:
    @pytest.mark.parametrize("status", [400, 404, 409, 301])
    def test_a_rejected_create_is_not_retried_and_its_reason_is_only_logged(
        self, app: Application, vendor: VendorServer, log: Log, status: int
    ) -> None:
        vendor.next_replies.append((status, {}, b'{"message":"because of that"}'))
        with pytest.raises(VendorRejected) as refused:
            app.vendor.create_session(ROUTED)
        assert vendor.asked == 1
        assert "because of that" in log()
        assert "because of that" not in refused.value.detail

    def test_an_unavailable_vendor_sets_retry_after_and_opens_the_circuit_breaker(
        self, app: Application, vendor: VendorServer, log: Log
    ) -> None:
        vendor.is_down = True
        for _ in range(FAILURES_IN_A_ROW):
            with pytest.raises(VendorUnavailable) as failure:
                app.vendor.create_session(ROUTED)
            assert failure.value.retry_after == 100  # as it said itself
        assert "vendor_unavailable" in log()
        with pytest.raises(VendorUnavailable) as failure:
            app.vendor.create_session(ROUTED)
        assert vendor.asked == FAILURES_IN_A_ROW  # the circuit breaker is open
        assert 0 < failure.value.retry_after <= 100

    def test_a_retry_is_counted_and_its_reason_is_logged(
        self, app: Application, vendor: VendorServer, log: Log, metrics: Metrics
    ) -> None:
        vendor.next_replies.append((500, {}, b'{"message":"an accident"}'))
        assert app.vendor.create_session(ROUTED).session_id == vendor.made[0]
        assert metrics()["VendorRetried"] == 1
        assert "vendor_retried" in log()
        assert "an accident" in log()

    def test_the_vendor_is_called_within_the_time_budget(
        self, app: Application, vendor: VendorServer
    ) -> None:
        vendor.next_replies.append(DOWN)
        with pytest.raises(VendorUnavailable):
            Vendor(app.credentials, vendor.url).create_session(ROUTED, seconds=0)
        assert vendor.asked == 0

    def test_a_private_key_that_cannot_sign_is_reported_without_a_call(
        self, aws: Aws, vendor: VendorServer, clock: Clock, log: Log
    ) -> None:
        aws.put_secret({"applicationId": "a-1", "privateKey": "hunter2"})
        cache = CredentialCache(aws.client("secretsmanager"), aws.secret_id, "vonage", 60)
        with pytest.raises(CredentialsUnavailable) as failure:
            Vendor(cache, vendor.url).create_session(ROUTED)
        assert vendor.asked == 0
        assert "credentials_unusable" in log()
        assert "hunter2" not in log() + failure.value.detail

    def test_without_credentials_the_vendor_is_not_called(
        self, app: Application, aws: Aws, vendor: VendorServer
    ) -> None:
        aws.put_secret("{}")
        with pytest.raises(CredentialsUnavailable):
            app.vendor.create_session(ROUTED)
        assert vendor.asked == 0


def test_a_vendor_that_fails_30_percent_of_its_calls_fails_few_creates(
    app: Application,
    vendor: VendorServer,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr(transport, "BACKOFF_SECONDS", 0.001)
    vendor.fail_at_random(share=0.3, seed=1)
    failed = 0
    for _ in range(500):
        try:
            app.vendor.create_session(ROUTED)
        except VendorUnavailable:
            failed += 1
    record_property("failed creates of 500", failed)
    assert vendor.failed > 150
    assert failed <= 25


class TestConnections:
    @pytest.fixture
    def session_id(self, app: Application) -> str:
        return app.vendor.create_session(ROUTED).session_id

    def test_connected_clients_are_listed(
        self, app: Application, vendor: VendorServer, session_id: str
    ) -> None:
        vendor.connections[session_id] = ["c-1", "c-2"]
        listed = app.vendor.list_connections(session_id, API_KEY)
        assert [connection.connection_id for connection in listed] == ["c-1", "c-2"]

    def test_the_list_is_empty_when_nobody_is_connected(
        self, app: Application, session_id: str
    ) -> None:
        assert list(app.vendor.list_connections(session_id, API_KEY)) == []

    def test_a_client_is_disconnected_once(
        self, app: Application, vendor: VendorServer, session_id: str
    ) -> None:
        vendor.connections[session_id] = ["c-1", "c-2"]
        assert app.vendor.disconnect(session_id, API_KEY, "c-1") is True
        assert app.vendor.disconnect(session_id, API_KEY, "c-1") is False
        assert vendor.connections[session_id] == ["c-2"]

    def test_rejected_credentials_are_read_again(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock, session_id: str
    ) -> None:
        vendor.connections[session_id] = ["c-1"]
        rotate(aws, vendor)
        clock.turn(2)
        assert len(app.vendor.list_connections(session_id, API_KEY)) == 1
        vendor.secrets[API_KEY] = API_SECRET
        aws.put_secret({"apiKey": API_KEY, "apiSecret": API_SECRET})
        clock.turn(2)
        assert app.vendor.disconnect(session_id, API_KEY, "c-1") is True

    def test_a_session_of_another_project_is_not_looked_up(
        self, app: Application, vendor: VendorServer, session_id: str
    ) -> None:
        asked = vendor.asked
        with pytest.raises(SessionOfAnotherProject):
            app.vendor.list_connections(session_id, "46000000")
        with pytest.raises(SessionOfAnotherProject):
            app.vendor.disconnect(session_id, "46000000", "c-1")
        assert vendor.asked == asked

    def test_a_session_is_not_looked_up_when_the_project_changes_during_the_call(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock, session_id: str
    ) -> None:
        vendor.connections[session_id] = ["c-1"]
        clock.turn(2)
        vendor.secrets = {"46000000": NEXT_SECRET}
        aws.put_secret({"apiKey": "46000000", "apiSecret": NEXT_SECRET})
        with pytest.raises(SessionOfAnotherProject):
            app.vendor.list_connections(session_id, API_KEY)

    def test_a_failing_vendor_is_unavailable(
        self, app: Application, vendor: VendorServer, session_id: str
    ) -> None:
        vendor.is_down = True
        with pytest.raises(VendorUnavailable):
            app.vendor.list_connections(session_id, API_KEY)
        with pytest.raises(VendorUnavailable):
            app.vendor.disconnect(session_id, API_KEY, "c-1")


class TestTransport:
    def test_the_transport_is_kept_while_the_credentials_stay_the_same(
        self, app: Application, vendor: VendorServer, clock: Clock
    ) -> None:
        client = app.vendor._transport_of(app.credentials.current())
        clock.turn(3600)
        assert app.vendor._transport_of(app.credentials.current()) is client

    def test_the_transport_is_replaced_when_the_credentials_change(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        client = app.vendor._transport_of(app.credentials.current())
        rotate(aws, vendor)
        clock.turn(3600)
        assert app.vendor._transport_of(app.credentials.current()) is not client

    def test_the_circuit_breaker_closes_after_a_rotation(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        vendor.next_replies.extend([DOWN] * FAILURES_IN_A_ROW)
        for _ in range(FAILURES_IN_A_ROW):
            with pytest.raises(VendorUnavailable):
                app.vendor.create_session(ROUTED)
        rotate(aws, vendor)
        clock.turn(3600)
        assert app.vendor.create_session(ROUTED).session_id == vendor.made[0]
