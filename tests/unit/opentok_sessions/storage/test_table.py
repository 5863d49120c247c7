"""The DynamoDB calls: translation of failures, and lost replies."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from opentok_sessions.domain.deadline import AWS_RETRY_PAUSES
from opentok_sessions.domain.problems import StorageUnavailable
from opentok_sessions.storage.attributes import encode
from opentok_sessions.storage.keys import SCHEMA, Key
from opentok_sessions.storage.table import BATCH_GET_MAX, Conditional, Refusal, Table
from tests.aws import (
    TABLE_NAME,
    Answer,
    Aws,
    Reaction,
    answer,
    canceled,
    item_key,
    refuse,
    reply_lost,
    sent_twice,
)

MINE = "my-claim"
CONFLICT = refuse("TransactionConflictException")
THROTTLED = refuse("ProvisionedThroughputExceededException")
BROKEN = refuse("InternalServerError", status=500)


class Meaning(Enum):
    FIRST = 1
    SECOND = 2
    THIRD = 3


@pytest.fixture
def table(aws: Aws) -> Table:
    """The table, through a client without retries."""
    return Table(aws.client("dynamodb", attempts=1), TABLE_NAME)


def item(pk: str, **values: Any) -> dict[str, Any]:
    return {**item_key(pk), **encode(values)}


def key(pk: str) -> Key:
    return Key(pk, "session")


def new(table: Table, pk: str, claim_id: str = MINE) -> dict[str, Any]:
    return table.put_request(item(pk, claimId=claim_id), "attribute_not_exists(pk)")


def three(table: Table) -> list[Conditional]:
    """A transaction of three new items."""
    return [Conditional(m, "Put", new(table, m.name)) for m in Meaning]


def test_reading_is_strongly_consistent(aws: Aws, table: Table) -> None:
    aws.put(item("a", value=1))
    assert table.get(key("a")) == item("a", value=1)
    assert table.get(key("b")) is None
    assert table.get_all([key("a"), key("b")]) == [item("a", value=1)]
    assert [request.get("ConsistentRead") for request in aws.requests[:2]] == [True, True]
    assert aws.requests[2]["RequestItems"][TABLE_NAME]["ConsistentRead"] is True


class TestGetAll:
    def test_nothing_wanted_asks_nothing(self, aws: Aws, table: Table) -> None:
        assert table.get_all([]) == []
        assert aws.calls == []

    def test_more_than_one_batch(self, aws: Aws, table: Table) -> None:
        pks = [f"item-{n}" for n in range(BATCH_GET_MAX + 1)]
        for pk in pks:
            aws.put(item(pk))
        assert sorted(i["pk"]["S"] for i in table.get_all([key(pk) for pk in pks])) == sorted(pks)
        assert aws.calls == ["BatchGetItem"] * 2

    def test_what_was_left_unprocessed_is_asked_for_again(self, aws: Aws, table: Table) -> None:
        pks = ["a", "b", "c"]
        for pk in pks:
            aws.put(item(pk))
        left = {TABLE_NAME: {"Keys": [item("b"), item("c")], "ConsistentRead": True}}
        some = {"Responses": {TABLE_NAME: [item("a")]}, "UnprocessedKeys": left}
        aws.meet("BatchGetItem", answer(200, some))
        assert sorted(i["pk"]["S"] for i in table.get_all([key(pk) for pk in pks])) == pks
        assert aws.requests[1]["RequestItems"][TABLE_NAME]["Keys"] == [item("b"), item("c")]

    def test_nothing_processed_at_all_is_a_failure(self, aws: Aws, table: Table) -> None:
        left = {TABLE_NAME: {"Keys": [item("a")]}}
        aws.meet("BatchGetItem", answer(200, {"Responses": {}, "UnprocessedKeys": left}))
        with pytest.raises(StorageUnavailable):
            table.get_all([key("a")])
        assert aws.calls == ["BatchGetItem"]

    def test_an_answer_without_our_table_holds_no_items(self, aws: Aws, table: Table) -> None:
        aws.meet("BatchGetItem", answer(200, {"Responses": {}, "UnprocessedKeys": {}}))
        assert table.get_all([key("a")]) == []


class TestPut:
    def test_writes_when_the_condition_holds(self, aws: Aws, table: Table) -> None:
        assert table.put(new(table, "a"), MINE) is None
        assert aws.item("a") == item("a", claimId=MINE)

    def test_refuses_when_it_does_not(self, aws: Aws, table: Table) -> None:
        aws.put(item("a", claimId="another-claim"))
        assert table.put(new(table, "a"), MINE) is Refusal.CONDITION
        assert aws.item("a") == item("a", claimId="another-claim")

    def test_recognises_its_own_write_after_a_lost_reply(self, aws: Aws, table: Table) -> None:
        aws.meet("PutItem", sent_twice)
        assert table.put(new(table, "a"), MINE) is None

    def test_recognises_it_through_botocores_own_retry(self, aws: Aws) -> None:
        aws.meet("PutItem", reply_lost)
        table = Table(aws.client("dynamodb", attempts=2), TABLE_NAME)
        assert table.put(new(table, "a"), MINE) is None
        assert aws.calls == ["PutItem", "PutItem"]

    def test_an_item_without_a_claim_is_not_its_own(self, aws: Aws, table: Table) -> None:
        aws.put(item("a", claimId=""))
        assert table.put(new(table, "a", claim_id="")) is Refusal.CONDITION

    def test_a_refusal_that_shows_no_item_is_a_refusal(self, aws: Aws, table: Table) -> None:
        aws.meet("PutItem", refuse("ConditionalCheckFailedException"))
        assert table.put(new(table, "a"), MINE) is Refusal.CONDITION

    def test_a_transaction_at_the_same_item_is_a_conflict(self, aws: Aws, table: Table) -> None:
        aws.meet("PutItem", CONFLICT)
        assert table.put(new(table, "a"), MINE) is Refusal.CONFLICT
        assert aws.calls == ["PutItem"]  # the caller restarts

    def test_values_of_the_condition(self, aws: Aws, table: Table) -> None:
        request = table.put_request(item("a"), "attribute_not_exists(pk) OR n < :n", {":n": 5})
        aws.put(item("a", n=5))
        assert table.put(request) is Refusal.CONDITION
        aws.put(item("a", n=4))
        assert table.put(request) is None

    def test_overwrite_has_no_condition(self, aws: Aws, table: Table) -> None:
        aws.put(item("a", n=1))
        table.overwrite(item("a", n=2))
        assert aws.item("a") == item("a", n=2)


class TestUpdate:
    def request(self, table: Table) -> dict[str, Any]:
        return table.update_request(
            key("a"), "SET #state = :new", "#state = :old", {":new": "closed", ":old": "open"}
        )

    def test_changes_when_the_condition_holds(self, aws: Aws, table: Table) -> None:
        aws.put(item("a", state="open", other=1))
        assert table.update(self.request(table)) is True
        assert aws.item("a") == item("a", state="closed", other=1)
        assert table.update(self.request(table)) is False

    def test_makes_no_item_that_is_not_there(self, aws: Aws, table: Table) -> None:
        request = table.update_request(key("b"), "SET n = :n", "attribute_exists(pk)", {":n": 1})
        assert table.update(request) is False
        assert aws.items() == []

    def test_none_is_left_out_of_the_values(self, aws: Aws, table: Table) -> None:
        request = table.update_request(key("b"), "SET n = :n", "n = :n", {":n": 1, ":ttl": None})
        assert request["ExpressionAttributeValues"] == {":n": {"N": "1"}}
        assert "ExpressionAttributeNames" not in request

    def test_conflicts_pass(self, aws: Aws, table: Table) -> None:
        aws.put(item("a", state="open"))
        aws.meet("UpdateItem", *[CONFLICT] * len(AWS_RETRY_PAUSES))
        assert table.update(self.request(table)) is True
        assert len(aws.calls) == 1 + len(AWS_RETRY_PAUSES)

    def test_conflicts_that_do_not_pass_are_a_failure(self, aws: Aws, table: Table) -> None:
        aws.put(item("a", state="open"))
        aws.meet_always("UpdateItem", CONFLICT)
        with pytest.raises(StorageUnavailable):
            table.update(self.request(table))
        assert len(aws.calls) == 1 + len(AWS_RETRY_PAUSES)

    def test_a_refusal_after_a_conflict_is_a_refusal(self, aws: Aws, table: Table) -> None:
        aws.put(item("a", state="closed"))
        aws.meet("UpdateItem", CONFLICT)
        assert table.update(self.request(table)) is False


class TestTransact:
    def test_writes_all(self, aws: Aws, table: Table) -> None:
        assert table.transact(three(table), MINE) is None
        assert {i["pk"]["S"] for i in aws.items()} == {m.name for m in Meaning}

    @pytest.mark.parametrize("taken", Meaning)
    def test_a_failed_transaction_writes_nothing_and_names_the_condition(
        self, aws: Aws, table: Table, taken: Meaning
    ) -> None:
        aws.put(item(taken.name, claimId="another-claim"))
        assert table.transact(three(table), MINE) is taken
        assert aws.items() == [item(taken.name, claimId="another-claim")]

    def test_the_first_of_several_refusals_counts(self, aws: Aws, table: Table) -> None:
        aws.put(item("SECOND"))
        aws.put(item("THIRD"))
        assert table.transact(three(table), MINE) is Meaning.SECOND

    def test_recognises_its_own_write_after_a_lost_reply(self, aws: Aws, table: Table) -> None:
        aws.meet("TransactWriteItems", sent_twice)
        assert table.transact(three(table), MINE) is None

    def test_a_foreign_claim_is_not_its_own(self, aws: Aws, table: Table) -> None:
        found = [item("FIRST", claimId="another-claim")]
        aws.meet("TransactWriteItems", canceled("ConditionalCheckFailed", "None", items=found))
        assert table.transact(three(table), MINE) is Meaning.FIRST

    def test_without_a_claim_nothing_is_its_own(self, aws: Aws, table: Table) -> None:
        found = [item("FIRST", claimId="")]
        reason = canceled("ConditionalCheckFailed", "None", "None", items=found)
        aws.meet("TransactWriteItems", reason)
        assert table.transact(three(table)) is Meaning.FIRST
        first = aws.requests[0]["TransactItems"][0]["Put"]
        assert "ReturnValuesOnConditionCheckFailure" not in first

    @pytest.mark.parametrize(
        ("codes", "outcome"),
        [
            (["ConditionalCheckFailed", "None", "None"], Meaning.FIRST),
            (["None", "ConditionalCheckFailed", "None"], Meaning.SECOND),
            (["None", "None", "ConditionalCheckFailed"], Meaning.THIRD),
            (["ConditionalCheckFailed", "None", "ConditionalCheckFailed"], Meaning.FIRST),
            (["TransactionConflict", "None", "ConditionalCheckFailed"], Meaning.THIRD),
            (["ConditionalCheckFailed", "TransactionConflict", "None"], Meaning.FIRST),
            (["TransactionConflict", "None", "None"], Refusal.CONFLICT),
            (["None", "TransactionConflict", "TransactionConflict"], Refusal.CONFLICT),
            (["ProvisionedThroughputExceeded", "None", "ConditionalCheckFailed"], Meaning.THIRD),
            ([], Refusal.CONFLICT),
        ],
    )
    def test_each_reason_and_combination(
        self, aws: Aws, table: Table, codes: list[str], outcome: Enum
    ) -> None:
        aws.meet("TransactWriteItems", canceled(*codes))
        assert table.transact(three(table), MINE) is outcome
        assert aws.calls == ["TransactWriteItems"]

    @pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded"])
    def test_throttling_that_passes_is_not_noticed(self, aws: Aws, table: Table, code: str) -> None:
        aws.meet("TransactWriteItems", *[canceled("None", code, "None")] * len(AWS_RETRY_PAUSES))
        assert table.transact(three(table), MINE) is None
        assert len(aws.calls) == 1 + len(AWS_RETRY_PAUSES)

    @pytest.mark.parametrize(
        "codes",
        [
            ["None", "ThrottlingError", "TransactionConflict"],
            ["ProvisionedThroughputExceeded", "None", "None"],
            ["ItemCollectionSizeLimitExceeded", "None", "None"],
            ["ValidationError", "None", "None"],
        ],
    )
    def test_what_does_not_pass_is_a_failure(
        self, aws: Aws, table: Table, codes: list[str]
    ) -> None:
        aws.meet_always("TransactWriteItems", canceled(*codes))
        with pytest.raises(StorageUnavailable):
            table.transact(three(table), MINE)
        assert len(aws.calls) == 1 + len(AWS_RETRY_PAUSES)

    def test_an_update_in_a_transaction(self, aws: Aws, table: Table) -> None:
        aws.put(item("SECOND", n=1))
        change = table.update_request(key("SECOND"), "SET n = :n", "n = :was", {":n": 2, ":was": 1})
        writes = [
            Conditional(Meaning.FIRST, "Put", new(table, "FIRST")),
            Conditional(Meaning.SECOND, "Update", change),
        ]
        assert table.transact(writes, MINE) is None
        assert aws.item("SECOND") == item("SECOND", n=2)


def each_call(table: Table) -> dict[str, Any]:
    write = table.update_request(key("a"), "SET n = :n", "attribute_exists(pk)", {":n": 1})
    return {
        "GetItem": lambda: table.get(key("a")),
        "BatchGetItem": lambda: table.get_all([key("a")]),
        "Query": lambda: table.query("pool", "poolId = :p", {":p": "x"}),
        "PutItem": lambda: table.put(new(table, "a"), MINE),
        "UpdateItem": lambda: table.update(write),
        "TransactWriteItems": lambda: table.transact(three(table), MINE),
    }


def unreachable(_: Answer) -> Any:
    raise EndpointConnectionError(endpoint_url="http://test")


def slow(_: Answer) -> Any:
    raise ReadTimeoutError(endpoint_url="http://test")


@pytest.mark.parametrize(
    "reaction",
    [THROTTLED, BROKEN, refuse("ResourceNotFoundException"), unreachable, slow],
    ids=["throttled", "500", "no table", "unreachable", "slow"],
)
@pytest.mark.parametrize("operation", each_call(Table(None, "")))
def test_a_failure_is_storage_unavailable(
    aws: Aws, table: Table, operation: str, reaction: Reaction, log: Callable[[], str]
) -> None:
    aws.meet_always(operation, reaction)
    with pytest.raises(StorageUnavailable) as failure:
        each_call(table)[operation]()
    assert failure.value.retry_after > 0
    assert failure.value.detail == "The session store is unavailable."
    assert '"message":"storage_failed"' in log()
    assert json.loads(log().splitlines()[-1])["reason"] == str(failure.value.__cause__)
    assert aws.items() == []


def test_overwriting_fails_like_the_others(aws: Aws, table: Table) -> None:
    aws.meet("PutItem", BROKEN)
    with pytest.raises(StorageUnavailable):
        table.overwrite(item("a"))


@pytest.mark.parametrize("operation", ["GetItem", "PutItem"])
def test_a_transient_error_is_not_noticed(aws: Aws, operation: str) -> None:
    aws.meet(operation, THROTTLED)
    table = Table(aws.client("dynamodb", attempts=2), TABLE_NAME)
    each_call(table)[operation]()
    assert aws.calls == [operation] * 2


def test_the_table_says_its_name(table: Table) -> None:
    assert table.name == TABLE_NAME


@pytest.mark.parametrize("schema", [{"N": str(SCHEMA + 1)}, {"S": "2"}, {"L": []}, {"N": "0"}])
def test_a_record_of_a_newer_version_is_unavailable(
    aws: Aws, table: Table, schema: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    aws.put({**item("a"), "schema": schema})
    for read in (lambda: table.get(key("a")), lambda: table.get_all([key("a")])):
        with pytest.raises(StorageUnavailable, match="newer version") as caught:
            read()
        assert caught.value.retry_after >= 1
    assert "newer_record" in caplog.text


def test_a_record_of_this_version_or_an_older_one_is_read(aws: Aws, table: Table) -> None:
    aws.put({**item("a"), "schema": {"N": str(SCHEMA)}})
    aws.put(item("b"))
    assert len(table.get_all([key("a"), key("b")])) == 2
