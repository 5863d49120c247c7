"""What a million requests cost: `python -m tests.benchmarks.costs` prints the table of
docs/performance.md. Prices and assumptions are the constants here and in `scale.prices`: put in
your own."""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.report import table
from tests.benchmarks.scale.prices import PRICES

# US dollars, us-east-1, without free tiers, as published in 2025.
SECRET_READS = 0.05 / 10_000
TRACES = 5.00 / 1e6

# Assumptions. The times are billed ones: warm compute at this memory, and the services' own.
LAMBDA_GIGABYTES = 1.0
COLD_SHARE = 0.01
COLD_SECONDS = 0.6
REQUESTS_PER_SECRET_READ = 60  # one container, one request a second, the secret kept for a minute
TRACED_SHARE = 0.05  # what X-Ray samples by default
PLATFORM_LOG_BYTES = 400  # START, END and REPORT


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of request: billed seconds when warm, our bytes in the log, DynamoDB's units."""

    name: str
    seconds: float
    log_bytes: int
    write_units: float
    read_units: float
    reads_secret: bool = True


REQUESTS = (
    Request("a token for a session in use", 0.015, 730, 0, 1),
    Request("a room's session and a token", 0.020, 900, 0, 2),
    Request("a session from the pool and a token", 0.030, 1090, 3.22, 0.5),
    Request("a session made live and a token", 0.350, 1020, 2, 1),
    Request("looking a session up", 0.012, 500, 0, 1, reads_secret=False),
)


def dollars(request: Request) -> dict[str, float]:
    """What a million of them cost, by service."""
    gigabyte_seconds = LAMBDA_GIGABYTES * (request.seconds + COLD_SHARE * COLD_SECONDS)
    return {
        "API Gateway": PRICES.api_requests,
        "Lambda": PRICES.lambda_requests + 1e6 * gigabyte_seconds * PRICES.lambda_gigabyte_second,
        "DynamoDB": request.write_units * PRICES.write_units
        + request.read_units * PRICES.read_units,
        "Secrets Manager": request.reads_secret * 1e6 / REQUESTS_PER_SECRET_READ * SECRET_READS,
        "logs": 1e6 * (request.log_bytes + PLATFORM_LOG_BYTES) / 1e9 * PRICES.log_gigabyte,
        "X-Ray": 1e6 * TRACED_SHARE * TRACES,
    }


def main() -> None:
    rows = []
    for request in REQUESTS:
        parts = dollars(request)
        amounts = [f"{amount:.2f}" for amount in parts.values()]
        rows.append([request.name, *amounts, f"**{sum(parts.values()):.2f}**"])
    print(table(["$ per million", *dollars(REQUESTS[0]), "together"], rows))


if __name__ == "__main__":
    main()
