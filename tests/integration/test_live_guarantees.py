"""The guarantees about live sessions, over HTTP on the deployed stack.

The counts are a tenth of the full ones, which `SOAK=1` (`make soak`) uses.
"""

import random
import time
import uuid
from collections.abc import Callable
from functools import partial

import pytest

from tests.callbacks import connection_event
from tests.integration.counts import CROWD, SOAK, RecordProperty, count
from tests.integration.emulator import Emulator
from tests.integration.identities import Issuer
from tests.integration.live import App, Vendor, connect, create, live, wait_for
from tests.integration.polling import until
from tests.integration.records import Records
from tests.integration.stack import Answer, Stack
from tests.integration.traffic import together
from tests.integration.workers import Workers

LEAVES = count(300)
CLIENTS = LEAVES * 11 // 10
DELIVERIES_IN_FLIGHT = 8
CLOSED_WITH = 50
"""Clients of the session that is closed."""
FAILING_SECONDS = 60 if SOAK else 0
"""How long the vendor goes on to fail half of its calls after all clients are out."""
LATECOMERS = 3
SECONDS = 60
"""Limit for "within seconds" on a busy machine."""

Enter = Callable[[], Answer | None]

pytestmark = [pytest.mark.crowd, pytest.mark.usefixtures("calm")]


@pytest.fixture
def calls(stack: Stack) -> Vendor:
    """The vendor's side of the calls."""
    return Vendor(stack)


def token_of(stack: Stack, session_id: str) -> str:
    response = stack.call("POST", f"/sessions/{session_id}/tokens", {}, user="alice")
    assert response.status == 201, response
    token: str = response.body["token"]
    return token


