"""What the functions wrote: their logs, and the metrics in them."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.integration.stack import Stack

__all__ = ["Invocation", "Logs"]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function: everything that it wrote."""

    text: str
    lines: tuple[dict[str, Any], ...]

    @property
    def metrics(self) -> dict[str, float]:
        """What was counted or reported, by name."""
        return {
            metric["Name"]: sum(line[metric["Name"]])
            for line in self.lines
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", [])
            for metric in directive["Metrics"]
        }

    def message(self, name: str) -> dict[str, Any] | None:
        """The log line with this message."""
        return next((line for line in self.lines if line.get("message") == name), None)


class Logs:
    """The log groups of a stack, from the moment on when this was made."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("logs")
        self._groups = {
            name: self._client_group(stack, function)
            for name, function in stack.facts["functions"].items()
        }
        self._since = int(time.time() * 1000)

    def invocations(self, function: str) -> list[Invocation]:
        """The function's runs that have ended."""
        runs: dict[str, list[str]] = {}
        for event in self._events(self._groups[function]):
            runs.setdefault(event["logStreamName"], []).append(event["message"])
        return [
            Invocation("\n".join(messages), tuple(_objects(messages))) for messages in runs.values()
        ]

    def of_request(self, function: str, request_id: str) -> Invocation | None:
        """The run that served the request with this id, when its log is there already."""
        for invocation in self.invocations(function):
            line = invocation.message("request")
            if line and line["request_id"] == request_id:
                return invocation
        return None

    def total(self, function: str, metric: str) -> float:
        """The sum of a metric over the function's runs."""
        return sum(run.metrics.get(metric, 0) for run in self.invocations(function))

    def _events(self, group: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=self._since
        )
        for page in pages:
            yield from page["events"]

    @staticmethod
    def _client_group(stack: Stack, function: str) -> str:
        settings = stack.client("lambda").get_function_configuration(FunctionName=function)
        group: str = settings["LoggingConfig"]["LogGroup"]
        return group


def _objects(messages: list[str]) -> Iterator[dict[str, Any]]:
    for message in messages:
        try:
            value = json.loads(message)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
