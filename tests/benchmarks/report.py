"""The results as the documented JSON object and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .goals import SAME_WORK, Goal, goals
from .measure import Sample, ratio, spread
from .servers import VENDOR_SECONDS
from .subjects import (
    FLOOR,
    LIMITED,
    LIVE,
    NODE_FLOOR,
    NODE_FLOOR_BUNDLED,
    NODE_SDK,
    NODE_SDK_BUNDLED,
    OURS,
    POOL,
    ROOM_HIT,
    SDK,
    SOURCE_ONLY,
    STDLIB,
    VONAGE,
)

__all__ = ["Results", "table", "write_tables"]

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
TOKEN_KINDS = {
    "opentokJwt": "OpenTok JWT (HS256), compared with `opentok`",
    "opentokT1": "OpenTok T1, compared with `opentok`",
    "vonage": "Vonage JWT (RS256), compared with `vonage-video`",
}

JSON = dict[str, object]


@dataclass(frozen=True, slots=True)
class Results:
    """All measurements of one run."""

    python_version: str
    node_version: str
    samples: Mapping[str, Sample]
    ways_ms: Mapping[str, Sequence[float]]
    tokens: Mapping[str, Mapping[str, Sequence[float]]]
    layer_zipped_mb: float

    def cold_ratio(self, name: str, to: str = FLOOR) -> float:
        return ratio(self.samples[name].cold_ms, self.samples[to].cold_ms)

    def processor_ratio(self, name: str, to: str = FLOOR) -> float:
        return ratio(self.samples[name].processor_ms, self.samples[to].processor_ms)

    def warm_ratio(self, name: str) -> float:
        return ratio(self.samples[name].warm_ms, self.samples[FLOOR].warm_ms)

    def token_ratio(self, kind: str, to: str) -> float:
        return ratio(self.tokens[kind]["ours"], self.tokens[kind][to])

    def goals(self) -> list[Goal]:
        return goals(
            cold=self.cold_ratio,
            processor=self.processor_ratio,
            warm=self.warm_ratio,
            vonage_to_openssl=self.token_ratio("vonage", "openssl"),
            functions=OURS,
        )

    def as_json(self) -> JSON:
        """Returns the object of the last line. SDK handlers are compared with our pool hit."""
        return {
            "coldStart": self._cold_json(),
            "warm": {name: self._warm_json(name) for name in OURS},
            "tokens": {kind: self._token_json(kind) for kind in self.tokens},
            "timeToSession": {
                "poolOverLive": rounded(ratio(self.ways_ms[POOL], self.ways_ms[LIVE])),
                "roomOverLive": rounded(ratio(self.ways_ms[ROOM_HIT], self.ways_ms[LIVE])),
            },
            "layerZippedMb": rounded(self.layer_zipped_mb),
            "peakMemoryMb": {
                name: rounded(median(self.samples[subject].memory_mb))
                for name, subject in {
                    **{name: name for name in OURS},
                    "floor": FLOOR,
                    "sdkHandler": SDK,
                    "nodeFloor": NODE_FLOOR,
                    "nodeSdkHandler": NODE_SDK,
                }.items()
            },
            "goals": [goal.as_json() for goal in self.goals()],
        }

    def _cold_json(self) -> JSON:
        cold = {name: rounded(median(sample.cold_ms)) for name, sample in self.samples.items()}

        def to_floor(name: str) -> JSON:
            return {"ms": cold[name], "ratio": rounded(self.cold_ratio(name))}

        def to_ours(name: str) -> JSON:
            return {"ms": cold[name], "ratioToOurs": rounded(self.cold_ratio(name, SAME_WORK))}

        return {
            "floorMs": cold[FLOOR],
            "functions": {name: to_floor(name) for name in OURS},
            "sdkHandler": to_ours(SDK),
            "stdlibLimit": to_floor(STDLIB),
            "nodeFloor": to_floor(NODE_FLOOR),
            "nodeFloorBundled": to_floor(NODE_FLOOR_BUNDLED),
            "nodeSdkHandler": to_ours(NODE_SDK),
            "nodeSdkHandlerBundled": to_ours(NODE_SDK_BUNDLED),
        }

    def _warm_json(self, name: str) -> JSON:
        found: JSON = {"ratio": rounded(self.warm_ratio(name))}
        if name in LIMITED:
            found["ratioWithLimits"] = rounded(self.warm_ratio(LIMITED[name]))
        return found

    def _token_json(self, kind: str) -> JSON:
        rates = self.tokens[kind]
        found: JSON = {
            "perSecond": round(median(rates["ours"])),
            "ratioToSdk": rounded(self.token_ratio(kind, "sdk")),
        }
        if "openssl" in rates:
            found["ratioToOpenssl"] = rounded(self.token_ratio(kind, "openssl"))
        return found

    def as_markdown(self) -> str:
        return "\n\n".join(
            (
                f"CPython {self.python_version}, Node.js {self.node_version.lstrip('v')}; medians"
                f" of {len(self.samples[FLOOR].init_ms)} rounds; the layer is"
                f" **{self.layer_zipped_mb:.2f} MB** zipped.",
                self._cold_table(),
                self._goals_table(),
                self._tokens_table(),
                self._ways_table(),
            )
        )

    def _cold_table(self) -> str:
        rows = []
        peers = (NODE_FLOOR, NODE_FLOOR_BUNDLED, FLOOR, NODE_SDK, NODE_SDK_BUNDLED, SDK)
        for name in (STDLIB, *OURS, *peers, VONAGE, SOURCE_ONLY, *LIMITED.values()):
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

    def _goals_table(self) -> str:
        rows = [
            [
                goal.name,
                goal.bound,
                f"**{goal.value:.2f}**",
                "" if goal.processor is None else f"{goal.processor:.2f}",
                "yes" if goal.met else "no",
            ]
            for goal in self.goals()
        ]
        return table(["goal", "bound", "result", "of processor time", "met"], rows)

    def _tokens_table(self) -> str:
        rows = []
        for kind, rates in self.tokens.items():
            has_openssl = "openssl" in rates
            rows.append(
                [
                    TOKEN_KINDS[kind],
                    f"{median(rates['ours']):,.0f}",
                    f"{median(rates['sdk']):,.0f}",
                    f"**{self.token_ratio(kind, 'sdk'):.1f}**",
                    f"{median(rates['openssl']):,.0f}" if has_openssl else "",
                    f"**{self.token_ratio(kind, 'openssl'):.3f}**" if has_openssl else "",
                ]
            )
        heads = ["tokens per second", "ours", "SDK", "ours ÷ SDK", "OpenSSL alone"]
        return table([*heads, "ours ÷ OpenSSL"], rows)

    def _ways_table(self) -> str:
        rows = [
            [name, f"{median(times):.1f}", f"**{ratio(times, self.ways_ms[LIVE]):.3f}**"]
            for name, times in self.ways_ms.items()
        ]
        delay = f"time to a session, vendor response after {VENDOR_SECONDS * 1000:.0f} ms"
        return table([delay, "ms", "÷ live create"], rows)


def calls_text(calls: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in calls.items())


def rounded(value: float) -> float:
    """Rounds to three digits, which is more precision than the measurements have."""
    return float(f"{value:.3g}")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *("--:" for _ in heads[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_tables(page: Path, text: str) -> None:
    """Replaces the text between the page's markers. A page without markers gets them at its end."""
    old = page.read_text() if page.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
