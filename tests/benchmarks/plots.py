"""The plot of docs/performance.md: cold starts, and the time to a session."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes

from .report import Results
from .subjects import (
    FLOOR,
    LIVE,
    NODE_FLOOR,
    NODE_SDK,
    NODE_SDK_BUNDLED,
    OURS,
    POOL,
    ROOM_HIT,
    SDK,
    STDLIB,
)

OURS_COLOURS = ("#0b6e99", "#7fb8d3")
ROW = 0.34
"""Height of a bar, in inches."""
THEIR_COLOURS = ("#6b7280", "#c3c8d0")

matplotlib.rcParams.update(
    {
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.titlesize": 11,
        "figure.facecolor": "white",
        "font.size": 10,
        "svg.fonttype": "none",  # text stays text, which is smaller and searchable
        "svg.hashsalt": "opentok-sessions",  # the same results give the same file
    }
)


def draw(results: Results, path: Path) -> None:
    """Draws two panels as SVG: cold start by function, and time to a session by its source."""
    rows = len(OURS) + 6
    figure, (cold, ways) = pyplot.subplots(
        2, 1, figsize=(9, 3 + ROW * rows), height_ratios=(rows, 3), layout="constrained"
    )
    names = [STDLIB, *OURS, NODE_FLOOR, FLOOR, NODE_SDK, NODE_SDK_BUNDLED, SDK]
    for row, name in enumerate(reversed(names)):
        sample = results.samples[name]
        start, first = median(sample.init_ms), median(sample.first_ms)
        colours = OURS_COLOURS if name in OURS else THEIR_COLOURS
        cold.barh(row, start, color=colours[0])
        cold.barh(row, first, left=start, color=colours[1])
        note = f"{start + first:.0f} ms, {results.cold_ratio(name):.2f} of the floor"
        write_beside(cold, start + first, row, note)
    cold.set_yticks(range(len(names)), [label(name) for name in reversed(names)])
    cold.axvline(
        median(results.samples[FLOOR].cold_ms),
        color="#d1495b",
        linewidth=1,
        zorder=0,
        linestyle=":",
    )
    cold.set_xlim(0, median(results.samples[SDK].cold_ms) * 1.3)
    cold.set_title("Cold start: process start (dark) and first request (light)")
    cold.set_xlabel("ms")

    for row, name in enumerate((LIVE, ROOM_HIT, POOL)):
        duration = median(results.ways_ms[name])
        ways.barh(row, duration, color=OURS_COLOURS[0])
        write_beside(ways, duration, row, f"{duration:.1f} ms")
    ways.set_yticks(range(3), (LIVE, ROOM_HIT, POOL))
    ways.set_xlim(0, median(results.ways_ms[LIVE]) * 1.15)
    ways.set_title("Time to a session and a token, warm, vendor response after 150 ms")
    ways.set_xlabel("ms")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def write_beside(axes: Axes, end: float, row: int, note: str) -> None:
    axes.annotate(note, (end, row), (5, 0), textcoords="offset points", va="center")


def label(name: str) -> str:
    labels = {
        FLOOR: "Python: boto3 client, one GetItem",
        NODE_FLOOR: "Node.js: SDK v3 client, one GetItem",
        SDK: "Python: the vendor's SDK",
        NODE_SDK: "Node.js: the vendor's SDK",
        NODE_SDK_BUNDLED: "the same, bundled",
    }
    return labels.get(name, name)
