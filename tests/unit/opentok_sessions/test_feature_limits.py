"""Features of routed sessions: damaged responses of the vendor, races, and what a request costs."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from unittest.mock import Mock

import pytest

from opentok_client.credentials import Platform
from opentok_client.families import FAMILIES, Family
from opentok_sessions.caller_limits import CallerLimits
from opentok_sessions.credentials import CredentialCache
from opentok_sessions.domain.deadline import Deadline
from opentok_sessions.domain.problems import SessionClosed, StorageUnavailable
from opentok_sessions.feature_vendor import FeatureVendor
from opentok_sessions.manage_features import ManageFeatures
from opentok_sessions.storage.feature_store import FeatureStore
from opentok_sessions.storage.limit_store import LimitStore
from opentok_sessions.storage.session_store import SessionStore
from opentok_sessions.storage.table import Table
from opentok_sessions.vendor import Vendor
from tests.aws import SECRET_ID, TABLE_NAME
from tests.unit.opentok_sessions.application import ALICE, UNLIMITED, a_session
from tests.unit.opentok_sessions.test_manage_features import (
    AT,
    BODIES,
    ID,
    ONE,
    Stage,
    each_family,
    refused,
    stage,
)
from tests.unit.opentok_sessions.vendor_server import Reply

__all__ = ["stage"]


def replied(body: object, status: int = 200) -> Reply:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


class TestDamagedResponses:
    @pytest.mark.parametrize("item", [{}, {"id": None}, {"id": 7}, {"id": ""}])
    def test_a_list_with_an_item_without_an_id_is_an_outage(
        self, stage: Stage, item: dict[str, object]
    ) -> None:
        damaged = replied({"count": 1, "items": [{"sessionId": ID, "status": "started", **item}]})
        stage.vendor.next_replies.extend([damaged] * 3)
        assert refused(stage.ask(f"GET {AT}", "archives")) == (503, "vendor_unavailable")

    def test_a_running_feature_without_an_id_is_not_named(self, stage: Stage) -> None:
        damaged = replied({"count": 1, "items": [{"sessionId": ID, "status": "started"}]})
        conflict = replied({"code": 15001}, 409)
        stage.vendor.next_replies.extend([conflict, *[damaged] * 3])
        answer = stage.start("archives")
        assert refused(answer) == (409, "feature_already_running")
        assert "featureId" not in answer.body

    @pytest.mark.parametrize("feature_id", ["a\r\nSet-Cookie: b", "a/../../b", "x" * 65, "é"])
    def test_a_started_feature_with_an_impossible_id_is_uncertain(
        self, stage: Stage, feature_id: str
    ) -> None:
        for family in ("archives", "captions"):
            body = {"id": feature_id, "captionsId": feature_id, "sessionId": ID}
            stage.vendor.next_replies.append(replied(body))
            answer = stage.start(family)
            assert refused(answer) == (503, "feature_start_uncertain")
            assert "Location" not in answer.headers

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
    def test_a_response_has_no_number_that_json_lacks(self, stage: Stage, number: str) -> None:
        fields = json.dumps({"id": "a-1", "sessionId": ID, "status": "stopped"})
        damaged = f'{fields[:-1]}, "duration": {number}}}'.encode()
        stage.vendor.next_replies.extend([(200, {}, damaged)] * 3)
        answer = stage.ask(f"GET {ONE}", "archives", "a-1")
        assert refused(answer) == (503, "vendor_unavailable")


class TestLostResponses:
    def test_another_feature_that_was_started_shortly_before_is_not_taken_for_it(
        self, stage: Stage
    ) -> None:
        lost: Reply = (502, {}, b"lost")
        stage.vendor.features.add("render", ID, status="starting", url="https://example.com/other")
        stage.vendor.next_replies.append(lost)
        assert refused(stage.start("renders")) == (503, "feature_start_uncertain")
        stage.vendor.features.add("archive", ID, multiArchiveTag="one", name="standup")
        for tag in ("two", None):
            stage.vendor.next_replies.append(lost)
            answer = stage.start("archives", multiArchiveTag=tag)
            assert refused(answer) == (503, "feature_start_uncertain"), tag

    @pytest.mark.parametrize("route", [f"GET {ONE}", f"DELETE {ONE}", f"POST {ONE}/stop"])
    def test_an_id_that_the_vendor_does_not_accept_is_not_found_and_no_alarm(
        self, stage: Stage, route: str, metrics: Callable[[], Counter[str]]
    ) -> None:
        stage.vendor.next_replies.append(replied({"message": "Bad id"}, 400))
        assert refused(stage.ask(route, "archives", "no-uuid")) == (404, "feature_not_found")
        assert "VendorRejected" not in metrics()

    @pytest.mark.parametrize("status", [401, 403])
    def test_rejected_credentials_are_an_alarm(
        self, stage: Stage, status: int, metrics: Callable[[], Counter[str]]
    ) -> None:
        stage.vendor.next_replies.extend([replied({"message": "No"}, status)] * 2)
        assert refused(stage.start("captions")) == (502, "vendor_rejected")
        assert metrics()["VendorRejected"] == 1


class TestWindow:
    @each_family
    def test_a_session_that_closes_before_its_feature_starts_is_closed(
        self, stage: Stage, family: Family
    ) -> None:
        closes_at = int(time.time()) + 1000
        table = Table(stage.aws.client("dynamodb"), TABLE_NAME)
        cache = CredentialCache(stage.aws.client("secretsmanager"), SECRET_ID, Platform.OPENTOK, 60)
        vendor = FeatureVendor(Vendor(cache, stage.vendor.url), clock=lambda: closes_at + 0.1)
        sessions, records = SessionStore(table, 3600), FeatureStore(table)
        unlimited = CallerLimits(LimitStore(table, 3600), UNLIMITED)
        features = ManageFeatures(sessions, records, vendor, unlimited, False, 3600)
        session = a_session(session_id=ID, closes_at=closes_at)
        deadline = Deadline.after(60, time.monotonic)
        with pytest.raises(SessionClosed):
            features.start(session, ALICE, family, BODIES[family.name], deadline)
        assert stage.vendor.features.requests == []


class TestDeadline:
    @pytest.mark.parametrize(("left", "seconds"), [(60, 8), (15, 3)])
    def test_the_vendor_gets_the_time_that_the_next_write_leaves(
        self, left: float, seconds: float
    ) -> None:
        vendor = Mock(spec=Vendor)
        deadline = Deadline(left, lambda: 0)
        FeatureVendor(vendor).find(a_session(), FAMILIES["archives"], "a-1", deadline)
        assert vendor.in_project.call_args.args[2] == seconds

    def test_without_time_for_the_next_write_nothing_is_started(self) -> None:
        vendor = Mock(spec=Vendor)
        with pytest.raises(StorageUnavailable):
            FeatureVendor(vendor).start(
                a_session(), FAMILIES["archives"], {}, Deadline(12.5, lambda: 0)
            )
        vendor.in_project.assert_not_called()


class TestCosts:
    def test_a_list_costs_the_same_however_many_features_a_session_had(self, stage: Stage) -> None:
        for number in range(150):
            stage.record("archives", f"earlier-{number}", "uploaded", 1)
        ended = stage.vendor.features.add("archive", ID, status="available")
        running = stage.vendor.features.add("archive", ID, status="started")
        stage.record("archives", running, "stopped")
        stage.aws.forget_calls()
        answer = stage.ask(f"GET {AT}", "archives")
        items = answer.body["items"]
        assert isinstance(items, list)
        assert [(item["id"], item["status"]) for item in items] == [
            (running, "stopped"),
            (ended, "available"),
        ]
        assert "Query" not in stage.aws.calls


class TestDeleted:
    def test_a_deleted_archive_is_not_shown_with_its_last_status(self, stage: Stage) -> None:
        archive = stage.vendor.features.add("archive", ID, status="uploaded")
        stage.record("archives", archive, "uploaded", 2000, name="standup")
        assert stage.ask(f"DELETE {ONE}", "archives", archive).status == 204
        answer = stage.ask(f"GET {ONE}", "archives", archive)
        assert answer.status == 404 or answer.body["status"] == "deleted"
        assert "standup" not in answer.text
