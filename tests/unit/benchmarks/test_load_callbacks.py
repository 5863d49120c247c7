"""Tests that the load's callbacks are what the vendor would send."""

import time

from opentok_client.callbacks import Event, Refusal, verify
from tests.benchmarks.load.callbacks import Callbacks

SECRET = "a signature secret of the usual length"


def test_callbacks_of_the_load_are_genuine() -> None:
    callbacks = Callbacks(SECRET, "47665971")

    body, headers = callbacks.destroyed("1_session", "connection")

    event = verify(body, headers["Authorization"], [SECRET], time.time())
    assert isinstance(event, Event)
    assert event.name == "connectionDestroyed"
    assert event.reason == "clientDisconnected"
    assert event.connection is not None and event.connection.id == "connection"
    assert verify(body, headers["Authorization"], ["another"], time.time()) is Refusal.FORGED
