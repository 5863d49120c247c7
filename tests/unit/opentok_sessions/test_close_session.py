"""Closing: who may, what it ends, and that it happens once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from opentok_sessions.domain.problems import NotOwner, SessionClosed, SessionNotFound
from tests.aws import Aws, sent_twice
from tests.unit.opentok_sessions.application import ALICE, BOB, MODERATOR, NOW, Application, Clock

Metrics = Callable[[], Counter[str]]


def test_a_closed_session_issues_no_tokens(app: Application, metrics: Metrics) -> None:
    session = app.create().session
    metrics().clear()
    app.close(session.session_id)
    assert app.recorded(session.session_id).closed
    with pytest.raises(SessionClosed):
        app.token(session.session_id)
    assert metrics()["SessionClosed"] == 1


def test_closing_twice_has_the_same_result(app: Application, aws: Aws, metrics: Metrics) -> None:
    session = app.create().session
    app.close(session.session_id)
    items = aws.items()
    aws.forget_calls()
    app.clock.turn(10)
    app.close(session.session_id)
    assert aws.items() == items
    assert aws.calls == ["GetItem"]
    assert metrics()["SessionClosed"] == 1


def test_a_lost_reply(app: Application, aws: Aws) -> None:
    session = app.create().session
    aws.meet("UpdateItem", sent_twice)
    app.close(session.session_id)
    assert app.recorded(session.session_id).closed


def test_a_moderator_may(app: Application) -> None:
    session = app.create().session
    app.close(session.session_id, MODERATOR)
    assert app.recorded(session.session_id).closed


def test_a_participant_may_not(app: Application, aws: Aws) -> None:
    session = app.create({"participants": {"bob": "moderator"}}).session
    items = aws.items()
    with pytest.raises(NotOwner):
        app.close(session.session_id, BOB)
    assert aws.items() == items


def test_a_caller_who_only_knows_the_id_may_not_close(app: Application) -> None:
    session = app.create().session
    with pytest.raises(NotOwner):
        app.close(session.session_id, BOB)


def test_a_stranger_finds_nothing(app: Application) -> None:
    session = app.create({"participants": {}}).session
    for session_id in (session.session_id, "no-such-session"):
        with pytest.raises(SessionNotFound):
            app.close(session_id, BOB)
    assert not app.recorded(session.session_id).closed


def test_one_that_waits_in_a_pool_is_not_there(app: Application) -> None:
    app.fill("routed", "p1")
    with pytest.raises(SessionNotFound):
        app.close("p1", MODERATOR)
    assert app.pooled() == {"p1"}


def test_closing_a_session_frees_its_room(app: Application) -> None:
    session = app.create({"room": "lobby"}).session
    app.close(session.session_id)
    assert app.in_room("lobby") is None
    assert app.create({"room": "lobby"}, BOB).session.owner == BOB.sub


def test_one_whose_time_is_over_can_be_closed(app: Application, clock: Clock) -> None:
    session = app.create({"closesAt": "2030-03-17T17:47:00Z"}).session
    assert session.closes_at is not None
    clock.now = session.closes_at + 1.0
    app.close(session.session_id, ALICE)
    clock.now = NOW
    assert app.recorded(session.session_id).is_closed(NOW)
