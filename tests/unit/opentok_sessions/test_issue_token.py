"""Issuing tokens: for whom, for how long, under which project, and what it notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import jwt
import pytest

from opentok_client.credentials import Platform
from opentok_client.grant import Role, TokenFormat
from opentok_sessions.domain.models import Token, TokenRequest
from opentok_sessions.domain.problems import (
    CredentialsUnavailable,
    RoleNotAllowed,
    SessionClosed,
    SessionNotFound,
    SessionNotOpenYet,
    SessionOfAnotherProject,
)
from opentok_sessions.issue_token import TokenIssuer
from tests.aws import API_KEY, API_SECRET, Aws, canceled, refuse
from tests.unit.opentok_sessions.application import (
    ALICE,
    BOB,
    DAY,
    IDLE,
    MODERATOR,
    NOW,
    Application,
    Clock,
    a_session,
)
from tests.unit.opentok_sessions.vendor_server import VendorServer

Metrics = Callable[[], Counter[str]]
Log = Callable[[], str]
OTHER = {"apiKey": "46000000", "apiSecret": "another-secret-that-was-made-up-for-tests"}


def claims(token: Token, secret: str = API_SECRET) -> dict[str, object]:
    decoded: dict[str, object] = jwt.decode(
        token.text,
        secret,
        algorithms=["HS256"],
        options={"verify_iat": False, "verify_exp": False},
    )
    return decoded


class TestTheToken:
    def test_is_what_was_asked_for(self, app: Application, metrics: Metrics) -> None:
        session = app.create().session
        asked = TokenRequest(Role.SUBSCRIBER, 600, "name=bob", ("focus", "left"))
        token = app.token(session.session_id, BOB, asked)
        assert (token.session_id, token.project_id) == (session.session_id, API_KEY)
        assert (token.role, token.issued_at, token.expires_at) == (Role.SUBSCRIBER, NOW, NOW + 600)
        said = claims(token)
        assert said["session_id"] == session.session_id
        assert said["role"] == "subscriber"
        assert said["exp"] == NOW + 600
        assert said["connection_data"] == "name=bob"
        assert said["initial_layout_class_list"] == "focus left"
        assert metrics()["TokenIssued"] == 1

    def test_a_token_reports_silence_only_where_callbacks_are_expected(
        self, app: Application, aws: Aws, clock: Clock, metrics: Metrics
    ) -> None:
        session_id = app.create().session.session_id
        app.token(session_id)
        assert "CallbackSilence" not in metrics()
        credentials = {"apiKey": API_KEY, "apiSecret": API_SECRET}
        aws.put_secret({**credentials, "signatureSecret": "made-up-for-tests"})
        clock.turn(3600)
        app.token(session_id)
        assert metrics()["CallbackSilence"] == 1
        app.create({"token": {}})
        assert metrics()["CallbackSilence"] == 2

    @pytest.mark.parametrize("seconds", [60, 30 * DAY - 10, 30 * DAY - 9, 30 * DAY])
    def test_a_token_expires_when_the_response_says(self, app: Application, seconds: int) -> None:
        token = app.token(app.create().session.session_id, ALICE, TokenRequest(expires_in=seconds))
        said = claims(token)
        assert said["exp"] == token.expires_at <= NOW + seconds
        assert isinstance(said["iat"], int)
        assert token.expires_at - said["iat"] <= 30 * DAY

    def test_two_of_the_same_second_differ(self, app: Application) -> None:
        session_id = app.create().session.session_id
        assert app.token(session_id).text != app.token(session_id).text

    def test_the_deployments_format(self, app: Application) -> None:
        session_id = app.create().session.session_id
        t1 = replace(app.issue_token, tokens=TokenIssuer(TokenFormat.T1))
        token = t1(session_id, ALICE, TokenRequest(), app.deadline())
        assert token.text.startswith("T1==")

    def test_a_token_is_in_no_repr(self, app: Application) -> None:
        created = app.create({"token": {}})
        assert created.token is not None
        assert created.token.text not in repr(created)


class TestTheWindow:
    def test_a_token_expires_when_the_session_closes(self, app: Application) -> None:
        session = app.create({"closesAt": "2030-03-17T17:50:00Z"}).session
        assert session.closes_at is not None
        left = session.closes_at - NOW
        assert app.token(session.session_id).expires_at == session.closes_at
        short = TokenRequest(expires_in=left)
        assert app.token(session.session_id, ALICE, short).expires_at == session.closes_at
        shorter = TokenRequest(expires_in=left - 1)
        assert app.token(session.session_id, ALICE, shorter).expires_at == session.closes_at - 1

    def test_before_it_opens_and_after_it_closed(self, app: Application, clock: Clock) -> None:
        body = {"opensAt": "2030-03-17T17:50:00Z", "closesAt": "2030-03-17T18:50:00Z"}
        session = app.create(body).session
        assert session.opens_at is not None and session.closes_at is not None
        for moment, problem in (
            (session.opens_at - 0.5, SessionNotOpenYet),
            (session.closes_at, SessionClosed),
            (session.closes_at + 0.5, SessionClosed),
        ):
            clock.now = moment
            for caller in (ALICE, BOB, MODERATOR):
                with pytest.raises(problem):
                    app.token(session.session_id, caller)
        for good in (session.opens_at, session.closes_at - 0.5):
            clock.now = good
            assert app.token(session.session_id).expires_at <= session.closes_at


class TestWhoMayHaveIt:
    def test_roles(self, app: Application) -> None:
        session_id = app.create({"participants": {"bob": "subscriber"}}).session.session_id
        for caller in (ALICE, MODERATOR):
            token = app.token(session_id, caller, TokenRequest(Role.MODERATOR))
            assert token.role is Role.MODERATOR
        assert app.token(session_id, BOB, TokenRequest(Role.SUBSCRIBER)).role is Role.SUBSCRIBER
        with pytest.raises(RoleNotAllowed, match="subscriber"):
            app.token(session_id, BOB)

    def test_a_stranger_finds_nothing(self, app: Application) -> None:
        session_id = app.create({"participants": {}}).session.session_id
        app.fill("routed", "p1")
        for wanted in (session_id, "p1", "no-such-session"):
            with pytest.raises(SessionNotFound):
                app.token(wanted, BOB)

    def test_a_stranger_cannot_detect_a_closed_session(self, app: Application) -> None:
        session_id = app.create({"participants": {}}).session.session_id
        app.close(session_id)
        with pytest.raises(SessionNotFound):
            app.token(session_id, BOB)


class TestTheProject:
    def test_a_session_of_one_that_is_gone(self, app: Application, aws: Aws, clock: Clock) -> None:
        session_id = app.create().session.session_id
        aws.put_secret(OTHER)
        clock.turn(2)
        assert app.token(session_id).project_id == API_KEY  # from the cache
        clock.turn(60)
        with pytest.raises(SessionOfAnotherProject):
            app.token(session_id)

    def test_a_session_of_a_project_that_an_instance_does_not_know_yet(
        self, app: Application, aws: Aws, vendor: VendorServer, clock: Clock
    ) -> None:
        app.credentials.current()
        aws.put_secret(OTHER)
        vendor.secrets[OTHER["apiKey"]] = OTHER["apiSecret"]
        informed = Application.start(aws, vendor, clock)
        session_id = informed.create().session.session_id
        clock.turn(2)
        token = app.token(session_id)
        assert token.project_id == OTHER["apiKey"]
        assert claims(token, OTHER["apiSecret"])["iss"] == OTHER["apiKey"]

    def test_a_key_that_cannot_sign(
        self, aws: Aws, vendor: VendorServer, clock: Clock, log: Log
    ) -> None:
        app = Application.start(aws, vendor, clock, platform=Platform.VONAGE)
        session = a_session(project_id="app-1")
        app.store.record(session, NOW, pooled=False)
        aws.put_secret({"applicationId": "app-1", "privateKey": "hunter2"})
        with pytest.raises(CredentialsUnavailable) as failure:
            app.token(session.session_id)
        assert "credentials_unusable" in log()
        assert "hunter2" not in log() + repr(failure.value.__cause__)


class TestWhatItNotes:
    def test_use_when_it_is_due(self, app: Application, aws: Aws, clock: Clock) -> None:
        session_id = app.create().session.session_id
        clock.turn(IDLE / 10 - 1)
        app.token(session_id)
        assert app.recorded(session_id).last_used_at == NOW
        clock.turn(1)
        app.token(session_id, BOB)
        assert app.recorded(session_id).last_used_at == NOW + IDLE // 10

    def test_nothing_when_it_was_refused(
        self, app: Application, aws: Aws, clock: Clock, metrics: Metrics
    ) -> None:
        session_id = app.create({"participants": {"bob": "subscriber"}}).session.session_id
        clock.turn(DAY)
        items = aws.items()
        with pytest.raises(RoleNotAllowed):
            app.token(session_id, BOB)
        assert aws.items() == items
        assert "TokenIssued" not in metrics()

    def test_a_token_is_issued_although_the_room_moves_on(
        self, app: Application, aws: Aws, clock: Clock
    ) -> None:
        session_id = app.create({"room": "lobby"}).session.session_id
        clock.turn(IDLE)
        aws.meet("TransactWriteItems", canceled("None", "ConditionalCheckFailed"))
        assert app.token(session_id).session_id == session_id

    def test_a_use_that_cannot_be_recorded_does_not_fail_the_token(
        self, app: Application, aws: Aws, clock: Clock, metrics: Metrics
    ) -> None:
        session_id = app.create().session.session_id
        clock.turn(IDLE)
        before = metrics().copy()
        aws.meet("UpdateItem", refuse("ResourceNotFoundException"))
        assert app.token(session_id).text
        assert metrics() - before == {"TokenIssued": 1, "UseNotRecorded": 1}
