"""What a token may grant: the vendor's limits, at both sides of each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.errors import Invalid
from opentok_client.grant import LIFETIME_MAX_SECONDS, Role, TokenFormat, TokenGrant

NOW = 1_800_000_000
DAY = 24 * 3600
SURROGATE = "\ud800"


def grant(seconds: int = 3600, data: str = "", layout_classes: tuple[str, ...] = ()) -> TokenGrant:
    return TokenGrant("1_MX4", Role.PUBLISHER, NOW, NOW + seconds, data, layout_classes)


def refused(seconds: int = 3600, data: str = "", layout: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(Invalid) as invalid:
        grant(seconds, data, layout)
    return [violation.field for violation in invalid.value.violations]


def test_roles_and_formats_have_the_vendors_names() -> None:
    assert set(Role) == {"subscriber", "publisher", "moderator", "publisheronly"}
    assert set(TokenFormat) == {"jwt", "t1"}


def test_a_token_is_valid_for_a_second_to_thirty_days() -> None:
    assert LIFETIME_MAX_SECONDS == 30 * DAY
    assert grant(seconds=1).expires_at == NOW + 1
    assert grant(seconds=30 * DAY).expires_at == NOW + 30 * DAY
    assert refused(seconds=0) == ["expiresIn"]
    assert refused(seconds=-1) == ["expiresIn"]
    assert refused(seconds=30 * DAY + 1) == ["expiresIn"]


@pytest.mark.parametrize("character", ["a", "é", "漢", "🎥"])
def test_data_is_limited_by_characters_not_by_bytes(character: str) -> None:
    assert grant(data=character * 1000).data == character * 1000
    assert refused(data=character * 1001) == ["data"]


def test_layout_classes_are_joined_by_spaces() -> None:
    assert grant(layout_classes=()).layout == ""
    assert grant(layout_classes=("focus",)).layout == "focus"
    assert grant(layout_classes=("focus", "full")).layout == "focus full"


def test_layout_classes_have_a_thousand_characters_joined() -> None:
    assert len(grant(layout_classes=("a" * 499, "b" * 500)).layout) == 1000
    assert refused(layout=("a" * 500, "b" * 500)) == ["initialLayoutClassList"]


@pytest.mark.parametrize("name", ["", " ", "two words", " focus", "focus ", "a\tb", "a\u00a0b"])
def test_a_layout_class_is_one_name(name: str) -> None:
    assert refused(layout=("fine", name)) == ["initialLayoutClassList"]


def test_text_without_a_utf8_form_is_refused() -> None:
    assert refused(data=SURROGATE) == ["data"]
    assert refused(layout=(SURROGATE,)) == ["initialLayoutClassList"]


def test_all_violations_are_reported_together() -> None:
    assert refused(0, SURROGATE * 1001, ("",)) == [
        "expiresIn",
        "data",
        "data",
        "initialLayoutClassList",
    ]


@given(st.integers(-10 * DAY, 100 * DAY), st.text(max_size=1100), st.lists(st.text(max_size=600)))
def test_no_grant_is_beyond_the_limits(seconds: int, data: str, layout: list[str]) -> None:
    try:
        made = grant(seconds, data, tuple(layout))
    except Invalid as invalid:
        assert {v.field for v in invalid.violations} <= {
            "expiresIn",
            "data",
            "initialLayoutClassList",
        }
        return
    assert 0 < made.expires_at - made.issued_at <= 30 * DAY
    assert len(made.data) <= 1000
    assert len(made.layout) <= 1000
    assert made.layout.split() == layout
    (made.data + made.layout).encode()
