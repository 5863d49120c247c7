"""No place forgets an option: each of them is held here by its own pair of sessions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opentok_client.options import SessionOptions
from opentok_sessions.domain import rooms
from opentok_sessions.domain.models import Reuse
from opentok_sessions.domain.pools import pool_name
from opentok_sessions.http.create_session import OPTION_FIELDS, parse_create_request
from opentok_sessions.http.pools import parse_pools
from opentok_sessions.storage.items import session_item, session_of
from tests.options import PAIRS
from tests.unit.opentok_sessions.application import NOW, a_session

SESSION = a_session(room="lobby", reuse=Reuse.CONVERSATION)

each_option = pytest.mark.parametrize(("one", "other"), PAIRS.values(), ids=PAIRS)


def body(options: SessionOptions) -> dict[str, object]:
    """Returns the body that requests these options: responses and requests name them alike."""
    return dict(options.fields())


@each_option
def test_every_option_can_be_requested(one: SessionOptions, other: SessionOptions) -> None:
    for options in (one, other):
        assert body(options).keys() <= set(OPTION_FIELDS)
        assert parse_create_request(body(options), NOW, 3600).chosen.options == options


@each_option
def test_every_option_is_in_the_response(one: SessionOptions, other: SessionOptions) -> None:
    assert body(one) != body(other)


@each_option
def test_every_option_is_sent_to_the_vendor(one: SessionOptions, other: SessionOptions) -> None:
    assert one.form() != other.form()


@each_option
def test_every_option_is_stored(one: SessionOptions, other: SessionOptions) -> None:
    for options in (one, other):
        session = replace(SESSION, options=options)
        assert session_of(session_item(session, None)) == session


@each_option
def test_every_option_conflicts_with_a_different_room(
    one: SessionOptions, other: SessionOptions
) -> None:
    asked = parse_create_request({"room": "lobby", **body(other)}, NOW, 3600)
    assert rooms.conflicts(replace(SESSION, options=one), asked) != []
    assert rooms.conflicts(replace(SESSION, options=other), asked) == []


@each_option
def test_every_option_distinguishes_pools(one: SessionOptions, other: SessionOptions) -> None:
    assert pool_name(one) != pool_name(other)
    declared = [{**body(options), "min": 0, "max": 1} for options in (one, other)]
    assert [pool.options for pool in parse_pools(declared)] == [one, other]
