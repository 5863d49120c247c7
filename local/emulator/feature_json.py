"""Representations of features, in responses and in callbacks."""

from __future__ import annotations

from collections.abc import Mapping

from local.emulator.features import Feature
from local.emulator.projects import Platform

__all__ = ["broadcast", "captions_callback", "render", "sip_call", "sip_callback"]


def broadcast(feature: Feature) -> dict[str, object]:
    """Returns a broadcast; the URLs lead nowhere."""
    content = dict(feature.content)
    outputs = content.pop("outputs")
    assert isinstance(outputs, dict)  # noqa: S101 - validated at the start
    urls: dict[str, object] = {}
    if "hls" in outputs:
        urls["hls"] = f"https://broadcast.invalid/{feature.id}/playlist.m3u8"
    if outputs.get("rtmp"):
        urls["rtmp"] = [
            {"id": "", **target, "status": "connecting" if feature.running else "offline"}
            for target in outputs["rtmp"]
        ]
    return {
        **_common(feature),
        **content,
        "status": feature.status,
        "broadcastUrls": urls,
        "settings": {"hls": outputs.get("hls") or {}},
        "multiBroadcastTag": feature.tag,
        "event": "broadcast",
    }


def render(feature: Feature) -> dict[str, object]:
    """Returns an Experience Composer render."""
    representation = {**_common(feature), **feature.content, "status": feature.status}
    if feature.stream_id is not None:
        representation["streamId"] = feature.stream_id
    if feature.reason is not None:
        representation["reason"] = feature.reason
    return representation | {"event": "render"}


def sip_call(feature: Feature) -> dict[str, object]:
    """Returns a SIP call or an audio connector."""
    return {
        **_common(feature),
        "connectionId": feature.connection_id,
        "streamId": feature.stream_id,
    }


def sip_callback(feature: Feature, fields: Mapping[str, object]) -> dict[str, object]:
    """Returns the fields of a SIP callback."""
    call = {
        "id": feature.id,
        "connectionId": feature.content["connectionId"],
        "createdAt": feature.created_ms,
    }
    return {**fields, "call": call}


def captions_callback(feature: Feature) -> dict[str, object]:
    """Returns the body of a captions callback, which is also its lookup."""
    body = {
        "captionId": feature.id,
        **_common(feature),
        "status": feature.status,
        "duration": max(feature.updated_ms - feature.created_ms, 0) // 1000,
        "languageCode": str(feature.content["languageCode"]).lower(),
        "provider": "aws-transcribe",
    }
    body.pop("id")
    return body if feature.reason is None else {**body, "reason": feature.reason}


def _common(feature: Feature) -> dict[str, object]:
    vonage = feature.session.platform is Platform.VONAGE
    project_id = feature.session.project_id
    return {
        "id": feature.id,
        "sessionId": feature.session.id,
        "applicationId" if vonage else "projectId": project_id if vonage else int(project_id),
        "createdAt": feature.created_ms,
        "updatedAt": feature.updated_ms or feature.created_ms,
    }
