"""Event source mappings of DynamoDB streams, a thread for each.

MiniStack polls all mappings in one thread and ignores partial batch responses, splitting, retry
limits and most of the on-failure destination. A slow function would delay the others, and records
that a function reports as failed would be lost.
"""

import json
import threading
import time
from typing import Any

from local.stack.launcher.delivery import Batch, Delivery, Outcome, Policy

__all__ = ["consume_streams"]

POLL_SECONDS = 0.1


def consume_streams(lambda_service: Any) -> None:
    """Replaces MiniStack's poller of DynamoDB streams."""
    consumers: dict[str, threading.Thread] = {}

    def poll() -> bool:
        for account, region, mapping in lambda_service._iter_all_esms():
            identity = mapping["UUID"]
            running = consumers.get(identity)
            if ":dynamodb:" not in mapping.get("EventSourceArn", "") or (
                running is not None and running.is_alive()
            ):
                continue
            consumer = _Consumer(lambda_service, account, region, mapping)
            consumers[identity] = threading.Thread(target=consumer.run, daemon=True)
            consumers[identity].start()
        return False

    lambda_service._poll_dynamodb_streams = poll


class _Consumer:
    """Reads one stream for one mapping."""

    def __init__(self, service: Any, account: str, region: str, mapping: dict[str, Any]) -> None:
        self._service = service
        self._scope = account, region
        self._mapping = mapping
        self._last: dict[str, Any] = {}

    def run(self) -> None:
        """Consumes the stream while the mapping exists and is enabled."""
        from ministack.core import responses

        responses._request_account_id.set(self._scope[0])
        responses._request_region.set(self._scope[1])
        while self._active():
            try:
                moved = self._step()
            except Exception:
                self._service.logger.exception("stream consumer")
                moved = False
            if not moved:
                time.sleep(POLL_SECONDS)

    def _active(self) -> bool:
        service, mapping = self._service, self._mapping
        return service._esms.get(mapping["UUID"]) is mapping and mapping.get("Enabled", True) in (
            True,
            "true",
        )

    def _step(self) -> bool:
        """Delivers the next batch; returns whether there was one."""
        from ministack.services import dynamodb

        service, mapping = self._service, self._mapping
        identity, source = mapping["UUID"], mapping["EventSourceArn"]
        table = source.split("/stream/")[0].rsplit("/", 1)[-1]
        stream = dynamodb._tables.get(table)
        if not stream or stream.get("LatestStreamArn") != source:
            return False
        position = max(
            service._dynamodb_stream_positions.get(identity, 0),
            dynamodb.stream_start_position(table),
        )
        read = dynamodb.stream_records_since(table, position, int(mapping.get("BatchSize", 100)))
        if not read:
            return False
        batch = service._apply_filter_criteria(read, mapping)
        delivery = Delivery(Policy.of(mapping), self._invoke, self._discard, self._active)
        if batch and not delivery.deliver(batch):
            return False
        with service._dynamodb_stream_positions_lock:
            service._dynamodb_stream_positions[identity] = position + len(read)
        return True

    def _invoke(self, batch: Batch) -> Outcome:
        self._last = self._service._execute_function(self._function(), {"Records": batch})
        body = self._last.get("body")
        if isinstance(body, str | bytes):
            try:
                body = json.loads(body)
            except ValueError:
                body = None
        failed = bool(self._last.get("error"))
        self._mapping["LastProcessingResult"] = "FAILED" if failed else "OK"
        return Outcome(failed, body)

    def _discard(self, batch: Batch, condition: str) -> None:
        source = self._mapping["EventSourceArn"]
        self._service._send_ddb_stream_failure_record(
            self._mapping, self._function(), batch, source, self._last, condition
        )

    def _function(self) -> dict[str, Any]:
        name, qualifier = self._mapping["FunctionName"], self._mapping.get("Qualifier")
        record: dict[str, Any] | None
        record, _ = self._service._get_func_record_for_qualifier(name, qualifier)
        if record is None:
            raise LookupError(f"no function {name}")
        return record
