"""Dates, error bodies and content negotiation."""

from __future__ import annotations

import pytest

from local.emulator.errors import BadRequest, Forbidden
from local.emulator.serializers import create_dt, error_json, error_xml, wants_json


@pytest.mark.parametrize(
    ("created_ms", "text"),
    [
        (1739538894959, "Fri Feb 14 05:14:54 PST 2025"),  # recorded
        (1726462588647, "Sun Sep 15 21:56:28 PDT 2024"),
        (1530796148168, "Thu Jul 05 06:09:08 PDT 2018"),
        (1793522555000, "Sun Nov 01 01:42:35 PDT 2026"),  # the hour that there is twice
        (1793526155000, "Sun Nov 01 01:42:35 PST 2026"),
    ],
)
def test_pacific_date(created_ms: int, text: str) -> None:
    assert create_dt(created_ms) == text


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("application/json", True),
        ("text/xml, application/json;q=0.5", True),
        ("*/*", False),
        ("", False),
        ("application/*", False),
        ("application/json+x", False),
    ],
)
def test_wants_json(accept: str, json: bool) -> None:
    assert wants_json(accept) is json


def test_messages_are_escaped() -> None:
    assert b"<message>a &lt;b&gt; &amp;</message>" in error_xml(BadRequest("a <b> &"))


def test_only_403_has_a_description() -> None:
    assert error_json(Forbidden("no")) == b'{"code":-1,"message":"no","description":"no"}'
    assert error_json(BadRequest("no")) == b'{"code":400,"message":"no"}'
