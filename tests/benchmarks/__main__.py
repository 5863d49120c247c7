"""The benchmarks: `python -m tests.benchmarks`, a few minutes; `--quick` only proves that they run.

Whole functions of ours as they are deployed, under the real Lambda runtime client, beside what one
would write otherwise, all against the same servers on this machine. docs/performance.md says what
the figures mean and what they do not contain; a full run writes its tables and its plot anew. The
last line of standard output is one JSON object. No time fails anything.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from .measure import FULL, QUICK, cold_and_warm, processors, tokens, ways_to_a_session, zipped_mb
from .prepare import PROJECT, prepare
from .report import Findings, write_tables
from .servers import Servers
from .subjects import subjects

PREPARED = PROJECT / ".local" / "bench"
PAGE = PROJECT / "docs" / "performance.md"
PLOT = PROJECT / "docs" / "img" / "cold-start.svg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test: writes no docs")
    effort = QUICK if parser.parse_args().quick else FULL
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:5.0f} s] {text}", file=sys.stderr, flush=True)

    prepared = prepare(PREPARED, say)
    for_servers, _ = processors()
    if for_servers is not None:
        os.sched_setaffinity(0, {for_servers})
    servers = Servers(prepared.server)
    try:
        every = subjects(prepared, servers.url)
        findings = Findings(
            python_version=prepared.python_version,
            samples=cold_and_warm(prepared, every, servers, effort, say),
            ways_ms=ways_to_a_session(prepared, every, effort, say),
            tokens=tokens(prepared, effort, say),
            layer_zipped_mb=zipped_mb(prepared),
        )
    finally:
        servers.close()
    print(findings.as_markdown())
    if effort is FULL:
        from .plots import draw

        write_tables(PAGE, findings.as_markdown())
        draw(findings, PLOT)
        say(f"written: {PAGE.relative_to(PROJECT)}, {PLOT.relative_to(PROJECT)}")
    print(json.dumps(findings.as_json()))


if __name__ == "__main__":
    main()
