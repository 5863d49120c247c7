"""Session ids: published ones can be parsed, and every SDK can parse the emulator's."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator.session_ids import MAX_LENGTH, RANDOM_BYTES, MalformedSessionId, SessionId

projects = st.from_regex(r"[1-9][0-9]{5,8}", fullmatch=True) | st.uuids().map(str)
locations = st.none() | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str)
session_ids = st.builds(
    SessionId.new,
    project=projects,
    location=locations,
    created_ms=st.integers(1_500_000_000_000, 2_500_000_000_000),
    noise=st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES),
    relayed=st.booleans(),
)


@given(session_ids)
def test_session_ids_survive_a_round_trip(session_id: SessionId) -> None:
    assert SessionId.parse(str(session_id)) == session_id


@given(session_ids)
def test_session_ids_are_readable_by_every_sdk(session_id: SessionId) -> None:
    text = str(session_id)
    assert len(text) <= MAX_LENGTH
    assert len(text.split("_")) == 2  # .NET
    encoded = text[2:]
    decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_").decode()
    fields = decoded.split("~")
    assert fields[1] == session_id.project  # Node, Java, Python
    assert len(fields) == 8


def test_published_relayed_id() -> None:
    text = "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-"
    session_id = SessionId.parse(text)
    assert session_id == SessionId(
        "47665971", "", 1739538894959, "Q9mcXG1QrN3TIYu8y+ppx/gs", relayed=True
    )
    assert str(session_id) == text


def test_published_routed_id() -> None:
    decoded = "1~29f760f8-7ce1-46c9-ade3-f2dedee4ed5f~~1726462588647~11xLa1bbhzPeGQGmXsmgxI0k~~~"
    text = "1_" + base64.urlsafe_b64encode(decoded.encode()).decode().rstrip("=")
    session_id = SessionId.parse(text)
    assert session_id.project == "29f760f8-7ce1-46c9-ade3-f2dedee4ed5f"
    assert not session_id.relayed
    assert str(session_id) == text
    assert SessionId.parse("2" + text[1:]) == session_id


@pytest.mark.parametrize("created_ms", [1739538894959])
@pytest.mark.parametrize(
    ("project", "length"), [("47665971", range(72, 75)), (str(uuid.UUID(int=1)), range(109, 113))]
)
def test_session_ids_have_the_services_length(project: str, length: range, created_ms: int) -> None:
    for relayed in (True, False):
        session_id = SessionId.new(
            project=project, location=None, created_ms=created_ms, noise=bytes(18), relayed=relayed
        )
        assert len(str(session_id)) in length


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1_",
        "nonsense",
        "3_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-",
        "1_MX40NzY2NTk3MX5-",
        "1_!!!!",
        "1_" + "A" * 300,
        "1_" + base64.urlsafe_b64encode(b"1~4766~~Mon Mar 17 00:41:31 PDT 2014~0.4~").decode(),
        "1_" + base64.urlsafe_b64encode(b"2~4766~~1739538894959~x~P~~").decode(),
        "1_" + base64.urlsafe_b64encode(b"1~4766~~1739538894959~x~Q~~").decode(),
        "1_" + base64.urlsafe_b64encode("1~4766~~1739538894959~é~P~~".encode()).decode(),
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(MalformedSessionId):
        SessionId.parse(text)
