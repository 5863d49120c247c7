"""Values as DynamoDB attributes, and back; what every item has to have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_sessions.domain.problems import DamagedRecord
from opentok_sessions.storage.attributes import decode, encode, number, text

TEXT = st.text(min_size=1, max_size=20)
WHOLE = st.integers(-(10**15), 10**15)


@given(st.dictionaries(TEXT, TEXT | WHOLE | st.booleans() | st.dictionaries(TEXT, TEXT)))
def test_encoded_values_decode_to_themselves(values: dict[str, Any]) -> None:
    assert decode(encode(values)) == values


def test_text_and_number_read_required_attributes() -> None:
    item = {"pk": {"S": "refill#x"}, "target": {"N": "12"}}
    assert text(item, "pk") == "refill#x"
    assert number(item, "target") == 12


@pytest.mark.parametrize("value", [None, {"N": "1"}, {"NULL": True}])
def test_a_missing_or_wrong_text_is_damage(value: dict[str, Any] | None) -> None:
    item = {"pk": {"S": "room#r"}, **({"sessionId": value} if value else {})}
    with pytest.raises(DamagedRecord, match=r"room#r.*sessionId is missing or not a string"):
        text(item, "sessionId")


@pytest.mark.parametrize("value", [None, {"S": "1"}, {"BOOL": True}])
def test_a_missing_or_wrong_number_is_damage(value: dict[str, Any] | None) -> None:
    item = {"pk": {"S": "refill#p"}, **({"target": value} if value else {})}
    with pytest.raises(DamagedRecord, match=r"refill#p.*target is missing or not a number"):
        number(item, "target")
