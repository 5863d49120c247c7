"""Claims sessions from a pool, and verifies that each has one owner."""

from collections.abc import Mapping, Sequence

from tests.integration.identities import User
from tests.integration.records import Records
from tests.integration.stack import Answer, Stack
from tests.integration.traffic import unserved

__all__ = ["claim", "claimed_by"]


def claim(stack: Stack, user: User, headers: Mapping[str, str] | None = None) -> Answer:
    """Creates a session that the pool `routed` can serve."""
    body = {"mediaMode": "routed"}
    return stack.call("POST", "/sessions", body, token=user.token, headers=headers)


def claimed_by(responses: Sequence[Answer], records: Records) -> set[str]:
    """Returns the session IDs of these responses; fails unless each has one caller, its owner."""
    refused = [a for a in responses if a.status != 201 and not unserved(a)]
    assert not refused, refused
    served = [response.body for response in responses if response.status == 201]
    claimed = {body["sessionId"] for body in served}
    assert len(claimed) == len(served), "a session was assigned twice"
    for body in served:
        assert records.sessions[body["sessionId"]]["owner"] == body["owner"]
    return claimed
