"""The ranks of features' statuses."""

from __future__ import annotations

import pytest

from opentok_sessions.domain.features import rank


def test_every_step_of_a_feature_has_a_higher_rank_than_the_one_before() -> None:
    assert rank("starting") < rank("started") < rank("stopped") < rank("available")
    assert rank("available") < rank("expired")
    assert rank("created") < rank("ringing") < rank("hangup") < rank("destroyed")


@pytest.mark.parametrize(
    "statuses",
    [("started", "paused", "ringing", "active"), ("uploaded", "available", "failed")],
)
def test_statuses_between_which_the_time_decides_have_one_rank(statuses: tuple[str, ...]) -> None:
    assert len({rank(status) for status in statuses}) == 1


@pytest.mark.parametrize("status", ["", "a-status-of-the-future", "STOPPED"])
def test_an_unknown_status_counts_as_running(status: str) -> None:
    assert rank(status) == rank("started")
