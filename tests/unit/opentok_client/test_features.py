"""Features of routed sessions: requests, responses, and starts whose response is lost."""

from __future__ import annotations

import json
import time

import pytest

from opentok_client import features, transport
from opentok_client.credentials import OpenTokCredentials, VonageCredentials
from opentok_client.errors import (
    Conflict,
    NotFound,
    OutcomeUnknown,
    RequestRejected,
    ServiceUnavailable,
    VendorError,
)
from opentok_client.families import (
    ARCHIVES,
    AUDIO_CONNECTORS,
    BROADCASTS,
    CAPTIONS,
    FAMILIES,
    RENDERS,
    SIP_CALLS,
    Family,
    Refusal,
)
from opentok_client.transport import Transport
from tests.unit.opentok_client.loopback import Reply, hang_up, respond, serve, silence

ID = "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-"
FEATURE = "7b3b1f0a-1c5e-4a44-8b6a-0f3a2d1c9e55"
PROJECT = "/v2/project/47665971"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "BACKOFF_SECONDS", 0.001)


def soon() -> float:
    return time.monotonic() + 60


def archive(**fields: object) -> dict[str, object]:
    usual = {"id": FEATURE, "sessionId": ID, "status": "started", "name": "", "password": "secret"}
    return {**usual, "createdAt": int(time.time() * 1000), "url": None, **fields}


def page(*items: dict[str, object]) -> Reply:
    return respond(200, {"count": len(items), "items": list(items)})


def response_of(family: Family) -> dict[str, object]:
    return {"id": "other", "sessionId": ID, family.id_field: FEATURE}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_start_sends_the_session_the_fields_and_the_token(
    opentok: OpenTokCredentials, family: Family
) -> None:
    with serve(respond(200, response_of(family))) as server:
        started = features.start(
            Transport(opentok, server.url), family, ID, {"a": {"b": 1}}, "token-text", soon()
        )
    [request] = server.requests
    assert request.line == f"POST {PROJECT}/{family.path} HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"sessionId": ID, "a": {"b": 1}, "token": "token-text"}
    assert started == {"id": FEATURE, "sessionId": ID}


def test_a_start_on_the_unified_platform_uses_the_application_id(
    vonage: VonageCredentials,
) -> None:
    with serve(respond(200, archive())) as server:
        features.start(Transport(vonage, server.url), ARCHIVES, ID, {}, None, soon())
    [request] = server.requests
    assert request.line == f"POST /v2/project/{vonage.application_id}/archive HTTP/1.1"
    assert json.loads(request.body) == {"sessionId": ID}


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_documented_status_of_a_start_is_a_success(
    opentok: OpenTokCredentials, status: int
) -> None:
    with serve(respond(status, {"captionsId": FEATURE})) as server:
        started = features.start(
            Transport(opentok, server.url), CAPTIONS, ID, {}, "token-text", soon()
        )
    assert started == {"id": FEATURE}


def test_credentials_in_a_response_are_not_passed_on(opentok: OpenTokCredentials) -> None:
    broadcast = {
        "id": FEATURE,
        "sessionId": ID,
        "status": "started",
        "broadcastUrls": {
            "hls": "https://example.com/a.m3u8",
            "rtmp": [{"id": "a", "serverUrl": "rtmp://a/b", "streamName": "hunter2"}, None],
        },
        "settings": {"outputs": {"rtmp": [{"streamName": "hunter2"}]}},
        "token": "hunter2",
    }
    with serve(respond(200, broadcast)) as server:
        found = features.find(Transport(opentok, server.url), BROADCASTS, FEATURE, soon())
    assert found == {
        "id": FEATURE,
        "sessionId": ID,
        "status": "started",
        "broadcastUrls": {
            "hls": "https://example.com/a.m3u8",
            "rtmp": [{"id": "a", "serverUrl": "rtmp://a/b"}],
        },
    }
    with serve(respond(200, archive(password="hunter2"))) as server:
        found = features.find(Transport(opentok, server.url), ARCHIVES, FEATURE, soon())
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("family", [SIP_CALLS, AUDIO_CONNECTORS])
def test_a_feature_that_is_a_client_has_its_connection_id_and_ends_with_it(
    opentok: OpenTokCredentials, family: Family
) -> None:
    with serve(respond(200, {"id": "other", "connectionId": FEATURE}), respond(204)) as server:
        vendor = Transport(opentok, server.url)
        started = features.start(vendor, family, ID, {}, "token-text", soon())
        features.stop(vendor, family, ID, str(started["id"]), soon())
    assert server.requests[1].line == (
        f"DELETE {PROJECT}/session/{ID}/connection/{FEATURE} HTTP/1.1"
    )


