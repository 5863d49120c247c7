"""Prints the cost tables of docs/performance.md: `python -m tests.benchmarks.costs`.

Prices and assumptions are the constants here and in `scale.prices`. Replace them by yours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.report import table
from tests.benchmarks.scale.prices import PRICES

# US dollars, us-east-1, without free tiers, as published in 2025.
SECRET_READS = 0.05 / 10_000
TRACES = 5.00 / 1e6
BUS_EVENTS = 1.00 / 1e6

# Assumptions. The times are billed times: warm compute at this memory, and the services' latency.
LAMBDA_GIGABYTES = 1.0
COLD_SHARE = 0.01
COLD_SECONDS = 0.6
REQUESTS_PER_SECRET_READ = 60  # one environment, one request a second, 60 s cache
TRACED_SHARE = 0.05  # X-Ray's default
PLATFORM_LOG_BYTES = 400  # START, END and REPORT
STREAM_GIGABYTES = 0.5  # the functions that consume the table's stream

MONTH_SECONDS = 30 * 24 * 3600
SNAPSTART_CACHE = 1.5046e-6  # per GB and second, for each published version
SNAPSTART_RESTORE = 1.397998e-4  # per GB restored


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of request: billed seconds when warm, our log bytes, DynamoDB's units.

    `api` is false for an invocation by the table's stream. `alone` is false for work that is added
    to another request. `events` are put on a bus.
    """

    name: str
    seconds: float
    log_bytes: int
    write_units: float
    read_units: float
    reads_secret: bool = True
    api: bool = True
    alone: bool = True
    events: int = 0


TOKEN = Request("a token for a session in use", 0.015, 730, 0, 1)
ROOM = Request("a room's session and a token", 0.020, 900, 0, 2)
POOL = Request("a pooled session and a token", 0.030, 1090, 3.22, 0.5)
#: A conditional write in a transaction costs two units per item, even when it is refused.
JOIN = Request("callback: a client has connected", 0.025, 500, 4, 1)
LEAVE = Request("callback: a client has left, others stay", 0.030, 500, 4, 2)
LAST_LEAVE = Request("callback: the last client has left", 0.035, 500, 5, 2)
STREAM = Request("callback: a client publishes", 0.025, 480, 4, 1)
NO_EFFECT = Request("callback that changes nothing", 0.010, 450, 0, 1)
CHECK = Request("checking a client that has connected", 0.012, 0, 0, 2, False, api=False)
#: The times are those of one and of two calls of the vendor. A stop looks the archive up first.
START = Request("starting an archive", 0.350, 720, 0, 1)
STOP = Request("stopping an archive", 0.500, 700, 0, 1)
STATUS = Request("callback: status of a feature", 0.018, 500, 1, 1)
EVENT = Request("an event on your bus", 0.015, 0, 0, 1, False, api=False, events=1)
REQUESTS = (
    TOKEN,
    ROOM,
    POOL,
    Request("a session created live and a token", 0.350, 1020, 2, 1),
    Request("looking a session up", 0.012, 500, 0, 1, reads_secret=False),
    JOIN,
    CHECK,
    LEAVE,
    LAST_LEAVE,
    STREAM,
    NO_EFFECT,
    START,
    STOP,
    STATUS,
    Request("disconnecting a client", 0.250, 500, 0, 2, api=False),
    EVENT,
    Request("the limits per caller, on top of a create", 0.006, 0, 1, 0, False, False, False),
)


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that one step of a client causes. The table's stream delivers each of its changes
    alone, as it does at a low rate; a busy stream delivers up to 25 in one invocation."""

    name: str
    parts: tuple[Request, ...]


STEPS = (
    Step("a join", (JOIN, CHECK)),
    Step("a leave, others stay", (LEAVE,)),
    Step("the last leave", (LAST_LEAVE,)),
    Step("publishing a stream and ending it", (STREAM, NO_EFFECT)),
    Step("an archive: start, stop and three statuses", (START, STOP, STATUS, STATUS, STATUS)),
    Step("with `EventBusName`, on top of each join, leave and status", (EVENT,)),
)

PEOPLE = 4
#: A meeting of four people: the first one gets a pooled session, each connects, publishes one
#: stream and leaves once. The vendor also reports the start and the end of the session.
MEETING = (
    (POOL, 1),
    (ROOM, PEOPLE - 1),
    (JOIN, PEOPLE),
    (CHECK, PEOPLE),
    (STREAM, PEOPLE),
    (LEAVE, PEOPLE - 1),
    (LAST_LEAVE, 1),
    (NO_EFFECT, PEOPLE),
    (Request("the session has started or ended", 0.020, 480, 2, 1), 2),
)


def dollars(request: Request) -> dict[str, float]:
    """Returns the cost of a million requests by service."""
    compute = request.seconds + request.alone * COLD_SHARE * COLD_SECONDS
    gigabytes = LAMBDA_GIGABYTES if request.api or not request.alone else STREAM_GIGABYTES
    log_bytes = request.log_bytes + request.alone * PLATFORM_LOG_BYTES
    return {
        "API Gateway": request.api * PRICES.api_requests,
        "Lambda": request.alone * PRICES.lambda_requests
        + 1e6 * gigabytes * compute * PRICES.lambda_gigabyte_second,
        "DynamoDB": request.write_units * PRICES.write_units
        + request.read_units * PRICES.read_units,
        "Secrets Manager": request.reads_secret * 1e6 / REQUESTS_PER_SECRET_READ * SECRET_READS,
        "logs": 1e6 * log_bytes / 1e9 * PRICES.log_gigabyte,
        "X-Ray": request.alone * 1e6 * TRACED_SHARE * TRACES,
        "EventBridge": request.events * 1e6 * BUS_EVENTS,
    }


def steps_table(steps: Sequence[Step]) -> str:
    """Returns what each step of a client causes, and its price. Reading the stream is free."""
    rows = []
    for step in steps:
        parts = step.parts
        counts = (
            sum(part.api for part in parts),
            sum(part.alone for part in parts),
            sum(part.write_units for part in parts),
            sum(part.read_units for part in parts),
            sum(not part.api for part in parts),
            sum(part.events for part in parts),
        )
        total = sum(sum(dollars(part).values()) for part in parts)
        rows.append([step.name, *(f"{number:g}" for number in counts), f"**{total:.2f}**"])
    heads = ["", "API requests", "invocations", "write units", "read units"]
    return table([*heads, "stream records", "bus events", "$ per million"], rows)


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
    print(f"\n{steps_table(STEPS)}")
    meeting = sum(count * sum(dollars(request).values()) for request, count in MEETING)
    print(f"\nA million meetings of {PEOPLE} people: ${meeting:.2f}\n")
    print(
        table(["SnapStart, $", ""], [[name, f"{cost:.2f}"] for name, cost in snapstart().items()])
    )


if __name__ == "__main__":
    main()
