"""The measurements. The subjects of each take turns, so that all run on the same machine state.

A ratio is the median of the ratios of all rounds, because a temporary load on the machine affects
both sides of a round.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median, quantiles

from .execution_environment import ExecutionEnvironment, Function
from .prepare import PROJECT, Prepared
from .servers import APPLICATION_ID, OPENTOK_SECRET, SECRETS, VONAGE_SECRET, Servers, session_id
from .subjects import COLD, SDK, WAYS_TO_A_SESSION

SETTLING = 3  # invocations after the first one that are not counted as warm
#: Opens new connections in every request: slow, with little variation.
SLOW_WHEN_WARM = {SDK: 4}


@dataclass(frozen=True, slots=True)
class Effort:
    """The number of rounds. `warm` is the number of warm invocations per process."""

    cold_rounds: int
    warm: int
    ways_rounds: int
    token_batches: int
    token_seconds: float


FULL = Effort(cold_rounds=25, warm=20, ways_rounds=40, token_batches=12, token_seconds=0.25)
QUICK = Effort(cold_rounds=1, warm=2, ways_rounds=2, token_batches=1, token_seconds=0.01)


@dataclass(frozen=True, slots=True)
class Sample:
    """The measurements of one subject, one value per round.

    `processor_ms` is the processor time of start and first request. `calls` counts the calls to AWS
    and the vendor of the first request.
    """

    init_ms: Sequence[float]
    first_ms: Sequence[float]
    processor_ms: Sequence[float]
    warm_ms: Sequence[float]
    memory_mb: Sequence[float]
    calls: Mapping[str, int]

    @property
    def cold_ms(self) -> list[float]:
        return [init + first for init, first in zip(self.init_ms, self.first_ms, strict=True)]


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    return median(a / b for a, b in zip(of, to, strict=True))


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Returns the lower and the upper quartile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4)
    return low, high


def processors() -> tuple[int | None, int | None]:
    """Returns a processor for the servers and one for the subjects, or None twice."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def cold_and_warm(
    subjects: Mapping[str, Function],
    servers: Servers,
    effort: Effort,
    progress: Callable[[str], None],
) -> dict[str, Sample]:
    """Measures start, first request, warm requests and memory, in fresh processes."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    calls: dict[str, Mapping[str, int]] = {}
    _, cpu = processors()
    for number in range(effort.cold_rounds):
        progress(f"cold and warm: round {number + 1} of {effort.cold_rounds}")
        for name in rotated(COLD, number):
            servers.calls.clear()
            with ExecutionEnvironment(subjects[name], cpu) as environment:
                measured = values[name]
                measured["init"].append(environment.init_ms)
                measured["first"].append(environment.invoke())
                measured["processor"].append(environment.processor_ms())
                calls[name] = dict(servers.calls)
                for _ in range(SETTLING):
                    environment.invoke()
                times = SLOW_WHEN_WARM.get(name, effort.warm)
                measured["warm"].append(median(environment.invoke() for _ in range(times)))
                measured["memory"].append(environment.peak_memory_mb())
    return {
        name: Sample(
            values[name]["init"],
            values[name]["first"],
            values[name]["processor"],
            values[name]["warm"],
            values[name]["memory"],
            calls[name],
        )
        for name in COLD
    }


def ways_to_a_session(
    subjects: Mapping[str, Function],
    effort: Effort,
    progress: Callable[[str], None],
) -> dict[str, list[float]]:
    """Returns the milliseconds of warm requests by source of the session, with a slow vendor."""
    progress("time to a session")
    measured: dict[str, list[float]] = {name: [] for name in WAYS_TO_A_SESSION}
    _, cpu = processors()
    with ExitStack() as stack:
        environments = {
            name: stack.enter_context(ExecutionEnvironment(subjects[name], cpu))
            for name in WAYS_TO_A_SESSION
        }
        for environment in environments.values():
            for _ in range(1 + SETTLING):
                environment.invoke()
        for number in range(effort.ways_rounds):
            for name in rotated(WAYS_TO_A_SESSION, number):
                measured[name].append(environments[name].invoke())
    return measured


def tokens(
    prepared: Prepared, effort: Effort, progress: Callable[[str], None]
) -> dict[str, dict[str, list[float]]]:
    """Returns tokens per second by kind and implementation, one value per batch."""
    progress("tokens per second")
    path = (prepared.layer, prepared.crypto, prepared.sdk, prepared.vonage)
    parameters = {
        **SECRETS[OPENTOK_SECRET],
        **SECRETS[VONAGE_SECRET],
        "session": session_id(),
        "vonageSession": session_id(project=APPLICATION_ID),
        "batches": effort.token_batches,
        "seconds": effort.token_seconds,
    }
    done = subprocess.run(
        [str(prepared.python), "-S", "-m", "tests.benchmarks.tokens"],
        input=json.dumps(parameters),
        env={"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    result: dict[str, dict[str, list[float]]] = json.loads(done.stdout)
    return result


def zipped_mb(prepared: Prepared) -> float:
    """Returns the size of the layer as uploaded, in MB of a million bytes."""
    return prepared.layer_zip.stat().st_size / 1e6


def rotated(names: Sequence[str], number: int) -> Iterable[str]:
    """Returns the names, starting with a different one in each round."""
    start = number % len(names)
    return [*names[start:], *names[:start]]
