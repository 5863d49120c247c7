"""Faults during the load: the vendor fails from time to time, and workers are killed."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from tests.integration.emulator import Emulator
from tests.integration.refill import refill
from tests.integration.stack import Stack
from tests.integration.workers import Workers

__all__ = ["CONNECTIONS", "Faults"]

VENDOR_FAULTS: list[dict[str, object]] = [
    {"status": 503, "body": "html"},
    {"status": 500, "body": "empty"},
    {"status": 429, "headers": {"Retry-After": "2"}},
    {"status": 200, "body": "wrongShape"},
    {"delayMs": 1500},
    {"reset": True},
    {"body": "truncated"},
    {"status": 503, "share": 0.5},
]
POOLS: list[dict[str, object]] = [
    {"mediaMode": "routed", "min": 20, "max": 60},
    {"mediaMode": "relayed", "min": 20, "max": 60},
]
CONNECTIONS = 16
"""Sessions that one run of the refill creates concurrently."""


@dataclass
class Faults:
    """Injects faults from `start` to `stop`, and counts them."""

    stack: Stack
    vendor: Emulator
    workers: Workers
    injected: int = 0
    kills: int = 0
    refills: int = 0
    failed_refills: int = 0
    spoiled: int = 0
    """Sessions that the vendor has or may have created without a usable response."""
    memory: list[dict[int, int]] = field(default_factory=list)
    """Resident bytes by process id, once a second."""
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        for job in (self._fail, self._kill, self._refill, self._watch):
            self._threads.append(threading.Thread(target=job))
            self._threads[-1].start()

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _fail(self) -> None:
        while not self._ended.wait(random.uniform(2, 5)):
            fault = random.choice(VENDOR_FAULTS)
            self.vendor.fail(**fault)
            self._ended.wait(random.uniform(1, 3))
            met = self.stack.vendor("GET", "/_emulator/faults").body["met"]
            self.vendor.recover()
            self.injected += 1
            # Without a status, the fault affects the response of a call that was carried out.
            self.spoiled += 0 if "status" in fault else met

    def _kill(self) -> None:
        functions = list(self.stack.facts["functions"])
        while not self._ended.wait(random.uniform(2, 6)):
            self.kills += self.workers.kill(random.choice(functions))

    def _refill(self) -> None:
        """Replaces the schedule, which runs only once a minute."""
        while True:
            self.failed_refills += refill(self.stack, *POOLS).failed
            self.refills += 1
            if self._ended.wait(3):
                return

    def _watch(self) -> None:
        while not self._ended.wait(1):
            self.memory.append(self.workers.memory())
