"""Load on the deployed local stack, with trouble: `python -m tests.benchmarks.load`.

Callers use every route at what the machine holds while the vendor fails now and then, workers are
killed and the pools are filled. At the end it checks that nothing was lost and nothing handed out
twice. The last line of standard output is one JSON object; the exit status is 1 when an invariant
does not hold. `--state DIR` takes a stack that runs already, such as `.local` after `make up`.
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
    parser.add_argument("--seconds", type=float, default=600, help="how long (default: 600)")
    parser.add_argument("--callers", type=int, default=8, help="how many at once (default: 8)")
    parser.add_argument("--state", type=Path, help="state directory of a stack that runs already")
    arguments = parser.parse_args()
    with _stack(arguments.state) as stack:
        figures = run(stack, arguments.seconds, arguments.callers)
    print(json.dumps(figures))
    return 0 if figures["ok"] else 1


@contextmanager
def _stack(state: Path | None) -> Iterator[Stack]:
    cloud.isolate()
    if state is not None:
        yield Stack.running(lifecycle.renew_tokens(state.absolute()), state.absolute())
        return
    rates = {"ThrottleRate", "ThrottleBurst"}
    settings = lifecycle.Settings(schedule=False, parameters=dict.fromkeys(rates, "10000"))
    with lifecycle.own_stack("load", settings, Progress(sys.stderr)) as facts:
        yield Stack.running(facts, lifecycle.own_state("load"))


if __name__ == "__main__":
    sys.exit(main())
