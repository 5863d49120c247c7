"""The pools in the table: finding and counting pooled sessions, and the state of refills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from opentok_sessions.domain.deadline import POOLED_TTL_SECONDS
from opentok_sessions.domain.problems import StorageUnavailable
from opentok_sessions.storage.pool_store import CANDIDATES, CLAIMS_MAX, PoolStore, RefillState
from opentok_sessions.storage.table import Table
from tests.aws import API_KEY, TABLE_NAME, Aws, answer, item_key, refuse, sent_twice
from tests.unit.opentok_sessions.application import DEADLINE, NOW

POOL = f"{API_KEY}#routed"
LAST, FIRST = "z", "!"
"""Pool keys after and before every position at which a search can start."""


@pytest.fixture
def pools(aws: Aws) -> PoolStore:
    return PoolStore(Table(aws.client("dynamodb"), TABLE_NAME))


def put(aws: Aws, session_id: str, pool_key: str, pool_id: str = POOL) -> None:
    aws.put(
        {
            "pk": {"S": f"session#{session_id}"},
            "projectId": {"S": API_KEY},
            "poolId": {"S": pool_id},
            "poolKey": {"S": pool_key},
            "pooledAt": {"N": str(NOW)},
            "ttl": {"N": str(NOW + POOLED_TTL_SECONDS)},
        }
    )


def put_many(aws: Aws, numbers: Iterable[int], side: str) -> set[str]:
    ids = {f"s{n}" for n in numbers}
    for session_id in ids:
        put(aws, session_id, side + session_id)
    return ids


class TestWaiting:
    def test_one_query_finds_the_next_sessions(self, aws: Aws, pools: PoolStore) -> None:
        ids = put_many(aws, range(3), LAST)
        assert next(pools.find_pooled(POOL, DEADLINE)) in ids
        assert aws.calls == ["Query"]

    def test_a_search_goes_around_the_pool_once(self, aws: Aws, pools: PoolStore) -> None:
        right, left = put_many(aws, range(2), LAST), put_many(aws, range(2, 5), FIRST)
        found = list(pools.find_pooled(POOL, DEADLINE))
        assert set(found[:2]) == right
        assert set(found[2:]) == left
        assert aws.calls == ["Query", "Query"]

    def test_a_search_yields_every_session_exactly_once(self, aws: Aws, pools: PoolStore) -> None:
        for n in range(CLAIMS_MAX):
            pools.add(f"s{n}", API_KEY, POOL, NOW)
        for _ in range(10):
            assert sorted(pools.find_pooled(POOL, DEADLINE)) == sorted(
                f"s{n}" for n in range(CLAIMS_MAX)
            )

    def test_a_bounded_number_of_tries(self, aws: Aws, pools: PoolStore) -> None:
        ids = put_many(aws, range(CANDIDATES + 1), LAST)
        found = list(pools.find_pooled(POOL, DEADLINE))
        assert len(found) == len(set(found)) == CLAIMS_MAX
        assert set(found) < ids
        assert aws.calls == ["Query"]
        assert aws.requests[0]["Limit"] == CANDIDATES

    def test_the_second_page_brings_what_the_first_lacked(self, aws: Aws, pools: PoolStore) -> None:
        right = put_many(aws, range(3), LAST)
        put_many(aws, range(3, 40), FIRST)
        found = list(pools.find_pooled(POOL, DEADLINE))
        assert set(found[:3]) == right
        assert len(set(found)) == CLAIMS_MAX
        assert [request["Limit"] for request in aws.requests] == [CANDIDATES, CANDIDATES]

    def test_an_empty_pool(self, aws: Aws, pools: PoolStore) -> None:
        assert list(pools.find_pooled(POOL, DEADLINE)) == []
        assert aws.calls == ["Query", "Query"]

    def test_pools_are_apart(self, aws: Aws, pools: PoolStore) -> None:
        put(aws, "relayed", LAST, f"{API_KEY}#relayed")
        put(aws, "old-project", LAST, "46000000#routed")
        assert list(pools.find_pooled(POOL, DEADLINE)) == []
        assert list(pools.find_pooled("46000000#routed", DEADLINE)) == ["old-project"]

    def test_searches_begin_anywhere(self, aws: Aws, pools: PoolStore) -> None:
        for n in range(CLAIMS_MAX):
            pools.add(f"s{n}", API_KEY, POOL, NOW)
        first = {next(pools.find_pooled(POOL, DEADLINE)) for _ in range(60)}
        assert len(first) > 3

    def test_neighbours_come_in_any_order(self, aws: Aws, pools: PoolStore) -> None:
        put_many(aws, range(8), LAST)
        assert len({next(pools.find_pooled(POOL, DEADLINE)) for _ in range(60)}) > 3

    def test_an_entry_that_is_stale_is_one_more_try(self, aws: Aws, pools: PoolStore) -> None:
        page = {"Items": [{"pk": {"S": "session#gone"}}], "Count": 1}
        aws.meet("Query", answer(200, page))
        put(aws, "here", FIRST)
        assert list(pools.find_pooled(POOL, DEADLINE)) == ["gone", "here"]

    def test_dynamodb_fails(self, aws: Aws, pools: PoolStore) -> None:
        aws.meet("Query", refuse("ResourceNotFoundException"))
        with pytest.raises(StorageUnavailable):
            list(pools.find_pooled(POOL, DEADLINE))


class TestAdding:
    def test_a_pooled_session_has_no_owner(self, aws: Aws, pools: PoolStore) -> None:
        pools.add("s1", API_KEY, POOL, NOW + 0.9)
        item = aws.item("session#s1")
        assert item is not None
        assert len(item.pop("poolKey")["S"]) == 16
        assert item == {
            "pk": {"S": "session#s1"},
            "sk": {"S": "session"},
            "schema": {"N": "1"},
            "projectId": {"S": API_KEY},
            "poolId": {"S": POOL},
            "pooledAt": {"N": str(NOW)},
            "ttl": {"N": str(NOW + POOLED_TTL_SECONDS)},
        }

    def test_places_are_random(self, aws: Aws, pools: PoolStore) -> None:
        for n in range(20):
            pools.add(f"s{n}", API_KEY, POOL, NOW)
        keys = [item["poolKey"]["S"] for item in aws.items("session#")]
        assert len(set(keys)) == 20

    def test_one_that_has_an_owner_does_not_go_back(self, aws: Aws, pools: PoolStore) -> None:
        owned = {**item_key("session#s1"), "owner": {"S": "alice"}}
        aws.put(owned)
        pools.add("s1", API_KEY, POOL, NOW)
        assert aws.item("session#s1") == owned

    def test_a_lost_reply(self, aws: Aws, pools: PoolStore) -> None:
        aws.meet("PutItem", sent_twice)
        pools.add("s1", API_KEY, POOL, NOW)
        assert list(pools.find_pooled(POOL, DEADLINE)) == ["s1"]

    def test_dynamodb_fails(self, aws: Aws, pools: PoolStore) -> None:
        aws.meet("PutItem", refuse("ResourceNotFoundException"))
        with pytest.raises(StorageUnavailable):
            pools.add("s1", API_KEY, POOL, NOW)


class TestCounting:
    def test_the_sessions_of_one_pool_are_counted(self, aws: Aws, pools: PoolStore) -> None:
        put_many(aws, range(7), LAST)
        put(aws, "relayed", LAST, f"{API_KEY}#relayed")
        assert pools.count(POOL) == 7
        assert pools.count("no-pool") == 0

    def test_page_by_page(self, aws: Aws, pools: PoolStore) -> None:
        put_many(aws, range(2), LAST)
        last = {"pk": {"S": "session#x"}, "poolId": {"S": POOL}, "poolKey": {"S": FIRST}}
        for count in (1000, 500):
            page = {"Count": count, "ScannedCount": count, "LastEvaluatedKey": last}
            aws.meet("Query", answer(200, page))
        assert pools.count(POOL) == 1502
        assert [r.get("ExclusiveStartKey") for r in aws.requests] == [None, last, last]
        assert {r["Select"] for r in aws.requests} == {"COUNT"}

    def test_an_empty_page_is_not_the_end(self, aws: Aws, pools: PoolStore) -> None:
        put_many(aws, range(2), LAST)
        last = {"pk": {"S": "session#x"}, "poolId": {"S": POOL}, "poolKey": {"S": FIRST}}
        aws.meet("Query", answer(200, {"Count": 0, "ScannedCount": 0, "LastEvaluatedKey": last}))
        assert pools.count(POOL) == 2


class TestWhatRefillsRemember:
    def test_the_last_one(self, aws: Aws, pools: PoolStore) -> None:
        assert pools.get_refill_state(POOL) is None
        pools.put_refill_state(POOL, RefillState(5, 4, NOW), NOW)
        pools.put_refill_state(POOL, RefillState(8, 7, NOW + 60), NOW)
        assert pools.get_refill_state(POOL) == RefillState(8, 7, NOW + 60)
        assert pools.get_refill_state("another") is None
        assert aws.items() == [
            {
                **item_key(f"refill#{POOL}"),
                "ttl": {"N": str(NOW + POOLED_TTL_SECONDS)},
                "schema": {"N": "1"},
                "target": {"N": "8"},
                "available": {"N": "7"},
                "refilledAt": {"N": str(NOW + 60)},
            }
        ]

    @pytest.mark.parametrize("missing", ["target", "available", "refilledAt"])
    def test_a_damaged_refill_record_counts_as_none_and_is_reported(
        self,
        aws: Aws,
        pools: PoolStore,
        missing: str,
        log: Callable[[], str],
        metrics: Callable[[], Counter[str]],
    ) -> None:
        pools.put_refill_state(POOL, RefillState(5, 4, NOW), NOW)
        item = aws.item(f"refill#{POOL}")
        assert item is not None
        del item[missing]
        aws.put(item)
        assert pools.get_refill_state(POOL) is None
        assert f"refill#{POOL}: {missing} is missing" in log()
        assert metrics()["InternalError"] == 1
