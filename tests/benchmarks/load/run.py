"""Warms the workers up, runs the mix and reports."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from statistics import quantiles
from typing import NamedTuple

import aiohttp

from tests.integration.identities import Issuer
from tests.integration.refill import refill
from tests.integration.stack import Stack

from .actions import ACTIONS, WORKERS, WORKERS_WITHOUT_CALLBACKS, Call, World
from .callbacks import Callbacks

__all__ = ["Load", "Part", "Results"]

USERS = 50
POOL = {"mediaMode": "routed", "min": 400, "max": 400}
WARM_UP_ROUNDS = 4
TIMEOUT = aiohttp.ClientTimeout(total=180)
PERCENTILES = (50, 95, 99)


class Part(NamedTuple):
    """The results of one kind of call; `cuts` are milliseconds at `PERCENTILES`."""

    share: float
    per_second: float
    cuts: tuple[float, ...]

    def as_json(self) -> dict[str, float]:
        found = {"share": round(self.share, 3), "perSecond": round(self.per_second, 1)}
        percentiles = zip(PERCENTILES, self.cuts, strict=True)
        return found | {f"p{number}Ms": round(ms, 1) for number, ms in percentiles}


class Results(NamedTuple):
    """Milliseconds by kind of call, and the responses that are not in the contract."""

    seconds: float
    workers: int
    taken: dict[str, list[float]]
    unexpected: list[str]

    def parts(self) -> Iterator[tuple[str, Part]]:
        everything = [ms for values in self.taken.values() for ms in values]
        for name, values in (*self.taken.items(), ("all", everything)):
            cuts = quantiles(values, n=100) if len(values) > 1 else [0.0] * 99
            yield (
                name,
                Part(
                    len(values) / max(1, len(everything)),
                    len(values) / self.seconds,
                    tuple(cuts[number - 1] for number in PERCENTILES),
                ),
            )

    def as_json(self) -> dict[str, object]:
        return {
            "benchmark": "load",
            "seconds": round(self.seconds, 1),
            "warmWorkers": self.workers,
            "mix": {name: part.as_json() for name, part in self.parts()},
            "unexpected": self.unexpected[:10],
        }


class Load:
    """The load on one stack.

    The mix has no callbacks when the stack has no route for them or `callbacks` is false, which
    makes results comparable with versions before 0.2.
    """

    def __init__(self, stack: Stack, *, callbacks: bool = True) -> None:
        self._stack = stack
        issuer = Issuer(stack)
        facts = stack.facts
        credentials = facts["credentials"][facts["platform"]]
        secret = credentials.get("signatureSecret")
        secret = secret[0] if isinstance(secret, list) else secret
        project = str(credentials.get("apiKey") or credentials.get("applicationId"))
        self._world = World(
            facts["apiUrl"],
            facts.get("callbackUrl"),
            [issuer.user() for _ in range(USERS)],
            Callbacks(secret, project) if secret else None,
        )
        callbacks = callbacks and "receive_callback" in facts["functions"]
        self._workers = WORKERS if callbacks else WORKERS_WITHOUT_CALLBACKS
        self._actions = {
            name: action for name, action in ACTIONS.items() if action.function in self._workers
        }
        self._free = {
            function: asyncio.Semaphore(count) for function, count in self._workers.items()
        }
        self._taken: dict[str, list[float]] = defaultdict(list)
        self._unexpected: list[str] = []

    async def run(self, seconds: float) -> Results:
        callers = sum(self._workers.values())
        connector = aiohttp.TCPConnector(limit=callers)
        async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:
            self._progress("filling the pool")
            await asyncio.to_thread(refill, self._stack, POOL)
            await self._warm_up(session)
            self._taken.clear()
            self._progress(f"{seconds:.0f} s of load")
            started = time.perf_counter()
            async with asyncio.TaskGroup() as tasks:
                for _ in range(callers):
                    tasks.create_task(self._call_until(session, started + seconds))
            took = time.perf_counter() - started
        taken = {name: self._taken[name] for name in self._actions}
        return Results(took, callers, taken, self._unexpected)

    async def _warm_up(self, session: aiohttp.ClientSession) -> None:
        """Calls each function with as many calls in flight as it may have, several times."""
        for name, action in self._actions.items():
            workers = self._workers[action.function]
            self._progress(f"warming {workers} workers of {action.function}")
            for _ in range(WARM_UP_ROUNDS):
                calls = [action.prepare(self._world) for _ in range(workers)]
                await asyncio.gather(*(self._send(session, name, call) for call in calls if call))

    async def _call_until(self, session: aiohttp.ClientSession, end: float) -> None:
        names = list(self._actions)
        weights = [self._actions[name].weight for name in names]
        while time.perf_counter() < end:
            (name,) = random.choices(names, weights)
            action = self._actions[name]
            async with self._free[action.function]:
                if call := action.prepare(self._world):
                    await self._send(session, name, call)

    async def _send(self, session: aiohttp.ClientSession, name: str, call: Call) -> None:
        started = time.perf_counter()
        try:
            async with session.request(
                call.method, call.url, data=call.body, headers=call.headers
            ) as response:
                content = await response.read()
                self._taken[name].append((time.perf_counter() - started) * 1000)
                if response.status not in call.expected:
                    self._unexpected.append(f"{name}: {response.status} {content[:200]!r}")
                elif response.status < 300 and content:
                    call.then(await response.json())
        except (aiohttp.ClientError, TimeoutError) as error:
            self._unexpected.append(f"{name}: {type(error).__name__}")

    def _progress(self, text: str) -> None:
        print(f"  … {text}", file=sys.stderr, flush=True)