@pytest.mark.parametrize(
    ("family", "line", "reply"),
    [
        (ARCHIVES, f"POST {PROJECT}/archive/{FEATURE}/stop", respond(200, archive())),
        (BROADCASTS, f"POST {PROJECT}/broadcast/{FEATURE}/stop", respond(200, {"id": FEATURE})),
        (CAPTIONS, f"POST {PROJECT}/captions/{FEATURE}/stop", respond(202)),
        (RENDERS, f"DELETE {PROJECT}/render/{FEATURE}", respond(204)),
    ],
)
def test_a_stop_uses_the_call_of_its_family(
    opentok: OpenTokCredentials, family: Family, line: str, reply: Reply
) -> None:
    with serve(reply) as server:
        features.stop(Transport(opentok, server.url), family, ID, FEATURE, soon())
    [request] = server.requests
    assert request.line == f"{line} HTTP/1.1"


def test_a_delete_a_layout_and_a_change_of_streams_use_their_calls(
    opentok: OpenTokCredentials,
) -> None:
    with serve(respond(204), respond(200, archive()), respond(204)) as server:
        vendor = Transport(opentok, server.url)
        features.delete(vendor, ARCHIVES, FEATURE, soon())
        features.arrange(vendor, ARCHIVES, FEATURE, {"type": "pip"}, soon())
        features.change_streams(vendor, ARCHIVES, FEATURE, {"addStream": "s"}, soon())
    at = f"{PROJECT}/archive/{FEATURE}"
    assert [request.line for request in server.requests] == [
        f"DELETE {at} HTTP/1.1",
        f"PUT {at}/layout HTTP/1.1",
        f"PATCH {at}/streams HTTP/1.1",
    ]
    assert json.loads(server.requests[1].body) == {"type": "pip"}
    assert json.loads(server.requests[2].body) == {"addStream": "s"}


def test_a_list_has_only_the_features_of_the_session(opentok: OpenTokCredentials) -> None:
    other_spelling = "2" + ID[1:]
    items = archive(id="a"), archive(id="b", sessionId="another"), archive(sessionId=other_spelling)
    with serve(page(*items)) as server:
        listed = features.list_features(
            Transport(opentok, server.url), ARCHIVES, ID, soon(), offset=5, count=10
        )
    assert [feature["id"] for feature in listed.features] == ["a", FEATURE]
    assert listed.total == 3
    [request] = server.requests
    assert request.line == f"GET {PROJECT}/archive?offset=5&count=10&sessionId={ID} HTTP/1.1"


def test_a_list_of_the_whole_project_is_filtered_before_it_is_cut(
    opentok: OpenTokCredentials,
) -> None:
    items = [archive(id=str(n), sessionId=ID if n % 2 else "another") for n in range(8)]
    with serve(page(*items)) as server:
        listed = features.list_features(
            Transport(opentok, server.url), RENDERS, ID, soon(), offset=1, count=2
        )
    assert [feature["id"] for feature in listed.features] == ["3", "5"]
    assert listed.total == 4
    [request] = server.requests
    assert request.line == f"GET {PROJECT}/render?offset=0&count=1000&sessionId={ID} HTTP/1.1"


@pytest.mark.parametrize("body", [{}, [], {"items": []}, {"items": [1], "count": 1}, "x"])
def test_a_list_that_cannot_be_read_is_retried(opentok: OpenTokCredentials, body: object) -> None:
    with serve(respond(200, body)) as server, pytest.raises(ServiceUnavailable, match="a list"):
        features.list_features(Transport(opentok, server.url), ARCHIVES, ID, soon())
    assert len(server.requests) == 3


@pytest.mark.parametrize("feature_id", ["", ".", "..", "a/b", "a?b", "é", "a" * 65])
def test_an_impossible_id_is_not_found_without_a_call(
    opentok: OpenTokCredentials, feature_id: str
) -> None:
    with serve(respond(200, archive())) as server:
        vendor = Transport(opentok, server.url)
        for family in FAMILIES.values():
            with pytest.raises(NotFound):
                features.find(vendor, family, feature_id, soon())
            with pytest.raises(NotFound):
                features.stop(vendor, family, ID, feature_id, soon())
    assert server.requests == []


