"""Simulates pools and presence: `python -m tests.benchmarks.scale [--quick]`.

Prints progress, tables and, as its last line, one JSON object. Draws the plots of docs/scale.md, or
with `--quick` into .local/img. The exit status is 1 when the goal is missed.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks.scale import scenarios
from tests.benchmarks.scale.days import DAYS, simulate
from tests.benchmarks.scale.presence import (
    SCENARIOS,
    PresenceTotals,
    Traffic,
    simulate_presence,
)
from tests.benchmarks.scale.prices import costs, count_cost
from tests.benchmarks.scale.scenarios import Row

ROOT = Path(__file__).resolve().parents[3]

PLOTS = ("scale.svg", "pool-size.svg", "presence.svg")

HEAD = "conflicts  queries  writes  round trips  live %  throttled %  p50 ms  p99 ms"


def progress(what: str) -> None:
    print(f"  … {what}", file=sys.stderr, flush=True)


def table(title: str, rows: list[Row]) -> None:
    width = max(len(row.label) for row in rows)
    print(f"\n{title}\n{'':{width}}  {HEAD}")
    for row in rows:
        t = row.totals
        print(
            f"{row.label:{width}}  {t.conflicts:9.3f}  {t.queries:7.3f}  {t.writes:6.3f}"
            f"  {t.round_trips:11.2f}  {100 * t.share('missed'):6.2f}"
            f"  {100 * t.share('failed'):11.2f}  {t.milliseconds(0.5):6.0f}"
            f"  {t.milliseconds(0.99):6.0f}"
        )


def row_json(row: Row) -> dict[str, object]:
    """Returns a row of the JSON object."""
    t = row.totals
    return {
        "label": row.label,
        "claimsPerSecond": row.scenario.rate,
        "pool": row.scenario.pool,
        "lagMs": round(1000 * row.scenario.lag),
        "partitions": row.scenario.partitions,
        "claims": len(t.claims),
        "conflictsPerClaim": round(t.conflicts, 4),
        "queriesPerClaim": round(t.queries, 4),
        "writesPerClaim": round(t.writes, 4),
        "roundTripsPerClaim": round(t.round_trips, 4),
        "live": round(t.share("missed"), 5),
        "throttled": round(t.share("failed"), 5),
        "p50Ms": round(t.milliseconds(0.5), 1),
        "p99Ms": round(t.milliseconds(0.99), 1),
    }


def presence_json(traffic: Traffic, totals: PresenceTotals) -> dict[str, object]:
    """Returns a scenario of presence for the JSON object."""
    return {
        "label": traffic.name,
        "events": traffic.events,
        "unitsOfHottestPartitionPerSecond": totals.hottest_partition,
        "refused": dict(totals.refused),
        "p50Seconds": round(totals.delay(0.5), 2),
        "p99Seconds": round(totals.delay(0.99), 1),
        "rightAfterSeconds": round(totals.right_after, 1),
    }


def presence_table(runs: list[tuple[Traffic, PresenceTotals]]) -> None:
    width = max(len(traffic.name) for traffic, _ in runs)
    head = (
        "events  units/s  429 throttled  503 partition  503 conflict  p50 s  p99 s  right after s"
    )
    print(f"\nPresence\n{'':{width}}  {head}")
    for traffic, totals in runs:
        refused = totals.refused
        print(
            f"{traffic.name:{width}}  {traffic.events:6,}  {totals.hottest_partition:7,}"
            f"  {refused['api']:13,}  {refused['partition']:13,}  {refused['conflict']:12,}"
            f"  {totals.delay(0.5):5.2f}  {totals.delay(0.99):5.1f}  {totals.right_after:13.0f}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--plots", type=Path, help="directory of the plots")
    arguments = parser.parse_args()
    quick: bool = arguments.quick
    plots: Path = arguments.plots or ROOT / (".local/img" if quick else "docs/img")

    goal = scenarios.goal(quick, progress)
    table("The goal: 1,000 claims/s, lag 200 ms, a pool of 3,000", goal.rows)
    rates = list(scenarios.rates(quick, progress))
    table("Rates, with pools that fit them (lag 200 ms)", rates)
    strategies = list(scenarios.strategies(quick, progress))
    table("Where to look (1,000/s, lag 200 ms, a pool of 3,000)", strategies)
    lags = list(scenarios.lags(quick, progress))
    table("Lag against pool size (1,000/s)", lags)
    partitions = list(scenarios.partitions(quick, progress))
    table("Partitions of the index", partitions)
    splitting = scenarios.splitting(quick, progress)
    drain = scenarios.drain(quick, progress)
    table("One at a time", [splitting, drain])

    print("\nMoney: US dollars per million, for DynamoDB")
    prices = costs(goal.conflicts, goal.queries)
    for cost in prices:
        print(
            f"{cost.name:42}  {cost.write_units:5.2f} write units"
            f"  {cost.read_units:5.2f} read units  {cost.dollars:6.2f}"
        )

    print("Money: US dollars for counting a pool every minute for a month")
    for entries in (20, 1_000, 10_000, 100_000):
        cost = count_cost(entries, 30 * 24 * 60)
        print(f"{cost.name:42}  {cost.read_units:8.1f} read units each time  {cost.dollars:6.2f}")

    print("\nPools that adapt their size, refilled every minute")
    days = [(day, list(simulate(day))) for day in DAYS]
    missed = {}
    for day, minutes in days:
        calls, lost = sum(m.calls for m in minutes), sum(m.missed for m in minutes)
        missed[day.name] = {
            "calls": calls,
            "missed": lost,
            "target": max(m.target for m in minutes),
        }
        print(f"{day.name:40}  {calls:9,} calls  {lost:7,} missed  ({lost / calls:.3%})")

    presence = [(traffic, simulate_presence(traffic)) for traffic in SCENARIOS]
    presence_table(presence)

    # Imported late, so that the simulation runs without matplotlib.
    from tests.benchmarks.scale.plots import draw_days, draw_scale
    from tests.benchmarks.scale.presence_plots import draw_presence

    draw_scale(
        plots / "scale.svg",
        rates=rates,
        lags=lags,
        strategies=strategies,
        partitions=partitions,
        splitting=splitting,
        drain=drain,
    )
    draw_days(plots / "pool-size.svg", days)
    draw_presence(plots / "presence.svg", presence)
    print("\nplots: " + ", ".join(str(plots / name) for name in PLOTS))
    print(
        json.dumps(
            {
                "benchmark": "scale",
                "quick": quick,
                "goal": {
                    "conflictsPerClaim": round(goal.conflicts, 4),
                    "queriesPerClaim": round(goal.queries, 4),
                    "mostConflicts": scenarios.MOST_CONFLICTS,
                    "mostQueries": scenarios.MOST_QUERIES,
                    "met": goal.met,
                },
                "rates": [row_json(row) for row in rates],
                "strategies": [row_json(row) for row in strategies],
                "lags": [row_json(row) for row in lags],
                "partitions": [row_json(row) for row in partitions],
                "splitting": row_json(splitting) | {"splits": len(splitting.totals.splits)},
                "drain": row_json(drain),
                "dollarsPerMillion": {c.name: round(c.dollars, 2) for c in prices},
                "poolSize": missed,
                "presence": [presence_json(*run) for run in presence],
            }
        )
    )
    return 0 if goal.met else 1


if __name__ == "__main__":
    raise SystemExit(main())
