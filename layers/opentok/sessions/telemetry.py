"""Logs and metrics: JSON lines for people, metrics for alarms. Nothing secret in either."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

__all__ = ["count", "flush", "gauge_pool", "logger"]

logger = Logger()
_metrics = Metrics()


def count(name: str) -> None:
    """Counts one event of the whole service."""
    _metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)


def gauge_pool(pool: str, name: str, value: float, unit: MetricUnit = MetricUnit.Count) -> None:
    """Reports a figure of one pool."""
    with single_metric(name=name, unit=unit, value=value) as metric:
        metric.add_dimension(name="service", value=_metrics.service)
        metric.add_dimension(name="pool", value=pool)


def flush() -> None:
    """Writes what was counted since the last time."""
    if _metrics.metric_set:
        _metrics.flush_metrics()
