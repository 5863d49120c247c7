"""A client connects to a room's session while the room moves on, in every kind of interleaving.

The client is either noticed, so that the room stays, or disconnected, so that its app asks for the
room again. The counts are a tenth of the full ones, which `SOAK=1` (`make soak`) uses.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from opentok_client.moderation import VendorConnection
from opentok_client.options import SessionOptions
from opentok_sessions.disconnect_clients import DisconnectClients
from opentok_sessions.domain.models import Caller, Created
from opentok_sessions.domain.pools import Pools
from opentok_sessions.domain.problems import Problem
from opentok_sessions.session_supply import SessionSupply
from opentok_sessions.stream_handler import stream_handler
from opentok_sessions.vendor import NewSession, Vendor
from tests.aws import API_KEY, API_SECRET, Aws, aws_in_memory
from tests.callbacks import SIGNATURE_SECRET, connection_event, session_event
from tests.unit.opentok_sessions.application import EMPTY, Application, Clock
from tests.unit.opentok_sessions.fast_aws import FastAws
from tests.unit.opentok_sessions.interleaving import Interleaving, PacedAws
from tests.unit.opentok_sessions.receiver import Receiver
from tests.unit.opentok_sessions.vendor_server import VendorServer, session_id

SOAK = os.environ.get("SOAK") == "1"
INTERLEAVINGS = 1_000 if SOAK else 100
LOBBY = {"room": "lobby", "mediaMode": "routed"}
ENDS = (
    ("connectionDestroyed",),
    ("sessionDestroyed",),
    ("connectionDestroyed", "sessionDestroyed"),
)
ATTEMPTS = 10
"""How often the vendor, the stream and an app repeat what failed."""


class _Vendor(Vendor):
    """The vendor in the process: `connected` has the clients of each session."""

    made = 0
    connected: dict[str, list[str]]

    def create_session(self, options: SessionOptions, seconds: float = 0) -> NewSession:
        self.made += 1
        return NewSession(session_id(self.made), self._credentials.current())

    def list_connections(
        self, session_id: str, project_id: str, seconds: float = 0
    ) -> Sequence[VendorConnection]:
        return [VendorConnection(id_, None) for id_ in self.connected.get(session_id, [])]

    def disconnect(
        self, session_id: str, project_id: str, connection_id: str, seconds: float = 0
    ) -> bool:
        if connection_id not in self.connected.get(session_id, []):
            return False
        self.connected[session_id].remove(connection_id)
        return True


@dataclass
class Stage:
    """The room `lobby`, whose session is `opened`; `left` when its conversation is over."""

    fast: FastAws
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.fast.clear()
        self.interleaving = Interleaving(self.fast)
        aws = cast(Aws, PacedAws(self.fast, self.interleaving.before_call))
        self.receiver = Receiver.start(aws, self.clock)
        secret = {"apiKey": API_KEY, "apiSecret": API_SECRET, "signatureSecret": SIGNATURE_SECRET}
        self.fast.put_secret(secret)
        app = Application.start(aws, VendorServer("http://127.0.0.1:9"), self.clock)
        self.vendor = _Vendor(app.credentials, "")
        self.vendor.connected = {}
        supply = SessionSupply(app.pool_store, Pools(()), self.vendor)
        self.app = replace(app, create_session=replace(app.create_session, supply=supply))
        disconnect = DisconnectClients(
            app.store, self.receiver.presence, self.vendor, False, self.clock
        )
        self._consume = stream_handler(disconnect)
        self._consumed = 0
        self.opened = self.app.create(LOBBY).session.session_id
        self.clients = self.vendor.connected[self.opened] = []

    def event(self, name: str, client: str) -> dict[str, object]:
        at = int(self.clock() * 1000)
        if name == "sessionDestroyed":
            return session_event(name, self.opened, at)
        return connection_event(name, self.opened, client, at - 20, at)

    def deliver(self, event: dict[str, object]) -> None:
        """Delivers a callback, and repeats it as the vendor does."""
        for _ in range(ATTEMPTS):
            try:
                return self.receiver.send(event)
            except Problem:
                continue
        raise AssertionError("the callback is never accepted")

    def end_conversation(self, *ends: str) -> None:
        """Lets a client come, and then these events arrive; the others are lost or late."""
        for name in ("connectionCreated", *ends):
            self.deliver(self.event(name, "first"))
        if "sessionDestroyed" in ends:
            self.clock.turn(0.1)
        else:
            self.clock.turn(EMPTY)
        self.interleaving.record_changes()

    def connect(self, client: str) -> Callable[[], None]:
        """Returns an action: a client connects with an old token, which the vendor reports."""

        def action() -> None:
            self.clients.append(client)
            self.deliver(self.event("connectionCreated", client))

        return action

    def enter(self, caller: str, found: list[Created]) -> Callable[[], None]:
        """Returns an action: a user asks for the room, and repeats it as an app does."""

        def action() -> None:
            for _ in range(ATTEMPTS):
                try:
                    found.append(self.app.create(LOBBY, Caller(caller)))
                    return
                except Problem:
                    continue
            raise AssertionError("the room is never open")

        return action

    def consume(self) -> None:
        """Consumes the stream until its present end."""
        for _ in range(ATTEMPTS * 10):
            batch = self.interleaving.stream[self._consumed :]
            if not batch:
                return
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            failures = self._consume({"Records": batch}, None)["batchItemFailures"]
            failed = [numbers.index(failure["itemIdentifier"]) for failure in failures]
            self._consumed += min(failed, default=len(batch))
        raise AssertionError("a change is never processed")

    @property
    def current(self) -> str:
        room = self.app.store.find_room("lobby", "")
        assert room is not None
        return room.session_id


@pytest.fixture(scope="module")
def fast() -> Iterator[FastAws]:
    with aws_in_memory() as aws:
        yield FastAws(aws)


def test_a_client_that_connects_while_the_room_moves_on_is_noticed_or_disconnected(
    fast: FastAws, record_property: Callable[[str, object], None]
) -> None:
    moved = sum(_moves_on(fast, random.Random(seed), seed) for seed in range(INTERLEAVINGS))
    assert INTERLEAVINGS / 10 < moved < INTERLEAVINGS * 9 / 10, "both outcomes are tested"
    record_property("interleavings", INTERLEAVINGS)
    record_property("the room moved on", moved)


def _moves_on(fast: FastAws, dice: random.Random, seed: int) -> bool:
    """Plays one interleaving, which the seed repeats; returns whether the room moved on."""
    stage = Stage(fast)
    stage.end_conversation(*dice.choice(ENDS))
    clients, found = dice.randint(1, 2), list[Created]()
    actions = [
        *(stage.enter(f"caller-{number}", found) for number in range(dice.randint(1, 3))),
        *(stage.connect(f"client-{number}") for number in range(clients)),
        stage.consume,
    ]
    dice.shuffle(actions)
    # A turn of several calls meets more of the rare interleavings than a choice for each call.
    turn = dice.choice([1, 2, 4, 8])
    last = 0

    def choose(number: int) -> int:
        nonlocal last
        if last >= number or dice.random() * turn < 1:
            last = dice.randrange(number)
        return last

    stage.interleaving.run(actions, choose)
    stage.consume()

    got = {created.session.session_id for created in found}
    moved = stage.current != stage.opened
    if moved:
        assert stage.clients == [], f"{seed}: a client is alone in the session that the room left"
        assert got <= {stage.opened, stage.current}, seed
        assert sum(not created.joined for created in found) == 1, f"{seed}: the room moves on once"
    else:
        assert got == {stage.opened}, seed
        assert len(stage.clients) == clients, f"{seed}: a noticed client is disconnected"
    return moved
