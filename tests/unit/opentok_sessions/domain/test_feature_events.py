"""Callbacks about features: every documented form, what is kept of it, and what is unusable."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.callbacks import Event, verify
from opentok_client.families import FAMILIES, Shown
from opentok_sessions.domain.feature_events import (
    REDACTED,
    STATUS_KINDS,
    TEXT_MAX_LENGTH,
    reported,
)
from opentok_sessions.domain.features import FeatureRecord
from tests.callbacks import SIGNATURE_SECRET, authorization, body
from tests.unit.opentok_sessions.application import NOW

MS = NOW * 1000
SESSION = "session-1"
ARCHIVE = "7b3b1f0a-1c5e-4a44-8b6a-0f3a2d1c9e55"
URL = "https://bucket.example/archive.mp4?Signature=a-signature"
KINDS = ["archive", "broadcast", "captions", "render", "sip"]

NEWER_FORM: dict[str, object] = {
    "id": ARCHIVE,
    "event": "archive",
    "status": "available",
    "reason": "",
    "name": "standup",
    "sessionId": SESSION,
    "partnerId": 47000001,
    "createdAt": MS,
    "duration": 328,
    "size": 18023312,
    "resolution": "640x480",
    "url": URL,
}
OLDER_FORM: dict[str, object] = {
    "id": ARCHIVE,
    "status": "started",
    "name": "",
    "reason": "",
    "sessionId": SESSION,
    "projectId": 47000001,
    "createdAt": MS,
    "size": 0,
    "duration": 0,
    "outputMode": "composed",
    "hasAudio": True,
    "hasVideo": True,
    "certificate": "",
    "sha256sum": "",
    "password": "a-password",
    "updatedAt": MS + 152,
}
BROADCAST: dict[str, object] = {
    "id": "b-1",
    "sessionId": SESSION,
    "status": "failed",
    "updatedAt": MS,
    "reason": "cannot publish to rtmp://live.example/app/a-stream-key",
    "broadcastUrls": {
        "hls": URL,
        "rtmp": [{"id": "", "serverUrl": "rtmp://live.example", "streamName": "a-stream-key"}],
    },
}
CAPTIONS: dict[str, object] = {
    "captionId": "c-1",
    "applicationId": "aaaa",
    "sessionId": SESSION,
    "status": "started",
    "createdAt": MS,
    "updatedAt": MS + 1,
    "duration": 7,
    "languageCode": "en-us",
    "provider": "aws-transcribe",
}
RENDER: dict[str, object] = {
    "id": "r-1",
    "sessionId": SESSION,
    "streamId": "s-1",
    "status": "stopped",
    "reason": "Max Duration Exceeded",
}
CALL: dict[str, object] = {"id": "call-1", "connectionId": "conn-1", "createdAt": MS}


def event_of(fields: Mapping[str, object]) -> Event:
    raw = body(fields)
    event = verify(raw, authorization(raw, NOW), [SIGNATURE_SECRET], NOW)
    assert isinstance(event, Event)
    return event


def report(kind: str, fields: Mapping[str, object]) -> FeatureRecord | None:
    return reported(kind, event_of({"sessionId": SESSION, **fields}))


def usable(kind: str, fields: Mapping[str, object]) -> FeatureRecord:
    record = report(kind, fields)
    assert record is not None
    return record


def sip(name: str, at: int = MS, **more: object) -> dict[str, object]:
    return {"event": name, "timestamp": at, "call": CALL, **more}


class TestArchives:
    def test_the_newer_form(self) -> None:
        assert usable("archive", NEWER_FORM) == FeatureRecord(
            family="archives",
            id=ARCHIVE,
            status="available",
            updated_at=0,
            fields={
                "id": ARCHIVE,
                "sessionId": SESSION,
                "status": "available",
                "name": "standup",
                "reason": "",
                "resolution": "640x480",
                "createdAt": MS,
                "duration": 328,
                "size": 18023312,
            },
        )

    def test_the_older_form_without_the_event(self) -> None:
        record = usable("archive", OLDER_FORM)
        assert (record.status, record.updated_at) == ("started", MS + 152)
        assert record.fields["hasVideo"] is True

    @pytest.mark.parametrize(
        "project", [{"partnerId": 47}, {"projectId": 47}, {"applicationId": "aaaa-bbbb"}, {}]
    )
    def test_every_name_of_the_project_is_accepted(self, project: Mapping[str, object]) -> None:
        without = {name: v for name, v in NEWER_FORM.items() if name != "partnerId"}
        assert report("archive", {**without, **project}) == report("archive", NEWER_FORM)

    @pytest.mark.parametrize("size", [18023312, "18023312", 18023312.0])
    def test_the_size_is_a_number_or_a_text(self, size: object) -> None:
        assert usable("archive", {**NEWER_FORM, "size": size}).fields["size"] == 18023312

    def test_times_are_numbers_or_texts(self) -> None:
        assert usable("archive", {**OLDER_FORM, "updatedAt": str(MS)}).updated_at == MS

    def test_a_body_without_its_own_time_has_the_time_of_the_event(self) -> None:
        assert usable("archive", {**NEWER_FORM, "timestamp": MS + 9}).updated_at == MS + 9

    def test_the_transcription_is_kept_without_its_url(self) -> None:
        transcription = {"status": "available", "url": URL, "hasSummary": True, "reason": None}
        record = usable("archive", {**NEWER_FORM, "transcription": transcription})
        assert record.fields["transcription"] == {"status": "available", "hasSummary": True}

    def test_neither_url_nor_password_is_kept(self) -> None:
        fields = {**OLDER_FORM, **NEWER_FORM, "password": "a-password"}
        assert "a-password" not in json.dumps(usable("archive", fields).fields)
        assert URL not in json.dumps(usable("archive", fields).fields)


class TestOtherFamilies:
    def test_a_broadcast(self) -> None:
        record = usable("broadcast", {**BROADCAST, "event": "broadcast"})
        assert (record.family, record.id, record.status) == ("broadcasts", "b-1", "failed")

    def test_a_stream_name_is_kept_nowhere(self) -> None:
        fields = usable("broadcast", BROADCAST).fields
        assert "a-stream-key" not in json.dumps(fields)
        assert fields["reason"] == f"cannot publish to rtmp://live.example/app/{REDACTED}"

    @pytest.mark.parametrize(
        "places",
        [
            {"broadcastUrls": {"rtmp": {"target-1": {"streamName": "key?a=1/2"}}}},
            {"broadcastUrls": {"rtmp": {"streamName": "key?a=1/2"}}},
            {"settings": {"outputs": {"rtmp": [{"streamName": "key?a=1/2"}]}}},
            {"outputs": {"rtmp": [{"streamName": 7}, None, [{"streamName": "key?a=1/2"}]]}},
        ],
        ids=["by id", "one", "settings", "nested"],
    )
    @pytest.mark.parametrize("written", ["key?a=1/2", "key%3Fa%3D1/2", "key%3Fa%3D1%2F2"])
    def test_a_stream_name_is_recognised_in_every_form(
        self, places: Mapping[str, object], written: str
    ) -> None:
        body = {**BROADCAST, "broadcastUrls": {}, **places, "reason": f"no {written}."}
        assert usable("broadcast", body).fields["reason"] == f"no {REDACTED}."

    def test_a_stream_name_that_starts_with_another_leaves_no_part(self) -> None:
        targets = [{"streamName": name} for name in ("live", "e", "d", "live-secret")]
        for order in (targets, targets[::-1]):
            body = {**BROADCAST, "broadcastUrls": {"rtmp": order}, "reason": "no live-secret"}
            assert usable("broadcast", body).fields["reason"] == f"no {REDACTED}"

    def test_a_body_that_is_nested_deeply_is_parsed(self) -> None:
        nested: object = {"streamName": "secret"}
        for _ in range(150):
            nested = [{"a": nested}]
        body = {**BROADCAST, "outputs": nested, "reason": "no secret"}
        assert usable("broadcast", body).fields["reason"] == f"no {REDACTED}"

    def test_no_part_of_a_stream_name_is_kept_of_a_long_reason(self) -> None:
        reason = "x" * (TEXT_MAX_LENGTH - 5) + "a-stream-key"
        fields = usable("broadcast", {**BROADCAST, "reason": reason}).fields
        assert "a-str" not in str(fields["reason"])

    @pytest.mark.parametrize("name", ["captionId", "captionsId", "id"])
    def test_captions_under_every_name_of_their_id(self, name: str) -> None:
        others = {key: value for key, value in CAPTIONS.items() if key != "captionId"}
        record = usable("captions", {**others, name: "c-1"})
        assert record == usable("captions", CAPTIONS)
        assert (record.family, record.id, record.updated_at) == ("captions", "c-1", MS + 1)
        assert record.fields["languageCode"] == "en-us"

    def test_a_render_without_any_time(self) -> None:
        record = usable("render", RENDER)
        assert (record.family, record.id, record.updated_at) == ("renders", "r-1", 0)
        assert record.fields["reason"] == "Max Duration Exceeded"


class TestCalls:
    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            (sip("callCreated"), "created"),
            (sip("callUpdated", state="RINGING"), "ringing"),
            (sip("callUpdated", state="ON_HOLD"), "on_hold"),
            (sip("callDestroyed"), "destroyed"),
        ],
    )
    def test_the_state_of_a_call_is_known_by_its_connection(
        self, fields: Mapping[str, object], status: str
    ) -> None:
        record = usable("sip", fields)
        assert (record.family, record.id) == ("sip-calls", "conn-1")
        assert (record.status, record.updated_at) == (status, MS)

    def test_the_reason_has_code_and_message(self) -> None:
        fields = sip("callDestroyed", reason_code="704", reason_message="Media Timeout")
        assert usable("sip", fields).fields["reason"] == "704 Media Timeout"

    @pytest.mark.parametrize(
        "fields",
        [
            sip("muteForced"),
            sip("callUpdated"),
            sip("callUpdated", state=7),
            sip("callCreated", call=None),
            sip("callCreated", call={"id": "call-1"}),
        ],
    )
    def test_an_event_without_a_state_or_a_connection_is_unusable(
        self, fields: Mapping[str, object]
    ) -> None:
        assert report("sip", fields) is None


class TestUnusable:
    @pytest.mark.parametrize(
        ("kind", "change"),
        [
            ("archive", {"id": None}),
            ("archive", {"id": ""}),
            ("archive", {"id": "two words"}),
            ("archive", {"id": "x" * 256}),
            ("archive", {"status": None}),
            ("archive", {"status": ""}),
            ("archive", {"event": "broadcast"}),
            ("render", {"event": "archive"}),
            ("session", {}),
        ],
    )
    def test_a_body_that_reports_no_status_of_the_family(
        self, kind: str, change: Mapping[str, object]
    ) -> None:
        assert report(kind, {**NEWER_FORM, **change}) is None

    def test_an_event_of_the_future_with_another_name_is_read_by_its_status(self) -> None:
        record = usable("captions", {**CAPTIONS, "event": "captionsStatus"})
        assert record.status == "started"


class TestBounds:
    def test_long_texts_are_shortened(self) -> None:
        record = usable("archive", {**NEWER_FORM, "name": "é" * 9999, "status": "s" * 9999})
        assert len(str(record.fields["name"])) == TEXT_MAX_LENGTH
        assert len(record.status) == 64

    @pytest.mark.parametrize("size", [-1, 10**400, math.nan, math.inf, True, "1e9", {}, [1]])
    def test_an_impossible_number_is_left_out(self, size: object) -> None:
        assert "size" not in usable("archive", {**NEWER_FORM, "size": size}).fields

    @pytest.mark.parametrize("at", [-1, 10**400, math.nan, math.inf, True, "1e9", {}, [1]])
    def test_an_impossible_time_is_no_time(self, at: object) -> None:
        assert usable("archive", {**NEWER_FORM, "updatedAt": at, "timestamp": at}).updated_at == 0

    def test_text_that_is_not_well_formed_can_be_stored(self) -> None:
        record = usable("archive", {**NEWER_FORM, "name": "a\ud800b"})
        assert record.fields["name"] == "a?b"


def leaves(shown: Shown) -> set[str]:
    return {name for name, nested in shown.items() if nested is None}


@pytest.mark.parametrize("kind", STATUS_KINDS)
def test_what_is_kept_is_what_callers_may_see_without_urls(kind: str) -> None:
    known = STATUS_KINDS[kind]
    kept = {"id", "sessionId", "status", *known.texts, *known.numbers, *known.flags}
    shown = leaves(FAMILIES[known.family].shown)
    assert kept - {"reason"} == shown - {"url", "reason"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(st.sampled_from(KINDS), st.data())
def test_any_body_is_parsed_to_something_that_can_be_stored(kind: str, data: st.DataObject) -> None:
    base: dict[str, Any] = data.draw(
        st.sampled_from([NEWER_FORM, OLDER_FORM, BROADCAST, CAPTIONS, RENDER, sip("callUpdated")])
    )
    changes = data.draw(st.dictionaries(st.sampled_from(sorted(base)), JSON, max_size=4))
    fields = {**base, **changes, "sessionId": SESSION, "status": base.get("status", "x")}
    record = report(kind, fields)
    if record is None:
        return
    assert 0 <= record.updated_at < 10**15
    stored = json.dumps(record.fields, ensure_ascii=False, allow_nan=False)
    assert len(stored.encode()) < 16_384
