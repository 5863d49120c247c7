"""Load with faults: ten minutes, or 15 seconds in `make test`. See `tests/benchmarks/soak`."""

import json

import pytest

from tests.benchmarks.soak.run import run
from tests.integration.counts import SOAK, RecordProperty
from tests.integration.stack import Stack


@pytest.mark.timeout(1200)
def test_load_with_faults_loses_no_session_and_returns_none_twice(
    stack: Stack, record_property: RecordProperty
) -> None:
    stack.keep_signed_in()
    results = run(stack, seconds=600 if SOAK else 15, callers=8)

    record_property("load", json.dumps(results, indent=2))
    assert results["broken"] == []
    assert results["tokens"] > results["requests"] / 4, "most requests were successful"
    assert results["sessions"]["open"] > 0
    assert results["faults"]["injected"] > 0
    assert results["faults"]["kills"] > 0
