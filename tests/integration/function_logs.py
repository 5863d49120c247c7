"""The logs of the functions, and the metrics in them.

MiniStack reads a worker's output for a few milliseconds after each request. On a busy machine a
line may appear only with that worker's next request.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.integration.stack import Stack

__all__ = ["Line", "Logs"]

Line = dict[str, Any]


class Logs:
    """The log groups of a stack, from the creation of this object on."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("logs")
        functions, settings = stack.facts["functions"], stack.client("lambda")
        self._groups = {
            name: settings.get_function_configuration(FunctionName=function)["LoggingConfig"]
            for name, function in functions.items()
        }
        self._since = int(time.time() * 1000)

    def text(self, function: str) -> str:
        """Returns everything that the function and Lambda wrote."""
        return "\n".join(self._messages(function))

    def lines(self, function: str, message: str) -> list[Line]:
        """Returns the function's log lines with this message."""
        return [line for line in self._objects(function) if line.get("message") == message]

    def total(self, function: str, metric: str) -> int:
        """Returns the sum of a metric."""
        lines = (line for line in self._objects(function) if "_aws" in line)
        return int(sum(sum(line.get(metric, ())) for line in lines))

    def _objects(self, function: str) -> Iterator[Line]:
        for message in self._messages(function):
            try:
                value = json.loads(message)
            except ValueError:
                continue  # written by Lambda itself
            if isinstance(value, dict):
                yield value

    def _messages(self, function: str) -> Iterator[str]:
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=self._groups[function]["LogGroup"], startTime=self._since
        )
        for page in pages:
            for event in page["events"]:
                yield event["message"]
