"""The plot of presence in docs/scale.md."""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from matplotlib import pyplot
from matplotlib.axes import Axes

from tests.benchmarks.scale.plots import COLOURS, PLAIN, save
from tests.benchmarks.scale.presence import PresenceTotals, Traffic

__all__ = ["draw_presence"]

Run = tuple[Traffic, PresenceTotals]
STEPS = 400


def draw_presence(path: Path, runs: Sequence[Run]) -> None:
    """Draws the events that are not applied yet over time, for one session and for many."""
    figure, axes = pyplot.subplots(2, 1, figsize=(11.5, 8), layout="constrained")
    one = [run for run in runs if run[0].sessions == 1]
    many = [run for run in runs if run[0].sessions > 1]
    _draw(axes[0], one, "One session with 3,000 participants")
    _draw(axes[1], many, "1,000 sessions with 10 participants each")
    save(figure, path)


def _draw(axes: Axes, runs: Sequence[Run], title: str) -> None:
    end = max(max(totals.applied_at) for _, totals in runs)
    times = [end * step / STEPS for step in range(STEPS + 1)]
    for colour, (traffic, totals) in zip(COLOURS, runs, strict=False):
        happened, applied = sorted(totals.happened_at), sorted(totals.applied_at)
        late = [bisect_right(happened, time) - bisect_right(applied, time) for time in times]
        axes.plot(times, late, color=colour, label=traffic.name)
    axes.set_yscale("symlog", linthresh=10)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.set(xlabel="seconds", ylabel="events not applied yet", xlim=(0, end))
    axes.set_title(title)
    axes.legend(loc="upper right")
