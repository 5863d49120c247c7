"""Sessions as DynamoDB items, and back; items of older versions, and damaged ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.grant import Role
from opentok_client.options import ArchiveMode, MediaMode, SessionOptions
from opentok_sessions.domain.models import Reuse, Session, Source
from opentok_sessions.domain.problems import DamagedRecord
from opentok_sessions.storage.items import session_item, session_of
from tests.aws import API_KEY
from tests.unit.opentok_sessions.application import NOW, a_session

TEXT = st.text(min_size=1, max_size=20)
MOMENT = st.integers(1, 10**11)

OPTIONS = st.one_of(
    st.builds(SessionOptions, media_mode=st.sampled_from(MediaMode)),
    st.builds(
        SessionOptions,
        archive_mode=st.just(ArchiveMode.ALWAYS),
        archive_name=st.none() | st.text(min_size=1, max_size=80),
        archive_resolution=st.none() | st.just("1280x720"),
        location=st.none() | st.just("12.34.56.78"),
    ),
    st.builds(SessionOptions, e2ee=st.booleans()),
)
SESSIONS = st.builds(
    Session,
    session_id=TEXT,
    project_id=TEXT,
    options=OPTIONS,
    media_mode_reason=TEXT,
    owner=TEXT,
    created_at=st.integers(1, 10**14),
    source=st.sampled_from(Source),
    last_used_at=MOMENT,
    claim_id=TEXT,
    room=st.none() | TEXT,
    reuse=st.none() | st.sampled_from(Reuse),
    opens_at=st.none() | MOMENT,
    closes_at=st.none() | MOMENT,
    participants=st.none() | st.dictionaries(TEXT, st.sampled_from(Role), max_size=5),
    closed=st.booleans(),
    superseded=st.booleans(),
)

OLDEST: dict[str, dict[str, Any]] = {
    "pk": {"S": "session#s-1"},
    "sessionId": {"S": "s-1"},
    "projectId": {"S": API_KEY},
    "mediaMode": {"S": "relayed"},
    "owner": {"S": "alice"},
    "createdAt": {"N": "1700000000123"},
    "source": {"S": "created"},
    "state": {"S": "open"},
}
"""The least that a session's item has: what later versions added is left out."""


@given(SESSIONS)
def test_a_session_survives_being_stored(session: Session) -> None:
    assert session_of(session_item(session, ttl=NOW)) == session


def test_the_item_has_the_attributes_that_the_template_and_the_policies_name() -> None:
    session = a_session(
        7,
        room="lobby",
        reuse=Reuse.CONVERSATION,
        opens_at=NOW,
        closes_at=NOW + 60,
        participants={"bob": Role.SUBSCRIBER},
    )
    assert session_item(session, ttl=NOW + 5) == {
        "pk": {"S": "session#session-7"},
        "sk": {"S": "session"},
        "schema": {"N": "1"},
        "sessionId": {"S": "session-7"},
        "projectId": {"S": API_KEY},
        "mediaMode": {"S": "routed"},
        "mediaModeReason": {"S": "as requested"},
        "archiveMode": {"S": "manual"},
        "e2ee": {"BOOL": False},
        "owner": {"S": "alice"},
        "ownerKey": {"S": "#alice"},
        "createdAt": {"N": str(NOW * 1000)},
        "source": {"S": "created"},
        "lastUsedAt": {"N": str(NOW)},
        "claimId": {"S": "claim-7"},
        "room": {"S": "lobby"},
        "reuse": {"S": "conversation"},
        "opensAt": {"N": str(NOW)},
        "closesAt": {"N": str(NOW + 60)},
        "participants": {"M": {"bob": {"S": "subscriber"}}},
        "state": {"S": "open"},
        "ttl": {"N": str(NOW + 5)},
    }


def test_a_permanent_one_has_no_ttl() -> None:
    assert "ttl" not in session_item(a_session(), ttl=None)


