"""The plots of pools in docs/scale.md, drawn from simulated rows."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tests.benchmarks.scale.days import Day, Minute
from tests.benchmarks.scale.scenarios import MOST_CONFLICTS, Row, conflicts_left

__all__ = ["COLOURS", "PLAIN", "draw_days", "draw_scale", "save"]

PLAIN = FuncFormatter(lambda value, _: f"{value:,.10g}")
COLOURS = ("#0b6e99", "#d1495b", "#3c8d53", "#8d5a97", "#c77d0a")
GREY = "#6b7280"

matplotlib.use("Agg")
matplotlib.rcParams.update(
    {
        "font.size": 10,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e5e7eb",
        "axes.axisbelow": True,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "figure.facecolor": "white",
        "svg.fonttype": "none",  # text stays text, which is smaller and searchable
        "svg.hashsalt": "opentok-sessions",  # equal results give an equal file
    }
)


def draw_scale(
    path: Path,
    *,
    rates: Sequence[Row],
    lags: Sequence[Row],
    strategies: Sequence[Row],
    partitions: Sequence[Row],
    splitting: Row,
    drain: Row,
) -> None:
    """Draws six panels: the cost of a claim, and the limits."""
    figure, axes = pyplot.subplots(3, 2, figsize=(11.5, 13), layout="constrained")
    _draw_rates(axes[0][0], rates)
    _draw_strategies(axes[0][1], strategies)
    _draw_lags(axes[1][0], lags)
    _draw_drain(axes[1][1], drain)
    _draw_partitions(axes[2][0], partitions)
    _draw_splitting(axes[2][1], splitting)
    save(figure, path)


def _draw_rates(axes: Axes, rows: Sequence[Row]) -> None:
    for colour, worth, name in zip(
        COLOURS,
        ("3 s", "2 min"),
        ("pool of 3 s of demand", "pool of 2 min of demand"),
        strict=False,
    ):
        chosen = [row for row in rows if row.label.endswith(f"{worth} of demand")]
        x = [row.scenario.rate for row in chosen]
        y = [row.totals.round_trips for row in chosen]
        axes.plot(x, y, "o-", color=colour, label=name)
    axes.axhline(2, color=GREY, linestyle=":", label="one query, one write")
    axes.set(xscale="log", ylim=(1.9, 2.6))
    axes.set(xlabel="claims per second", ylabel="round trips per claim")
    axes.xaxis.set_major_formatter(PLAIN)
    axes.set_title("A claim costs the same at any rate (lag 200 ms)")
    axes.legend(loc="upper right")


def _draw_strategies(axes: Axes, rows: Sequence[Row]) -> None:
    names = [row.label for row in rows]
    values = [row.totals.conflicts for row in rows]
    colours = [COLOURS[2] if value <= MOST_CONFLICTS else COLOURS[1] for value in values]
    axes.barh(names, values, color=colours, height=0.6)
    for position, row in enumerate(rows):
        live = row.totals.share("missed")
        text = f" {row.totals.conflicts:.2f}" + (f", {live:.1%} go live" if live >= 0.001 else "")
        axes.text(row.totals.conflicts, position, text, va="center", fontsize=9)
    axes.axvline(MOST_CONFLICTS, color=GREY, linestyle=":", label="goal: 0.3")
    axes.set(xscale="log", xlim=(0.1, 200), xlabel="conflicts per claim (green: goal met)")
    axes.xaxis.set_major_formatter(PLAIN)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_title("Where to look (1,000/s, pool of 3,000)")
    axes.legend(loc="lower right")


def _draw_lags(axes: Axes, rows: Sequence[Row]) -> None:
    lags = sorted({row.scenario.lag for row in rows})
    for colour, lag in zip(COLOURS, lags, strict=False):
        chosen = [row for row in rows if row.scenario.lag == lag]
        x = [row.scenario.pool / row.scenario.rate for row in chosen]
        y = [row.totals.conflicts for row in chosen]
        axes.plot(x, y, "o-", color=colour, label=f"lag {lag * 1000:.0f} ms")
    axes.axhline(MOST_CONFLICTS, color=GREY, linestyle=":", label="goal: 0.3")
    axes.set(xscale="log", yscale="log", xlabel="pool size, in seconds of demand")
    axes.set(ylabel="conflicts per claim")
    axes.xaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.set_title("Only lag against pool size matters")
    axes.legend()


def _draw_drain(axes: Axes, row: Row) -> None:
    points = conflicts_left(row.totals.claims, 30)
    axes.plot([x for x, _ in points], [y for _, y in points], color=COLOURS[0])
    axes.axhline(MOST_CONFLICTS, color=GREY, linestyle=":", label="0.3 conflicts")
    axes.set(xlabel="sessions left in the pool", ylabel="conflicts per claim")
    axes.set_yscale("symlog", linthresh=0.1)
    axes.set_ylim(0, 25)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.invert_xaxis()
    axes.set_title("A pool that is not refilled (1,000/s, lag 200 ms)")
    axes.legend(loc="upper left")


def _draw_partitions(axes: Axes, rows: Sequence[Row]) -> None:
    counts = sorted({row.scenario.partitions for row in rows})
    for colour, parts in zip(COLOURS, counts, strict=False):
        chosen = [row for row in rows if row.scenario.partitions == parts]
        x = [row.scenario.rate for row in chosen]
        y = [100 * (1 - row.totals.share("pooled")) for row in chosen]
        label = f"{parts} partition" + ("s" if parts > 1 else "")
        axes.plot(x, y, "o-", color=colour, markersize=4, label=label)
    axes.set(xscale="log", ylim=(-3, 103))
    axes.set(xlabel="claims per second, as many refilled", ylabel="claims not served, %")
    axes.xaxis.set_major_formatter(PLAIN)
    axes.set_title("500 sessions per second fill an index partition")
    axes.legend(loc="upper left")


def _draw_splitting(axes: Axes, row: Row) -> None:
    end = int(row.scenario.seconds)
    throttled, refused, claims = [0] * end, [0] * end, [0] * end
    for moment in row.totals.throttled_at:
        if moment < end:
            throttled[int(moment)] += 1
    for claim in row.totals.claims:
        if claim.at < end:
            claims[int(claim.at)] += 1
            refused[int(claim.at)] += claim.outcome != "pooled"
    share = [100 * r / max(1, c) for r, c in zip(refused, claims, strict=True)]
    axes.plot(range(end), share, color=COLOURS[1], label="claims not served")
    for number, moment in enumerate(row.totals.splits):
        label = f"a partition is split (1 to {row.totals.partitions})" if not number else None
        axes.axvline(moment, color=GREY, linestyle=":", label=label)
    axes.set(xlabel="seconds (in DynamoDB: minutes)", ylabel="claims not served, %")
    axes.set(ylim=(-3, 103))
    axes.set_title(f"A hot partition is split ({row.scenario.rate:,.0f} claims/s)")
    axes.legend(loc="upper right")


def draw_days(path: Path, days: Sequence[tuple[Day, Sequence[Minute]]]) -> None:
    """Draws a row per simulated day: demand, target, available sessions and missed calls."""
    figure, rows = pyplot.subplots(
        len(days), 1, figsize=(11.5, 2.7 * len(days)), layout="constrained"
    )
    for number, (axes, (day, minutes)) in enumerate(zip(rows, days, strict=True)):
        _draw_day(axes, day, minutes)
        if number == 0:
            axes.legend(ncols=4, loc="upper left")
    save(figure, path)


def _draw_day(axes: Axes, day: Day, minutes: Sequence[Minute]) -> None:
    step = max(1, len(minutes) // 240)
    parts = [minutes[begin : begin + step] for begin in range(0, len(minutes), step)]
    unit, name = (60, "hours") if len(minutes) > 120 else (1, "minutes")
    times = [number * step / unit for number in range(len(parts))]
    calls = [max(minute.calls for minute in part) for part in parts]
    target = [max(minute.target for minute in part) for part in parts]
    least = [min(minute.available for minute in part) for part in parts]
    missed = [sum(minute.missed for minute in part) for part in parts]
    axes.fill_between(
        times, calls, color=COLOURS[4], alpha=0.5, step="post", linewidth=0, label="calls a minute"
    )
    axes.plot(times, target, color=COLOURS[0], drawstyle="steps-post", label="target")
    axes.plot(times, least, color=COLOURS[2], linewidth=1, label="available after a refill, least")
    at = [(time, count) for time, count in zip(times, missed, strict=True) if count]
    axes.plot([t for t, _ in at], [c for _, c in at], "o", color=COLOURS[1], label="missed calls")
    axes.set_yscale("symlog", linthresh=10)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.set(ylim=(0, 3 * max(target)), xlim=(0, times[-1]), xlabel=name, ylabel="sessions")
    total, lost = sum(m.calls for m in minutes), sum(m.missed for m in minutes)
    axes.set_title(f"{day.name}: {lost:,} of {total:,} calls missed the pool")


def save(figure: Figure, path: Path) -> None:
    """Writes the figure without a date, so that equal results give an equal file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=80)
    pyplot.close(figure)
