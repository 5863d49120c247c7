"""Prints the cost tables of docs/performance.md: `python -m tests.benchmarks.costs`.

Prices and assumptions are the constants here and in `scale.prices`. Replace them by yours.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.report import table
from tests.benchmarks.scale.prices import PRICES

# US dollars, us-east-1, without free tiers, as published in 2025.
SECRET_READS = 0.05 / 10_000
TRACES = 5.00 / 1e6

# Assumptions. The times are billed times: warm compute at this memory, and the services' latency.
LAMBDA_GIGABYTES = 1.0
COLD_SHARE = 0.01
COLD_SECONDS = 0.6
REQUESTS_PER_SECRET_READ = 60  # one environment, one request a second, 60 s cache
TRACED_SHARE = 0.05  # X-Ray's default
PLATFORM_LOG_BYTES = 400  # START, END and REPORT

MONTH_SECONDS = 30 * 24 * 3600
SNAPSTART_CACHE = 1.5046e-6  # per GB and second, for each published version
SNAPSTART_RESTORE = 1.397998e-4  # per GB restored


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of request: billed seconds when warm, our log bytes, DynamoDB's units.

    `api` is false for an invocation by the table's stream. `alone` is false for work that is added
    to another request.
    """

    name: str
    seconds: float
    log_bytes: int
    write_units: float
    read_units: float
    reads_secret: bool = True
    api: bool = True
    alone: bool = True


TOKEN = Request("a token for a session in use", 0.015, 730, 0, 1)
ROOM = Request("a room's session and a token", 0.020, 900, 0, 2)
POOL = Request("a pooled session and a token", 0.030, 1090, 3.22, 0.5)
PRESENCE = Request("a callback that changes presence", 0.025, 500, 4, 1.5)
NO_EFFECT = Request("a callback that changes nothing", 0.010, 450, 0, 0.5)
REQUESTS = (
    TOKEN,
    ROOM,
    POOL,
    Request("a session created live and a token", 0.350, 1020, 2, 1),
    Request("looking a session up", 0.012, 500, 0, 1, reads_secret=False),
    PRESENCE,
    NO_EFFECT,
    Request("disconnecting a client", 0.250, 500, 0, 1, api=False),
    Request("the limits per caller, on top of a create", 0.006, 0, 1, 0, False, False, False),
)

PEOPLE = 4
#: A meeting of four people: the first one gets a pooled session, each connects and leaves once, and
#: each publishes one stream.
MEETING = ((POOL, 1), (ROOM, PEOPLE - 1), (PRESENCE, 2 * PEOPLE), (NO_EFFECT, 2 * PEOPLE))


def dollars(request: Request) -> dict[str, float]:
    """Returns the cost of a million requests by service."""
    compute = request.seconds + request.alone * COLD_SHARE * COLD_SECONDS
    log_bytes = request.log_bytes + request.alone * PLATFORM_LOG_BYTES
    return {
        "API Gateway": request.api * PRICES.api_requests,
        "Lambda": request.alone * PRICES.lambda_requests
        + 1e6 * LAMBDA_GIGABYTES * compute * PRICES.lambda_gigabyte_second,
        "DynamoDB": request.write_units * PRICES.write_units
        + request.read_units * PRICES.read_units,
        "Secrets Manager": request.reads_secret * 1e6 / REQUESTS_PER_SECRET_READ * SECRET_READS,
        "logs": 1e6 * log_bytes / 1e9 * PRICES.log_gigabyte,
        "X-Ray": request.alone * 1e6 * TRACED_SHARE * TRACES,
    }


def snapstart() -> dict[str, float]:
    """Returns the cost of SnapStart for one function of `LAMBDA_GIGABYTES`."""
    return {
        "a month's cache of one version": MONTH_SECONDS * LAMBDA_GIGABYTES * SNAPSTART_CACHE,
        "a million restores": 1e6 * LAMBDA_GIGABYTES * SNAPSTART_RESTORE,
        "a million cold starts without it": 1e6
        * LAMBDA_GIGABYTES
        * COLD_SECONDS
        * PRICES.lambda_gigabyte_second,
    }


def main() -> None:
    rows = []
    for request in REQUESTS:
        parts = dollars(request)
        amounts = [f"{amount:.2f}" for amount in parts.values()]
        rows.append([request.name, *amounts, f"**{sum(parts.values()):.2f}**"])
    print(table(["$ per million", *dollars(REQUESTS[0]), "total"], rows))
    meeting = sum(count * sum(dollars(request).values()) for request, count in MEETING)
    print(f"\nA million meetings of {PEOPLE} people: ${meeting:.2f}\n")
    print(
        table(["SnapStart, $", ""], [[name, f"{cost:.2f}"] for name, cost in snapstart().items()])
    )


if __name__ == "__main__":
    main()
