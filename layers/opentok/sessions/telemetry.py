"""Logs and metrics: JSON lines for people, metrics for alarms. Nothing secret in either."""

from __future__ import annotations

import threading

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from .errors import DamagedRecord, Kind

__all__ = [
    "count",
    "count_damaged",
    "count_failure",
    "count_pool",
    "flush",
    "logger",
    "pool_figures",
    "sample",
]

logger = Logger()
_metrics = Metrics()
_counting = threading.Lock()  # a refill counts on many threads


def count(name: str) -> None:
    """Counts one event of the whole service."""
    with _counting:
        _metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)


def count_failure(kind: Kind) -> None:
    """Counts a failure that an alarm wants to know of; others are the callers' affair."""
    if kind.metric:
        count(kind.metric)


def count_damaged(damaged: DamagedRecord) -> None:
    """Counts a stored item that we could do without, but not have written."""
    logger.error("damaged_record", extra={"reason": str(damaged)})
    count("InternalError")


def count_pool(pool: str, name: str) -> None:
    """Counts one event of a pool."""
    pool_figures(pool, **{name: 1})


def pool_figures(pool: str, **figures: float) -> None:
    """Reports figures of one pool, by pool for the dashboard and over all pools for the alarms.
    Those whose name ends in `Age` are in seconds."""
    metrics = EphemeralMetrics()
    metrics.add_dimension(name="pool", value=pool)
    metrics.add_dimensions(service=_metrics.service)
    for name, value in figures.items():
        unit = MetricUnit.Seconds if name.endswith("Age") else MetricUnit.Count
        metrics.add_metric(name=name, unit=unit, value=value)
    metrics.flush_metrics()


def sample() -> None:
    """Decides anew, for this invocation, whether it is one of those that log all details."""
    logger.refresh_sample_rate_calculation()


def flush() -> None:
    """Writes what was counted since the last time."""
    if _metrics.metric_set:
        _metrics.flush_metrics()
