"""Valid bodies that start features, and the credentials in them."""

from typing import Any

__all__ = ["BODIES", "CREDENTIALS"]

CREDENTIALS = ("stream-key-of-rtmp", "password-of-sip", "value-of-a-websocket-header")
"""Every test that sends a credential uses one of these, so that they can be searched for."""

_KEY, _PASSWORD, _HEADER = CREDENTIALS
BODIES: dict[str, dict[str, Any]] = {
    "archives": {"name": "standup", "resolution": "1280x720", "streamMode": "manual"},
    "broadcasts": {
        "outputs": {
            "hls": {"lowLatency": True},
            "rtmp": [{"id": "tv", "serverUrl": "rtmp://a.example/live", "streamName": _KEY}],
        },
        "streamMode": "manual",
    },
    "captions": {"languageCode": "en-US", "maxDuration": 300},
    "sip-calls": {
        "sip": {
            "uri": "sip:desk@pbx.example",
            "auth": {"username": "desk", "password": _PASSWORD},
            "headers": {"X-Key": _HEADER},
        }
    },
    "renders": {"url": "https://page.example/view", "properties": {"name": "view"}},
    "audio-connectors": {
        "websocket": {"uri": "wss://audio.example", "headers": {"X-Key": _HEADER}}
    },
}
