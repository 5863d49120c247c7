"""The load from beginning to end, and its verdict."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from typing import Any

from tests.integration.accounts import made_in_vain
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer
from tests.integration.records import Records, forget
from tests.integration.stack import Stack
from tests.integration.workers import Workers

from .callers import Book, Caller
from .trouble import CONNECTIONS, Trouble

__all__ = ["run"]

FLAT_BYTES = 10_000_000
"""What a worker's memory may grow by, from the second quarter of its life to the last."""
WATCHED_SECONDS = 60
"""How long a worker has to have lived for its memory to be looked at: young ones still import."""


def run(stack: Stack, seconds: float, callers: int) -> dict[str, Any]:
    """Loads the stack, which loses everything in its table first; the figures, with the names of
    the invariants that did not hold in `broken`."""
    vendor, book, logs = Emulator(stack), Book(), Logs(stack)
    vendor.recover()
    forget(stack)
    made = vendor.made()
    issuer = Issuer(stack)
    everybody = [Caller(stack, issuer.user(), book) for _ in range(callers)]
    trouble = Trouble(stack, vendor, Workers(stack))

    begun = time.monotonic()
    trouble.start()
    try:
        _call(everybody, begun + seconds)
    finally:
        trouble.stop()
        vendor.recover()
    took = time.monotonic() - begun

    records = Records.read(stack)
    lost = vendor.made() - made - len(records.sessions)
    may_be_lost = (
        book.unserved_creates
        + made_in_vain(logs)
        + trouble.spoiled
        + CONNECTIONS * trouble.failed_refills
    )
    growth = _growth(trouble.memory)
    invariants = {
        "recorded = pool + open + closed": _is_whole(records),
        "every answered create is found by lookup": _are_found(everybody, book),
        "every token answered connects": all(
            vendor.connect(*token).status == 200 for token in book.tokens
        ),
        "no session was given twice": not book.given_twice,
        "no more sessions lost at the vendor than calls that failed": 0 <= lost <= may_be_lost,
        "no answer that is not in the contract": not book.unexpected,
        "the workers' memory is flat": growth is None or growth <= FLAT_BYTES,
    }
    return {
        "ok": all(invariants.values()),
        "broken": [name for name, holds in invariants.items() if not holds],
        "seconds": round(took, 1),
        "requests": len(book.seconds),
        "perSecond": round(len(book.seconds) / took, 1),
        "medianMs": round(median(book.seconds) * 1000),
        "p95Ms": round(quantiles(book.seconds, n=20)[-1] * 1000),
        "answers": dict(sorted(book.answers.items())),
        "unexpected": book.unexpected[:10],
        "tokens": len(book.tokens),
        "sessions": {
            "pool": len(records.pooled),
            "open": len(records.open),
            "closed": len(records.closed),
            "madeByVendor": vendor.made() - made,
            "lost": lost,
            "mayBeLost": may_be_lost,
        },
        "trouble": {
            "faults": trouble.faults,
            "kills": trouble.kills,
            "refills": trouble.refills,
            "failedRefills": trouble.failed_refills,
        },
        "memoryGrowthBytes": growth,
    }


def _call(everybody: list[Caller], until: float) -> None:
    stopped = threading.Event()

    def live(caller: Caller) -> None:
        while time.monotonic() < until and not stopped.is_set():
            caller.act()

    with ThreadPoolExecutor(len(everybody)) as threads:
        try:
            list(threads.map(live, everybody))
        finally:
            stopped.set()


def _is_whole(records: Records) -> bool:
    try:
        records.require_whole()
    except AssertionError as wrong:
        print(wrong)
        return False
    return True


def _are_found(everybody: list[Caller], book: Book) -> bool:
    found = {caller.sub: caller.listed() for caller in everybody}
    return all(session_id in found[owner] for session_id, owner in book.owners.items())


def _growth(samples: list[dict[int, int]]) -> int | None:
    """The most that a worker grew by after it had warmed up, in bytes; None if none lived long."""
    growths = []
    for pid in {pid for sample in samples for pid in sample}:
        sizes = [sample[pid] for sample in samples if pid in sample]
        if len(sizes) >= WATCHED_SECONDS:
            quarter = len(sizes) // 4
            before, after = sizes[quarter : 2 * quarter], sizes[-quarter:]
            growths.append(int(median(after) - median(before)))
    return max(growths, default=None)
