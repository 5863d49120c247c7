"""Interleaves requests call by call: between two calls of DynamoDB, another request may run.

Every actor has a thread, but only one runs at a time: until its next call of DynamoDB. Which one is
next is decided from outside, so a failing interleaving can be repeated. After each step, what
changed in the table is appended to its stream.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.aws import Item
from tests.unit.opentok_sessions.fast_aws import FastAws

__all__ = ["Interleaving", "PacedAws"]

READS = {"get_item", "query", "batch_get_item"}
WRITES = {"put_item", "update_item", "delete_item", "transact_write_items"}
SECONDS = 60.0
"""Limit for one step on a busy machine."""

Record = dict[str, Any]


class _Actor(threading.Thread):
    """A request that stops before each of its calls."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._action = action
        self._may_run = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self.done = False
        self.failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._may_run.acquire()
            self._action()
        except BaseException as failure:
            self.failure = failure
        finally:
            self.done = True
            self._stopped.release()

    def stop(self) -> None:
        """Waits for the actor's next turn; called by its own thread."""
        self._stopped.release()
        self._may_run.acquire()

    def step(self) -> None:
        """Lets the actor run until its next call, or its end."""
        self._may_run.release()
        assert self._stopped.acquire(timeout=SECONDS), "an actor does not stop"
        if self.failure is not None:
            raise self.failure


class Interleaving:
    """Runs actors in turns. `stream` has the records of all changes of items so far, in order."""

    def __init__(self, aws: FastAws) -> None:
        self._aws = aws
        self._actors: list[_Actor] = []
        self._items = self._read()
        self._written = False
        self.stream: list[Record] = []

    def before_call(self, name: str) -> None:
        """Ends the turn of the current thread's actor; does nothing in other threads."""
        current = threading.current_thread()
        if isinstance(current, _Actor):
            current.stop()
        self._written = self._written or name in WRITES

    def run(self, actions: Sequence[Callable[[], object]], choose: Callable[[int], int]) -> None:
        """Runs the actions to their ends. `choose` gets the number of those that are not done, and
        returns which of them is next."""
        running = [_Actor(action) for action in actions]
        while running:
            actor = running[choose(len(running))]
            actor.step()
            self.record_changes()
            running = [each for each in running if not each.done]

    def record_changes(self) -> None:
        """Appends what has changed since the last time to the stream."""
        if not self._written:
            return
        self._written = False
        old, self._items = self._items, self._read()
        for key in sorted(old.keys() | self._items.keys()):
            before, after = old.get(key, {}), self._items.get(key, {})
            if before != after:
                event = "INSERT" if not before else "MODIFY" if after else "REMOVE"
                self.stream.append(_record(event, key, before, after, len(self.stream)))

    def _read(self) -> Mapping[tuple[str, str], Item]:
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in self._aws.items()}


class PacedAws:
    """The account as code under test sees it: each call of DynamoDB is preceded by a turn."""

    def __init__(self, aws: FastAws, before_call: Callable[[str], None]) -> None:
        self._aws = aws
        self._before_call = before_call

    def client(self, service: str) -> Any:
        client = self._aws.client(service)
        return _PacedClient(client, self._before_call) if service == "dynamodb" else client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._aws, name)


class _PacedClient:
    def __init__(self, client: Any, before_call: Callable[[str], None]) -> None:
        self._client = client
        self._before_call = before_call

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name not in READS | WRITES:
            return found

        def call(**request: Any) -> Any:
            self._before_call(name)
            return found(**request)

        return call


def _record(event: str, key: tuple[str, str], old: Item, new: Item, number: int) -> Record:
    """Returns a change as Lambda passes it to a function."""
    images = {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image}
    data = {"Keys": {"pk": {"S": key[0]}, "sk": {"S": key[1]}}, "SequenceNumber": str(number)}
    return {"eventName": event, "dynamodb": {**data, **images}}