class TestLostResponseOfAStart:
    """A start is sent once. The list shows whether it was carried out."""

    @pytest.mark.parametrize("lost", [hang_up, respond(502), respond(200, "not a feature")])
    def test_the_started_feature_is_found_in_the_list(
        self, opentok: OpenTokCredentials, lost: Reply
    ) -> None:
        started = archive(name="standup")
        with serve(lost, page(started)) as server:
            feature = features.start(
                Transport(opentok, server.url), ARCHIVES, ID, {"name": "standup"}, None, soon()
            )
        assert feature["id"] == FEATURE
        assert [request.line.split()[0] for request in server.requests] == ["POST", "GET"]

    def test_a_start_without_a_timely_response_is_looked_up(
        self, opentok: OpenTokCredentials
    ) -> None:
        with serve(silence, page(archive())) as server:
            deadline = time.monotonic() + features.LOOKUP_SECONDS + 1
            vendor = Transport(opentok, server.url)
            assert features.start(vendor, ARCHIVES, ID, {}, None, deadline)["id"] == FEATURE
        assert [request.line.split()[0] for request in server.requests] == ["POST", "GET"]

    @pytest.mark.parametrize(
        "listed",
        [
            page(),
            page(archive(name="standup", status="stopped")),
            page(archive(name="another")),
            page(archive(name="standup", sessionId="another")),
            page(archive(name="standup", createdAt=int((time.time() - 3600) * 1000))),
            page(archive(name="standup", createdAt=None)),
            page(archive(name="standup", multiArchiveTag="another")),
            respond(403),
        ],
        ids=["empty", "stopped", "name", "session", "older", "no time", "tag", "rejected"],
    )
    def test_the_outcome_is_unknown_when_the_list_does_not_show_the_feature(
        self, opentok: OpenTokCredentials, listed: Reply
    ) -> None:
        with serve(hang_up, listed) as server, pytest.raises(OutcomeUnknown):
            vendor = Transport(opentok, server.url)
            features.start(vendor, ARCHIVES, ID, {"name": "standup"}, None, soon())
        assert [request.line.split()[0] for request in server.requests] == ["POST", "GET"]

    @pytest.mark.parametrize("family", [CAPTIONS, SIP_CALLS, AUDIO_CONNECTORS])
    def test_the_outcome_is_unknown_when_the_family_has_no_list(
        self, opentok: OpenTokCredentials, family: Family
    ) -> None:
        with serve(hang_up) as server, pytest.raises(OutcomeUnknown):
            features.start(Transport(opentok, server.url), family, ID, {}, "token-text", soon())
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("family", "action", "status", "code", "refusal"),
    [
        (ARCHIVES, "start", 409, 15008, Refusal.ROUTED_SESSION_REQUIRED),
        (ARCHIVES, "start", 409, 15001, Refusal.ALREADY_RUNNING),
        (ARCHIVES, "start", 404, None, Refusal.NOBODY_CONNECTED),
        (ARCHIVES, "stop", 409, 15002, Refusal.CANNOT_BE_STOPPED),
        (ARCHIVES, "delete", 409, 15004, Refusal.CANNOT_BE_DELETED),
        (ARCHIVES, "stop", 404, None, None),
        (ARCHIVES, "start", 400, None, None),
        (BROADCASTS, "start", 409, None, Refusal.ALREADY_RUNNING),
        (CAPTIONS, "start", 409, 60003, Refusal.ALREADY_RUNNING),
        (SIP_CALLS, "start", 409, None, Refusal.ROUTED_SESSION_REQUIRED),
    ],
)
def test_a_documented_rejection_has_a_reason(
    family: Family, action: str, status: int, code: int | None, refusal: Refusal | None
) -> None:
    assert family.refusal(action, RequestRejected(status, "reason", code)) is refusal


def test_a_conflict_is_raised_with_the_vendors_code(opentok: OpenTokCredentials) -> None:
    with (
        serve(respond(409, {"code": 15008, "message": "Only routed sessions"})) as server,
        pytest.raises(Conflict) as conflict,
    ):
        features.start(Transport(opentok, server.url), ARCHIVES, ID, {}, None, soon())
    assert ARCHIVES.refusal("start", conflict.value) is Refusal.ROUTED_SESSION_REQUIRED


@pytest.mark.parametrize("status", [400, 409, 500])
def test_the_reason_of_a_failure_does_not_quote_what_was_sent(
    opentok: OpenTokCredentials, status: int
) -> None:
    key, password = "live-key-0815/secret", 'pass"word'
    fields = {"outputs": {"rtmp": [{"serverUrl": "rtmp://a", "streamName": key}]}, "p": password}
    as_json = json.dumps(password)[1:-1]
    message = f"no {key}, no live-key-0815%2Fsecret, no {as_json}, no token-text " + "x" * 90
    quoting = respond(status, {"message": message + key})
    with serve(quoting, page()) as server, pytest.raises(VendorError) as failed:
        features.start(Transport(opentok, server.url), BROADCASTS, ID, fields, "token-text", soon())
    hidden = "no (a value), no (a value), no (a value), no (a value)"
    assert hidden in str(failed.value)
    assert "live" not in str(failed.value)


def test_a_reason_does_not_grow_with_what_was_sent(opentok: OpenTokCredentials) -> None:
    fields = {"streams": list("(a value)"), "p": "\\"}
    quoting = respond(400, {"message": "a value, " * 6000})
    with serve(quoting) as server, pytest.raises(RequestRejected) as rejected:
        features.start(Transport(opentok, server.url), SIP_CALLS, ID, fields, "token", soon())
    assert rejected.value.reason.startswith("(a value)(a value)")
    assert "((" not in rejected.value.reason


@pytest.mark.parametrize("written", ["key?a=1/2", "key%3Fa%3D1/2", "key%3Fa%3D1%2F2"])
def test_a_text_that_was_sent_is_hidden_in_every_form(
    opentok: OpenTokCredentials, written: str
) -> None:
    with (
        serve(respond(400, {"message": f"no {written}."})) as server,
        pytest.raises(RequestRejected) as rejected,
    ):
        features.start(
            Transport(opentok, server.url), SIP_CALLS, ID, {"uri": "key?a=1/2"}, "token", soon()
        )
    assert rejected.value.reason == "no (a value)."
