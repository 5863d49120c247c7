"""Sends callbacks to the registered URL, with the vendor's schedule of retries."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Callable

import aiohttp

from local.emulator.callback_bodies import callback_body, callback_kind
from local.emulator.callback_delivery import Delivery, DeliveryState
from local.emulator.callback_settings import CallbackSettings
from local.emulator.callback_signing import payload_hash, signature
from local.emulator.events import Event
from local.emulator.projects import Project, Projects
from local.emulator.variants import Variants

__all__ = ["Callbacks", "retry_waits"]

FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 15 * 60
RETRY_SECONDS = 24 * 60 * 60
RESPONSE_SECONDS = 15
REORDER_SECONDS = 5
"""How long a reordered callback waits for the next one of its session."""
SIMULTANEOUS = 10
"""Callbacks in flight. The local cloud starts a process for each, in about a second of CPU time."""
KEPT_DELIVERIES = 20_000


def retry_waits() -> list[float]:
    """Returns the waits between attempts: from 5 s, doubling up to 15 min, for 24 h."""
    waits: list[float] = []
    wait: float = FIRST_WAIT_SECONDS
    while sum(waits) + wait <= RETRY_SECONDS:
        waits.append(wait)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
    return waits


class Callbacks:
    """Turns events into callbacks and delivers them.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        projects: Projects,
        clock: Callable[[], float],
        variants: Callable[[], Variants],
    ) -> None:
        self.settings = CallbackSettings()
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT_DELIVERIES)
        self._projects = projects
        self._clock = clock
        self._variants = variants
        self._dice = random.Random(0)  # noqa: S311 - must be repeatable
        self._tasks: set[asyncio.Task[None]] = set()
        self._reordered: dict[str, list[asyncio.Event]] = {}
        self._client: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(SIMULTANEOUS)

    def configure(self, settings: CallbackSettings) -> None:
        """Replaces the settings. Callbacks that are being retried go to the new URL."""
        self.settings = settings
        self._dice.seed(0)

    def clear(self) -> None:
        """Cancels retries and forgets all deliveries."""
        for task in self._tasks:
            task.cancel()
        self.deliveries.clear()
        self._reordered.clear()

    async def close(self) -> None:
        """Cancels all deliveries and closes connections."""
        tasks = list(self._tasks)
        self.clear()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def notify(self, event: Event) -> None:
        """Starts the delivery of an event's callback, if a URL is registered."""
        kind = callback_kind(event)
        if self.settings.url is None or kind is None:
            return
        faults = self.settings.faults
        body = callback_body(event, self._variants())
        affected = faults.affect(event.name)
        if affected and faults.age_seconds and "timestamp" in body:
            body["timestamp"] = event.time_ms - int(faults.age_seconds * 1000)
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()

        def chosen(share: float) -> bool:
            return affected and bool(share) and self._dice.random() < share

        delivery = Delivery(
            kind=kind,
            event=event.name,
            session_id=event.session.id,
            connection_id=event.connection.id if event.connection else None,
            body=raw,
            created=self._clock(),
            project=self._projects.find(event.session.platform, event.session.project_id),
            age_seconds=faults.age_seconds if affected else 0,
            mis_signed=chosen(faults.mis_sign),
            wrong_hash=chosen(faults.wrong_hash),
            unsigned=chosen(faults.unsigned),
        )
        reordered = chosen(faults.reorder)
        if affected and faults.stop:
            delivery.state = DeliveryState.STOPPED
            self.deliveries.append(delivery)
        elif chosen(faults.lose):
            delivery.state = DeliveryState.LOST
            self.deliveries.append(delivery)
        else:
            delay = faults.delay_ms / 1000 if affected else 0
            self._start(delivery, delay, reordered)
            if chosen(faults.duplicate):
                self._start(delivery.duplicate(), delay, False)

    def _start(self, delivery: Delivery, delay: float, reordered: bool) -> None:
        self.deliveries.append(delivery)
        task = asyncio.create_task(self._deliver(delivery, delay, reordered))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, delay: float, reordered: bool) -> None:
        await asyncio.sleep(delay)
        if reordered:
            await self._until_next(delivery.session_id)
        for wait in [*retry_waits(), None]:
            retry = await self._attempt(delivery)
            if not reordered:
                for held in self._reordered.pop(delivery.session_id, []):
                    held.set()
            if not retry:
                return
            if wait is not None:
                await asyncio.sleep(wait / self.settings.time_scale)
        delivery.state = DeliveryState.DROPPED

    async def _until_next(self, session_id: str) -> None:
        """Waits until another callback of the session was attempted."""
        held = asyncio.Event()
        self._reordered.setdefault(session_id, []).append(held)
        try:
            async with asyncio.timeout(REORDER_SECONDS / self.settings.time_scale):
                await held.wait()
        except TimeoutError:
            pass

    async def _attempt(self, delivery: Delivery) -> bool:
        """Sends the callback once; returns whether it has to be retried."""
        variants = self._variants()
        headers = {"Content-Type": "application/json"}
        token = self._token(delivery, variants)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        status: int | None = None
        async with self._slots:
            try:
                async with self._http().post(
                    f"{self.settings.url}/callbacks/{delivery.kind}",
                    data=delivery.body,
                    headers=headers,
                    allow_redirects=False,
                ) as response:
                    status = response.status
            except (aiohttp.ClientError, TimeoutError):
                pass
        delivery.attempted(self._clock(), status)
        if status == 200 or (variants.success_statuses == "2xx" and status in range(200, 300)):
            delivery.state = DeliveryState.DELIVERED
            return False
        if status in range(400, 500) and status != 429 and not variants.retries_after_4xx:
            delivery.state = DeliveryState.REJECTED
            return False
        return True

    def _token(self, delivery: Delivery, variants: Variants) -> str | None:
        project: Project | None = delivery.project
        secret = None if project is None else project.signing_secret(self._clock())
        if project is None or secret is None or delivery.unsigned:
            return None
        if delivery.token is None or variants.retries_signed_again:
            delivery.token = signature(
                secret[::-1] + "x" if delivery.mis_signed else secret,
                payload_hash(delivery.body + b" " if delivery.wrong_hash else delivery.body),
                int(self._clock() - delivery.age_seconds),
                project.platform,
                project.id,
                variants,
            )
        return delivery.token

    def _http(self) -> aiohttp.ClientSession:
        if self._client is None:
            timeout = aiohttp.ClientTimeout(total=RESPONSE_SECONDS)
            self._client = aiohttp.ClientSession(timeout=timeout)
        return self._client
