"""Session ids: those that the vendor has given out over the years, and generated ones."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.errors import InvalidSessionId, VendorError
from opentok_client.options import MediaMode
from opentok_client.session_id import SESSION_ID_MAX, SessionId, other_spelling

ROUTED, RELAYED = MediaMode.ROUTED, MediaMode.RELAYED


def encode(decoded: str, prefix: str = "1_") -> str:
    encoded = base64.b64encode(decoded.encode(), altchars=b"-_").decode()
    return prefix + encoded.rstrip("=")


KNOWN = {
    "OpenTok, relayed": (
        "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-",
        SessionId("47665971", None, 1739538894959, RELAYED),
    ),
    "Vonage, routed": (
        encode("1~29f760f8-7ce1-46c9-ade3-f2dedee4ed5f~~1726462588647~11xLa1bbhzPeGQGmXsmgxI0k~~~"),
        SessionId("29f760f8-7ce1-46c9-ade3-f2dedee4ed5f", None, 1726462588647, ROUTED),
    ),
    "Vonage, relayed, the other prefix": (
        encode(
            "1~a98e12ca-0000-4000-8000-000000000001~~1672736878162~n/NxUKnCZV0TRzUJlcmDjCrx~P~~",
            "2_",
        ),
        SessionId("a98e12ca-0000-4000-8000-000000000001", None, 1672736878162, RELAYED),
    ),
    "with a location": (
        encode("1~46145352~12.34.56.78~1530796148168~abcdefghijklmnopqrstuvwx~~"),
        SessionId("46145352", "12.34.56.78", 1530796148168, ROUTED),
    ),
    "until about 2019, relayed": (
        encode("1~46145352~~1530796148168~abcdefghijklmnopqrstuvwx~P~"),
        SessionId("46145352", None, 1530796148168, RELAYED),
    ),
    "of 2014: a date, a fraction, and no field for the mode": (
        encode("1~123456~~Mon Mar 17 00:41:31 PDT 2014~0.4901302~", "2_"),
        SessionId("123456", None, None, ROUTED),
    ),
}


@pytest.mark.parametrize(("text", "expected"), KNOWN.values(), ids=KNOWN.keys())
def test_ids_of_many_years_are_decoded(text: str, expected: SessionId) -> None:
    assert SessionId.decode(text) == expected


def test_the_real_id_is_the_decoded_one_of_the_same_session() -> None:
    decoded = "1~47665971~~1739538894959~Q9mcXG1QrN3TIYu8y+ppx/gs~P~~"
    assert encode(decoded) == KNOWN["OpenTok, relayed"][0]


REFUSED = {
    "empty": "",
    "a word": "session",
    "no prefix": encode("1~123456~~1~r~~", ""),
    "a prefix of two digits": encode("1~123456~~1~r~~", "12_"),
    "a prefix that is a letter": encode("1~123456~~1~r~~", "a_"),
    "a prefix that is no ASCII digit": encode("1~123456~~1~r~~", "١_"),
    "nothing after the prefix": "1_",
    "the other alphabet": "1_" + base64.b64encode(b"1~123456~~1~>>>???~~").decode(),
    "a space": encode("1~123456~~1~r~~") + " ",
    "a line end": encode("1~123456~~1~r~~") + "\n",
    "a path": "1_../../etc/passwd",
    "a length that base64 cannot have": "1_MX40N",
    "no ASCII inside": encode("1~123456~~1~ü~~"),
    "another prefix": encode("1~123456~~1~r~~", "3_"),
    "another version": encode("2~123456~~1~r~~"),
    "four fields": encode("1~123456~~1"),
    "a date without its closing separator": encode("1~123456~~Mon Mar 17 2014~0.4901302"),
    "a date without a random part": encode("1~123456~~Mon Mar 17 00:41:31 PDT 2014~~"),
    "nine fields": encode("1~123456~~1~r~~~~"),
    "a text after the last separator": encode("1~123456~~1~r~~x"),
    "no project": encode("1~~~1739538894959~r~~"),
    "one field": encode("123456"),
    "longer than the ceiling": encode("1~123456~~1~" + "r" * 200 + "~~"),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_a_text_that_cannot_be_an_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidSessionId) as refused:
        SessionId.decode(text)
    assert str(refused.value) == "is not a session id"
    assert refused.value.__cause__ is None


def test_a_bad_id_is_an_error_of_the_client_and_a_value_error() -> None:
    assert issubclass(InvalidSessionId, VendorError)
    assert issubclass(InvalidSessionId, ValueError)


@pytest.mark.parametrize(("text", "_"), KNOWN.values(), ids=KNOWN.keys())
def test_an_id_that_was_cut_at_its_end_is_refused(text: str, _: SessionId) -> None:
    for end in range(len(text)):
        with pytest.raises(InvalidSessionId):
            SessionId.decode(text[:end])


@pytest.mark.parametrize(("text", "_"), KNOWN.values(), ids=KNOWN.keys())
def test_an_id_has_two_spellings_that_decode_to_the_same(text: str, _: SessionId) -> None:
    other = other_spelling(text)
    assert other != text
    assert other_spelling(other) == text
    assert SessionId.decode(other) == SessionId.decode(text)


def test_an_id_has_at_most_255_characters() -> None:
    longest = encode("1~123456~~1739538894959~" + "r" * 161 + "~P~~")
    assert len(longest) == SESSION_ID_MAX - 1  # base64 cannot have the length between
    assert SessionId.decode(longest).media_mode is RELAYED
    too_long = encode("1~123456~~1739538894959~" + "r" * 162 + "~P~~")
    assert len(too_long) == SESSION_ID_MAX + 1
    with pytest.raises(InvalidSessionId):
        SessionId.decode(too_long)


@pytest.mark.parametrize("random", ["r", "rr", "rrr"])
def test_another_base64_spelling_of_an_id_is_refused(random: str) -> None:
    text = encode(f"1~123456~~1739538894959~{random}~~~")
    SessionId.decode(text)
    spellings = [text + padding for padding in ("=", "==")]
    if len(text[2:]) % 4:  # then the last character has bits that mean nothing
        spellings.append(text[:-1] + chr(ord(text[-1]) + 1))
    for spelling in spellings:
        with pytest.raises(InvalidSessionId):
            SessionId.decode(spelling)


@pytest.mark.parametrize("mode", ["p", "R", "PP", " P", "p2p"])
def test_only_a_capital_p_means_relayed(mode: str) -> None:
    assert SessionId.decode(encode(f"1~123456~~1~r~{mode}~~")).media_mode is ROUTED


@pytest.mark.parametrize("decoded", ["1~123456~~1~P~~~", "1~123456~P~1~r~~~", "1~123456~~1~r~~P~"])
def test_a_capital_p_elsewhere_means_nothing(decoded: str) -> None:
    assert SessionId.decode(encode(decoded)).media_mode is ROUTED


@pytest.mark.parametrize("created", ["", "-1", "1.5", "1e3", "1" * 16])
def test_a_creation_time_is_milliseconds_or_unknown(created: str) -> None:
    assert SessionId.decode(encode(f"1~123456~~{created}~r~~")).created_at is None


FIELD = st.text(st.characters(codec="ascii", exclude_characters="~"), max_size=24)


@given(
    prefix=st.integers(1, 2),
    project=st.integers(1, 99_999_999).map(str) | st.uuids().map(UUID.__str__),
    location=st.just("") | st.ip_addresses(v=4).map(str),
    created_and_closing=st.tuples(st.integers(0, 1_672_531_199_999), st.sampled_from(["~", "~~"]))
    | st.tuples(st.integers(1_672_531_200_000, 10**15 - 1), st.just("~~")),
    random=st.binary(min_size=18, max_size=18),
    relayed=st.booleans(),
)
def test_a_generated_id_is_decoded(
    prefix: int,
    project: str,
    location: str,
    created_and_closing: tuple[int, str],
    random: bytes,
    relayed: bool,
) -> None:
    created, closing = created_and_closing
    nonce = base64.b64encode(random).decode()
    flag = "P" if relayed else ""
    text = encode(f"1~{project}~{location}~{created}~{nonce}~{flag}{closing}", f"{prefix}_")
    mode = RELAYED if relayed else ROUTED
    assert SessionId.decode(text) == SessionId(project, location or None, created, mode)


@given(st.text(max_size=300) | st.lists(FIELD).map("~".join).map(encode))
def test_any_text_is_decoded_or_refused(text: str) -> None:
    try:
        decoded = SessionId.decode(text)
    except InvalidSessionId:
        return
    assert decoded.project_id
    assert len(text) <= SESSION_ID_MAX


@given(
    project=st.integers(1, 99_999_999).map(str) | st.uuids().map(UUID.__str__),
    location=st.just("") | st.ip_addresses(v=4).map(str),
    created=st.integers(1_672_531_200_000, 4_000_000_000_000),
    random=st.binary(min_size=18, max_size=18),
    flag=st.sampled_from(["", "P"]),
)
def test_a_generated_id_that_was_cut_at_its_end_is_refused(
    project: str, location: str, created: int, random: bytes, flag: str
) -> None:
    nonce = base64.b64encode(random).decode()
    text = encode(f"1~{project}~{location}~{created}~{nonce}~{flag}~~")
    assert SessionId.decode(text).created_at == created
    for end in range(len(text)):
        with pytest.raises(InvalidSessionId):
            SessionId.decode(text[:end])
