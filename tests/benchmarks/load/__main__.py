"""Measures the throughput of the local stack: `python -m tests.benchmarks.load`.

Callers join rooms, get tokens, look sessions up and close them, and the vendor's callbacks arrive.
All workers are warm before the measurement starts, and no request has to start another one. Prints
a table; the last line of standard output is one JSON object. The exit status is 1 when a response
was unexpected. `--state DIR` uses a running stack, such as `.local` after `make up`, which may have
been started from another version of this project.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.stack import cloud, lifecycle
from local.stack.progress import Progress
from tests.benchmarks.report import table
from tests.integration.stack import Stack

from .run import Load, Results

#: The API's own limits must not be what is measured.
UNTHROTTLED = ("ThrottleRate", "ThrottleBurst")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="duration (default: 60)")
    parser.add_argument("--state", type=Path, help="state directory of a running stack")
    parser.add_argument("--no-callbacks", action="store_true", help="leave callbacks out")
    arguments = parser.parse_args()
    callbacks = not arguments.no_callbacks
    with _stack(arguments.state) as stack:
        results = asyncio.run(Load(stack, callbacks=callbacks).run(arguments.seconds))
    print(as_table(results))
    print(json.dumps(results.as_json()))
    return 0 if not results.unexpected else 1


@contextmanager
def _stack(state: Path | None) -> Iterator[Stack]:
    cloud.isolate()
    if state is not None:
        yield Stack.running(lifecycle.renew_tokens(state.absolute()), state.absolute())
        return
    settings = lifecycle.Settings(
        schedule=False, console=False, parameters=dict.fromkeys(UNTHROTTLED, "10000")
    )
    with lifecycle.own_stack("load", settings, Progress(sys.stderr)) as facts:
        yield Stack.running(facts, lifecycle.own_state("load"))


def as_table(results: Results) -> str:
    rows = [
        [name, f"{part.share:.0%}", f"{part.per_second:.1f}", *(f"{ms:.0f}" for ms in part.cuts)]
        for name, part in results.parts()
    ]
    return table(["", "share", "per second", "p50 ms", "p95 ms", "p99 ms"], rows)


if __name__ == "__main__":
    sys.exit(main())
