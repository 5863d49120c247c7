"""Accounts for sessions that the vendor created and that no caller got."""

from functools import partial

from tests.integration.counts import CROWD
from tests.integration.function_logs import Logs
from tests.integration.polling import until
from tests.integration.stack import Stack
from tests.integration.traffic import attempt, together

__all__ = ["keep_workers_busy", "require_accounted_for", "unused_creations"]


def require_accounted_for(stack: Stack, logs: Logs, lost: int, unserved: int) -> None:
    """Fails if more sessions are `lost` than requests `unserved`, except those in the logs.

    The last lines of a worker may appear only with its next request, so each worker gets one.
    """

    def accounted_for() -> bool:
        if lost <= unserved + unused_creations(logs):
            return True
        keep_workers_busy(stack)
        return False

    until(f"{lost} lost sessions are accounted for", accounted_for)


def unused_creations(logs: Logs) -> int:
    """Returns the maximum number of created sessions that no served caller got.

    Their response was incomplete or late, or they were surplus sessions without a matching pool.
    """
    retries = logs.lines("create_session", "vendor_retried")
    unread = [line for line in retries if not line["reason"].startswith("status")]
    return len(unread) + logs.total("create_session", "SessionDropped")


def keep_workers_busy(stack: Stack) -> None:
    """Sends a crowd's invalid requests, so that every worker gets one."""
    rejected = partial(stack.call, "POST", "/sessions", {"not": "a field"}, user="alice")
    responses = together([partial(attempt, rejected)] * CROWD, CROWD)
    assert {response.status for response in responses} == {400}