def test_an_empty_list_of_participants_is_not_the_same_as_none() -> None:
    stored = session_of(session_item(a_session(participants={}), ttl=None))
    assert stored is not None
    assert stored.participants == {}


def test_what_an_older_version_did_not_write_has_a_default() -> None:
    assert session_of(OLDEST) == Session(
        session_id="s-1",
        project_id=API_KEY,
        options=SessionOptions(media_mode=MediaMode.RELAYED),
        media_mode_reason="not recorded",
        owner="alice",
        created_at=1_700_000_000_123,
        source=Source.CREATED,
        last_used_at=1_700_000_000,
        claim_id="",
    )


def test_what_a_newer_version_writes_is_overlooked() -> None:
    newer: dict[str, dict[str, Any]] = {
        "tags": {"L": [{"S": "x"}]},
        "blob": {"B": b"x"},
        "colour": {"S": "red"},
    }
    assert session_of(OLDEST | newer) == session_of(OLDEST)


def test_a_pooled_session_is_not_an_owned_one() -> None:
    pooled = {"pk": {"S": "session#s-1"}, "poolId": {"S": "p"}, "poolKey": {"S": "00"}}
    assert session_of(pooled) is None
    assert session_of({**OLDEST, **pooled}) is None


@pytest.mark.parametrize("name", [name for name in OLDEST if name != "pk"])
def test_an_item_that_lacks_something_is_damaged(name: str) -> None:
    item = {k: v for k, v in OLDEST.items() if k != name}
    with pytest.raises(DamagedRecord, match=f"^session#s-1: {name} is missing$"):
        session_of(item)


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ({"sessionId": {"N": "1"}}, "sessionId is not a string"),
        ({"owner": {"BOOL": True}}, "owner is not a string"),
        ({"createdAt": {"S": "yesterday"}}, "createdAt is not a number"),
        ({"lastUsedAt": {"BOOL": True}}, "lastUsedAt is not a number"),
        ({"opensAt": {"S": "noon"}}, "opensAt is not a number"),
        ({"closesAt": {"M": {}}}, "closesAt is not a number"),
        ({"room": {"N": "5"}}, "room is not a string"),
        ({"mediaMode": {"S": "telepathic"}}, "telepathic"),
        ({"archiveMode": {"S": "sometimes"}}, "sometimes"),
        ({"archiveMode": {"S": "always"}}, "archiveMode"),  # this one is relayed
        ({"source": {"S": "stork"}}, "stork"),
        ({"reuse": {"S": "seldom"}}, "seldom"),
        ({"participants": {"S": "bob"}}, "participants is not a map"),
        ({"participants": {"M": {"bob": {"S": "king"}}}}, "king"),
    ],
)
def test_an_item_that_holds_something_impossible_is_damaged(
    attribute: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(DamagedRecord, match=words) as damaged:
        session_of({**OLDEST, **attribute})
    assert str(damaged.value).startswith("session#s-1: ")


@pytest.mark.parametrize(
    "attribute",
    [
        {"participants": {"NULL": True}},
        {"participants": {"L": []}},
        {"participants": {"SS": ["bob"]}},
        {"participants": {"M": {"bob": {"N": "1"}}}},
        {"closesAt": {"NULL": True}},
        {"opensAt": {"L": []}},
        {"superseded": {"S": "yes"}},
        {"e2ee": {"S": "true"}},
    ],
)
def test_a_restriction_that_cannot_be_read_is_not_taken_for_none(
    attribute: Mapping[str, Any],
) -> None:
    with pytest.raises(DamagedRecord):
        session_of({**OLDEST, "mediaMode": {"S": "routed"}, **attribute})


@pytest.mark.parametrize("state", ["closed", "Open", "", "deleted"])
def test_a_session_in_any_state_but_open_is_closed(state: str) -> None:
    session = session_of({**OLDEST, "state": {"S": state}})
    assert session is not None
    assert session.closed
