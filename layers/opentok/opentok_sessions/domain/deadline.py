"""How long each step may take: every time budget of the application, and the request's deadline.

docs/architecture.md explains them in one table. Budgets of a single HTTP request to the vendor
(connect, read, backoff, cooldown) are the API client's own, in `opentok_client.transport`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .problems import StorageUnavailable

__all__ = [
    "AWS_CALL_SECONDS",
    "AWS_CONNECT_SECONDS",
    "AWS_READ_SECONDS",
    "AWS_RETRY_PAUSES",
    "CREDENTIALS_MIN_AGE_SECONDS",
    "CREDENTIALS_RETRY_SECONDS",
    "FEATURE_TOKEN_SECONDS",
    "FUNCTION_SECONDS",
    "IDEMPOTENCY_TTL_SECONDS",
    "PERMANENT_TTL_SECONDS",
    "POOLED_TTL_SECONDS",
    "RACE_ATTEMPTS",
    "RACE_PAUSE_SECONDS",
    "REFILL_PAUSE_MAX_SECONDS",
    "REFILL_RESERVE_SECONDS",
    "REFILL_STALL_SECONDS",
    "RESPONSE_RESERVE_SECONDS",
    "VENDOR_LIST_SECONDS",
    "VENDOR_SECONDS",
    "VENDOR_SECONDS_MIN",
    "Deadline",
]

FUNCTION_SECONDS = 25.0
"""`Timeout` of the API's functions, used when the Lambda context does not say what is left."""
RESPONSE_RESERVE_SECONDS = 1.0
"""Left unused at the end of an invocation, for the response, logs and metrics."""

AWS_CONNECT_SECONDS = 1
AWS_READ_SECONDS = 2
AWS_CALL_SECONDS = 12.0
"""Longest AWS call: three attempts that connect and read, and botocore's pauses in between. A step
that must not be cut off starts only when this much time is left."""
AWS_RETRY_PAUSES = (0.02, 0.05, 0.1)
"""Before each further attempt of a write that DynamoDB throttled, in seconds."""

VENDOR_SECONDS = 8.0
"""All attempts of one operation with the vendor, such as creating a session, together."""
VENDOR_LIST_SECONDS = 3.0
"""The vendor's list of connections, which a caller of a room waits for at most once an hour."""
VENDOR_SECONDS_MIN = 1.0
"""With less time the vendor is not called: the failure would not be its own."""

FEATURE_TOKEN_SECONDS = 300
"""Lifetime of the token with which the vendor joins a feature to a session. It is used at the
start only: a client stays connected when its token expires."""

RACE_ATTEMPTS = 10
"""Attempts of a request that loses races for its room or idempotency key, before 503."""
RACE_PAUSE_SECONDS = 0.05
"""Longest pause between two of those attempts."""

REFILL_RESERVE_SECONDS = 5.0
"""Left at the end of a scheduled run, to record sessions that the vendor created."""
REFILL_STALL_SECONDS = 15.0
"""Without a created session for this time, a scheduled run goes on with the next pool."""
REFILL_PAUSE_MAX_SECONDS = 30.0
"""Longest pause of a refill after a failure: the longest cooldown of the circuit breaker."""

CREDENTIALS_RETRY_SECONDS = 5.0
"""First retry interval while Secrets Manager fails and cached credentials are used. It doubles up
to the cache TTL."""
CREDENTIALS_MIN_AGE_SECONDS = 1.0
"""Minimum interval between reads of the secret, successful or not."""

IDEMPOTENCY_TTL_SECONDS = 24 * 3600
PERMANENT_TTL_SECONDS = 366 * 24 * 3600
"""Retention of a permanent room after its last use."""
POOLED_TTL_SECONDS = 30 * 24 * 3600
"""Retention of a pooled session without an owner, and of a pool's refill state."""


class Deadline(NamedTuple):
    """The time at which an invocation has to be finished, on the `monotonic` clock."""

    at: float
    monotonic: Callable[[], float]

    @classmethod
    def after(cls, seconds: float, monotonic: Callable[[], float]) -> Deadline:
        """Returns the deadline that lies `seconds` in the future."""
        return cls(monotonic() + seconds, monotonic)

    def remaining(self) -> float:
        """Returns the seconds that are left; negative when the deadline has passed."""
        return self.at - self.monotonic()

    def allows(self, seconds: float) -> bool:
        """Returns whether a step of this length would be finished in time."""
        return self.remaining() >= seconds

    def require(self, seconds: float = AWS_CALL_SECONDS) -> None:
        """Raises `StorageUnavailable` unless a step of this length would be finished in time."""
        if not self.allows(seconds):
            raise StorageUnavailable("The session store is responding too slowly.")

    def vendor_seconds(self) -> float:
        """Returns the time for a vendor call that leaves enough to record its result.

        Raises `StorageUnavailable` when AWS was so slow that too little time is left.
        """
        self.require(AWS_CALL_SECONDS + VENDOR_SECONDS_MIN)
        return min(VENDOR_SECONDS, self.remaining() - AWS_CALL_SECONDS)
