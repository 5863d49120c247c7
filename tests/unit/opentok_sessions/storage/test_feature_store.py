"""The latest status of a feature is kept, in any order of arrival."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentok_sessions.domain.features import FeatureRecord, rank
from opentok_sessions.domain.problems import DamagedRecord, StorageUnavailable
from opentok_sessions.storage import feature_store
from opentok_sessions.storage.feature_store import FeatureStore
from opentok_sessions.storage.table import Table
from tests.aws import TABLE_NAME, Aws, Reaction, answer, refuse, reply_lost
from tests.unit.opentok_sessions.application import DAY, NOW, RETENTION
from tests.unit.opentok_sessions.fast_aws import FastAws

SOAK = os.environ.get("SOAK") == "1"

MS = NOW * 1000
SESSION = "session-1"
STATUSES = [
    *("starting", "started", "paused", "stopped", "uploaded", "available"),
    *("failed", "expired", "deleted", "created", "ringing", "destroyed", "unknown"),
]


def report(status: str, at: int = 0, name: str = "standup") -> FeatureRecord:
    return FeatureRecord("archives", "a-1", status, at, {"id": "a-1", "name": name})


def store_of(aws: Aws) -> FeatureStore:
    return FeatureStore(Table(aws.client("dynamodb"), TABLE_NAME))


def record(store: FeatureStore, reported: FeatureRecord) -> bool:
    return store.record(SESSION, reported, NOW, RETENTION)


@pytest.fixture
def store(aws: Aws) -> FeatureStore:
    return store_of(aws)


class TestRecord:
    def test_a_recorded_status_is_found(self, store: FeatureStore) -> None:
        stopped = FeatureRecord(
            "archives", "a-1", "stopped", MS, {"id": "a-1", "size": 7, "hasAudio": True, "é": None}
        )
        assert record(store, stopped) is True
        assert store.find(SESSION, "archives", "a-1") == stopped

    def test_nothing_is_found_of_another_feature_family_or_session(
        self, store: FeatureStore
    ) -> None:
        record(store, report("started"))
        assert store.find(SESSION, "archives", "a-2") is None
        assert store.find(SESSION, "broadcasts", "a-1") is None
        assert store.find("session-2", "archives", "a-1") is None

    def test_a_record_expires_and_is_in_no_index(self, aws: Aws, store: FeatureStore) -> None:
        record(store, report("started"))
        item = aws.item(f"session#{SESSION}", "feature#archives#a-1")
        assert item is not None
        assert item["ttl"] == {"N": str(NOW + 30 * DAY)}
        assert not {"owner", "poolId", "poolKey"} & item.keys()

    @pytest.mark.parametrize(
        ("earlier", "later"),
        [
            (report("started", MS), report("paused", MS + 1)),
            (report("paused", MS), report("started", MS + 1)),
            (report("paused"), report("started", MS)),
            (report("started", MS), report("stopped")),
            (report("stopped", MS), report("uploaded", MS - 5)),
            (report("stopped", MS), report("stopped", MS + 1)),
            (report("available", MS), report("expired")),
            (report("failed", MS), report("deleted")),
        ],
    )
    def test_the_later_of_two_statuses_is_kept(
        self, store: FeatureStore, earlier: FeatureRecord, later: FeatureRecord
    ) -> None:
        assert record(store, earlier) is True
        assert record(store, later) is True
        assert record(store, earlier) is False
        assert store.find(SESSION, "archives", "a-1") == later

    def test_the_same_again_changes_nothing(self, aws: Aws, store: FeatureStore) -> None:
        record(store, report("started", MS))
        items = aws.items()
        assert store.record(SESSION, report("started", MS), NOW + DAY, RETENTION) is False
        assert aws.items() == items

    def test_statuses_without_a_time_and_with_one_rank_have_a_fixed_order(
        self, store: FeatureStore
    ) -> None:
        assert record(store, report("started")) is True
        assert record(store, report("paused")) is False


class TestList:
    def test_the_features_of_one_family_are_listed(self, store: FeatureStore) -> None:
        for family, feature_id in [("archives", "a-1"), ("archives", "a-2"), ("renders", "r-1")]:
            record(store, FeatureRecord(family, feature_id, "started", MS, {}))
        found = store.list(SESSION, "archives")
        assert sorted(feature.id for feature in found) == ["a-1", "a-2"]
        assert store.list(SESSION, "broadcasts") == []

    def test_a_list_is_bounded(
        self, aws: Aws, store: FeatureStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feature_store, "LIST_MAX", 3)
        for number in range(7):
            record(store, report("started")._replace(id=f"a-{number}"))
        aws.forget_calls()
        assert len(store.list(SESSION, "archives")) == 3
        assert aws.calls == ["Query"]

    def test_the_records_of_some_features_are_found(self, aws: Aws, store: FeatureStore) -> None:
        for number in range(3):
            record(store, report("started")._replace(id=f"a-{number}"))
        found = store.find_all(SESSION, "archives", ["a-0", "a-2", "a-2", "a-9"])
        assert sorted(found) == ["a-0", "a-2"]
        aws.forget_calls()
        assert store.find_all(SESSION, "archives", []) == {}
        assert aws.calls == []

    def test_connections_are_not_listed(self, aws: Aws, store: FeatureStore) -> None:
        aws.put({"pk": {"S": f"session#{SESSION}"}, "sk": {"S": "live#a-1"}})
        assert store.list(SESSION, "archives") == []


class TestFailures:
    @pytest.mark.parametrize(
        "failure", [refuse("TransactionConflictException"), answer(500, {}), refuse("Throttling")]
    )
    def test_a_status_that_cannot_be_recorded_is_a_failure(
        self, aws: Aws, store: FeatureStore, failure: Reaction
    ) -> None:
        aws.meet("PutItem", *[failure] * 4)
        with pytest.raises(StorageUnavailable):
            record(store, report("started"))
        aws.no_more()
        assert record(store, report("started")) is True

    def test_a_lost_reply_leaves_the_record_as_it_was_sent(
        self, aws: Aws, store: FeatureStore
    ) -> None:
        aws.meet("PutItem", reply_lost)
        record(store, report("stopped", MS))
        assert aws.calls == ["PutItem", "PutItem"]
        assert store.find(SESSION, "archives", "a-1") == report("stopped", MS)

    @pytest.mark.parametrize("fields", ["", "[]", '{"id"'])
    def test_damaged_fields_are_named(self, aws: Aws, store: FeatureStore, fields: str) -> None:
        record(store, report("started"))
        item = aws.item(f"session#{SESSION}", "feature#archives#a-1")
        assert item is not None
        aws.put({**item, "fields": {"S": fields}})
        with pytest.raises(DamagedRecord, match="fields"):
            store.find(SESSION, "archives", "a-1")


REPORTS = st.lists(
    st.builds(report, st.sampled_from(STATUSES), st.integers(0, 3), st.just("standup")),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=500 if SOAK else 50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(REPORTS, st.randoms(use_true_random=False), st.data())
def test_every_order_repetition_and_loss_of_earlier_reports_gives_the_same_status(
    fast_aws: FastAws, reports: list[FeatureRecord], order: random.Random, data: st.DataObject
) -> None:
    latest = max(reports, key=lambda r: (rank(r.status), r.updated_at, r.status))
    sent = [latest, *(r for r in reports if data.draw(st.booleans()))]
    sent += [r for r in sent if data.draw(st.booleans())]
    order.shuffle(sent)
    fast_aws.clear()
    store, highest = store_of(cast(Aws, fast_aws)), -1
    for reported in sent:
        record(store, reported)
        found = store.find(SESSION, "archives", "a-1")
        assert found is not None
        assert rank(found.status) >= highest, "a status went backwards"
        highest = rank(found.status)
    assert found == latest


def test_the_latest_of_many_simultaneous_reports_is_kept(aws: Aws, store: FeatureStore) -> None:
    reports = [report(status, MS + n) for n, status in enumerate(STATUSES * 5)]
    random.Random(3).shuffle(reports)
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda reported: record(store, reported), reports))
    latest = max(reports, key=lambda r: (rank(r.status), r.updated_at, r.status))
    assert store.find(SESSION, "archives", "a-1") == latest
