"""Runs the load with faults and checks the invariants."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from typing import Any

from tests.integration.accounts import unused_creations
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer
from tests.integration.records import Records, forget
from tests.integration.stack import Stack
from tests.integration.workers import Workers

from .callers import Caller, Ledger
from .faults import CONNECTIONS, Faults

__all__ = ["run"]

FLAT_BYTES = 10_000_000
"""Maximum growth of a worker's memory from the second quarter of its life to the last one."""
WATCHED_SECONDS = 60
"""Minimum age of a worker whose memory is checked. Younger ones still import modules."""


def run(stack: Stack, seconds: float, callers: int) -> dict[str, Any]:
    """Empties the stack's table and loads the stack. `broken` lists the violated invariants."""
    vendor, ledger, logs = Emulator(stack), Ledger(), Logs(stack)
    vendor.recover()
    forget(stack)
    created = vendor.made()
    issuer = Issuer(stack)
    everyone = [Caller(stack, issuer.user(), ledger) for _ in range(callers)]
    faults = Faults(stack, vendor, Workers(stack))

    started = time.monotonic()
    faults.start()
    try:
        _call(everyone, started + seconds)
    finally:
        faults.stop()
        vendor.recover()
    took = time.monotonic() - started

    records = Records.read(stack)
    lost = vendor.made() - created - len(records.sessions)
    may_be_lost = (
        ledger.unserved_creates
        + unused_creations(logs)
        + faults.spoiled
        + CONNECTIONS * faults.failed_refills
    )
    # Their callbacks would keep the workers busy in the tests that follow.
    with vendor.without_callbacks():
        connected = [vendor.connect(*token).status == 200 for token in ledger.tokens]
    growth = _growth(faults.memory)
    invariants = {
        "recorded = pool + open + closed": _is_whole(records),
        "every created session is found by its owner": _are_found(everyone, ledger),
        "every issued token connects": all(connected),
        "no session was returned twice": not ledger.returned_twice,
        "no more sessions lost than calls that failed": 0 <= lost <= may_be_lost,
        "every response is in the contract": not ledger.unexpected,
        "the memory of the workers does not grow": growth is None or growth <= FLAT_BYTES,
    }
    return {
        "ok": all(invariants.values()),
        "broken": [name for name, holds in invariants.items() if not holds],
        "seconds": round(took, 1),
        "requests": len(ledger.seconds),
        "perSecond": round(len(ledger.seconds) / took, 1),
        "medianMs": round(median(ledger.seconds) * 1000),
        "p95Ms": round(quantiles(ledger.seconds, n=20)[-1] * 1000),
        "responses": dict(sorted(ledger.responses.items())),
        "unexpected": ledger.unexpected[:10],
        "tokens": len(ledger.tokens),
        "sessions": {
            "pool": len(records.pooled),
            "open": len(records.open),
            "closed": len(records.closed),
            "createdByVendor": vendor.made() - created,
            "lost": lost,
            "mayBeLost": may_be_lost,
        },
        "faults": {
            "injected": faults.injected,
            "kills": faults.kills,
            "refills": faults.refills,
            "failedRefills": faults.failed_refills,
        },
        "memoryGrowthBytes": growth,
    }


def _call(everyone: list[Caller], until: float) -> None:
    stopped = threading.Event()

    def use(caller: Caller) -> None:
        while time.monotonic() < until and not stopped.is_set():
            caller.act()

    with ThreadPoolExecutor(len(everyone)) as threads:
        try:
            list(threads.map(use, everyone))
        finally:
            stopped.set()


def _is_whole(records: Records) -> bool:
    try:
        records.require_whole()
    except AssertionError as wrong:
        print(wrong)
        return False
    return True


def _are_found(everyone: list[Caller], ledger: Ledger) -> bool:
    found = {caller.sub: caller.listed() for caller in everyone}
    return all(session_id in found[owner] for session_id, owner in ledger.owners.items())


def _growth(samples: list[dict[int, int]]) -> int | None:
    """Returns the largest growth of a worker in bytes, or None if no worker lived long enough."""
    growths = []
    for pid in {pid for sample in samples for pid in sample}:
        sizes = [sample[pid] for sample in samples if pid in sample]
        if len(sizes) >= WATCHED_SECONDS:
            quarter = len(sizes) // 4
            before, after = sizes[quarter : 2 * quarter], sizes[-quarter:]
            growths.append(int(median(after) - median(before)))
    return max(growths, default=None)
