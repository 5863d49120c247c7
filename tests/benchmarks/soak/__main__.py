"""Load with faults on the deployed local stack: `python -m tests.benchmarks.soak`.

Callers use every route as fast as the machine allows, while the vendor fails from time to time,
workers are killed and the pools are refilled. At the end the invariants are checked, such as that
no session was lost or returned twice. The last line of standard output is one JSON object. The exit
status is 1 when an invariant is violated. `--state DIR` uses a running stack, such as `.local`
after `make up`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.stack import cloud, lifecycle
from local.stack.progress import Progress
from tests.integration.stack import Stack

from .run import run


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=600, help="duration (default: 600)")
    parser.add_argument("--callers", type=int, default=8, help="concurrent callers (default: 8)")
    parser.add_argument("--state", type=Path, help="state directory of a running stack")
    arguments = parser.parse_args()
    with _stack(arguments.state) as stack:
        results = run(stack, arguments.seconds, arguments.callers)
    print(json.dumps(results))
    return 0 if results["ok"] else 1


@contextmanager
def _stack(state: Path | None) -> Iterator[Stack]:
    cloud.isolate()
    if state is not None:
        yield Stack.running(lifecycle.renew_tokens(state.absolute()), state.absolute())
        return
    rates = {"ThrottleRate", "ThrottleBurst"}
    settings = lifecycle.Settings(schedule=False, parameters=dict.fromkeys(rates, "10000"))
    with lifecycle.own_stack("soak", settings, Progress(sys.stderr)) as facts:
        yield Stack.running(facts, lifecycle.own_state("soak"))


if __name__ == "__main__":
    sys.exit(main())
