"""Bodies of the callbacks, as the vendor's documentation shows them."""

from __future__ import annotations

from collections.abc import Mapping

from local.emulator.archives import Archive
from local.emulator.events import Event, EventName
from local.emulator.feature_json import (
    broadcast,
    captions_callback,
    render,
    sip_callback,
)
from local.emulator.features import Feature
from local.emulator.projects import Platform
from local.emulator.sessions import Connection, Stream
from local.emulator.variants import Variants

__all__ = ["callback_body", "callback_kind"]

KINDS: Mapping[EventName, str | None] = {
    EventName.ARCHIVE: "archive",
    EventName.BROADCAST: "broadcast",
    EventName.CAPTIONS: "captions",
    EventName.SIP: "sip",
    EventName.RENDER: "render",
    EventName.AUDIO_CONNECTOR: None,  # has no callbacks
}


def callback_kind(event: Event) -> str | None:
    """Returns the kind of callback that an event is sent as; None if there is none."""
    return KINDS.get(event.name, "session")


def callback_body(event: Event, variants: Variants) -> dict[str, object]:
    """Returns the JSON body of the callback for an event."""
    if event.archive is not None:
        return _archive(event.archive, event, variants)
    if event.feature is not None and event.name is not EventName.SIP:
        feature = _FEATURES[event.name](event.feature)
        if event.name is EventName.CAPTIONS:
            feature[variants.captions_id_field] = feature.pop("captionId")
        return feature
    project: object = event.session.project_id
    if variants.project_number and event.session.platform is Platform.OPENTOK:
        project = int(event.session.project_id)
    body: dict[str, object] = {
        "sessionId": event.session.id,
        variants.project_field: project,
        "event": event.name.value,
        "timestamp": event.time_ms,
    }
    if event.feature is not None:
        return body | _sip(event.feature, event.fields)
    if event.reason is not None:
        body["reason"] = event.reason
    if event.connection is not None:
        with_data = variants.data_in_destroyed or event.name is not EventName.CONNECTION_DESTROYED
        connection = _connection(event.connection, with_data)
        if event.stream is None:
            body["connection"] = connection
        else:
            body["stream"] = _stream(event.stream) | {"connection": connection}
    return body


def _sip(feature: Feature, fields: Mapping[str, object]) -> dict[str, object]:
    if feature.running:
        return sip_callback(feature, fields)
    ended = {"event": "callDestroyed", "reason_code": "700", "reason_message": "normal"}
    return sip_callback(feature, ended)


_FEATURES = {
    EventName.BROADCAST: broadcast,
    EventName.CAPTIONS: captions_callback,
    EventName.RENDER: render,
}


def _connection(connection: Connection, with_data: bool) -> dict[str, object]:
    return {
        "id": connection.id,
        "createdAt": connection.created_ms,
        "data": connection.data if with_data else "",
    }


def _stream(stream: Stream) -> dict[str, object]:
    body: dict[str, object] = {
        "id": stream.id,
        "createdAt": stream.created_ms,
        "name": stream.name,
    }
    if stream.video_type is not None:  # absent for an audio-only stream
        body["videoType"] = stream.video_type
    return body


def _archive(archive: Archive, event: Event, variants: Variants) -> dict[str, object]:
    body = archive.to_json()
    project = body.pop("projectId")
    body.pop("partnerId")
    if event.session.platform is Platform.VONAGE:
        body["applicationId"] = project
    else:
        name = variants.archive_project_field
        body[name] = project if name == "applicationId" else int(str(project))
    if variants.archive_size_text:
        body["size"] = str(body["size"])
    if not variants.archive_updated_at:
        body.pop("updatedAt")
    if variants.archive_event_field:
        body["event"] = EventName.ARCHIVE.value
    return body
