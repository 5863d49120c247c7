"""Ten minutes of everything at once (half a minute in `make test`): `tests/benchmarks/soak`."""

import json

from tests.benchmarks.soak.run import run
from tests.integration.counts import SOAK, Figure
from tests.integration.stack import Stack


def test_under_load_and_trouble_nothing_is_lost_or_handed_out_twice(
    stack: Stack, record_property: Figure
) -> None:
    stack.keep_signed_in()
    figures = run(stack, seconds=600 if SOAK else 30, callers=8)

    record_property("load", json.dumps(figures, indent=2))
    assert figures["broken"] == []
    assert figures["tokens"] > figures["requests"] / 4, "it was served, most of the time"
    assert figures["sessions"]["open"] > 0
    assert figures["trouble"]["faults"] > 0
    assert figures["trouble"]["kills"] > 0
