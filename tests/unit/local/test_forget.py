"""Forgetting a user changes every item that names the user, and no other."""

from __future__ import annotations

import pytest

from local import forget
from opentok_sessions.domain.models import Caller
from opentok_sessions.domain.problems import SessionNotFound
from tests.aws import TABLE_NAME, Aws
from tests.unit.opentok_sessions import vendor_server
from tests.unit.opentok_sessions.application import ALICE, BOB, MODERATOR, Application, Clock

REPLACEMENT = "forgotten-1"


@pytest.fixture
def app(aws: Aws) -> Application:
    with vendor_server.running() as server:
        application = Application.start(aws, server, Clock())
        application.create({"room": "consultation", "participants": {"bob": "publisher"}})
        application.create({"room": "bobs"}, BOB)
        application.create({}, MODERATOR)
        aws.put({"pk": {"S": "caller##bob"}, "sk": {"S": "limits"}})
        aws.put(
            {
                "pk": {"S": "session#1"},
                "sk": {"S": "live#c-1"},
                "sub": {"S": "bob"},
                "connectionData": {"S": '{"sub":"bob","data":"name=Bob"}'},
            }
        )
        return application


def changes(aws: Aws) -> list[forget.Change]:
    return list(forget.find(aws.dynamodb, TABLE_NAME, BOB.sub))


def test_finding_changes_nothing(app: Application, aws: Aws) -> None:
    before = aws.items()
    assert {str(change).partition("#")[0] for change in changes(aws)} == {
        "caller",
        "room",
        "session",
    }
    assert aws.items() == before


def test_no_item_names_a_forgotten_user(app: Application, aws: Aws) -> None:
    for change in changes(aws):
        assert forget.apply(aws.dynamodb, TABLE_NAME, BOB.sub, change, REPLACEMENT)
    assert changes(aws) == []
    assert "bob" not in str(aws.items()).replace("room#bobs", "").replace("'bobs'", "")


def test_a_forgotten_participant_is_no_longer_admitted(app: Application, aws: Aws) -> None:
    for change in changes(aws):
        forget.apply(aws.dynamodb, TABLE_NAME, BOB.sub, change, REPLACEMENT)
    with pytest.raises(SessionNotFound):
        app.create({"room": "consultation"}, BOB)
    assert app.create({"room": "consultation"}, ALICE).session.participants == {}


def test_other_users_keep_their_items(app: Application, aws: Aws) -> None:
    before = {item["pk"]["S"]: item for item in aws.items() if "bob" not in str(item)}
    for change in changes(aws):
        forget.apply(aws.dynamodb, TABLE_NAME, BOB.sub, change, REPLACEMENT)
    after = {item["pk"]["S"]: item for item in aws.items()}
    assert before.items() <= after.items()


def test_an_item_that_has_another_owner_by_now_is_left_alone(app: Application, aws: Aws) -> None:
    (change,) = [one for one in changes(aws) if one.pk == "room#bobs"]
    item = aws.item("room#bobs")
    assert item is not None
    aws.put({**item, "owner": {"S": "carol"}})
    assert not forget.apply(aws.dynamodb, TABLE_NAME, BOB.sub, change, REPLACEMENT)


def test_a_user_of_another_tenant_with_the_same_name_is_left_alone(
    app: Application, aws: Aws
) -> None:
    app.create({"room": "consultation"}, Caller("bob", tenant="globex"))
    before = aws.items()
    assert {change.pk for change in changes(aws)}.isdisjoint(
        item["pk"]["S"] for item in before if "globex" in str(item)
    )
    of_globex = list(forget.find(aws.dynamodb, TABLE_NAME, BOB.sub, "globex"))
    assert {change.pk.partition("#")[0] for change in of_globex} == {"room", "session"}
