"""Random sequences of calls by users of two tenants, compared with a model after every call.

The model (`model.py`) knows who may see and do what. The sequences are 10,000 with `SOAK=1`
(`make soak`), and fewer otherwise.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from opentok_client.grant import Role
from opentok_client.options import SessionOptions
from opentok_sessions.domain.models import Caller, Session, TokenRequest
from opentok_sessions.domain.pools import Pools
from opentok_sessions.domain.problems import Problem, SessionNotFound
from opentok_sessions.domain.requests import ListRequest
from opentok_sessions.http.responses import session_response
from opentok_sessions.session_supply import SessionSupply
from opentok_sessions.vendor import NewSession, Vendor
from tests.aws import API_KEY, API_SECRET, Aws, aws_in_memory
from tests.unit.opentok_sessions.application import DAY, IDLE, Application, Clock
from tests.unit.opentok_sessions.fast_aws import FastAws
from tests.unit.opentok_sessions.model import (
    Body,
    Existing,
    KnownSession,
    Model,
    Refused,
    instant,
    manages,
    roles,
)
from tests.unit.opentok_sessions.vendor_server import VendorServer, session_id

SOAK = os.environ.get("SOAK") == "1"
SEQUENCES = 10_000 if SOAK else 150
CALLS = 30

ALICE = Caller("alice", tenant="blue")
BOB = Caller("bob", tenant="blue")
MODERATOR = Caller("mo", moderator=True, tenant="blue")
NAMESAKE = Caller("alice", tenant="red")  # another user with the same `sub`
OTHER_KEY = "46000000"
MISSING = session_id(10**6)
HOUR = 3600

CALLERS = st.sampled_from([ALICE, BOB, MODERATOR, NAMESAKE])
ROOMS = st.sampled_from(["lobby", "office"])
ROLES = st.sampled_from([role.value for role in Role])
LISTS: list[dict[str, str]] = [
    {},
    {"bob": "subscriber"},
    {"bob": "publisher", "alice": "publisheronly"},
    {"alice": "moderator"},
]
PATCHES: list[dict[str, str | None] | None] = [
    None,
    {"bob": "publisher"},
    {"bob": None},
    {"alice": "subscriber", "bob": None},
]
KEYS = st.sampled_from([None, None, None, "key-1", "key-2"])
CREATED = st.fixed_dictionaries(
    {},
    optional={
        "participants": st.sampled_from(LISTS),
        "token": st.fixed_dictionaries({"role": ROLES}),
    },
)
WINDOWS = st.sampled_from([None] * 6 + ["opens", "closes", "both"])


EXPIRING = [("session",), ("room",), ("session", "room")]
T = TypeVar("T")


class _FastVendor(Vendor):
    """Creates sessions in the process, so that thousands of sequences take seconds."""

    made = 0

    def create_session(self, options: SessionOptions, seconds: float = 0) -> NewSession:
        credentials = self._credentials.current()
        self.made += 1
        return NewSession(session_id(self.made, credentials.project_id), credentials)


class Calls(RuleBasedStateMachine):
    """Every rule is a call, or time that passes."""

    aws: FastAws  # one account for all sequences

    def __init__(self) -> None:
        super().__init__()
        self.aws.clear()
        self.aws.put_secret({"apiKey": API_KEY, "apiSecret": API_SECRET})
        self.clock = Clock()
        app = Application.start(
            cast("Aws", self.aws), VendorServer("http://127.0.0.1:9"), self.clock
        )
        vendor = _FastVendor(app.credentials, "")
        supply = SessionSupply(app.pool_store, Pools(()), vendor)
        self.app = replace(app, create_session=replace(app.create_session, supply=supply))
        self.model = Model(API_KEY)
        self.keyed: list[tuple[Body, str]] = []
        self.known = [MISSING]  # the ids that callers try, even those of other tenants

    def teardown(self) -> None:
        self.compare()

    @property
    def now(self) -> int:
        return int(self.clock())

    # ------------------------------------------------------------------------------------- calls

    @rule(caller=CALLERS, body=CREATED, window=WINDOWS, key=KEYS)
    def create(self, caller: Caller, body: Body, window: str | None, key: str | None) -> None:
        self._create(caller, {**body, **self._window(window)}, key)

    @rule(
        caller=CALLERS,
        room=ROOMS,
        body=CREATED,
        reuse=st.sampled_from([None, None, "conversation", "permanent"]),
        window=WINDOWS,
        key=KEYS,
    )
    def enter(
        self,
        caller: Caller,
        room: str,
        body: Body,
        reuse: str | None,
        window: str | None,
        key: str | None,
    ) -> None:
        more = {"reuse": reuse} if reuse else {}
        self._create(caller, {**body, "room": room, **more, **self._window(window)}, key)

    @rule(caller=CALLERS, room=ROOMS, participants=st.sampled_from(LISTS))
    def enter_privately(self, caller: Caller, room: str, participants: dict[str, str]) -> None:
        self._create(caller, {"room": room, "participants": participants}, None)

    @rule(caller=CALLERS, room=ROOMS)
    def enter_plainly(self, caller: Caller, room: str) -> None:
        self._create(caller, {"room": room}, None)

    @rule(caller=CALLERS, room=ROOMS, role=ROLES)
    def join(self, caller: Caller, room: str, role: str) -> None:
        self._create(caller, {"room": room, "token": {"role": role}}, None)

    @precondition(lambda self: self.keyed)
    @rule(caller=CALLERS, data=st.data())
    def repeat(self, caller: Caller, data: st.DataObject) -> None:
        self._create(caller, *data.draw(st.sampled_from(self.keyed)))

    @rule(caller=CALLERS, data=st.data())
    def register(self, caller: Caller, data: st.DataObject) -> None:
        new = session_id(10**6 + len(self.known), self.model.project)
        self._create(caller, {"sessionId": data.draw(st.sampled_from([new, *self.known]))}, None)

    @rule(caller=CALLERS, role=ROLES, data=st.data())
    def token(self, caller: Caller, role: str, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(self.known))
        expected = self.model.token(caller, wanted, role, self.now)
        issued = self._call(expected, self.app.token, wanted, caller, TokenRequest(Role(role)))
        if issued is not None:
            assert issued.role.value == role
            closes_at = self.model.sessions[wanted].closes_at
            assert closes_at is None or issued.expires_at <= closes_at
            self.model.has_used(self.model.sessions[wanted], self.now)

    @rule(caller=CALLERS, data=st.data())
    def get(self, caller: Caller, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(self.known))
        known = self.model.seen(caller, wanted)
        expected = None if known else Refused(SessionNotFound)
        session = self._call(expected, self.app.get_session.by_id, wanted, caller)
        if session is not None and known is not None:
            self._same(session, known)
            shown = "participants" in session_response(session, caller, self.now)
            assert shown is (manages(caller, known) and known.participants is not None)

    @rule(caller=CALLERS, room=ROOMS)
    def search(self, caller: Caller, room: str) -> None:
        assert self.app.in_room(room, caller) == self.model.shown_in_room(caller, room, self.now)

    @rule(caller=CALLERS)
    def list_own(self, caller: Caller) -> None:
        listed, after = self.app.get_session.search(ListRequest(None, 2, None), caller)
        while after is not None:
            more, after = self.app.get_session.search(ListRequest(None, 2, after), caller)
            listed += more
        ids = [session.session_id for session in listed]
        assert len(ids) == len(set(ids))
        assert set(ids) == self.model.listed(caller)
        assert all(session.participants is None for session in listed)

    @rule(caller=CALLERS, data=st.data())
    def close(self, caller: Caller, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(self.known))
        expected = self.model.close(caller, wanted)
        self._call(expected, self.app.close, wanted, caller)
        if expected is None:
            self.model.has_closed(self.model.sessions[wanted], self.now)

    @rule(
        caller=CALLERS,
        participants=st.sampled_from(PATCHES),
        closes=st.sampled_from([False, False, True]),
        data=st.data(),
    )
    def update(
        self,
        caller: Caller,
        participants: dict[str, str | None] | None,
        closes: bool,
        data: st.DataObject,
    ) -> None:
        wanted = data.draw(st.sampled_from(self.known))
        more = {"closesAt": instant(self.now + 3 * HOUR)} if closes else {}
        body = {"participants": participants, **more}
        expected = self.model.update(caller, wanted, self.now)
        changed = self._call(expected, self.app.update, wanted, body, caller)
        if changed is not None:
            self.model.has_changed(self.model.sessions[wanted], body, self.now)
            self._same(changed, self.model.sessions[wanted])

    @rule(caller=CALLERS, room=ROOMS)
    def release(self, caller: Caller, room: str) -> None:
        expected = self.model.release(caller, room)
        self._call(expected, self.app.release_room, room, caller)
        if expected is None:
            self.model.has_released(caller, room)

    # ------------------------------------------------------------------------ time and operators

    @rule(seconds=st.sampled_from([HOUR, IDLE // 2, IDLE, DAY]))
    def pass_time(self, seconds: int) -> None:
        self.clock.turn(seconds)

    @rule()
    def change_project(self) -> None:
        self.model.project = OTHER_KEY if self.model.project == API_KEY else API_KEY
        self.aws.put_secret({"apiKey": self.model.project, "apiSecret": API_SECRET})
        self.clock.turn(61)

    @rule(days=st.sampled_from([31, 400]), kinds=st.sampled_from(EXPIRING))
    def expire(self, days: int, kinds: tuple[str, ...]) -> None:
        """DynamoDB removes expired items one by one, in any order."""
        self.compare()
        self.clock.turn(days * DAY)
        for kind in kinds:
            for item in self.aws.items(f"{kind}#"):
                if int(item["ttl"]["N"]) <= self.now:
                    self.aws.delete(item["pk"]["S"])
            self.model.has_expired(kind, self.now)

    # ------------------------------------------------------------------------------------ comparing

    def compare(self) -> None:
        """Compares everything that is stored with the model."""
        items = self.aws.items()
        ttls = {item["pk"]["S"]: int(item["ttl"]["N"]) for item in items}  # every item has one
        for known in self.model.sessions.values():
            assert ttls[f"session#{known.id}"] == known.ttl
        for (tenant, name), room in self.model.rooms.items():
            assert ttls[f"room#{tenant}#{name}"] == room.ttl
        stored = {item["pk"]["S"].removeprefix("session#") for item in items if "owner" in item}
        assert {pk for pk in stored if not pk.startswith("room#")} == self.model.sessions.keys()
        for known in self.model.sessions.values():
            self._same(self.app.recorded(known.id), known)
        for (tenant, name), room in self.model.rooms.items():
            found = self.app.store.find_room(name, tenant)
            assert found is not None
            assert (found.session_id, found.owner, found.reuse, roles(found.participants)) == (
                room.session_id,
                room.owner,
                room.reuse,
                room.participants,
            )
        assert sum(pk.startswith("room#") for pk in stored) == len(self.model.rooms)
        self._no_room_has_two_live_sessions()

    def _no_room_has_two_live_sessions(self) -> None:
        live = Counter(
            (session.tenant, session.room)
            for session in map(self.app.recorded, self.model.sessions)
            if session.room
            and not session.is_closed(self.now)
            and not session.superseded
            and self.model.sessions[session.session_id].ttl > self.now
        )
        assert all(number == 1 for number in live.values()), live

    @staticmethod
    def _same(session: Session, known: KnownSession) -> None:
        assert (
            session.tenant,
            session.owner,
            session.project_id,
            roles(session.participants),
            session.room,
            session.reuse,
            session.last_used_at,
            session.closed,
            session.superseded,
        ) == (
            known.tenant,
            known.owner,
            known.project,
            known.participants,
            known.room,
            known.reuse,
            known.last_used,
            known.closed,
            known.superseded,
        )

    def _create(self, caller: Caller, body: Body, key: str | None) -> None:
        expected = self.model.create(caller, body, key, self.now)
        refused = expected if isinstance(expected, Refused) else None
        created = self._call(refused, self.app.create, body, caller, key)
        if created is None or isinstance(expected, Refused):
            return
        session, token = created.session, created.token
        assert (token is not None) is ("token" in body)
        if isinstance(expected, Existing):
            assert session.session_id == expected.session.id
            assert created.joined is expected.joined
            self.model.has_joined(caller, body, key, expected, self.now)
        else:
            assert session.session_id not in self.model.sessions
            assert not created.joined
            self.known.append(session.session_id)
            self.model.has_new(caller, body, key, expected, session.session_id, self.now)
            self._same(session, self.model.sessions[session.session_id])
        if key is not None:
            self.keyed.append((body, key))

    def _call(
        self, expected: Refused | None, call: Callable[..., T], *arguments: object
    ) -> T | None:
        """Returns the call's result; None after the expected problem, which changes nothing."""
        if expected is None:
            return call(*arguments)
        before = self._owned()
        with pytest.raises(Problem) as raised:
            call(*arguments)
        assert type(raised.value) is expected.problem
        assert self._owned() == before
        return None

    def _owned(self) -> list[dict[str, Any]]:
        """Returns all items except those that belong to no caller."""
        items = self.aws.items()
        return sorted((item for item in items if "poolKey" not in item), key=str)

    def _window(self, name: str | None) -> dict[str, object]:
        opens = {"opensAt": instant(self.now + HOUR)} if name in ("opens", "both") else {}
        closes = {"closesAt": instant(self.now + 3 * HOUR)} if name in ("closes", "both") else {}
        return {**opens, **closes}


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    with aws_in_memory() as aws:
        Calls.aws = FastAws(aws)
        yield


@pytest.mark.timeout(2 * HOUR)
class TestCalls(Calls.TestCase):  # type: ignore[valid-type,misc]
    """Runs the sequences."""


TestCalls.settings = settings(
    TestCalls.settings, max_examples=SEQUENCES, stateful_step_count=CALLS, derandomize=not SOAK
)
