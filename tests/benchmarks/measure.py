"""The measurements. In each, the subjects take turns, so that all of them meet the same machine.

A ratio is the median of the ratios of each turn: what disturbs the machine for a while disturbs
both sides of it.
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

from .container import Container, Function
from .prepare import PROJECT, Prepared
from .servers import APPLICATION_ID, OPENTOK_SECRET, SECRETS, VONAGE_SECRET, Servers, session_id
from .subjects import COLD, SDK, WAYS_TO_A_SESSION

SETTLING = 3  # invocations after the first that are not warm yet
SDK_WARM = 4  # opens connections anew in every request, so it takes long and varies little


@dataclass(frozen=True, slots=True)
class Effort:
    """How long the benchmarks take, in turns; `warm` is how often each process is invoked."""

    cold_rounds: int
    warm: int
    ways_rounds: int
    token_batches: int
    token_seconds: float


FULL = Effort(cold_rounds=30, warm=20, ways_rounds=40, token_batches=12, token_seconds=0.25)
QUICK = Effort(cold_rounds=1, warm=2, ways_rounds=2, token_batches=1, token_seconds=0.01)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured of one subject, one value per turn; `processor_ms` is the part of
    start and first request in which it computed, `calls` what the first request asked of AWS and
    the vendor."""

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
    """The lower and the upper quartile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4)
    return low, high


def processors() -> tuple[int | None, int | None]:
    """One processor for the servers and one for what is measured; None where there are not two."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def cold_and_warm(
    prepared: Prepared,
    subjects: Mapping[str, Function],
    servers: Servers,
    effort: Effort,
    say: Callable[[str], None],
) -> dict[str, Sample]:
    """Fresh processes of every subject: start, first request, further requests, memory."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    calls: dict[str, Mapping[str, int]] = {}
    _, cpu = processors()
    for turn in range(effort.cold_rounds):
        say(f"cold and warm: round {turn + 1} of {effort.cold_rounds}")
        for name in rotated(COLD, turn):
            servers.calls.clear()
            with Container(prepared.python, subjects[name], cpu) as container:
                taken = values[name]
                taken["init"].append(container.init_ms)
                taken["first"].append(container.invoke())
                taken["processor"].append(container.processor_ms())
                calls[name] = dict(servers.calls)
                for _ in range(SETTLING):
                    container.invoke()
                times = SDK_WARM if name == SDK else effort.warm
                taken["warm"].append(median(container.invoke() for _ in range(times)))
                taken["memory"].append(container.peak_memory_mb())
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
    prepared: Prepared,
    subjects: Mapping[str, Function],
    effort: Effort,
    say: Callable[[str], None],
) -> dict[str, list[float]]:
    """Milliseconds of warm requests by where the session comes from, the vendor being slow."""
    say("time to a session")
    taken: dict[str, list[float]] = {name: [] for name in WAYS_TO_A_SESSION}
    _, cpu = processors()
    with ExitStack() as stack:
        containers = {
            name: stack.enter_context(Container(prepared.python, subjects[name], cpu))
            for name in WAYS_TO_A_SESSION
        }
        for container in containers.values():
            for _ in range(1 + SETTLING):
                container.invoke()
        for turn in range(effort.ways_rounds):
            for name in rotated(WAYS_TO_A_SESSION, turn):
                taken[name].append(containers[name].invoke())
    return taken


def tokens(
    prepared: Prepared, effort: Effort, say: Callable[[str], None]
) -> dict[str, dict[str, list[float]]]:
    """Tokens per second, ours and the SDKs', per kind and batch."""
    say("tokens per second")
    path = (prepared.layer, prepared.crypto, prepared.sdk, prepared.vonage)
    wanted = {
        **SECRETS[OPENTOK_SECRET],
        **SECRETS[VONAGE_SECRET],
        "session": session_id(),
        "foreignSession": session_id(project=APPLICATION_ID),
        "batches": effort.token_batches,
        "seconds": effort.token_seconds,
    }
    done = subprocess.run(
        [str(prepared.python), "-S", "-m", "tests.benchmarks.tokens"],
        input=json.dumps(wanted),
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
    """The layer as it is uploaded, in MB of a million bytes."""
    return prepared.layer_zip.stat().st_size / 1e6


def rotated(names: Sequence[str], turn: int) -> Iterable[str]:
    """The names, each turn beginning with another one: no subject always follows the same one."""
    start = turn % len(names)
    return [*names[start:], *names[:start]]
