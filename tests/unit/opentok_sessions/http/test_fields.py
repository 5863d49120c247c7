"""Reading fields: the values that each kind accepts, and that all errors are reported together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.errors import Invalid, Violation
from opentok_sessions.domain.problems import InvalidCombination, InvalidRequest
from opentok_sessions.http.fields import Fields

NOT_SENT = "not sent"


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


def fields(**values: object) -> Fields:
    return Fields(values, ("a", "b", "c"))


def read(value: object, how: Callable[[Fields], object]) -> tuple[object, list[str]]:
    """Returns the value that is read from the field `a`, and the errors."""
    sent = fields() if value is NOT_SENT else fields(a=value)
    return how(sent), complaints(sent)


def complaints(sent: Fields) -> list[str]:
    try:
        sent.finish()
    except (InvalidRequest, InvalidCombination) as problem:
        return [f"{error.field} {error.message}" for error in problem.errors]
    return []


# --- collecting -----------------------------------------------------------------------------------


def test_valid_fields_raise_nothing() -> None:
    sent = fields(a=1)
    assert sent.valid
    sent.finish()


def test_known_fields_that_are_not_null_were_sent() -> None:
    sent = fields(a=1, b=None, x=1)
    assert "a" in sent
    assert "b" not in sent
    assert sent.sent == {"a"}


def test_all_unknown_fields_are_rejected() -> None:
    assert complaints(fields(a=1, x=1, y=1)) == ["x unknown field", "y unknown field"]


def test_a_very_long_unknown_name_is_cut() -> None:
    assert complaints(Fields({"n" * 5000: 1}, ())) == ["n" * 100 + " unknown field"]


def test_wrong_values_are_an_invalid_request_and_conflicts_an_invalid_combination() -> None:
    sent = fields(a=1)
    sent.excluded("b", "needs c")
    assert not sent.valid
    with pytest.raises(InvalidCombination) as illegal:
        sent.finish()
    assert illegal.value.errors == (("b", "needs c"),)
    assert "b" in illegal.value.detail
    sent.wrong("a", "is odd")
    with pytest.raises(InvalidRequest) as invalid:
        sent.finish()
    assert invalid.value.errors == (("a", "is odd"), ("b", "needs c"))
    assert "a, b" in invalid.value.detail


def test_a_field_with_two_errors_is_named_once_in_the_detail() -> None:
    sent = fields()
    sent.wrong("a", "is odd")
    sent.wrong("a", "is old")
    with pytest.raises(InvalidRequest) as invalid:
        sent.finish()
    assert invalid.value.detail == "The request is invalid: a."
    assert invalid.value.errors == (("a", "is odd"), ("a", "is old"))


def test_violations_of_the_client_are_added_unless_the_field_has_an_error() -> None:
    sent = fields()
    sent.wrong("a", "must be a string")
    sent.add_violations(
        Invalid(
            [Violation("a", "other words"), Violation("b", "new"), Violation("c", "both", True)]
        )
    )
    with pytest.raises(InvalidRequest) as invalid:
        sent.finish()
    assert invalid.value.errors == (("a", "must be a string"), ("b", "new"), ("c", "both"))


def test_a_combination_of_the_client_stays_one() -> None:
    sent = fields()
    sent.add_violations(Invalid([Violation("c", "not with a", combination=True)]))
    with pytest.raises(InvalidCombination):
        sent.finish()


def test_errors_of_a_nested_object_have_its_name_and_reach_its_parent() -> None:
    sent = fields(a={"x": 1, "y": {"z": 2}})
    inner = sent.nested("a", ("x", "y"))
    assert inner is not None
    innermost = inner.nested("y", ())
    inner.wrong("x", "is odd")
    inner.excluded("x", "needs b")
    inner.add_violations(Invalid([Violation("x", "other words"), Violation("y", "is old")]))
    assert innermost is not None
    assert not innermost.valid
    assert not sent.valid
    assert complaints(sent) == [
        "a.y.z unknown field",
        "a.x is odd",
        "a.y is old",
        "a.x needs b",
    ]


@pytest.mark.parametrize("value", [["x"], "x", 1, True])
def test_a_nested_object_is_an_object(value: object) -> None:
    assert read(value, lambda m: m.nested("a", ())) == (None, ["a must be an object"])


def test_a_nested_object_may_be_missing() -> None:
    for value in (NOT_SENT, None):
        assert read(value, lambda m: m.nested("a", ())) == (None, [])


def test_an_empty_array_for_a_nested_object_is_rejected_with_a_hint() -> None:
    message = "a must be an object; an empty object is {}, not []"
    assert read([], lambda m: m.nested("a", ())) == (None, [message])


# --- kinds of values ------------------------------------------------------------------------------

TEXT = "must be a string"
PRINTABLE = "must not contain control characters"


@pytest.mark.parametrize(
    ("value", "expected", "complaint"),
    [
        (NOT_SENT, None, None),
        ("x", "x", None),
        ("five5", "five5", None),
        ("é 漢 🎥", "é 漢 🎥", None),
        ("", None, "must have 1 to 5 characters"),
        ("sixsix", None, "must have 1 to 5 characters"),
        ("a\nb", None, PRINTABLE),
        ("\x00", None, PRINTABLE),
        ("\x7f", None, PRINTABLE),
        ("a\x85b", None, PRINTABLE),
        ("\u4f1a\u3000\u4e00", "\u4f1a\u3000\u4e00", None),
        ("a\u00a0b", "a\u00a0b", None),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469", None),
        ("\ud800", None, PRINTABLE),
        (None, None, None),
        (1, None, TEXT),
        (True, None, TEXT),
        (["x"], None, TEXT),
        ({}, None, TEXT),
    ],
)
def test_text(value: object, expected: str | None, complaint: str | None) -> None:
    said = [f"a {complaint}"] if complaint else []
    assert read(value, lambda m: m.text("a", 5)) == (expected, said)


def test_a_pattern_applies_to_the_whole_text() -> None:
    def how(m: Fields) -> object:
        return m.text("a", 5, re.compile("[a-z]+"), "must be small letters")

    assert read("abc", how) == ("abc", [])
    for value in ("Abc", "abC", "a c", "abc\n", "abc1"):
        assert read(value, how) == (None, ["a must be small letters"])


@pytest.mark.parametrize("value", ["", "x" * 9999, "\n", "\ud800"])
def test_free_text_may_contain_any_character(value: str) -> None:
    assert read(value, lambda m: m.free_text("a")) == (value, [])


def test_free_text_must_be_a_string() -> None:
    for missing in (NOT_SENT, None):
        assert read(missing, lambda m: m.free_text("a")) == ("", [])
    values: list[object] = [1, ["x"], {}]
    for value in values:
        assert read(value, lambda m: m.free_text("a")) == ("", [f"a {TEXT}"])


@pytest.mark.parametrize(
    ("value", "expected", "complaint"),
    [
        (NOT_SENT, None, None),
        (1, 1, None),
        (9, 9, None),
        (0, None, "must be from 1 to 9"),
        (10, None, "must be from 1 to 9"),
        (-(10**4000), None, "must be from 1 to 9"),
        (10**4000, None, "must be from 1 to 9"),
        (True, None, "must be an integer"),
        (False, None, "must be an integer"),
        (1.0, 1, None),
        (9.0, 9, None),
        (10.0, None, "must be from 1 to 9"),
        (1e300, None, "must be from 1 to 9"),
        (1.5, None, "must be an integer"),
        (float("nan"), None, "must be an integer"),
        (float("inf"), None, "must be an integer"),
        ("1", None, "must be an integer"),
        (None, None, None),
        ([1], None, "must be an integer"),
    ],
)
def test_integer(value: object, expected: int | None, complaint: str | None) -> None:
    said = [f"a {complaint}"] if complaint else []
    assert read(value, lambda m: m.integer("a", 1, 9)) == (expected, said)


def test_a_hint_completes_the_message_for_an_integer_outside_its_limits() -> None:
    def how(m: Fields) -> object:
        return m.integer("a", 1, 9, lambda value: f", not {value}")

    assert read(5, how) == (5, [])
    assert read(11, how) == (None, ["a must be from 1 to 9, not 11"])
    assert read("11", how) == (None, ["a must be an integer"])


def test_flag() -> None:
    assert read(NOT_SENT, lambda m: m.flag("a")) == (False, [])
    assert read(None, lambda m: m.flag("a")) == (False, [])
    assert read(True, lambda m: m.flag("a")) == (True, [])
    assert read(False, lambda m: m.flag("a")) == (False, [])
    values: list[object] = [0, 1, "true", [], {}]
    for value in values:
        assert read(value, lambda m: m.flag("a")) == (False, ["a must be true or false"])


def test_choice() -> None:
    assert read(NOT_SENT, lambda m: m.choice("a", Colour)) == (None, [])
    assert read(None, lambda m: m.choice("a", Colour)) == (None, [])
    assert read("green", lambda m: m.choice("a", Colour)) == (Colour.GREEN, [])
    values: list[object] = ["GREEN", "blue", "", 1, ["red"], {"red": "red"}]
    for value in values:
        assert read(value, lambda m: m.choice("a", Colour)) == (
            None,
            ["a must be one of red, green"],
        )


def test_choices() -> None:
    assert read(NOT_SENT, lambda m: m.choices("a", Colour)) == ((), [])
    assert read(None, lambda m: m.choices("a", Colour)) == ((), [])
    assert read([], lambda m: m.choices("a", Colour)) == ((), [])
    both = read(["green", "red"], lambda m: m.choices("a", Colour))
    assert both == ((Colour.GREEN, Colour.RED), [])
    hint = "a must be an array; an empty array is [], not {}"
    assert read({}, lambda m: m.choices("a", Colour)) == ((), [hint])
    values: list[object] = ["red", {"red": 1}, 1]
    for value in values:
        assert read(value, lambda m: m.choices("a", Colour)) == ((), ["a must be an array"])
    entries: list[object] = ["blue", None, 1, ["red"], {}]
    for entry in entries:
        assert read(["red", entry], lambda m: m.choices("a", Colour)) == (
            (Colour.RED,),
            ["a each value must be one of red, green"],
        )
    twice = read(["red", "red"], lambda m: m.choices("a", Colour))
    assert twice[1] == ["a must not contain duplicates"]


def test_texts() -> None:
    assert read(NOT_SENT, lambda m: m.texts("a")) == ((), [])
    assert read(None, lambda m: m.texts("a")) == ((), [])
    assert read(["x", ""], lambda m: m.texts("a")) == (("x", ""), [])
    values: list[object] = ["x", ["x", 1], [None], {"x": "x"}]
    for value in values:
        assert read(value, lambda m: m.texts("a")) == ((), ["a must be an array of strings"])


def test_mapping() -> None:
    def how(m: Fields) -> object:
        return m.mapping("a", Colour, most=2, longest=3)

    assert read(NOT_SENT, how) == (None, [])
    assert read(None, how) == (None, [])
    assert read({}, how) == ({}, [])
    assert read([], how) == (None, ["a must be an object; an empty object is {}, not []"])
    assert read({"x": "red", "yyy": "green"}, how) == ({"x": Colour.RED, "yyy": Colour.GREEN}, [])
    values: list[object] = [["x"], "red", 1]
    for value in values:
        assert read(value, how) == (None, ["a must be an object"])
    assert read({"x": "red", "y": "red", "z": "red"}, how) == (
        None,
        ["a must have at most 2 entries"],
    )
    for name, field in (("", "a"), ("four", "a.four")):
        assert read({name: "red"}, how)[1] == [f"{field} each name must have 1 to 3 characters"]
    assert read({"x": "blue", "y": None}, how)[1] == [
        "a.x must be one of red, green",
        "a.y must be one of red, green",
    ]


# --- points in time -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2030-01-31T12:00:00Z", 1_896_091_200),
        ("2030-01-31t12:00:00z", 1_896_091_200),
        ("2030-01-31 12:00:00Z", 1_896_091_200),
        ("2030-01-31T12:00:00+00:00", 1_896_091_200),
        ("2030-01-31T12:00Z", 1_896_091_200),
        ("2030-01-31T13:00+01:00", 1_896_091_200),
        ("2030-01-31T14:30:00+02:30", 1_896_091_200),
        ("2030-01-31T07:00:00-05:00", 1_896_091_200),
        ("2030-01-31T12:00:00.999999999Z", 1_896_091_200),
        ("2030-01-31T12:00:00.5+00:00", 1_896_091_200),
        ("2028-02-29T00:00:00Z", 1_835_395_200),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("0001-01-01T00:00:00Z", -62_135_596_800),
    ],
)
def test_an_instant(text: str, seconds: int) -> None:
    assert read(text, lambda m: m.instant("a")) == (seconds, [])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "tomorrow",
        "2030-01-31",
        "2030-01-31T12:00:00",
        "2030-01-31T12Z",
        "2030-01-31T12:00.5Z",
        "2030-01-31T12:00",
        "2030-01-31T12:00:00.Z",
        "2030-01-31T12:00:00.1234567890Z",
        "2030-01-31T12:00:00,5Z",
        "2030-01-31T12:00:00 Z",
        "2030-01-31T12:00:00+0200",
        "2030-01-31T12:00:00+02",
        "2030-01-31T12:00:00+24:00",
        "2030-01-31T12:00:00+02:60",
        "2030-01-31T12:00:00Z\n",
        " 2030-01-31T12:00:00Z",
        "2030-02-31T12:00:00Z",
        "2030-02-29T12:00:00Z",
        "2030-13-01T12:00:00Z",
        "2030-01-31T24:00:01Z",
        "2030-01-31T12:60:00Z",
        "2030-01-31T12:00:60Z",
        "0000-01-01T00:00:00Z",
        "٢030-01-31T12:00:00Z",
        "20300131T120000Z",
        "2030-W05-4T12:00:00Z",
        # In UTC, these are in the years 10000 and 0.
        "9999-12-31T23:59:59-00:01",
        "0001-01-01T00:00:00+00:01",
        1_896_091_200,
        True,
        ["2030-01-31T12:00:00Z"],
        {},
    ],
)
def test_other_texts_are_not_an_instant(value: object) -> None:
    expected = ["a must be a time such as 2030-01-31T12:00:00Z (RFC 3339)"]
    assert read(value, lambda m: m.instant("a")) == (None, expected)


def test_an_instant_may_be_missing_or_null() -> None:
    assert read(NOT_SENT, lambda m: m.instant("a")) == (None, [])
    assert read(None, lambda m: m.instant("a")) == (None, [])


# --- everything -----------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["red", "green", "2030-01-31T12:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from("abcx"), JSON))
def test_any_value_is_either_read_or_reported(values: Mapping[str, object]) -> None:
    kinds: list[Callable[[Fields], object]] = [
        lambda m: m.text("a", 5),
        lambda m: m.free_text("a"),
        lambda m: m.integer("a", -5, 5),
        lambda m: m.integer_text("a", 1, 5),
        lambda m: m.flag("a"),
        lambda m: m.choice("a", Colour),
        lambda m: m.choices("a", Colour),
        lambda m: m.texts("a"),
        lambda m: m.mapping("a", Colour, 3, 3),
        lambda m: m.instant("a"),
        lambda m: m.nested("a", ("b",)),
    ]
    for how in kinds:
        sent = Fields(values, ("a", "b", "c"))
        how(sent)
        said = complaints(sent)
        assert sent.valid is (not said)
        assert ("x unknown field" in said) is ("x" in values)
