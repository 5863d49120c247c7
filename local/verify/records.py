"""Checks of what the run left behind: log lines, metrics, and no secrets in either."""

import json
from collections.abc import Iterator
from typing import Any

from local.verify.http import poll
from local.verify.outcome import Check, require
from local.verify.run import Run

__all__ = ["CHECKS"]

LOG_SECONDS = 60.0
METRIC_SECONDS = 90.0
#: Log lines that are read at most, so that the run ends in time on a busy stack.
MOST_LINES = 20_000
#: What the runbook looks for in a line of a request.
FIELDS = {"request_id", "route", "caller", "status", "duration_ms", "xray_trace_id"}


def requests_are_logged(run: Run) -> str:
    group = f"/aws/lambda/{run.target.name}/get_session"
    caller = run.user("alice").sub

    def find() -> dict[str, Any] | None:
        for message in _messages(run, group):
            line = _line(message)
            if line.get("message") == "request" and (not caller or line.get("caller") == caller):
                return line
        return None

    line = poll(find, seconds=LOG_SECONDS)
    require(line is not None, f"{group} has no line of the run's requests")
    missing = FIELDS - (line or {}).keys()
    require(not missing, f"the log line of a request lacks {', '.join(sorted(missing))}")
    return f"{len(FIELDS)} fields"


def logs_hold_no_secrets(run: Run) -> str:
    credentials = run.credentials()
    secret = {str(credentials[name]) for name in ("apiSecret", "privateKey") if name in credentials}
    secret |= run.tokens | {user.token for user in run.users.values()}
    read = 0
    for logical in run.target.logical_ids("AWS::Serverless::Function"):
        if logical in run.target.resources:
            folder = run.target.template["Resources"][logical]["Properties"]["CodeUri"]
            name = folder.removeprefix("functions/")
            for message in _messages(run, f"/aws/lambda/{run.target.name}/{name}"):
                read += 1
                require(
                    not any(each in message for each in secret),
                    f"the log of {name} holds a token or a secret: {message[:40]}…",
                )
    require(read > 0, "no log lines of this run")
    return f"{read} lines"


def the_access_log_has_the_requests(run: Run) -> str:
    group = run.target.resources["HttpApiLogGroup"]
    line = poll(lambda: next(_messages(run, group), None), seconds=LOG_SECONDS)
    require(line is not None, f"{group} is empty: does the stage write it?")
    fields = json.loads(line or "{}")
    require("requestId" in fields and "route" in fields, f"the access log lacks fields: {fields}")
    return f"{len(fields)} fields"


def metrics_have_data(run: Run) -> str:
    cloudwatch = run.target.client("cloudwatch")

    def find() -> list[Any] | None:
        found = cloudwatch.list_metrics(
            Namespace="OpenTokSessions",
            MetricName="TokenIssued",
            Dimensions=[{"Name": "service", "Value": run.target.name}],
        )["Metrics"]
        return found or None

    require(
        poll(find, seconds=METRIC_SECONDS, every=5) is not None,
        "there is no metric TokenIssued yet: run again in five minutes",
    )
    return "TokenIssued"


def _messages(run: Run, group: str) -> Iterator[str]:
    """Yields a log group's messages since the run began."""
    pages = (
        run.target.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=group,
            startTime=int(run.started * 1000),
            PaginationConfig={"MaxItems": MOST_LINES},
        )
    )
    for page in pages:
        for event in page["events"]:
            yield event["message"]


def _line(message: str) -> dict[str, Any]:
    try:
        value = json.loads(message)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


CHECKS = (
    Check("requests are logged", requests_are_logged),
    Check("logs hold no secrets", logs_hold_no_secrets),
    Check(
        "the access log has the requests",
        the_access_log_has_the_requests,
        aws_only="the local cloud writes no access log",
    ),
    Check(
        "metrics have data",
        metrics_have_data,
        aws_only="the local cloud does not extract metrics from log lines",
    ),
)
