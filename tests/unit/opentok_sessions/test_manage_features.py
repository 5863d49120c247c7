"""The features of routed sessions, through the function, against a fake of the vendor."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from unittest import mock

import jwt
import pytest

from opentok_client import transport
from opentok_client.families import FAMILIES, Family, Stop
from opentok_client.grant import Role
from opentok_client.options import ArchiveMode, MediaMode, SessionOptions
from opentok_client.session_id import other_spelling
from opentok_sessions.domain.deadline import FEATURE_TOKEN_SECONDS
from opentok_sessions.domain.features import FeatureRecord
from opentok_sessions.domain.models import Caller
from opentok_sessions.storage.feature_store import FeatureStore
from opentok_sessions.storage.items import session_item
from opentok_sessions.storage.table import Table
from tests.aws import TABLE_NAME, Aws, refuse
from tests.unit.opentok_sessions.application import ALICE, BOB, MODERATOR, a_session
from tests.unit.opentok_sessions.handlers import Answer, Handler, call, load
from tests.unit.opentok_sessions.vendor_server import Reply, VendorServer, session_id

ID, OTHER = session_id(1), session_id(2)
ROUTED, RELAYED = SessionOptions(), SessionOptions(MediaMode.RELAYED)
ENCRYPTED = SessionOptions(MediaMode.ROUTED, e2ee=True)
ALWAYS = SessionOptions(MediaMode.ROUTED, archive_mode=ArchiveMode.ALWAYS)
SECRETS = ("stream-key-1", "sip-password", "header-secret")
BODIES: dict[str, dict[str, object]] = {
    "archives": {"name": "standup"},
    "broadcasts": {
        "outputs": {"rtmp": [{"serverUrl": "rtmp://live.example/app", "streamName": SECRETS[0]}]}
    },
    "captions": {"languageCode": "en-US"},
    "sip-calls": {
        "sip": {
            "uri": "sip:user@example.com",
            "auth": {"username": "user", "password": SECRETS[1]},
            "headers": {"X-Key": SECRETS[2]},
        }
    },
    "renders": {"url": "https://example.com/page"},
    "audio-connectors": {
        "websocket": {"uri": "wss://example.com/audio", "headers": {"X-Key": SECRETS[2]}}
    },
}
AT = "/sessions/{sessionId}/{family}"
ONE = f"{AT}/{{featureId}}"
each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
found_families = [family for family in FAMILIES.values() if family.found]


class Stage:
    """The function, and two sessions of alice with the vendor."""

    def __init__(self, aws: Aws, vendor: VendorServer) -> None:
        self.aws, self.vendor = aws, vendor
        self.handler: Handler = load("manage_features")
        self.records = FeatureStore(Table(aws.client("dynamodb"), TABLE_NAME))
        self.session()
        self.session(OTHER)

    def session(self, session: str = ID, /, **values: object) -> None:
        """Stores a session, with one client connected to it."""
        self.aws.put(session_item(a_session(session_id=session, **values), None))
        self.vendor.connections[session] = ["client"]

    def ask(
        self,
        route: str,
        family: str,
        feature_id: str | None = None,
        body: Mapping[str, object] | None = None,
        caller: Caller = ALICE,
        session: str = ID,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        return call(
            self.handler,
            route,
            caller=caller,
            session_id=session,
            family=family,
            feature_id=feature_id,
            body=body,
            query=query,
        )

    def start(self, family: str, caller: Caller = ALICE, **more: object) -> Answer:
        return self.ask(f"POST {AT}", family, body={**BODIES[family], **more}, caller=caller)

    def started(self, family: str) -> str:
        """Starts a feature; returns its id."""
        answer = self.start(family)
        assert answer.status in (201, 202), answer.text
        return str(answer.body["id"])

    def stop(self, family: str, feature_id: str, caller: Caller = ALICE) -> Answer:
        return self.ask(f"POST {ONE}/stop", family, feature_id, caller=caller)

    def record(
        self, family: str, feature_id: str, status: str, at: int = 0, **fields: object
    ) -> None:
        """Records a status, as a callback does."""
        record = FeatureRecord(family, feature_id, status, at, fields)
        assert self.records.record(ID, record, time.time(), 3600)


@pytest.fixture
def stage(aws: Aws, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(transport, "BACKOFF_SECONDS", 0.001)
    with mock.patch.dict(os.environ, {"API_URL": vendor.url}):
        yield Stage(aws, vendor)


def refused(answer: Answer) -> tuple[int, object]:
    return answer.status, answer.body["code"]


class TestStart:
    @each_family
    def test_a_feature_is_started_with_the_fields_of_the_body(
        self, stage: Stage, family: Family
    ) -> None:
        answer = stage.start(family.name)
        assert answer.status == (202 if family.accepted else 201)
        [request] = stage.vendor.features.requests
        sent = dict(request.body)
        sent.pop("token", None)
        assert (request.path, sent) == (family.path, {"sessionId": ID, **BODIES[family.name]})
        assert answer.body["sessionId"] == ID
        location = f"/sessions/{ID}/{family.name}/{answer.body['id']}"
        assert answer.headers.get("Location") == (location if family.found else None)

    @each_family
    def test_the_server_makes_the_token_and_keeps_it(
        self,
        stage: Stage,
        family: Family,
        log: Callable[[], str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        answer = stage.start(family.name)
        [request] = stage.vendor.features.requests
        role = family.token_role
        assert ("token" in request.body) is (role is not None)
        if role is None:
            return
        token = request.body["token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["session_id"], claims["role"]) == (ID, role.value)
        assert "connection_data" not in claims
        assert 0 < claims["exp"] - time.time() <= FEATURE_TOKEN_SECONDS
        stored = json.dumps(stage.aws.items())
        signature = token.rpartition(".")[2]
        for place in (answer.text, str(answer.headers), log(), capsys.readouterr().out, stored):
            assert signature not in place

    def test_only_captions_get_a_token_of_a_moderator(self) -> None:
        roles = {name: family.token_role for name, family in FAMILIES.items()}
        assert {name for name, role in roles.items() if role is Role.MODERATOR} == {"captions"}

    def test_a_token_ends_with_the_session(self, stage: Stage) -> None:
        closes_at = int(time.time()) + 100
        stage.session(closes_at=closes_at)
        stage.started("sip-calls")
        token = stage.vendor.features.requests[0].body["token"]
        assert jwt.decode(token, options={"verify_signature": False})["exp"] == closes_at

    @each_family
    def test_credentials_of_the_body_go_to_the_vendor_only(
        self,
        stage: Stage,
        family: Family,
        log: Callable[[], str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        sent = json.dumps(BODIES[family.name])
        own = [secret for secret in SECRETS if secret in sent]
        body = json.dumps({"message": f"not valid: {sent}"}).encode()
        answers = []
        for status, expected in ((400, 400), (405, 502), (500, 503)):
            stage.vendor.next_replies.append((status, {}, body))
            answers.append(stage.start(family.name))
            assert answers[-1].status == expected
        answers.append(stage.start(family.name))
        assert answers[-1].status in (201, 202)
        # With a wrong field elsewhere, the others are not quoted either.
        answers.append(stage.start(family.name, nonsense=1))
        texts = [log(), capsys.readouterr().out, json.dumps(stage.aws.items())]
        for text in [*texts, *(answer.text for answer in answers)]:
            assert [secret for secret in own if secret in text] == []
        assert "vendor_rejected" in texts[0]

    @each_family
    def test_every_wrong_field_is_named_and_the_vendor_is_not_called(
        self, stage: Stage, family: Family
    ) -> None:
        answer = stage.ask(f"POST {AT}", family.name, body={"nonsense": 1, "token": "t", "url": 5})
        assert refused(answer) == (400, "invalid_request")
        errors = answer.body["errors"]
        assert isinstance(errors, list)
        assert {"nonsense", "token"} <= {error["field"] for error in errors}
        assert stage.vendor.features.requests == []

    def test_fields_that_exclude_each_other_are_a_combination(self, stage: Stage) -> None:
        answer = stage.start("archives", hasAudio=False, hasVideo=False)
        assert refused(answer) == (400, "invalid_combination")

    @each_family
    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({"options": RELAYED}, (409, "routed_session_required")),
            ({"options": ENCRYPTED}, (409, "not_available_with_e2ee")),
            ({"closed": True}, (410, "session_closed")),
            ({"closes_at": 1}, (410, "session_closed")),
            ({"opens_at": 4_000_000_000}, (409, "session_not_open_yet")),
            ({"project_id": "47000009"}, (409, "session_of_another_project")),
        ],
        ids=["relayed", "e2ee", "closed", "over", "not open", "another project"],
    )
    def test_the_session_must_allow_it(
        self,
        stage: Stage,
        family: Family,
        values: Mapping[str, object],
        problem: tuple[int, str],
    ) -> None:
        stage.session(**values)
        answer = stage.start(family.name)
        if family.allows_e2ee and values == {"options": ENCRYPTED}:
            assert answer.status == 202
        else:
            assert refused(answer) == problem
            assert stage.vendor.features.requests == []

    @pytest.mark.parametrize("family", ["archives", "broadcasts"])
    @pytest.mark.parametrize("status", [404, 400])
    def test_a_client_must_be_connected(self, stage: Stage, family: str, status: int) -> None:
        stage.vendor.connections[ID] = []
        stage.vendor.next_replies.append((status, {}, b'{"message":"No clients"}'))
        assert refused(stage.start(family)) == (409, "nobody_connected")

    def test_a_rejection_while_a_client_is_connected_is_the_callers_and_no_alarm(
        self, stage: Stage, log: Callable[[], str], metrics: Callable[[], Counter[str]]
    ) -> None:
        stage.vendor.next_replies.append((400, {}, b'{"message":"Unknown language"}'))
        answer = stage.start("archives")
        assert refused(answer) == (400, "invalid_request")
        assert "Unknown language" in log()
        assert "Unknown language" not in answer.text
        assert "VendorRejected" not in metrics()

    @pytest.mark.parametrize("family", ["archives", "broadcasts", "captions"])
    def test_a_feature_that_is_running_is_named(self, stage: Stage, family: str) -> None:
        running = stage.started(family)
        answer = stage.start(family)
        assert refused(answer) == (409, "feature_already_running")
        assert answer.body["featureId"] == running
        assert running in str(answer.body["detail"])

    def test_a_feature_that_is_running_may_be_unknown(self, stage: Stage) -> None:
        stage.vendor.features.add("captions", ID)
        answer = stage.start("captions")
        assert refused(answer) == (409, "feature_already_running")
        assert "featureId" not in answer.body
        stage.vendor.next_replies.append((409, {}, b'{"code":15001}'))
        assert "featureId" not in stage.start("archives").body

    def test_two_archives_with_different_tags_can_run(self, stage: Stage) -> None:
        for tag in ("one", "two"):
            assert stage.start("archives", multiArchiveTag=tag).status == 201

    def test_what_the_vendor_alone_knows_is_its_refusal(self, stage: Stage) -> None:
        reply: Reply = (409, {}, b'{"code":15008,"message":"Only routed sessions"}')
        stage.vendor.next_replies.append(reply)
        assert refused(stage.start("archives")) == (409, "routed_session_required")

    def test_it_is_counted_and_logged(
        self, stage: Stage, log: Callable[[], str], metrics: Callable[[], Counter[str]]
    ) -> None:
        feature_id = stage.started("archives")
        stage.stop("archives", feature_id)
        counted = metrics()
        assert (counted["FeatureStarted"], counted["FeatureStopped"]) == (1, 1)
        lines = [json.loads(line) for line in log().splitlines()]
        named = [line for line in lines if line["message"].startswith("feature_")]
        assert [(line["message"], line["family"], line["feature_id"]) for line in named] == [
            ("feature_started", "archives", feature_id),
            ("feature_stopped", "archives", feature_id),
        ]


class TestLostResponse:
    def test_a_started_archive_is_found_and_a_repeat_starts_no_other(self, stage: Stage) -> None:
        stage.vendor.features.loses_response = True
        first = stage.start("archives")
        assert first.status == 201
        again = stage.start("archives")
        assert refused(again) == (409, "feature_already_running")
        assert again.body["featureId"] == first.body["id"]
        assert len(stage.vendor.features.known) == 1

    def test_a_start_that_cannot_be_found_out_is_uncertain(
        self, stage: Stage, metrics: Callable[[], Counter[str]]
    ) -> None:
        lost: Reply = (502, {}, b"lost")
        stage.vendor.next_replies.append(lost)  # not carried out: the list does not show it
        answer = stage.start("archives")
        assert refused(answer) == (503, "feature_start_uncertain")
        assert int(answer.headers["Retry-After"]) > 0
        stage.vendor.next_replies.append(lost)
        assert refused(stage.start("sip-calls")) == (503, "feature_start_uncertain")
        assert metrics()["VendorUnavailable"] == 2

    def test_a_repeat_after_an_uncertain_start_starts_no_second_archive(self, stage: Stage) -> None:
        stage.vendor.features.loses_response = stage.vendor.features.loses_lists = True
        assert refused(stage.start("archives")) == (503, "feature_start_uncertain")
        stage.vendor.features.loses_response = stage.vendor.features.loses_lists = False
        answer = stage.start("archives")
        assert refused(answer) == (409, "feature_already_running")
        assert [answer.body["featureId"]] == list(stage.vendor.features.known)

    def test_an_outage_before_the_start_is_no_doubt(self, stage: Stage) -> None:
        down = (429, {"Retry-After": "100"}, b"")
        stage.vendor.next_replies.append(down)
        assert refused(stage.start("archives")) == (503, "vendor_unavailable")


class TestAccess:
    @each_family
    @pytest.mark.parametrize("by", ["owner", "moderators"])
    def test_who_may_use_features(
        self, aws: Aws, vendor: VendorServer, family: Family, by: str
    ) -> None:
        with mock.patch.dict(os.environ, {"API_URL": vendor.url, "FEATURES_BY": by}):
            stage = Stage(aws, vendor)
            for caller in (ALICE, BOB, MODERATOR):
                allowed = caller is MODERATOR or (caller is ALICE and by == "owner")
                started = stage.start(family.name, caller)
                if not allowed:
                    assert refused(started) == (403, "not_owner")
                    invalid = stage.ask(f"POST {AT}", family.name, body={"no": 1}, caller=caller)
                    assert refused(invalid) == (403, "not_owner")
                    continue
                assert started.status in (201, 202), started.text
                stopped = stage.stop(family.name, str(started.body["id"]), caller=caller)
                if family.stop is not Stop.DISCONNECT:
                    assert stopped.status in (200, 204), stopped.text

    @pytest.mark.parametrize(
        ("route", "family"),
        [
            (f"POST {AT}", "rooms"),
            (f"POST {AT}", "connections"),
            (f"POST {AT}", ""),
            (f"GET {AT}", "captions"),
            (f"GET {AT}", "sip-calls"),
            (f"GET {ONE}", "audio-connectors"),
            (f"DELETE {ONE}", "broadcasts"),
            (f"PUT {ONE}/layout", "renders"),
            (f"PATCH {ONE}/streams", "captions"),
            (f"POST {ONE}/start", "archives"),
        ],
    )
    def test_what_the_vendor_lacks_is_not_found_before_anything_is_read(
        self, stage: Stage, route: str, family: str
    ) -> None:
        stage.aws.forget_calls()
        answer = stage.ask(route, family, "some-id")
        assert refused(answer) == (404, "feature_not_found")
        assert stage.aws.calls == []

    @each_family
    def test_a_feature_of_another_session_is_like_a_missing_one(
        self, stage: Stage, family: Family
    ) -> None:
        feature_id = stage.started(family.name)
        foreign = stage.ask(f"POST {ONE}/stop", family.name, feature_id, session=OTHER)
        missing = stage.ask(f"POST {ONE}/stop", family.name, "missing", session=OTHER)
        assert (foreign.status, foreign.body) == (missing.status, missing.body)
        assert refused(foreign) == (404, "feature_not_found")
        assert stage.vendor.features.known[feature_id.removesuffix("-connection")]["status"] in (
            "started",
            "starting",
        )

    @pytest.mark.parametrize(
        "route", [f"GET {ONE}", f"DELETE {ONE}", f"PUT {ONE}/layout", f"PATCH {ONE}/streams"]
    )
    def test_no_operation_reaches_an_archive_of_another_session(
        self, stage: Stage, route: str
    ) -> None:
        archive = stage.vendor.features.add("archive", OTHER, status="available")
        body = {"type": "pip"} if "layout" in route else {"addStream": "stream"}
        sent = body if route.startswith("P") else None
        assert refused(stage.ask(route, "archives", archive, sent)) == (404, "feature_not_found")
        assert archive in stage.vendor.features.known

    @pytest.mark.parametrize("feature_id", ["..", "a/b", "", "x" * 65, "é"])
    def test_an_impossible_id_is_not_found(self, stage: Stage, feature_id: str) -> None:
        assert refused(stage.stop("archives", feature_id)) == (404, "feature_not_found")
        assert stage.vendor.features.requests == []


class TestListAndFind:
    def test_a_list_is_a_part_of_the_sessions_features(self, stage: Stage) -> None:
        ids = [stage.vendor.features.add("archive", ID, status="available") for _ in range(5)]
        stage.vendor.features.add("archive", OTHER)
        query = {"offset": "1", "count": "2"}
        answer = stage.ask(f"GET {AT}", "archives", query=query)
        assert answer.status == 200
        items = answer.body["items"]
        assert isinstance(items, list)
        assert [item["id"] for item in items] == [ids[3], ids[2]]
        assert answer.body["count"] == 5

    def test_renders_of_other_sessions_are_neither_shown_nor_counted(self, stage: Stage) -> None:
        own = stage.vendor.features.add("render", ID)
        stage.vendor.features.add("render", OTHER)
        answer = stage.ask(f"GET {AT}", "renders")
        assert answer.body["count"] == 1
        items = answer.body["items"]
        assert isinstance(items, list)
        assert [item["id"] for item in items] == [own]

    @pytest.mark.parametrize(
        "query", [{"offset": "-1"}, {"count": "0"}, {"count": "1001"}, {"page": "1"}]
    )
    def test_a_wrong_parameter_is_named(self, stage: Stage, query: Mapping[str, str]) -> None:
        answer = stage.ask(f"GET {AT}", "archives", query=query)
        assert refused(answer) == (400, "invalid_request")
        assert next(iter(query)) in answer.text

    @pytest.mark.parametrize("family", found_families, ids=lambda family: family.name)
    def test_a_feature_is_found_in_either_spelling_of_its_session(
        self, stage: Stage, family: Family
    ) -> None:
        feature_id = stage.vendor.features.add(family.path, other_spelling(ID))
        answer = stage.ask(f"GET {ONE}", family.name, feature_id)
        assert (answer.status, answer.body["sessionId"]) == (200, ID)

    def test_a_later_status_of_a_callback_is_shown(self, stage: Stage) -> None:
        archive = stage.vendor.features.add("archive", ID, updatedAt=1000, url=None)
        stage.record("archives", archive, "stopped", 2000, duration=7, name="other")
        for answer in (
            stage.ask(f"GET {ONE}", "archives", archive),
            stage.ask(f"GET {AT}", "archives"),
        ):
            items = answer.body.get("items", [answer.body])
            assert isinstance(items, list)
            assert (items[0]["status"], items[0]["updatedAt"]) == ("stopped", 2000)
            assert items[0]["duration"] == 7
            assert "name" not in items[0]

    @pytest.mark.parametrize(
        ("theirs", "recorded", "shown"),
        [
            (("available", 1), ("stopped", 9), "available"),
            (("started", 5), ("paused", 9), "paused"),
            (("started", 9), ("paused", 5), "started"),
            (("started", 5), ("paused", 5), "started"),
            (("stopped", 0), ("uploaded", 0), "uploaded"),
        ],
    )
    def test_a_status_never_goes_backwards(
        self,
        stage: Stage,
        theirs: tuple[str, int],
        recorded: tuple[str, int],
        shown: str,
    ) -> None:
        archive = stage.vendor.features.add("archive", ID, status=theirs[0], updatedAt=theirs[1])
        stage.record("archives", archive, *recorded)
        assert stage.ask(f"GET {ONE}", "archives", archive).body["status"] == shown

    @pytest.mark.parametrize("status", ["uploaded", "failed", "expired", "deleted"])
    def test_an_archive_at_its_end_is_shown_without_the_vendor(
        self, stage: Stage, status: str
    ) -> None:
        stage.record("archives", "an-archive", status, 2000, name="standup")
        answer = stage.ask(f"GET {ONE}", "archives", "an-archive")
        assert answer.body == {
            "id": "an-archive",
            "sessionId": ID,
            "status": status,
            "name": "standup",
            "updatedAt": 2000,
        }
        assert stage.vendor.features.requests == []

    def test_an_available_archive_gets_a_new_url(self, stage: Stage) -> None:
        archive = stage.vendor.features.add("archive", ID, status="available", url="https://a/b")
        stage.record("archives", archive, "available", 2000)
        answer = stage.ask(f"GET {ONE}", "archives", archive)
        assert answer.body["url"] == "https://a/b"


class TestStop:
    @each_family
    def test_a_stop_ends_the_feature(self, stage: Stage, family: Family) -> None:
        feature_id = stage.started(family.name)
        stage.vendor.connections[ID].append(feature_id)  # if it is a client
        answer = stage.stop(family.name, feature_id)
        if family.name in ("archives", "broadcasts"):
            assert (answer.status, answer.body["status"]) == (200, "stopped")
        else:
            assert (answer.status, answer.text) == (204, "")
        if family.stop is Stop.DISCONNECT:
            assert stage.vendor.connections[ID] == ["client"]
            assert refused(stage.stop(family.name, feature_id)) == (404, "feature_not_found")
        else:
            assert stage.vendor.features.known[feature_id]["status"] == "stopped"
            assert stage.stop(family.name, feature_id).status == answer.status

    def test_an_automatic_archive_cannot_be_stopped_but_another_can(self, stage: Stage) -> None:
        stage.session(options=ALWAYS)
        automatic = stage.vendor.features.add("archive", ID)
        stage.vendor.features.automatic.add(automatic)
        answer = stage.stop("archives", automatic)
        assert refused(answer) == (409, "feature_cannot_be_stopped")
        assert "archiveMode" in str(answer.body["detail"])
        own = stage.start("archives", multiArchiveTag="own")
        assert stage.stop("archives", str(own.body["id"])).status == 200

    def test_an_archive_that_is_available_cannot_be_stopped(self, stage: Stage) -> None:
        archive = stage.vendor.features.add("archive", ID, status="available")
        assert refused(stage.stop("archives", archive)) == (409, "feature_cannot_be_stopped")

    def test_captions_are_those_of_a_record_of_the_session(self, stage: Stage) -> None:
        unknown = stage.vendor.features.add("captions", ID)
        assert refused(stage.stop("captions", unknown)) == (404, "feature_not_found")
        stage.record("captions", unknown, "started")
        assert stage.stop("captions", unknown).status == 204

    def test_captions_that_were_stopped_are_not_named_as_running(self, stage: Stage) -> None:
        captions = stage.started("captions")
        assert stage.stop("captions", captions).status == 204
        stage.vendor.features.add("captions", ID)
        answer = stage.start("captions")
        assert refused(answer) == (409, "feature_already_running")
        assert "featureId" not in answer.body

    def test_a_closed_session_can_still_be_tidied_up(self, stage: Stage) -> None:
        archive = stage.started("archives")
        stage.session(closed=True)
        assert stage.stop("archives", archive).status == 200

    def test_captions_run_although_their_record_fails(
        self, stage: Stage, metrics: Callable[[], Counter[str]]
    ) -> None:
        stage.aws.meet_always("PutItem", refuse("InternalServerError", 500))
        assert stage.start("captions").status == 202
        assert metrics()["FeatureNotRecorded"] == 1


class TestChanges:
    def test_an_archive_is_deleted_when_it_is_not_running(self, stage: Stage) -> None:
        archive = stage.started("archives")
        running = stage.ask(f"DELETE {ONE}", "archives", archive)
        assert refused(running) == (409, "feature_cannot_be_deleted")
        stage.vendor.features.known[archive]["status"] = "available"
        deleted = stage.ask(f"DELETE {ONE}", "archives", archive)
        assert (deleted.status, deleted.text) == (204, "")
        again = stage.ask(f"DELETE {ONE}", "archives", archive)
        assert refused(again) == (404, "feature_not_found")

    @pytest.mark.parametrize("family", ["archives", "broadcasts"])
    def test_a_layout_is_changed(self, stage: Stage, family: str) -> None:
        feature_id = stage.started(family)
        body = {"type": "custom", "stylesheet": "stream {}"}
        answer = stage.ask(f"PUT {ONE}/layout", family, feature_id, body)
        assert answer.status == 204
        assert stage.vendor.features.requests[-1].body == body
        wrong = stage.ask(f"PUT {ONE}/layout", family, feature_id, {"type": "round", "x": 1})
        assert refused(wrong) == (400, "invalid_request")
        assert all(name in wrong.text for name in ("type", "x"))

    @pytest.mark.parametrize("family", ["archives", "broadcasts"])
    def test_streams_are_changed_if_they_are_chosen_manually(
        self, stage: Stage, family: str
    ) -> None:
        body = {"addStream": "stream-1", "hasVideo": False}
        automatic = stage.started(family)
        answer = stage.ask(f"PATCH {ONE}/streams", family, automatic, body)
        assert refused(answer) == (409, "feature_streams_automatic")
        stage.vendor.features.known[automatic]["streamMode"] = "manual"
        assert stage.ask(f"PATCH {ONE}/streams", family, automatic, body).status == 204
        assert stage.vendor.features.requests[-1].body == body
        both = {"addStream": "a", "removeStream": "b"}
        wrong = stage.ask(f"PATCH {ONE}/streams", family, automatic, both)
        assert refused(wrong) == (400, "invalid_combination")


class TestLimitPerCaller:
    """`CallerFeaturesPerHour`. An hour may end during a test, so there are two more starts."""

    @pytest.fixture
    def stage(self, aws: Aws, vendor: VendorServer) -> Iterator[Stage]:
        settings = {"API_URL": vendor.url, "CALLER_FEATURES_PER_HOUR": "1"}
        with mock.patch.dict(os.environ, settings):
            yield Stage(aws, vendor)

    def test_a_start_beyond_it_is_refused_before_the_vendor_is_called(self, stage: Stage) -> None:
        assert stage.start("renders", url="page").status == 400  # invalid, so it does not count
        answers = [stage.start("renders") for _ in range(3)]
        started = [answer for answer in answers if answer.status == 202]
        others = [answer for answer in answers if answer.status != 202]
        assert answers[0] in started
        assert others
        for answer in others:
            assert refused(answer) == (429, "too_many_requests")
            assert answer.headers["RateLimit-Policy"] == '"features";q=1;w=3600'
        assert len(stage.vendor.features.requests) == len(started)

    def test_moderators_and_other_operations_are_exempt(self, stage: Stage) -> None:
        archive = stage.started("archives")
        assert stage.stop("archives", archive).status == 200
        for _ in range(3):
            assert stage.start("renders", MODERATOR).status == 202
