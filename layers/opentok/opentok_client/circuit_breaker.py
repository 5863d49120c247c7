"""Stops calls for a few seconds after the vendor has failed several requests in a row."""

from __future__ import annotations

import threading

from .clock import Clocks, Instant

__all__ = ["COOLDOWN_SECONDS", "FAILURES_IN_A_ROW", "CircuitBreaker"]

FAILURES_IN_A_ROW = 3
"""Consecutive failed requests that open the circuit breaker. Each had all its attempts: a vendor
that fails 30 % of all calls at random fails three requests in a row once in 50,000."""
COOLDOWN_SECONDS = 3.0
"""How long it stays open, unless the vendor asks for more."""
COOLDOWN_MAX_SECONDS = 30.0
PROBE_SECONDS = 1.0
"""When a request that was rejected during a probe may be tried again."""


class CircuitBreaker:
    """Closed, open during a cooldown, or half-open while one request probes the vendor.

    Safe to share between threads. Each admitted request ends with `succeeded`, `failed` or
    `cancelled`.
    """

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until: Instant | None = None
        self._probing = False

    def admit(self) -> float:
        """Admits a request and returns 0, or returns the seconds to wait before the next try."""
        with self._lock:
            if self._open_until is None:
                return 0.0
            if (remaining := self._clocks.remaining(self._open_until)) > 0:
                return remaining
            if self._probing:
                return PROBE_SECONDS
            self._probing = True
            return 0.0

    def succeeded(self) -> None:
        """Closes the circuit breaker: the vendor responds."""
        with self._lock:
            self._failures, self._open_until, self._probing = 0, None, False

    def failed(self, retry_after: float) -> None:
        """Counts a failed request; opens after the last of several in a row, or a failed probe."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES_IN_A_ROW:
                cooldown = min(max(retry_after, COOLDOWN_SECONDS), COOLDOWN_MAX_SECONDS)
                self._open_until = self._clocks.now().plus(cooldown)
                self._probing = False

    def cancelled(self) -> None:
        """Ends a request that says nothing about the vendor: another may probe it."""
        with self._lock:
            self._probing = False
