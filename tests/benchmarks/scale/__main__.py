"""Simulates pool claims and self-sizing pools: `python -m tests.benchmarks.scale [--quick]`.

Prints progress, tables and, as its last line, one JSON object; draws the figures of docs/scale.md
(quick: into .local/img). Exits with 1 when the goal is missed.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks.scale import scenarios
from tests.benchmarks.scale.days import DAYS, simulate
from tests.benchmarks.scale.prices import costs, count_cost
from tests.benchmarks.scale.scenarios import Row

ROOT = Path(__file__).resolve().parents[3]

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


def figures(row: Row) -> dict[str, object]:
    """A row for the JSON object."""
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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--plots", type=Path, help="where the figures go")
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

    print("\nPools that size themselves, refilled every minute")
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

    # Only here: the simulation is worth having where there is no matplotlib.
    from tests.benchmarks.scale.plots import draw_days, draw_scale

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
    print(f"\nfigures: {plots / 'scale.svg'}, {plots / 'pool-size.svg'}")
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
                "rates": [figures(row) for row in rates],
                "strategies": [figures(row) for row in strategies],
                "lags": [figures(row) for row in lags],
                "partitions": [figures(row) for row in partitions],
                "splitting": figures(splitting) | {"splits": len(splitting.totals.splits)},
                "drain": figures(drain),
                "dollarsPerMillion": {c.name: round(c.dollars, 2) for c in prices},
                "poolSize": missed,
            }
        )
    )
    return 0 if goal.met else 1


if __name__ == "__main__":
    raise SystemExit(main())
