"""An eventually consistent index with partitions that have limits, as a model of DynamoDB's.

One pool is one item collection of the index: its entries, sorted by a random key between 0 and 1.
Partitions hold ranges of that key, because DynamoDB splits a busy collection by its sort key.
"""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

__all__ = ["IndexPartition", "PoolIndex", "SortedKeys", "Throttled"]

WRITES_PER_SECOND = 1_000
"""Write units per second of one partition (DynamoDB's published limit)."""

READS_PER_SECOND = 3_000
"""Read units per second of one partition (DynamoDB's published limit)."""

BACKLOG_SECONDS = 1.0
"""Assumed lag of an index at which DynamoDB throttles writes to the table.

The back-pressure is documented, its threshold is not.
"""


class Throttled(Exception):
    """The partition has no capacity for the request."""


class SortedKeys:
    """Random keys in 0 … 1, sorted in small buckets so that a million of them stay fast."""

    def __init__(self, expected: int) -> None:
        self._buckets: list[list[float]] = [[] for _ in range(max(1, expected // 32))]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def _bucket(self, key: float) -> list[float]:
        return self._buckets[int(key * len(self._buckets))]

    def add(self, key: float) -> None:
        insort(self._bucket(key), key)
        self._count += 1

    def remove(self, key: float) -> None:
        bucket = self._bucket(key)
        del bucket[bisect_left(bucket, key)]
        self._count -= 1

    def from_key(self, low: float, high: float, limit: int) -> list[float]:
        """Returns the first `limit` keys of `low` ≤ key < `high`, in order."""
        found: list[float] = []
        for number in range(int(low * len(self._buckets)), len(self._buckets)):
            bucket = self._buckets[number]
            for position in range(bisect_left(bucket, low), len(bucket)):
                if bucket[position] >= high or len(found) == limit:
                    return found
                found.append(bucket[position])
            if len(found) == limit or (number + 1) / len(self._buckets) >= high:
                return found
        return found


@dataclass(slots=True)
class IndexPartition:
    """The entries from `low` to the next partition."""

    low: float
    writes_done_at: float = 0.0
    read_units: float = READS_PER_SECOND
    read_at: float = 0.0
    hot_since: float | None = None

    def backlog(self, now: float) -> float:
        """Returns the seconds of queued work."""
        return max(0.0, self.writes_done_at - now)

    def write(self, now: float) -> float:
        """Queues one write and returns the seconds until its turn."""
        wait = self.backlog(now)
        self.writes_done_at = now + wait + 1 / WRITES_PER_SECOND
        return wait

    def read(self, now: float, units: float) -> None:
        """Takes read units from a bucket of one second's capacity. Raises `Throttled`."""
        refilled = self.read_units + (now - self.read_at) * READS_PER_SECOND
        self.read_units = min(READS_PER_SECOND, refilled)
        self.read_at = now
        if self.read_units < units:
            raise Throttled
        self.read_units -= units


@dataclass(slots=True)
class PoolIndex:
    """The index of one pool. `visible` lags behind the table by what the caller decides.

    A partition at its limit for `split_after` seconds is split in the middle of its range. None
    never splits.
    """

    visible: SortedKeys
    partitions: list[IndexPartition]
    split_after: float | None = None
    splits: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, *, expected: int, partitions: int, split_after: float | None = None) -> "PoolIndex":
        parts = [IndexPartition(low=number / partitions) for number in range(partitions)]
        return cls(SortedKeys(expected), parts, split_after)

    def _partition(self, key: float) -> int:
        return bisect_right(self.partitions, key, key=lambda partition: partition.low) - 1

    def query(self, now: float, low: float, high: float, limit: int, units: float) -> list[float]:
        """Returns up to `limit` visible keys from `low`. Raises `Throttled`.

        The read is charged to the partition of its start, as few entries seldom span two.
        """
        self.partitions[self._partition(low)].read(now, units)
        return self.visible.from_key(low, high, limit)

    def admit(self, now: float, key: float) -> float:
        """Accepts one index write and returns the seconds until the partition processes it.

        Raises `Throttled` when the partition is too far behind, so that the write to the table
        fails.
        """
        number = self._partition(key)
        partition = self.partitions[number]
        self._split_when_hot(now, number)
        if partition.backlog(now) > BACKLOG_SECONDS:
            raise Throttled
        return partition.write(now)

    def _split_when_hot(self, now: float, number: int) -> None:
        partition = self.partitions[number]
        if partition.backlog(now) < BACKLOG_SECONDS / 2:
            partition.hot_since = None
        elif partition.hot_since is None:
            partition.hot_since = now
        elif self.split_after is not None and now - partition.hot_since > self.split_after:
            last = number + 1 == len(self.partitions)
            high = 1.0 if last else self.partitions[number + 1].low
            partition.hot_since = None
            half = IndexPartition((partition.low + high) / 2, partition.writes_done_at)
            self.partitions.insert(number + 1, half)
            self.splits.append(now)
