"""Authorization, with every combination of caller, role and time."""

from __future__ import annotations

from itertools import product

import pytest

from opentok_client.grant import Role
from opentok_sessions.domain import policy
from opentok_sessions.domain.models import Caller, Session
from opentok_sessions.domain.problems import (
    NotOwner,
    Problem,
    RoleNotAllowed,
    SessionClosed,
    SessionNotFound,
    SessionNotOpenYet,
)
from tests.unit.opentok_sessions.application import NOW, a_session

OPEN_TO_ALL, LISTED = "without a list", "with a list"

SUB, PUB, MOD, ONLY = Role.SUBSCRIBER, Role.PUBLISHER, Role.MODERATOR, Role.PUBLISHER_ONLY

# Kind of caller -> the caller, whether the session has a list, and the granted roles.
# No roles: the session does not exist for this caller.
EVERYTHING = {SUB, PUB, MOD, ONLY}
CALLERS: dict[str, tuple[Caller, str, set[Role]]] = {
    "the owner": (Caller("owner"), OPEN_TO_ALL, EVERYTHING),
    "the owner, not on the list": (Caller("owner"), LISTED, EVERYTHING),
    "a moderator": (Caller("stranger", moderator=True), OPEN_TO_ALL, EVERYTHING),
    "a moderator, not on the list": (Caller("stranger", moderator=True), LISTED, EVERYTHING),
    "a moderator, listed as subscriber": (Caller("sub", moderator=True), LISTED, EVERYTHING),
    "listed as subscriber": (Caller("sub"), LISTED, {SUB}),
    "listed as publisher": (Caller("pub"), LISTED, {SUB, PUB, ONLY}),
    "listed as publisher only": (Caller("only"), LISTED, {ONLY}),
    "listed as moderator": (Caller("mod"), LISTED, EVERYTHING),
    "another user": (Caller("stranger"), OPEN_TO_ALL, {SUB, PUB, ONLY}),
    "another user, not on the list": (Caller("stranger"), LISTED, set()),
    "the owner's name in another case": (Caller("Owner"), LISTED, set()),
}
PARTICIPANTS = {"sub": SUB, "pub": PUB, "only": ONLY, "mod": MOD}

# When -> the window, whether it was closed by hand, and what is raised.
TIMES: dict[str, tuple[int | None, int | None, bool, type[Problem] | None]] = {
    "open": (None, None, False, None),
    "closed": (None, None, True, SessionClosed),
    "within the window": (NOW - 1, NOW + 1, False, None),
    "the window opens now": (NOW, NOW + 1, False, None),
    "the window closes now": (NOW - 1, NOW, False, SessionClosed),
    "closesAt has passed": (None, NOW - 1, False, SessionClosed),
    "not open yet": (NOW + 1, NOW + 2, False, SessionNotOpenYet),
    "never closes": (NOW - 1, None, False, None),
    "closed within the window": (NOW - 1, NOW + 1, True, SessionClosed),
    "closed before it opens": (NOW + 1, NOW + 2, True, SessionClosed),
}


def session(
    admission: str = OPEN_TO_ALL,
    opens_at: int | None = None,
    closes_at: int | None = None,
    closed: bool = False,
) -> Session:
    return a_session(
        owner="owner",
        opens_at=opens_at,
        closes_at=closes_at,
        participants=PARTICIPANTS if admission == LISTED else None,
        closed=closed,
    )


def outcome(caller: Caller, found: Session, asked: Role) -> type[Problem] | None:
    """Issues a token, with the decisions in their order."""
    try:
        admitted, highest = policy.admit(caller, found)
        assert admitted is found
        policy.require_window(found, NOW)
        policy.require_role(asked, highest)
    except Problem as problem:
        return type(problem)
    return None


@pytest.mark.parametrize(
    ("who", "when", "asked"), [*product(CALLERS, TIMES, Role)], ids=lambda value: str(value)
)
def test_every_combination(who: str, when: str, asked: Role) -> None:
    caller, admission, granted = CALLERS[who]
    opens_at, closes_at, closed, refusal = TIMES[when]
    expected = refusal
    if not granted:
        expected = SessionNotFound  # at any time; otherwise the caller could infer that it exists
    elif refusal is None and asked not in granted:
        expected = RoleNotAllowed
    found = session(admission, opens_at, closes_at, closed)
    assert outcome(caller, found, asked) is expected


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("when", TIMES)
def test_who_may_close(who: str, when: str) -> None:
    caller, admission, _ = CALLERS[who]
    opens_at, closes_at, closed, _ = TIMES[when]
    found = session(admission, opens_at, closes_at, closed)
    manages = who.startswith(("the owner", "a moderator")) and caller.sub != "Owner"
    assert policy.may_manage(caller, found) is manages
    if manages:
        policy.require_manager(caller, found)
    else:
        with pytest.raises(NotOwner):
            policy.require_manager(caller, found)


def test_a_missing_and_a_forbidden_session_give_the_same_response() -> None:
    told = []
    for found in (None, session(LISTED)):
        with pytest.raises(SessionNotFound) as problem:
            policy.admit(Caller("stranger"), found)
        told.append((problem.value.detail, problem.value.errors, problem.value.args))
    assert told[0] == told[1]


def test_an_empty_list_admits_only_the_owner_and_moderators() -> None:
    found = session()
    found = Session(
        **{name: getattr(found, name) for name in Session.__slots__} | {"participants": {}}
    )
    assert policy.admit(Caller("owner"), found)[1] is MOD
    assert policy.admit(Caller("mo", moderator=True), found)[1] is MOD
    with pytest.raises(SessionNotFound):
        policy.admit(Caller("stranger"), found)


@pytest.mark.parametrize("highest", Role)
def test_a_refusal_names_the_highest_role_that_would_be_granted(highest: Role) -> None:
    assert highest in policy.grants(highest)
    for asked in set(Role) - policy.grants(highest):
        with pytest.raises(
            RoleNotAllowed, match=f"highest role for this caller is '{highest.value}'"
        ):
            policy.require_role(asked, highest)


def test_publishing_only_is_no_step_between_subscribing_and_publishing() -> None:
    assert ONLY not in policy.grants(SUB)
    assert SUB not in policy.grants(ONLY)
    assert policy.grants(PUB) == {SUB, PUB, ONLY}
    assert policy.grants(MOD) == set(Role)


def test_the_clock_may_have_fractions() -> None:
    policy.require_window(session(closes_at=NOW), NOW - 0.001)
    with pytest.raises(SessionClosed):
        policy.require_window(session(closes_at=NOW), NOW + 0.0)
    with pytest.raises(SessionNotOpenYet):
        policy.require_window(session(opens_at=NOW), NOW - 0.001)
