"""What the benchmarks found: as the documented JSON object, as tables, as plots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .measure import Sample, ratio, spread
from .servers import VENDOR_SECONDS
from .subjects import FLOOR, LIVE, OURS, POOL, ROOM_HIT, SDK, SOURCE_ONLY, STDLIB, VONAGE

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
TOKEN_KINDS = {
    "opentokJwt": "OpenTok JWT (HS256), beside `opentok`",
    "opentokT1": "OpenTok T1, beside `opentok`",
    "vonage": "Vonage JWT (RS256), beside `vonage-video`",
}

JSON = dict[str, object]


@dataclass(frozen=True, slots=True)
class Findings:
    """All measurements of one run."""

    python_version: str
    samples: Mapping[str, Sample]
    ways_ms: Mapping[str, Sequence[float]]
    tokens: Mapping[str, Mapping[str, Sequence[float]]]
    layer_zipped_mb: float

    def cold_ratio(self, name: str, to: str = FLOOR) -> float:
        return ratio(self.samples[name].cold_ms, self.samples[to].cold_ms)

    def processor_ratio(self, name: str) -> float:
        return ratio(self.samples[name].processor_ms, self.samples[FLOOR].processor_ms)

    def warm_ratio(self, name: str) -> float:
        return ratio(self.samples[name].warm_ms, self.samples[FLOOR].warm_ms)

    def as_json(self) -> JSON:
        """The object of the last line. The SDK's handler is held against our pool hit."""
        cold = {name: median(sample.cold_ms) for name, sample in self.samples.items()}
        return {
            "coldStart": {
                "floorMs": rounded(cold[FLOOR]),
                "functions": {
                    name: {"ms": rounded(cold[name]), "ratio": rounded(self.cold_ratio(name))}
                    for name in OURS
                },
                "sdkHandler": {
                    "ms": rounded(cold[SDK]),
                    "ratioToOurs": rounded(self.cold_ratio(SDK, "create_session_pool")),
                },
                "stdlibLimit": {
                    "ms": rounded(cold[STDLIB]),
                    "ratio": rounded(self.cold_ratio(STDLIB)),
                },
            },
            "warm": {name: {"ratio": rounded(self.warm_ratio(name))} for name in OURS},
            "tokens": {
                kind: {
                    "perSecond": round(median(rates["ours"])),
                    "ratioToSdk": rounded(ratio(rates["ours"], rates["sdk"])),
                }
                for kind, rates in self.tokens.items()
            },
            "timeToSession": {
                "poolOverLive": rounded(ratio(self.ways_ms[POOL], self.ways_ms[LIVE])),
                "roomOverLive": rounded(ratio(self.ways_ms[ROOM_HIT], self.ways_ms[LIVE])),
            },
            "layerZippedMb": rounded(self.layer_zipped_mb),
            "peakMemoryMb": {
                key: rounded(median(self.samples[name].memory_mb))
                for key, name in {
                    **{name: name for name in OURS},
                    "floor": FLOOR,
                    "sdkHandler": SDK,
                }.items()
            },
        }

    def as_markdown(self) -> str:
        """The tables of docs/performance.md."""
        rounds = len(self.samples[FLOOR].init_ms)
        return "\n\n".join(
            [
                f"CPython {self.python_version}, medians of {rounds} rounds; the layer is"
                f" **{self.layer_zipped_mb:.2f} MB** zipped.",
                self._cold_table(),
                self._tokens_table(),
                self._ways_table(),
            ]
        )

    def _cold_table(self) -> str:
        rows = []
        for name in (STDLIB, *OURS, FLOOR, SDK, VONAGE, SOURCE_ONLY):
            sample = self.samples[name]
            low, high = spread(sample.cold_ms)
            rows.append(
                [
                    f"`{name}`" if name in OURS else name,
                    f"{median(sample.init_ms):.0f}",
                    f"{median(sample.first_ms):.0f}",
                    f"**{median(sample.cold_ms):.0f}** ({low:.0f}–{high:.0f})",
                    f"**{self.cold_ratio(name):.2f}**",
                    f"{self.processor_ratio(name):.2f}",
                    f"{median(sample.warm_ms):.2f}",
                    f"{self.warm_ratio(name):.2f}",
                    f"{median(sample.memory_mb):.0f}",
                    calls_text(sample.calls),
                ]
            )
        heads = ["", "start ms", "first ms", "cold ms (quartiles)", "÷ floor", "processor ÷ floor"]
        heads += ["warm ms", "÷ floor", "peak MB", "calls of the first request"]
        return table(heads, rows)

    def _tokens_table(self) -> str:
        rows = [
            [
                TOKEN_KINDS[kind],
                f"{median(rates['ours']):,.0f}",
                f"{median(rates['sdk']):,.0f}",
                f"**{ratio(rates['ours'], rates['sdk']):.1f}**",
            ]
            for kind, rates in self.tokens.items()
        ]
        return table(["tokens per second", "ours", "SDK", "ours ÷ SDK"], rows)

    def _ways_table(self) -> str:
        rows = [
            [name, f"{median(times):.1f}", f"**{ratio(times, self.ways_ms[LIVE]):.3f}**"]
            for name, times in self.ways_ms.items()
        ]
        wait = f"time to a session, the vendor answering after {VENDOR_SECONDS * 1000:.0f} ms"
        return table([wait, "ms", "÷ live create"], rows)


def calls_text(calls: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in calls.items())


def rounded(value: float) -> float:
    """Three digits are more than the machine is good for."""
    return float(f"{value:.3g}")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *("--:" for _ in heads[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_tables(page: Path, text: str) -> None:
    """Put the tables between the page's markers; a page without them gets them at its end."""
    old = page.read_text() if page.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
