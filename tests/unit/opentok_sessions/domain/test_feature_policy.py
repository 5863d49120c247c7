"""Who may use features, with every combination of caller and parameter, and in which sessions."""

from __future__ import annotations

from itertools import product

import pytest

from opentok_client.options import MediaMode, SessionOptions
from opentok_sessions.domain.feature_policy import require_feature_manager, require_startable
from opentok_sessions.domain.feature_problems import NotAvailableWithE2ee, RoutedSessionRequired
from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.problems import (
    NotOwner,
    Problem,
    SessionClosed,
    SessionNotOpenYet,
)
from tests.unit.opentok_sessions.application import NOW, a_session

# Caller -> whether the caller may use features, for the owner and for moderators only.
CALLERS = {
    Caller("alice"): (True, False),
    Caller("alice", moderator=True): (True, True),
    Caller("mo", moderator=True): (True, True),
    Caller("bob"): (False, False),
    Caller("Alice"): (False, False),
}
RELAYED = SessionOptions(MediaMode.RELAYED)
ENCRYPTED = SessionOptions(MediaMode.ROUTED, e2ee=True)


@pytest.mark.parametrize(("caller", "moderators_only"), [*product(CALLERS, (False, True))])
def test_who_may_use_features(caller: Caller, moderators_only: bool) -> None:
    if CALLERS[caller][moderators_only]:
        require_feature_manager(caller, a_session(), moderators_only=moderators_only)
    else:
        with pytest.raises(NotOwner):
            require_feature_manager(caller, a_session(), moderators_only=moderators_only)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"closed": True, "options": RELAYED}, SessionClosed),
        ({"closes_at": NOW, "options": RELAYED}, SessionClosed),
        ({"opens_at": NOW + 1, "options": RELAYED}, SessionNotOpenYet),
        ({"options": RELAYED}, RoutedSessionRequired),
        ({"options": ENCRYPTED}, NotAvailableWithE2ee),
    ],
)
def test_a_feature_cannot_start(values: dict[str, object], problem: type[Problem]) -> None:
    with pytest.raises(problem):
        require_startable(a_session(**values), NOW, allows_e2ee=False)


@pytest.mark.parametrize(
    ("values", "allows_e2ee"),
    [
        ({}, False),
        ({"closes_at": NOW + 1, "opens_at": NOW}, False),
        ({"options": ENCRYPTED}, True),
    ],
)
def test_a_feature_can_start(values: dict[str, object], allows_e2ee: bool) -> None:
    require_startable(a_session(**values), NOW, allows_e2ee=allows_e2ee)


def test_a_closed_session_says_that_no_feature_can_be_started() -> None:
    with pytest.raises(SessionClosed, match="No feature can be started"):
        require_startable(a_session(closed=True), NOW, allows_e2ee=False)
