"""The fields of the requests that start or change a feature of a routed session.

Names and limits are those of the vendor's reference of the Video REST API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .options import ARCHIVE_RESOLUTIONS
from .rules import Field, array, boolean, choice, integer, shape, text, text_map, url

__all__ = [
    "ARCHIVE", "AUDIO_CONNECTOR", "BROADCAST", "CAPTIONS_BODY", "LAYOUT", "RENDER", "SIP_CALL",
    "STREAMS",
]  # fmt: skip

_LAYOUT_TYPES = ("bestFit", "custom", "horizontalPresentation", "pip", "verticalPresentation")
_SCREEN_TYPES = ("bestFit", "horizontalPresentation", "pip", "verticalPresentation")
_RESOLUTION = Field("resolution", choice(*ARCHIVE_RESOLUTIONS))
_STREAM_MODE = Field("streamMode", choice("auto", "manual"))
_MAX_BITRATE = Field("maxBitrate", integer(100_000, 6_000_000))
_TAG_MAX = 256  # the vendor documents no limit
_COMPOSED_ONLY = ("resolution", "layout", "maxBitrate", "quantizationParameter")


def _layout_conflicts(layout: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if layout["type"] == "custom" and "stylesheet" not in layout:
        yield "stylesheet", "is required for type 'custom'"
    if layout["type"] != "custom" and "stylesheet" in layout:
        yield "stylesheet", "requires type 'custom'"
    if layout["type"] != "bestFit" and "screenshareType" in layout:
        yield "screenshareType", "requires type 'bestFit'"


LAYOUT = shape(
    Field("type", choice(*_LAYOUT_TYPES), required=True),
    Field("stylesheet", text(1, 32_768)),
    Field("screenshareType", choice(*_SCREEN_TYPES)),
    conflicts=_layout_conflicts,
)
"""The body of a change of the layout."""


def _stream_conflicts(change: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if ("addStream" in change) == ("removeStream" in change):
        yield "addStream", "exactly one of addStream and removeStream is required"
    for name in ("hasAudio", "hasVideo"):
        if name in change and "addStream" not in change:
            yield name, "requires addStream"


STREAMS = shape(
    Field("addStream", text(1, 64)),
    Field("removeStream", text(1, 64)),
    Field("hasAudio", boolean),
    Field("hasVideo", boolean),
    conflicts=_stream_conflicts,
)
"""The body of a change of the streams."""


def _archive_conflicts(archive: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if archive.get("hasAudio", True) is archive.get("hasVideo", True) is False:
        yield "hasVideo", "hasAudio and hasVideo cannot both be false"
    individual = archive.get("outputMode") == "individual"
    if individual:
        for name in _COMPOSED_ONLY:
            if name in archive:
                yield name, "requires outputMode 'composed'"
    if "maxBitrate" in archive and "quantizationParameter" in archive:
        yield "quantizationParameter", "cannot be combined with maxBitrate"
    if archive.get("hasTranscription") and not individual:
        yield "hasTranscription", "requires outputMode 'individual'"
    if "transcriptionProperties" in archive and not archive.get("hasTranscription"):
        yield "transcriptionProperties", "requires hasTranscription"


ARCHIVE = shape(
    Field("name", text(1, 256)),  # the vendor documents no limit
    Field("hasAudio", boolean),
    Field("hasVideo", boolean),
    Field("outputMode", choice("composed", "individual")),
    _RESOLUTION,
    Field("layout", LAYOUT),
    _STREAM_MODE,
    Field("multiArchiveTag", text(1, _TAG_MAX)),
    _MAX_BITRATE,
    Field("quantizationParameter", integer(15, 40)),
    Field("hasTranscription", boolean),
    Field(
        "transcriptionProperties",
        shape(Field("primaryLanguageCode", text(2, 35)), Field("hasSummary", boolean)),
    ),
    conflicts=_archive_conflicts,
)


def _hls_conflicts(hls: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if hls.get("dvr") and hls.get("lowLatency"):
        yield "lowLatency", "cannot be combined with dvr"


def _output_conflicts(outputs: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if not outputs.get("rtmp") and "hls" not in outputs:
        yield "hls", "outputs must contain hls or rtmp"


_RTMP = shape(
    Field("id", text(1, 256)),
    Field("serverUrl", url("rtmp", "rtmps"), required=True),
    Field("streamName", text(1, 1024), required=True),  # a credential
)
BROADCAST = shape(
    Field(
        "outputs",
        shape(
            Field(
                "hls",
                shape(
                    Field("dvr", boolean),
                    Field("lowLatency", boolean),
                    conflicts=_hls_conflicts,
                ),
            ),
            Field("rtmp", array(_RTMP, 0, 5)),
            conflicts=_output_conflicts,
        ),
        required=True,
    ),
    Field("maxDuration", integer(60, 36_000)),
    Field("hasAudio", boolean),
    Field("hasVideo", boolean),
    _RESOLUTION,
    Field("layout", LAYOUT),
    _STREAM_MODE,
    Field("multiBroadcastTag", text(1, _TAG_MAX)),
    _MAX_BITRATE,
)
CAPTIONS_BODY = shape(
    Field("languageCode", text(2, 35)),
    Field("maxDuration", integer(300, 14_400)),
    Field("partialCaptions", boolean),
)
SIP_CALL = shape(
    Field(
        "sip",
        shape(
            Field("uri", url("sip", "sips"), required=True),
            Field("from", text(1, 256)),
            Field("headers", text_map(4096)),  # may be credentials
            Field(
                "auth",
                shape(
                    Field("username", text(1, 256), required=True),
                    Field("password", text(1, 256), required=True),
                ),
            ),
            Field("secure", boolean),
            Field("video", boolean),
            Field("observeForceMute", boolean),
        ),
        required=True,
    ),
)
RENDER = shape(
    Field("url", url("http", "https"), required=True),
    Field("maxDuration", integer(60, 36_000)),
    _RESOLUTION,
    Field("properties", shape(Field("name", text(1, 200), required=True))),
)
AUDIO_CONNECTOR = shape(
    Field(
        "websocket",
        shape(
            Field("uri", url("ws", "wss"), required=True),
            Field("streams", array(text(1, 64), 0, 100)),
            Field("headers", text_map(512)),  # may be credentials
            Field("audioRate", choice(8000, 16_000, 24_000)),
            Field("bidirectional", boolean),
        ),
        required=True,
    ),
)
