"""Presence is exact for every history of callbacks: permuted, duplicated, and from many threads.

The counts are a tenth of the full ones, which `SOAK=1` (`make soak`) uses.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentok_client.callbacks import Event, verify
from opentok_sessions.domain.presence import live
from opentok_sessions.domain.problems import Problem
from tests.aws import Aws
from tests.callbacks import SIGNATURE_SECRET, authorization, body, connection_event, session_event
from tests.unit.opentok_sessions.application import NOW, Clock
from tests.unit.opentok_sessions.fast_aws import FastAws
from tests.unit.opentok_sessions.receiver import SESSION, Receiver

SOAK = os.environ.get("SOAK") == "1"
HISTORIES = 2_000 if SOAK else 200
FORGERIES = 10_000 if SOAK else 1_000
CLIENTS = 300 if SOAK else 60
THREADS = 30
MS = NOW * 1000
Json = dict[str, Any]
GENUINE = (
    connection_event("connectionCreated", SESSION, "c-0", MS, MS),
    connection_event("connectionCreated", SESSION, "c-1", MS, MS),
    connection_event("connectionDestroyed", SESSION, "c-1", MS, MS + 1),
)


class Visit(NamedTuple):
    """A client's stay: when it connected and disconnected (None: it is still there)."""

    connected_at: int
    left_at: int | None
    created_lost: bool
    stream: bool


VISITS = st.lists(
    st.builds(
        Visit,
        connected_at=st.integers(MS - 5_000, MS - 3_000),
        left_at=st.none() | st.integers(MS - 2_900, MS),
        created_lost=st.booleans(),
        stream=st.booleans(),
    ),
    max_size=6,
)
ENDS = st.lists(st.integers(MS - 6_000, MS), max_size=2)


def events_of(visits: list[Visit], ends: list[int]) -> list[Json]:
    """Returns the callbacks of a history. A lost "created" is healed by a stream or an end."""
    events: list[Json] = []
    for number, visit in enumerate(visits):
        about = (SESSION, f"c-{number}", visit.connected_at)
        known_otherwise = visit.stream or visit.left_at is not None
        if not (visit.created_lost and known_otherwise):
            events.append(connection_event("connectionCreated", *about, visit.connected_at + 5))
        if visit.stream:
            events.append(connection_event("streamCreated", *about, visit.connected_at + 9))
        if visit.left_at is not None:
            events.append(connection_event("connectionDestroyed", *about, visit.left_at))
    for at in ends:
        events.append(session_event("sessionDestroyed", SESSION, at))
    return events


# Every history starts with an empty table.
@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VISITS, ENDS, st.randoms(use_true_random=False), st.data())
def test_every_order_and_repetition_of_the_same_facts_gives_the_same_presence(
    fast_aws: FastAws,
    visits: list[Visit],
    ends: list[int],
    order: random.Random,
    data: st.DataObject,
) -> None:
    events = events_of(visits, ends)
    sent = events + [event for event in events if data.draw(st.booleans())]
    order.shuffle(sent)
    end = max(ends, default=0)
    expected = sorted(
        (visit.connected_at, f"c-{number}")
        for number, visit in enumerate(visits)
        if visit.left_at is None and visit.connected_at > end
    )

    fast_aws.clear()
    receiver = Receiver.start(cast(Aws, fast_aws), Clock())
    receiver.record_session()
    for event in sent:
        receiver.send(event)

    connections = receiver.presence.connections(SESSION, receiver.session().hints)
    assert [(c.connected_at, c.id) for c in connections] == expected
    hints = receiver.session().hints
    assert hints.ended_at == (end or None)
    seen = live(connections, hints)
    assert seen.state == ("unknown" if not events else "live" if expected else "empty")
    if expected:
        assert hints.empty_since is None or receiver.presence.is_anyone_connected(SESSION, hints)


def test_presence_is_exact_after_many_joins_and_leaves_from_30_threads(
    aws: Aws, record_property: Any
) -> None:
    clock = Clock()
    receiver = Receiver.start(aws, clock)
    receiver.record_session()
    retries = 0

    def deliver(event: Json) -> None:
        nonlocal retries
        for _ in range(20):
            try:
                return receiver.send(event)
            except Problem:
                retries += 1
        raise AssertionError("never accepted")

    joins = [
        connection_event("connectionCreated", SESSION, f"c-{n}", MS - 900 + n, MS)
        for n in range(CLIENTS)
    ]
    leaves = [
        connection_event("connectionDestroyed", SESSION, f"c-{n}", MS - 900 + n, MS)
        for n in range(CLIENTS)
        if n % 10
    ]
    events = joins + leaves + joins[: CLIENTS // 5]
    random.Random(7).shuffle(events)
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(deliver, events))

    assert receiver.connected() == [f"c-{n}" for n in range(0, CLIENTS, 10)]
    assert len(aws.items(f"session#{SESSION}")) == 1 + CLIENTS
    record_property("events", len(events))
    record_property("retries", retries)


@pytest.fixture
def attacked(fast_aws: FastAws) -> Receiver:
    """A session in which `c-0` is connected, and which `c-1` has left."""
    receiver = Receiver.start(cast(Aws, fast_aws), Clock())
    receiver.record_session()
    for event in GENUINE:
        receiver.send(event)
    return receiver


@settings(max_examples=FORGERIES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_forged_altered_or_replayed_callback_changes_anything(
    fast_aws: FastAws, attacked: Receiver, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(["altered", "another client", "replayed"]))
    if kind == "replayed":  # even after the signature has expired
        raw = body(data.draw(st.sampled_from(GENUINE)))
        header = authorization(raw, NOW - data.draw(st.sampled_from([0, 3600, 24 * 3600, 10**6])))
    else:
        client = "c-0" if kind == "altered" else "c-2"
        name = data.draw(st.sampled_from(["connectionCreated", "connectionDestroyed"]))
        raw, header = _forgery(connection_event(name, SESSION, client, MS, MS, "x"), data)
        assert not isinstance(verify(raw, header, (SIGNATURE_SECRET,), NOW), Event)
    before = fast_aws.items()
    with suppress(Problem):
        attacked.receive("session", raw, header)
    assert fast_aws.items() == before


def _forgery(event: Json, data: st.DataObject) -> tuple[bytes, str]:
    """Returns a body and a header that the vendor cannot have sent."""
    raw = body(event)
    header = authorization(raw, NOW)
    kind = data.draw(st.sampled_from(["body", "secret", "claims", "header", "bytes", "random"]))
    if kind == "body":
        place = data.draw(st.integers(0, len(raw) - 1))
        changed = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
        return raw[:place] + bytes([changed]) + raw[place + 1 :], header
    if kind == "secret":
        header = authorization(raw, NOW, data.draw(st.text(max_size=50).filter(_other_secret)))
    elif kind == "claims":
        name = data.draw(st.sampled_from(["iss", "payload_hash"]))
        value = data.draw(st.none() | st.integers() | st.text(max_size=64) | st.booleans())
        claims: dict[str, Any] = {name: None if value == "Vonage" else value}
        header = authorization(raw, NOW, **claims)
    elif kind == "header":
        algorithm = data.draw(st.text(max_size=8).filter(lambda text: text != "HS256"))
        header = authorization(raw, NOW, header={"alg": algorithm})
    elif kind == "bytes":
        header = "Bearer " + ".".join(data.draw(st.lists(st.text(max_size=40), max_size=4)))
    else:
        header = data.draw(st.text(max_size=80))
    return raw, header


def _other_secret(text: str) -> bool:
    try:
        return text.encode() != SIGNATURE_SECRET.encode()
    except UnicodeEncodeError:
        return False
