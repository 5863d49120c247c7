"""What became of the sessions that the vendor made and nobody has."""

from functools import partial

from tests.integration.counts import CROWD
from tests.integration.function_logs import Logs
from tests.integration.polling import until
from tests.integration.stack import Stack
from tests.integration.traffic import attempt, together

__all__ = ["everybody_asks_in_vain", "made_in_vain", "require_accounted_for"]


def require_accounted_for(stack: Stack, logs: Logs, lost: int, unserved: int) -> None:
    """No more are `lost` than callers went `unserved`, but for those that the logs know of.

    A worker's last lines may appear with its next request only: each gets one.
    """

    def is_so() -> bool:
        if lost <= unserved + made_in_vain(logs):
            return True
        everybody_asks_in_vain(stack)
        return False

    until(f"{lost} lost sessions are accounted for", is_so)


def made_in_vain(logs: Logs) -> int:
    """How many sessions of callers who were served the vendor made, at most, that nobody got: whose
    answer did not come whole or in time, or that were too late for a room and fit no pool."""
    retries = logs.lines("create_session", "vendor_retried")
    unheard = [line for line in retries if not line["reason"].startswith("status")]
    return len(unheard) + logs.total("create_session", "SessionDropped")


def everybody_asks_in_vain(stack: Stack) -> None:
    """A crowd's requests, refused at once: whatever workers there are have something to do."""
    refused = partial(stack.call, "POST", "/sessions", {"not": "a member"}, user="alice")
    answers = together([partial(attempt, refused)] * CROWD, CROWD)
    assert {answer.status for answer in answers} == {400}
