"""All simultaneous first callers of a room get the same session, even if workers are killed.

Over HTTP, against the deployed stack. The local cloud is one process, which may take seconds for a
crowd's requests. A caller that gets 503 with `Retry-After` retries, as an app does.
"""

import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import pytest

from tests.integration.accounts import require_accounted_for
from tests.integration.counts import CROWD, RecordProperty, count
from tests.integration.emulator import Emulator
from tests.integration.function_logs import Logs
from tests.integration.identities import Issuer, User
from tests.integration.polling import until
from tests.integration.records import Records, forget
from tests.integration.stack import Answer, Stack
from tests.integration.traffic import Served, persist, together
from tests.integration.workers import Workers

ROUNDS = count(20)

pytestmark = [pytest.mark.crowd, pytest.mark.usefixtures("calm", "crowd")]


def test_simultaneous_first_callers_of_a_room_get_one_session(
    stack: Stack, issuer: Issuer, vendor: Emulator, logs: Logs, record_property: RecordProperty
) -> None:
    made, unserved = vendor.made(), 0
    for number in range(ROUNDS):
        if number % 2 == 0:  # otherwise the pool serves, filled with surplus sessions
            forget(stack)
            made = vendor.made()
        before = Records.read(stack)
        room = f"race-{uuid.uuid4()}"

        served = together([partial(persist, join) for join in _joins(stack, issuer, room)], CROWD)

        unserved += sum(one.unserved for one in served)
        session_id = _the_one_session(served, vendor)
        after = Records.read(stack)
        after.require_whole()
        assert after.rooms[room] == session_id
        assert after.open - before.open == {session_id}, "all other sessions are pooled"
        lost = vendor.made() - made - len(after.sessions)
        require_accounted_for(stack, logs, lost, unserved)
    record_property("rounds", ROUNDS)
    record_property("callers", CROWD)
    record_property("retries", unserved)


@dataclass
class Killer:
    """Kills workers while a room gets its session: two during vendor calls, and two more after
    random responses."""

    workers: Workers
    vendor: Emulator
    killed: int = 0
    _answered: int = 0
    _asked: int = field(default_factory=lambda: random.randint(1, 15))
    _late: list[int] = field(default_factory=lambda: random.sample(range(1, CROWD), 2))

    def early(self) -> None:
        until("a session is being created", self._is_being_created)
        self.killed += self.workers.kill("create_session", 2)

    def after(self, responded: int) -> None:
        self._answered = responded
        if responded in self._late:
            self.killed += self.workers.kill("create_session")

    def _is_being_created(self) -> bool:
        return self._answered > 0 or len(self.vendor.creations()) >= self._asked


def test_a_room_has_one_session_even_if_workers_are_killed(
    stack: Stack,
    issuer: Issuer,
    vendor: Emulator,
    workers: Workers,
    logs: Logs,
    record_property: RecordProperty,
) -> None:
    made, killed, unserved, rounds = vendor.made(), 0, 0, 0
    # A worker that is still starting is not killed, so a busy machine needs more rounds.
    while rounds < ROUNDS or (killed < 3 * ROUNDS and rounds < 3 * ROUNDS):
        rounds += 1
        vendor.forget_calls()
        room, killer = f"killed-{uuid.uuid4()}", Killer(workers, vendor)
        joins = [partial(persist, join) for join in _joins(stack, issuer, room)]

        with vendor.failing(delayMs=300), ThreadPoolExecutor(1) as beside:
            killing = beside.submit(killer.early)
            served = together(joins, CROWD, killer.after)
            killing.result()

        killed += killer.killed
        unserved += sum(one.unserved for one in served)
        session_id = _the_one_session(served, vendor)
        records = Records.read(stack)
        records.require_whole()
        assert records.rooms[room] == session_id
        again = stack.call("POST", "/sessions", {"room": room}, user="bob")
        assert (again.status, again.body["sessionId"]) == (200, session_id), "the room works"

    assert killed >= 3 * ROUNDS
    lost = vendor.made() - made - len(Records.read(stack).sessions)
    require_accounted_for(stack, logs, lost, unserved)
    record_property("rounds", rounds)
    record_property("callers", CROWD)
    record_property("killed", killed)
    record_property("retries", unserved)
    record_property("created by the vendor and not recorded", lost)


def _joins(stack: Stack, issuer: Issuer, room: str) -> list[Callable[[], Answer]]:
    """Returns requests of different users for the room, each with a token."""
    return [partial(_join, stack, room, issuer.user()) for _ in range(CROWD)]


def _join(stack: Stack, room: str, user: User) -> Answer:
    body = {"room": room, "mediaMode": "routed", "token": {"data": user.sub}}
    return stack.call("POST", "/sessions", body, token=user.token)


def _the_one_session(served: list[Served], vendor: Emulator) -> str:
    """Returns the session that all callers got; fails unless all of their tokens connect."""
    responses = [one.response for one in served]
    assert {response.status for response in responses} <= {200, 201}, responses
    (session_id,) = {response.body["sessionId"] for response in responses}
    assert sum(response.status == 201 for response in responses) <= 1
    for response in responses:
        assert vendor.connect(session_id, response.body["token"]["token"]).status == 200
    assert isinstance(session_id, str)
    return session_id
