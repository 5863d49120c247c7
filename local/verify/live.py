"""Checks of live sessions: change a session, list its clients, remove one, and the event bus."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from local.verify import callbacks
from local.verify.http import poll, send
from local.verify.outcome import Check, CheckSkipped, require
from local.verify.run import Run

__all__ = ["CHECKS"]

LIVE_SECONDS = 30.0
"""Limit until a callback of the vendor, or what follows from a change, has taken effect."""
EVENT_SECONDS = 45.0


def a_session_is_changed(run: Run) -> str:
    path = f"/sessions/{run.open_session()['sessionId']}"
    changed = run.call("PATCH", path, {"maxConnections": 7}).expect(200).body
    require(changed.get("maxConnections") == 7, "maxConnections was not changed")
    restored = run.call("PATCH", path, {"maxConnections": None}).expect(200).body
    require("maxConnections" not in restored, "null does not remove maxConnections")
    run.call("PATCH", path, {"maxConnections": 0}).expect(400)
    if "bob" in run.users:
        run.call("PATCH", path, {"maxConnections": 7}, user="bob").expect(403)
    return "maxConnections set and removed"


def connected_clients_are_listed(run: Run) -> str:
    path = f"/sessions/{run.open_session()['sessionId']}/connections"
    if "bob" in run.users:
        run.call("GET", path, user="bob").expect(403)
    found = run.call("GET", path).expect(200).body
    require({"state", "connections"} <= found.keys(), f"the list lacks fields: {sorted(found)}")
    if run.target.local is None:
        return f"{len(found['connections'])} clients, {found['state']}; 403 for another user"
    client = _connect(run)
    require(
        poll(lambda: client in _listed(run) or None, seconds=LIVE_SECONDS, every=0.2),
        "a client that connected is not listed: did its callback arrive?",
    )
    return "a client that connected is listed; 403 for another user"


def a_client_is_removed(run: Run) -> str:
    path = f"/sessions/{run.open_session()['sessionId']}/connections"
    missing = run.call("DELETE", f"{path}/{uuid.uuid4()}").expect(404)
    code = missing.body.get("code")
    require(code == "connection_not_found", f"a client that is not connected gets 404 {code}")
    if run.target.local is None:
        return "404 for a client that is not connected"
    client = _connect(run)
    run.call("DELETE", f"{path}/{client}").expect(204)
    require(
        poll(lambda: client not in _listed(run) or None, seconds=LIVE_SECONDS, every=0.2),
        "a client that was removed is still listed",
    )
    return "204; 404 for a client that is not connected"


def events_reach_the_bus(run: Run) -> str:
    """A rule of the run's own sends the events of its session to a queue of its own."""
    bus = run.target.parameter("EventBusName")
    if not bus:
        raise CheckSkipped("the stack publishes no events (EventBusName is empty)")
    session_id = run.open_session()["sessionId"]
    with _subscribed(run, bus, session_id) as queue:
        callbacks.a_signed_callback_is_recorded(run)
        wanted = {"Connection Created", "Connection Destroyed"}
        found: set[str] = set()

        def receive() -> bool | None:
            received = run.target.client("sqs").receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for message in received.get("Messages", []):
                found.add(json.loads(message["Body"])["detail-type"])
            return True if wanted <= found else None

        poll(receive, seconds=EVENT_SECONDS, every=0.2)
    require(
        wanted <= found,
        f"{', '.join(sorted(wanted - found))} did not reach the bus {bus}:"
        " read the log of publish_events",
    )
    return f"{', '.join(sorted(wanted))} on {bus}"


@contextlib.contextmanager
def _subscribed(run: Run, bus: str, session_id: str) -> Iterator[str]:
    """Yields the URL of a queue that gets the session's events; removes queue and rule."""
    sqs, events = run.target.client("sqs"), run.target.client("events")
    queue = sqs.create_queue(QueueName=run.mark)["QueueUrl"]
    try:
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        arn = found["Attributes"]["QueueArn"]
        pattern = {"source": ["opentok-sessions"], "detail": {"sessionId": [session_id]}}
        rule = events.put_rule(
            Name=run.mark, EventBusName=bus, EventPattern=json.dumps(pattern), State="ENABLED"
        )["RuleArn"]
        policy = _policy(arn, rule)
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
        target = {"Id": "queue", "Arn": arn}
        events.put_targets(Rule=run.mark, EventBusName=bus, Targets=[target])
        yield queue
    finally:
        with contextlib.suppress(ClientError):
            events.remove_targets(Rule=run.mark, EventBusName=bus, Ids=["queue"])
            events.delete_rule(Name=run.mark, EventBusName=bus)
        with contextlib.suppress(ClientError):
            sqs.delete_queue(QueueUrl=queue)


def _policy(queue: str, rule: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _connect(run: Run) -> str:
    """Connects a client through the emulator; returns the ID of its connection."""
    session = run.open_session()
    response = send(
        "POST",
        f"{(run.target.local or {})['opentokUrl']}/_emulator/connect",
        {"sessionId": session["sessionId"], "token": session["token"]["token"]},
    )
    require(response.status == 200, f"the emulator rejects our token: {response.problem}")
    return str(response.body["connectionId"])


def _listed(run: Run) -> set[str]:
    path = f"/sessions/{run.open_session()['sessionId']}/connections"
    found = run.call("GET", path).expect(200).body
    return {client["connectionId"] for client in found["connections"]}


#: These need the session open.
CHECKS = (
    Check("a session is changed", a_session_is_changed),
    Check("events reach the bus", events_reach_the_bus),  # while no client is connected
    Check("connected clients are listed", connected_clients_are_listed),
    Check("a client is removed", a_client_is_removed),
)
