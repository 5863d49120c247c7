"""Frames of the messaging protocol: byte layout, round trips, and invalid bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator.messaging_frames import Frame, Kind, MalformedFrame

texts = st.text(max_size=30)
frames = st.builds(
    Frame,
    kind=st.sampled_from(Kind),
    addresses=st.lists(texts, max_size=5).map(tuple),
    headers=st.dictionaries(texts, texts, max_size=5),
    payload=texts,
)


@given(frames)
def test_frames_survive_a_round_trip(frame: Frame) -> None:
    assert Frame.decode(frame.encode()) == frame


def test_byte_layout() -> None:
    frame = Frame(Kind.MESSAGE, ("ab",), {"K": "é"}, "{}")
    rest = b"\x00\x00\x02" + b"\x01\x00\x02ab" + b"\x01\x00\x01K\x00\x02\xc3\xa9" + b"{}"
    assert frame.encode() == len(rest).to_bytes(4, "big") + rest


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\x00\x00\x03\x00\x00\x05\x00\x00",  # unknown kind
        b"\x00\x00\x00\x03\x00\x00\x02",  # no counts
        b"\x00\x00\x00\x03\x00\x00\x02\x01\x00\x09ab",  # a text that is too long
        b"\x00\x00\x00\x03\x00\x00\x02\x00\x00\xff",  # invalid UTF-8
    ],
)
def test_invalid_bytes_are_rejected(raw: bytes) -> None:
    with pytest.raises(MalformedFrame):
        Frame.decode(raw)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_frame_or_malformed(raw: bytes) -> None:
    with suppress(MalformedFrame):
        Frame.decode(raw)
