"""Verifying callbacks: signature, hash, age, and bodies in every documented form."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.callbacks import (
    AGE_MAX_SECONDS,
    FUTURE_MAX_SECONDS,
    Connection,
    Event,
    Refusal,
    verify,
)
from tests.callbacks import SIGNATURE_SECRET, authorization, body, connection_event, session_event

NOW = 1_900_000_000
MS = NOW * 1000
SECRETS = (SIGNATURE_SECRET,)
RAW = body(connection_event("connectionCreated", "1_MX4", "c-1", MS - 20, MS, "name=Alice"))


def verified(event: dict[str, Any]) -> Event:
    raw = body(event)
    result = verify(raw, authorization(raw, NOW), SECRETS, NOW)
    assert isinstance(result, Event)
    return result


def test_a_signed_event_is_verified_and_parsed() -> None:
    event = verify(RAW, authorization(RAW, NOW), SECRETS, NOW)
    assert isinstance(event, Event)
    assert event.name == "connectionCreated"
    assert event.session_id == "1_MX4"
    assert event.timestamp == MS
    assert event.connection == Connection("c-1", MS - 20, "name=Alice")


def test_the_vendors_published_token_has_a_valid_signature_form() -> None:
    """A JWT of another library: the secret is used as text, not decoded."""
    import jwt

    claims = {"iss": "Vonage", "iat": NOW, "payload_hash": ""}
    claims["payload_hash"] = json.loads(_claims(authorization(RAW, NOW)))["payload_hash"]
    token = jwt.encode(claims, SIGNATURE_SECRET, "HS256")
    assert isinstance(verify(RAW, f"Bearer {token}", SECRETS, NOW), Event)


@pytest.mark.parametrize("secrets", [("new", SIGNATURE_SECRET), (SIGNATURE_SECRET, "old")])
def test_both_secrets_are_accepted_during_a_rotation(secrets: tuple[str, ...]) -> None:
    assert isinstance(verify(RAW, authorization(RAW, NOW), secrets, NOW), Event)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"ping",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"event":"connectionCreated"}',
        b'{"sessionId":"1_MX4"}',
        b'{"sessionId":7,"event":"connectionCreated"}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("header", [None, "Bearer x.y.z"])
def test_a_body_that_is_not_an_event_is_a_probe(raw: bytes, header: str | None) -> None:
    assert verify(raw, header, SECRETS, NOW) is Refusal.NOT_AN_EVENT


@pytest.mark.parametrize("header", [None, ""])
def test_an_event_without_a_signature_is_unsigned(header: str | None) -> None:
    assert verify(RAW, header, SECRETS, NOW) is Refusal.UNSIGNED


def test_without_a_secret_no_event_can_be_verified() -> None:
    assert verify(RAW, authorization(RAW, NOW), (), NOW) is Refusal.NOT_CONFIGURED


@pytest.mark.parametrize(
    "header",
    [
        authorization(RAW, NOW, "another-secret"),
        authorization(RAW, NOW, iss="vonage"),
        authorization(RAW, NOW, iss=None),
        authorization(RAW, NOW, iat=None),
        authorization(RAW, NOW, iat=True),
        authorization(RAW, NOW, iat=str(NOW)),
        authorization(RAW, NOW, header={"alg": "none"}),
        authorization(RAW, NOW, header={"alg": "HS512"}),
        authorization(RAW, NOW, header={"alg": "hs256"}),
        authorization(RAW, NOW, header={"typ": "JWT"}),
        authorization(RAW, NOW).replace("Bearer ", "Basic "),
        authorization(RAW, NOW).replace("Bearer ", ""),
        authorization(RAW, NOW)[:-1],
        authorization(RAW, NOW) + ".x",
        authorization(RAW, NOW).rpartition(".")[0] + ".",
        "Bearer " + "a" * 5000 + ".b.c",
        "Bearer é.è.à",
        "Bearer \udcff.b.c",
    ],
)
def test_a_forged_signature_is_refused(header: str) -> None:
    assert verify(RAW, header, SECRETS, NOW) is Refusal.FORGED


@pytest.mark.parametrize("payload_hash", [None, "", "0" * 64, 7, "\udcff"])
def test_a_signature_of_another_body_is_refused(payload_hash: object) -> None:
    header = authorization(RAW, NOW, payload_hash=payload_hash)
    assert verify(RAW, header, SECRETS, NOW) is Refusal.ALTERED


def test_the_hash_is_of_the_bytes_not_of_the_parsed_body() -> None:
    spaced = json.dumps(json.loads(RAW)).encode()
    assert spaced != RAW
    assert verify(spaced, authorization(RAW, NOW), SECRETS, NOW) is Refusal.ALTERED
    assert isinstance(verify(spaced, authorization(spaced, NOW), SECRETS, NOW), Event)


@pytest.mark.parametrize(
    ("issued_at", "expected"),
    [
        (NOW + FUTURE_MAX_SECONDS, None),
        (NOW + FUTURE_MAX_SECONDS + 1, Refusal.IN_THE_FUTURE),
        (float("nan"), Refusal.IN_THE_FUTURE),
        (float("inf"), Refusal.IN_THE_FUTURE),
        (NOW - AGE_MAX_SECONDS, None),
        (NOW - AGE_MAX_SECONDS - 1, Refusal.TOO_OLD),
        (float("-inf"), Refusal.TOO_OLD),
        (NOW + 0.5, None),
    ],
)
def test_the_age_of_a_signature_is_limited(issued_at: float, expected: Refusal | None) -> None:
    result = verify(RAW, authorization(RAW, NOW, iat=issued_at), SECRETS, NOW)
    assert result is expected if expected else isinstance(result, Event)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (MS, MS),
        (str(MS), MS),
        (MS + 0.9, MS),
        (f"{MS}.5", MS),
        (None, 0),
        (True, 0),
        ("soon", 0),
        (-5, 0),
        (1e300, 0),
        ([], 0),
    ],
)
def test_times_are_numbers_or_texts(value: object, expected: int) -> None:
    event = verified({**session_event("sessionCreated", "1_MX4", MS), "timestamp": value})
    assert event.timestamp == expected
    with_connection = connection_event("connectionCreated", "1_MX4", "c-1", MS, MS)
    with_connection["connection"] = {"id": "c-1", "createdAt": value, "data": ""}
    connection = verified(with_connection).connection
    assert connection is not None
    assert connection.created_at == expected


def test_a_stream_event_names_its_connection() -> None:
    event = verified(connection_event("streamCreated", "1_MX4", "c-1", MS - 5, MS, "x"))
    assert event.connection == Connection("c-1", MS - 5, "x")


@pytest.mark.parametrize("connection", [None, "c-1", {}, {"id": 7}, {"id": ""}, {"id": "a b"}])
def test_an_unusable_connection_is_none(connection: object) -> None:
    event = session_event("connectionCreated", "1_MX4", MS, connection=connection)
    assert verified(event).connection is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [("", ""), (None, ""), (7, ""), ("é" * 5000, "é" * 4096), ("\udcff", "?")],
)
def test_connection_data_is_any_text(data: object, expected: str) -> None:
    event = connection_event("connectionDestroyed", "1_MX4", "c-1", MS, MS)
    event["connection"] = {"id": "c-1", "createdAt": MS, "data": data}
    connection = verified(event).connection
    assert connection is not None
    assert connection.data == expected


def test_an_archive_without_the_event_field_is_an_event() -> None:
    event = verified({"id": "7b3b", "status": "started", "sessionId": "1_MX4", "partnerId": 47})
    assert (event.name, event.fields["status"]) == ("", "started")


@given(st.binary(max_size=300), st.text(max_size=300))
def test_no_body_and_no_header_is_ever_verified_by_chance(raw: bytes, header: str) -> None:
    assert isinstance(verify(raw, header, SECRETS, NOW), Refusal)
    assert verify(RAW, header or None, SECRETS, NOW) in (Refusal.FORGED, Refusal.UNSIGNED)


@given(st.data())
def test_no_change_of_a_single_character_is_accepted(data: st.DataObject) -> None:
    header = authorization(RAW, NOW)
    place = data.draw(st.integers(len("Bearer "), len(header) - 1))
    changed = data.draw(st.sampled_from("AZaz09-_."))
    forged = header[:place] + changed + header[place + 1 :]
    result = verify(RAW, forged, SECRETS, NOW)
    # The last character of base64 has bits that do not count.
    same = _decoded(forged) == _decoded(header)
    assert isinstance(result, Event) == same


def _claims(header: str) -> bytes:
    return _decoded(header)[1]


def _decoded(header: str) -> list[bytes]:
    parts = header.removeprefix("Bearer ").split(".")
    try:
        return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts]
    except ValueError:
        return []