def test_presence_is_exact_after_simultaneous_joins_and_leaves(
    stack: Stack, calls: Vendor, record_property: RecordProperty
) -> None:
    session_id = create(stack, "alice", mediaMode="routed")["sessionId"]
    now = int(time.time() * 1000)
    about = [(session_id, f"client-{n}", now - CLIENTS + n) for n in range(CLIENTS)]
    events = [connection_event("connectionCreated", *each, now) for each in about]
    stay = [f"client-{n}" for n in range(0, CLIENTS, 11)]
    leaving = [each for each in about if each[1] not in stay]
    assert len(leaving) == LEAVES
    events += [connection_event("connectionDestroyed", *each, now) for each in leaving]
    events += events[:: len(events) // 10]  # some arrive twice
    random.Random(1).shuffle(events)  # leaves before joins, too

    started = time.monotonic()
    together([partial(calls.send, event) for event in events], DELIVERIES_IN_FLIGHT)
    took = time.monotonic() - started

    listed = stack.call("GET", f"/sessions/{session_id}/connections", user="alice")
    assert [each["connectionId"] for each in listed.body["connections"]] == stay
    assert live(stack, session_id)["connections"] == len(stay)
    record_property("joins", CLIENTS)
    record_property("leaves", LEAVES)
    record_property("callbacks per second", round(len(events) / took))


def test_closing_disconnects_all_clients_although_the_vendor_fails_half_of_its_calls(
    stack: Stack, calls: Vendor, record_property: RecordProperty
) -> None:
    session_id = create(stack, "alice", mediaMode="routed")["sessionId"]
    token = token_of(stack, session_id)
    calls.connect_many(session_id, token, CLOSED_WITH)
    wait_for(stack, session_id, CLOSED_WITH)
    slowest = 0.0

    def out_again() -> float:
        """Returns the seconds until no client is connected."""
        started = time.monotonic()
        until("all clients are out", lambda: not calls.clients(session_id), SECONDS)
        return time.monotonic() - started

    with calls.failing(status=503, share=0.5):
        assert stack.call("DELETE", f"/sessions/{session_id}", user="alice").status == 204
        all_out = out_again()
        end = time.monotonic() + FAILING_SECONDS
        while True:
            calls.connect(session_id, token)
            slowest = max(slowest, out_again())
            if time.monotonic() >= end:
                break
        failed = stack.vendor("GET", "/_emulator/faults").body["met"]

    assert failed > CLOSED_WITH / 5, "the vendor failed"
    wait_for(stack, session_id, 0)
    record_property("clients", CLOSED_WITH)
    record_property("failed calls", failed)
    record_property("seconds until all were out", round(all_out, 1))
    record_property("seconds until a client with an old token was out", round(slowest, 1))


def test_the_latest_clients_beyond_the_maximum_are_disconnected(
    stack: Stack, calls: Vendor
) -> None:
    session_id = create(stack, "alice", mediaMode="routed", maxConnections=3)["sessionId"]
    token = token_of(stack, session_id)
    with (
        calls.callbacks(reorder=0.3, duplicate=0.3),
        calls.failing(status=400),  # so that all of them are connected at the same time
    ):
        calls.connect_many(session_id, token, 8)
        connected = [client["connectionId"] for client in calls.clients(session_id)]
    assert len(connected) == 8
    until(
        "the clients beyond the maximum are out",
        lambda: [client["connectionId"] for client in calls.clients(session_id)] == connected[:3],
    )
    wait_for(stack, session_id, 3)


def test_what_follows_from_a_change_happens_although_its_consumer_is_killed(
    stack: Stack, calls: Vendor, vendor: Emulator, workers: Workers, record_property: RecordProperty
) -> None:
    killed = 0
    for _ in range(count(10)):
        session_id = create(stack, "alice", mediaMode="routed")["sessionId"]
        calls.connect_many(session_id, token_of(stack, session_id), 30)
        wait_for(stack, session_id, 30)
        with calls.failing(delayMs=500):  # ten at a time, so there is time for the kill
            assert stack.call("DELETE", f"/sessions/{session_id}", user="alice").status == 204
            until("the first is out", partial(fewer_than, 30, calls, session_id))
            killed += workers.kill("disconnect_clients", number=100)
            assert calls.clients(session_id), "killed in the middle"
        until("all clients are out", partial(fewer_than, 1, calls, session_id))
        wait_for(stack, session_id, 0)
    assert killed
    record_property("killed", killed)


def fewer_than(number: int, calls: Vendor, session_id: str) -> bool:
    return len(calls.clients(session_id)) < number


def test_with_every_callback_lost_the_idle_rule_decides_and_closing_works(
    stack: Stack, calls: Vendor
) -> None:
    room = f"silent-{uuid.uuid4()}"
    with calls.callbacks(stop=True):
        session_id = create(stack, "alice", room=room)["sessionId"]
        calls.disconnect(connect(stack, session_id, "alice"))
        assert live(stack, session_id) == {"state": "unknown"}
        assert create(stack, "bob", room=room)["sessionId"] == session_id
        set_last_used(stack, session_id, int(time.time()) - 13 * 3600)
        moved = create(stack, "bob", room=room)["sessionId"]
        assert moved != session_id, "the room is idle"

        connect(stack, moved, "carol")
        assert stack.call("DELETE", f"/sessions/{moved}", user="bob").status == 204
        refused = stack.call("POST", f"/sessions/{moved}/tokens", {}, user="bob")
        assert (refused.status, refused.body["code"]) == (410, "session_closed")
        # The vendor's own list names the clients that no callback has reported.
        until("the client is out", lambda: not calls.clients(moved))


def set_last_used(stack: Stack, session_id: str, at: int) -> None:
    stack.client("dynamodb").update_item(
        TableName=stack.facts["table"],
        Key={"pk": {"S": f"session#{session_id}"}, "sk": {"S": "session"}},
        UpdateExpression="SET lastUsedAt = :at",
        ExpressionAttributeValues={":at": {"N": str(at)}},
    )


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("latecomers_connect", ["while the room moves on", "afterwards"])
def test_a_room_moves_on_once_and_no_caller_stays_alone_in_the_old_session(
    stack: Stack,
    calls: Vendor,
    issuer: Issuer,
    latecomers_connect: str,
    record_property: RecordProperty,
) -> None:
    """Latecomers connect to the old session, with old tokens."""
    moved = 0
    for _ in range(count(10)):
        room = f"ended-{uuid.uuid4()}"
        first = create(stack, "alice", room=room, mediaMode="routed", token={})
        old, token = first["sessionId"], first["token"]["token"]
        calls.disconnect(calls.connect(old, token))
        wait_for(stack, old, 0)

        apps = [App(stack, calls, room, issuer.user()) for _ in range(CROWD)]
        late = [App(stack, calls, room, issuer.user()) for _ in range(LATECOMERS)]
        connecting: list[Enter] = [partial(app.connect, old, token) for app in late]
        entering: list[Enter] = [app.enter for app in apps]
        if latecomers_connect == "afterwards":
            responses = together(entering, CROWD, partial(at_the_first, connecting))
        else:
            random.shuffle(mixed := entering + connecting)
            # Some callbacks arrive before the room moves on, others afterwards.
            with calls.callbacks(delayMs=random.uniform(0, 1000)):
                responses = together(mixed, len(mixed))

        everyone = [*apps, *late]
        until("all are in one session", partial(are_together, everyone, calls))
        (current,) = {app.session_id for app in everyone}
        assert Records.read(stack).rooms[room] == current
        entered = [response for response in responses if response is not None]
        assert sum(response.status == 201 for response in entered) == (current != old)
        assert {response.body["sessionId"] for response in entered} <= {old, current}
        if latecomers_connect == "afterwards":
            assert current != old
        moved += current != old
    record_property("callers", CROWD)
    record_property("rounds", count(10))
    record_property("moved on", moved)


def at_the_first(calls: list[Enter], number: int) -> None:
    """Makes the calls when the first of others has ended."""
    if number == 1:
        together(calls)


def are_together(apps: list[App], calls: Vendor) -> bool:
    """Lets disconnected apps enter again; returns whether all are connected to one session."""
    connected = {
        session_id: {client["connectionId"] for client in calls.clients(session_id)}
        for session_id in {app.session_id for app in apps}
    }
    out = [app for app in apps if app.connection_id not in connected[app.session_id]]
    together([app.enter for app in out], CROWD)
    return len(connected) == 1 and not out
