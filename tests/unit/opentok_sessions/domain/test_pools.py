"""The declared pools, and the pool of a session."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.options import ArchiveMode, MediaMode, SessionOptions
from opentok_sessions.domain.pools import Pool, pool_name
from opentok_sessions.domain.problems import InvalidCombination, InvalidRequest
from opentok_sessions.http.pools import POOL_SIZE_MAX, parse_pools, pools_from_json
from tests.aws import ENVIRONMENT

ROUTED = {"mediaMode": "routed", "min": 2, "max": 20}
RELAYED = {"mediaMode": "relayed", "min": 0, "max": 1}
ARCHIVED = {"archiveMode": "always", "archiveResolution": "1280x720", "min": 1, "max": 5}


def wrong(*declared: Any) -> dict[str, str]:
    """Returns the errors of these pools by field."""
    with pytest.raises((InvalidRequest, InvalidCombination)) as refused:
        parse_pools(list(declared))
    assert all(error.field in refused.value.detail for error in refused.value.errors)
    return {error.field: error.message for error in refused.value.errors}


class TestReading:
    def test_options_and_sizes(self) -> None:
        assert parse_pools([ROUTED, RELAYED, ARCHIVED]) == [
            Pool(SessionOptions(MediaMode.ROUTED), 2, 20),
            Pool(SessionOptions(MediaMode.RELAYED), 0, 1),
            Pool(
                SessionOptions(archive_mode=ArchiveMode.ALWAYS, archive_resolution="1280x720"),
                1,
                5,
            ),
        ]

    def test_none_at_all(self) -> None:
        assert parse_pools([]) == []

    def test_the_templates_own(self) -> None:
        names = [pool.name for pool in parse_pools(json.loads(ENVIRONMENT["POOLS"]))]
        assert names == ["routed", "relayed"]

    def test_auto_decides_as_for_a_caller(self) -> None:
        [pool] = parse_pools([{"expectedParticipants": 2, "min": 1, "max": 1}])
        assert pool.options.media_mode is MediaMode.RELAYED

    @pytest.mark.parametrize("declared", [None, {}, {"pools": []}, "[]", 5])
    def test_what_is_no_list(self, declared: object) -> None:
        with pytest.raises(InvalidRequest) as refused:
            parse_pools(declared)
        assert [error.field for error in refused.value.errors] == ["pools"]

    @pytest.mark.parametrize("entry", [None, 5, "routed", [ROUTED]])
    def test_what_is_no_pool(self, entry: object) -> None:
        assert wrong(ROUTED, entry) == {"pools[1]": "must be an object"}

    def test_what_is_missing(self) -> None:
        assert wrong({"min": 1}) == {"pools[0].max": "is required"}
        assert wrong({}) == {"pools[0].min": "is required", "pools[0].max": "is required"}

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("min", -1),
            ("min", POOL_SIZE_MAX + 1),
            ("max", 0),
            ("max", POOL_SIZE_MAX + 1),
            ("min", "2"),
            ("max", None),
            ("max", True),
            ("min", 1.5),
            ("mediaMode", "psychic"),
            ("location", "127.0.0.1"),
            ("room", "lobby"),
            ("participants", {}),
            ("token", {}),
            ("colour", "red"),
        ],
    )
    def test_what_is_wrong_is_named(self, member: str, value: object) -> None:
        assert list(wrong(RELAYED, {**ROUTED, member: value})) == [f"pools[1].{member}"]

    def test_min_above_max_names_the_pool(self) -> None:
        [(field, message)] = wrong({**ROUTED, "min": 21}).items()
        assert field == "pools[0].min"
        assert "must not exceed" in message
        assert "'routed'" in message

    def test_min_may_be_max(self) -> None:
        assert parse_pools([{"min": 3, "max": 3}]) == [Pool(SessionOptions(), 3, 3)]

    def test_the_limits_themselves(self) -> None:
        [pool] = parse_pools([{"min": 0, "max": POOL_SIZE_MAX}])
        assert (pool.minimum, pool.maximum) == (0, POOL_SIZE_MAX)

    def test_the_same_options_twice(self) -> None:
        again = {"mediaMode": "auto", "min": 1, "max": 3}
        assert wrong(ROUTED, RELAYED, again) == {
            "pools[2]": "declares the pool 'routed' a second time"
        }

    def test_a_wrong_pool_is_no_twin(self) -> None:
        assert list(wrong({**ROUTED, "min": 30}, ROUTED)) == ["pools[0].min"]

    def test_combinations_that_the_vendor_forbids(self) -> None:
        assert "pools[0].archiveMode" in wrong({**RELAYED, "archiveMode": "always"})

    def test_all_errors_together(self) -> None:
        found = wrong({"min": 9, "max": 3}, {"max": 0}, 5, ROUTED, ROUTED)
        assert list(found) == [
            "pools[0].min",
            "pools[1].min",
            "pools[1].max",
            "pools[2]",
            "pools[4]",
        ]


class TestPools:
    def test_the_one_that_fits_exactly(self) -> None:
        pools = pools_from_json(json.dumps([ROUTED, ARCHIVED]))
        fitting = pools.matching(SessionOptions())
        assert fitting is not None
        assert fitting.name == "routed"
        assert pools.matching(SessionOptions(MediaMode.RELAYED)) is None
        assert pools.matching(SessionOptions(location="12.34.56.78")) is None
        assert pools.matching(SessionOptions(archive_mode=ArchiveMode.ALWAYS)) is None

    @pytest.mark.parametrize("text", ["", "[", "pools", "[{]"])
    def test_what_is_not_json(self, text: str) -> None:
        with pytest.raises(InvalidRequest, match="not valid JSON"):
            pools_from_json(text)

    @pytest.mark.parametrize("text", ["{}", "null", '[{"min": 1}]'])
    def test_what_are_no_pools(self, text: str) -> None:
        with pytest.raises(InvalidRequest):
            pools_from_json(text)


class TestNames:
    def test_the_options_that_differ_from_the_usual(self) -> None:
        assert pool_name(SessionOptions()) == "routed"
        assert pool_name(SessionOptions(MediaMode.RELAYED)) == "relayed"
        assert pool_name(SessionOptions(e2ee=True)) == "routed/e2ee"
        assert pool_name(SessionOptions(location="12.34.56.78")) == "routed/12.34.56.78"
        everything = SessionOptions(
            MediaMode.ROUTED, ArchiveMode.ALWAYS, "standup", "1280x720", "12.34.56.78"
        )
        assert pool_name(everything) == "routed/always/1280x720/12.34.56.78/name=standup"

    def test_an_archives_name_is_not_taken_for_another_option(self) -> None:
        always = SessionOptions(archive_mode=ArchiveMode.ALWAYS, archive_name="x")
        located = replace(always, location="12.34.56.78")
        assert pool_name(located) != pool_name(replace(always, archive_name="x/12.34.56.78"))
        assert pool_name(located) != pool_name(replace(always, archive_name="12.34.56.78/x"))

    def test_the_project_is_part_of_the_key(self) -> None:
        [pool] = parse_pools([ROUTED])
        assert pool.id_for("47000001") == "47000001#routed"
        assert pool.id_for("46000000") != pool.id_for("47000001")


RESOLUTIONS = ["640x480", "1280x720"]
OPTIONS = st.one_of(
    st.builds(
        SessionOptions,
        archive_mode=st.just(ArchiveMode.ALWAYS),
        archive_name=st.none()
        | st.lists(st.sampled_from([*RESOLUTIONS, "12.34.56.78", "a", "name=a"]), min_size=1).map(
            lambda parts: "/".join(parts)[:80]
        ),
        archive_resolution=st.none() | st.sampled_from(RESOLUTIONS),
        location=st.none() | st.just("12.34.56.78"),
    ),
    st.builds(
        SessionOptions,
        media_mode=st.sampled_from(MediaMode),
        location=st.none() | st.just("12.34.56.78"),
    ),
    st.builds(SessionOptions, e2ee=st.booleans(), location=st.none() | st.just("12.34.56.78")),
)


@given(OPTIONS, OPTIONS)
def test_different_options_have_different_pools(one: SessionOptions, other: SessionOptions) -> None:
    assert (pool_name(one) == pool_name(other)) == (one == other)
