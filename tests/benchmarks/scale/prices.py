"""The cost of a session, from published prices and the simulated number of conflicts."""

from dataclasses import dataclass

from tests.benchmarks.scale.claims import ENTRY_BYTES

__all__ = ["PRICES", "Cost", "Prices", "costs", "count_cost"]


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars on demand in us-east-1, published in 2025, without free tiers."""

    write_units: float = 0.625
    """A million write request units of DynamoDB."""
    read_units: float = 0.125
    """A million read request units of DynamoDB."""
    api_requests: float = 1.00
    """A million requests to an HTTP API."""
    lambda_requests: float = 0.20
    """A million invocations."""
    lambda_gigabyte_second: float = 0.0000133334
    """Lambda on arm64."""
    log_gigabyte: float = 0.50
    """CloudWatch Logs, taken in."""


PRICES = Prices()


@dataclass(frozen=True, slots=True)
class Cost:
    """Units of one operation, and the price of many of them."""

    name: str
    write_units: float
    read_units: float
    dollars: float


def costs(conflicts: float, queries: float, prices: Prices = PRICES) -> list[Cost]:
    """Returns the cost of a million operations of each kind, for items of up to 1 KB.

    A write consumes its unit even when its condition fails. Removing an entry from the pool
    index and adding one to the index by owner are a write each. A transaction doubles the units of
    the table but not of its indexes.
    """
    operations = (
        # table, pool index
        ("put one session into the pool", 2.0, 0.0),
        # the successful write, the pool index, the owner index
        ("claim", 3.0 + conflicts, queries / 2),
        # session and pointer in a transaction; the pointer is read first, consistently
        ("claim for a room", 2 * (2 + 2 * conflicts) + 2, queries / 2 + 1),
        ("claim for a room with an Idempotency-Key", 2 * (3 + 3 * conflicts) + 2, queries / 2 + 2),
        # table, owner index; two queries that found nothing
        ("created live, pool empty", 2.0, 1.0),
        ("token for a session in use", 0.0, 1.0),
    )
    return [
        Cost(name, writes, reads, writes * prices.write_units + reads * prices.read_units)
        for name, writes, reads in operations
    ]


def count_cost(entries: int, runs: int, prices: Prices = PRICES) -> Cost:
    """Returns the cost of counting a pool `runs` times. All entries are read, 8 KB per unit."""
    units = max(1, -(-entries * ENTRY_BYTES // 4096)) / 2
    return Cost(f"count {entries:,}", 0.0, units, runs / 1e6 * units * prices.read_units)
