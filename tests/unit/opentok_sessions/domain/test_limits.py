"""The rules of a caller's limits."""

from __future__ import annotations

import pytest

from opentok_client.grant import Role
from opentok_sessions.domain.limits import Limits, Quota, is_held, rooms_refused
from opentok_sessions.domain.models import Caller, Reuse
from opentok_sessions.domain.rooms import Terms

HOUR = Quota("sessions", 600, 3600)
ALICE = Caller("alice")


@pytest.mark.parametrize(
    ("now", "window", "ends_at", "wait"),
    [(0, 0, 3600, 3600), (3599.9, 0, 3600, 1), (3600, 1, 7200, 3600), (5400.5, 1, 7200, 1800)],
)
def test_a_window_is_counted_from_the_epoch(
    now: float, window: int, ends_at: int, wait: int
) -> None:
    assert HOUR.window(now) == window
    assert HOUR.ends_at(now) == ends_at
    assert HOUR.refused(now).retry_after == wait


def test_a_refusal_describes_the_quota() -> None:
    refused = HOUR.refused(1860)
    assert refused.type.status == 429
    assert refused.type.code == "too_many_requests"
    assert refused.detail == "The limit of 600 sessions per 3600 seconds is reached."
    assert refused.headers == {
        "RateLimit-Policy": '"sessions";q=600;w=3600',
        "RateLimit": '"sessions";r=0;t=1740',
    }


def test_a_refusal_of_a_room_says_what_helps() -> None:
    refused = rooms_refused(50)
    assert "Release one of them first" in refused.detail
    assert refused.retry_after == 60
    assert refused.headers == {"RateLimit-Policy": '"rooms";q=50', "RateLimit": '"rooms";r=0'}


def test_the_limits_of_a_deployment() -> None:
    limits = Limits.of(600, 120, 50, 60)
    assert limits == (HOUR, Quota("tokens", 120, 60), 50, Quota("features", 60, 3600))


@pytest.mark.parametrize(
    ("terms", "held"),
    [
        (Terms("alice", None, Reuse.CONVERSATION), False),
        (Terms("alice", None, Reuse.PERMANENT), True),
        (Terms("alice", {}, Reuse.CONVERSATION), True),
        (Terms("alice", {"bob": Role.PUBLISHER}, Reuse.PERMANENT), True),
        (Terms("bob", {"alice": Role.PUBLISHER}, Reuse.PERMANENT), False),
        (Terms("bob", {}, Reuse.CONVERSATION), False),
    ],
)
def test_the_owner_holds_private_and_permanent_rooms(terms: Terms, held: bool) -> None:
    assert is_held(ALICE, terms) is held
