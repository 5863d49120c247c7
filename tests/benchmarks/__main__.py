"""Runs the benchmarks: `python -m tests.benchmarks`, about five minutes. `--quick` is a smoke test.

The functions of this project run as deployed, under the real Lambda runtime client, next to the
usual alternatives and against the same servers on this machine. docs/performance.md says what the
results mean and what they leave out. A full run rewrites its tables and its plot. The last line of
standard output is one JSON object. No measured time fails the run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from .measure import FULL, QUICK, cold_and_warm, processors, tokens, ways_to_a_session, zipped_mb
from .prepare import PROJECT, prepare
from .report import Results, write_tables
from .servers import Servers
from .subjects import subjects

PREPARED = PROJECT / ".local" / "bench"
PAGE = PROJECT / "docs" / "performance.md"
PLOT = PROJECT / "docs" / "img" / "cold-start.svg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test that writes no docs")
    parser.add_argument(
        "--python", type=Path, metavar="PATH", help="measure this interpreter, and write no docs"
    )
    wanted = parser.parse_args()
    effort = QUICK if wanted.quick else FULL
    started = time.monotonic()

    def progress(text: str) -> None:
        print(f"[{time.monotonic() - started:5.0f} s] {text}", file=sys.stderr, flush=True)

    prepared = prepare(PREPARED, progress, wanted.python)
    for_servers, _ = processors()
    if for_servers is not None:
        os.sched_setaffinity(0, {for_servers})
    servers = Servers(prepared.server)
    try:
        every = subjects(prepared, servers.url)
        results = Results(
            python_version=prepared.python_version,
            node_version=prepared.node_version,
            samples=cold_and_warm(every, servers, effort, progress),
            ways_ms=ways_to_a_session(every, effort, progress),
            tokens=tokens(prepared, effort, progress),
            layer_zipped_mb=zipped_mb(prepared),
        )
    finally:
        servers.close()
    print(results.as_markdown())
    if effort is FULL and not wanted.python:
        from .plots import draw

        write_tables(PAGE, results.as_markdown())
        draw(results, PLOT)
        progress(f"written: {PAGE.relative_to(PROJECT)}, {PLOT.relative_to(PROJECT)}")
    print(json.dumps(results.as_json()))


if __name__ == "__main__":
    main()
