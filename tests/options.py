"""Every session option, by a pair of sessions that differ in it alone.

A new field of `SessionOptions` belongs here; the tests that use these pairs then find each place
that has to know of it: `tests/unit/opentok_sessions/test_every_option.py`.
"""

from __future__ import annotations

from dataclasses import fields, replace

from opentok_client.options import ArchiveMode, MediaMode, SessionOptions

__all__ = ["PAIRS"]

_PLAIN = SessionOptions()
_ARCHIVED = SessionOptions(archive_mode=ArchiveMode.ALWAYS)

PAIRS: dict[str, tuple[SessionOptions, SessionOptions]] = {
    "media_mode": (_PLAIN, replace(_PLAIN, media_mode=MediaMode.RELAYED)),
    "archive_mode": (_PLAIN, _ARCHIVED),
    "archive_name": (_ARCHIVED, replace(_ARCHIVED, archive_name="minutes")),
    "archive_resolution": (_ARCHIVED, replace(_ARCHIVED, archive_resolution="1280x720")),
    "location": (_PLAIN, replace(_PLAIN, location="12.34.56.78")),
    "e2ee": (_PLAIN, replace(_PLAIN, e2ee=True)),
}

_lacking = {field.name for field in fields(SessionOptions)} ^ PAIRS.keys()
assert not _lacking, f"PAIRS in {__file__} needs a pair for each option: {_lacking}"
