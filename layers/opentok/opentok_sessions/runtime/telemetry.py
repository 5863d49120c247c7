"""Logs and metrics: JSON lines for operators, metrics for alarms. Neither holds secrets."""

from __future__ import annotations

import threading

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from ..domain.problems import DamagedRecord, ProblemType

__all__ = [
    "count",
    "count_damaged",
    "count_failure",
    "count_pool",
    "flush",
    "logger",
    "measure_seconds",
    "pool_metrics",
    "start_request",
]

logger = Logger()
_metrics = Metrics()
_counting = threading.Lock()  # a refill counts on several threads


def count(name: str, value: int = 1) -> None:
    """Counts one event of the service, or adds this value to its metric."""
    with _counting:
        _metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure_seconds(name: str, seconds: float) -> None:
    """Reports a duration."""
    with _counting:
        _metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)


def count_failure(problem_type: ProblemType) -> None:
    """Counts a failure that an alarm depends on; the rest are client errors."""
    if problem_type.metric:
        count(problem_type.metric)


def count_damaged(damaged: DamagedRecord) -> None:
    """Logs and counts a corrupt record that was skipped."""
    logger.error("damaged_record", extra={"reason": str(damaged)})
    count("InternalError")


def count_pool(pool: str, name: str) -> None:
    """Counts one event of a pool."""
    pool_metrics(pool, **{name: 1})


def pool_metrics(pool: str, **values: float) -> None:
    """Reports metrics of one pool: per pool for the dashboard, over all pools for the alarms.

    Metrics whose name ends in `Age` are in seconds, all others are counts.
    """
    metrics = EphemeralMetrics()
    metrics.add_dimension(name="pool", value=pool)
    metrics.add_dimensions(service=_metrics.service)
    for name, value in values.items():
        unit = MetricUnit.Seconds if name.endswith("Age") else MetricUnit.Count
        metrics.add_metric(name=name, unit=unit, value=value)
    metrics.flush_metrics()


def start_request(request_id: str = "") -> None:
    """Prepares the logger for an invocation: the id for all its lines, and sampling."""
    logger.append_keys(request_id=request_id or None)
    logger.refresh_sample_rate_calculation()


def flush() -> None:
    """Writes what was counted since the last flush."""
    if _metrics.metric_set:
        _metrics.flush_metrics()
