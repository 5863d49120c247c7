"""Client tokens: a recorded token of every SDK is accepted, and invalid ones are refused."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from urllib.parse import quote_plus, urlencode

import pytest
import requests

from tests.contract.emulator.signing import hs256, rs256, t1
from tests.emulator import CALL_SECONDS, Emulator

Claims = dict[str, object]
Make = Callable[[Emulator, str], str]

DAY = 86_400


def _session(emulator: Emulator, platform: str) -> str:
    """Creates a session on this platform and returns its id."""
    now = int(time.time())
    if platform == "opentok":
        claims: Claims = {"iss": emulator.api_key, "ist": "project", "iat": now, "exp": now + 180}
        headers = {"X-OPENTOK-AUTH": hs256(emulator.api_secret, claims)}
    else:
        claims = {"application_id": emulator.application_id, "iat": now}
        headers = {"Authorization": f"Bearer {rs256(emulator.private_key, claims)}"}
    response = requests.post(
        f"{emulator.url}/session/create",
        headers=headers | {"Accept": "application/json"},
        timeout=CALL_SECONDS,
    )
    return str(response.json()[0]["session_id"])


@pytest.fixture
def session_id(emulator: Emulator) -> str:
    return _session(emulator, "opentok")


# Tokens as the SDKs make them


def _query(fields: Claims) -> str:
    return urlencode(fields)


def _t1_python(s: Emulator, sid: str) -> str:
    now = int(time.time())
    fields: Claims = {
        "session_id": sid, "create_time": now, "expire_time": now + DAY, "role": "publisher",
        "nonce": 839687, "initial_layout_class_list": "focus x",
        "connection_data": "user=a&b c é",
    }  # fmt: skip
    return t1(s.api_key, s.api_secret, _query(fields))


def _t1_node(s: Emulator, sid: str) -> str:
    now = round(time.time())
    data = quote_plus("user=a&b c é").replace("+", "%20")
    text = (
        f"session_id={sid}&create_time={now}&nonce=0.123&role=publisher&expire_time={now + DAY}"
        f"&connection_data={data}&initial_layout_class_list=focus%20x&scope=session.connect"
    )
    return t1(s.api_key, s.api_secret, text)


def _t1_java(s: Emulator, sid: str) -> str:
    now = int(time.time())
    text = (
        f"create_time={now}&expire_time={now + DAY}&session_id={sid}&nonce=-12&role=publisher"
        f"&scope=session.connect&connection_data={quote_plus('user=a&b c é')}"
        "&initial_layout_class_list=focus x"
    )
    return t1(s.api_key, s.api_secret, text, url_safe=True)


def _t1_dotnet(s: Emulator, sid: str) -> str:
    text = (
        f"session_id={sid}&create_time={int(time.time())}&nonce=5&role=publisher"
        f"&initial_layout_class_list=focus x&connection_data={quote_plus('user=a&b c é')}"
    )
    return t1(s.api_key, s.api_secret, text)


def _t1_php(s: Emulator, sid: str) -> str:
    text = (
        f"session_id={sid}&create_time={int(time.time())}&role=publisher&nonce=1739.17395"
        f"&connection_data={quote_plus('user=a&b c é')}&initial_layout_class_list=focus+x"
    )
    return t1(s.api_key, s.api_secret, text)


def _t1_ruby(s: Emulator, sid: str) -> str:
    fields: Claims = {
        "role": "publisher", "session_id": sid, "create_time": int(time.time()), "nonce": 0.5,
        "connection_data": "user=a&b c é", "initial_layout_class_list": "focus x",
    }  # fmt: skip
    return t1(s.api_key, s.api_secret, _query(fields))


def _t1_of_2011(s: Emulator, sid: str) -> str:
    now = int(time.time())
    fields: Claims = {
        "session_id": sid, "create_time": now, "expire_time": now + DAY, "nonce": 1,
        "connection_data": "user=a&b c é", "initial_layout_class_list": "focus x",
    }  # fmt: skip
    return t1(s.api_key, s.api_secret, _query(fields), outer="sdk_version=tbpy-v0.91&")


def _t1_unpadded(s: Emulator, sid: str) -> str:
    return _t1_python(s, sid).rstrip("=")


def _jwt(s: Emulator, sid: str, **changes: object) -> str:
    """Returns a valid OpenTok JWT with changes; None omits a claim."""
    now = int(time.time())
    good: Claims = {
        "iss": s.api_key, "ist": "project", "iat": now, "exp": now + DAY, "session_id": sid,
        "scope": "session.connect", "role": "publisher", "connection_data": "user=a&b c é",
        "initial_layout_class_list": "focus x",
    }  # fmt: skip
    claims = {name: value for name, value in (good | changes).items() if value is not None}
    return hs256(s.api_secret, claims)


def _jwt_node(s: Emulator, sid: str) -> str:
    now = int(time.time())
    return _jwt(s, sid, create_time=now + 1, expire_time=now + DAY, nonce=0.123)


def _jwt_ruby(s: Emulator, sid: str) -> str:
    return _jwt(s, sid, exp=None, nonce="0.5")


def _jwt_php(s: Emulator, sid: str) -> str:
    now = int(time.time())
    claims: Claims = {
        "iss": s.api_key, "iat": now, "session_id": sid, "role": "publisher", "ist": "project",
        "nonce": "173.9", "scope": "session.connect", "connection_data": "user=a&b c é",
        "initial_layout_class_list": "focus x", "data": None, "expireTime": None,
    }  # fmt: skip
    return hs256(s.api_secret, claims)


def _unified(s: Emulator, sid: str, **changes: object) -> str:
    """Returns a valid Vonage JWT with changes; None omits a claim."""
    now = int(time.time())
    good: Claims = {
        "application_id": s.application_id, "iat": now, "exp": now + 900, "session_id": sid,
        "scope": "session.connect", "role": "publisher", "connection_data": "user=a&b c é",
        "initial_layout_class_list": "focus x", "jti": "0f6e",
    }  # fmt: skip
    claims = {name: value for name, value in (good | changes).items() if value is not None}
    return rs256(s.private_key, claims)


ACL: Claims = {"paths": {"/session/**": {}}}

OPENTOK_TOKENS: dict[str, Make] = {
    "T1, Python": _t1_python,
    "T1, Node": _t1_node,
    "T1, Java": _t1_java,
    "T1, .NET": _t1_dotnet,
    "T1, PHP": _t1_php,
    "T1, Ruby": _t1_ruby,
    "T1, SDKs of 2011": _t1_of_2011,
    "T1, unpadded": _t1_unpadded,
    "JWT, Python": lambda s, sid: _jwt(s, sid, nonce=839687),
    "JWT, Node": _jwt_node,
    "JWT, Java": lambda s, sid: _jwt(s, sid, nonce=5, jti="b4f0"),
    "JWT, Ruby": _jwt_ruby,
    "JWT, PHP": _jwt_php,
}
VONAGE_TOKENS: dict[str, Make] = {
    "@vonage/video": lambda s, sid: _unified(s, sid, sub="video", acl=ACL),
    "vonage-python": lambda s, sid: _unified(
        s, sid, subject="video", acl=ACL, initial_layout_class_list=["focus", "x"]
    ),
    "opentok-python": lambda s, sid: _unified(s, sid, subject="video", acl=ACL),
    "vonage-ruby": lambda s, sid: _unified(s, sid, sub="video", acl=ACL, data="not heard of"),
    "vonage-php": lambda s, sid: _unified(s, sid, sub="video", acl=ACL, role=None),
    "vonage-java": _unified,
    "vonage-dotnet": lambda s, sid: _unified(s, sid, exp=None),
}


@pytest.mark.parametrize("make", OPENTOK_TOKENS.values(), ids=OPENTOK_TOKENS)
def test_recorded_opentok_token(emulator: Emulator, session_id: str, make: Make) -> None:
    _accepted(emulator, session_id, make(emulator, session_id))


@pytest.mark.parametrize("make", VONAGE_TOKENS.values(), ids=VONAGE_TOKENS)
def test_recorded_vonage_token(emulator: Emulator, make: Make) -> None:
    session_id = _session(emulator, "vonage")
    _accepted(emulator, session_id, make(emulator, session_id))


def _accepted(emulator: Emulator, session_id: str, token: str) -> None:
    response = emulator.connect(session_id, token)
    assert response.status_code == 200, response.text
    connection = response.json()
    assert connection["role"] == "publisher"
    assert connection["data"] == "user=a&b c é"
    assert connection["layoutClasses"] == ["focus", "x"]
    assert connection["sessionId"] == session_id
    assert connection["expiresAt"] > time.time()


@pytest.mark.parametrize("url_safe", [True, False])
def test_t1_in_both_alphabets(emulator: Emulator, session_id: str, url_safe: bool) -> None:
    data = f"session_id={session_id}&create_time={int(time.time())}&connection_data=~~~~???"
    token = t1(emulator.api_key, emulator.api_secret, data, url_safe=url_safe)
    assert set("-_" if url_safe else "+/") <= set(token)
    assert emulator.connect(session_id, token).json()["data"] == "~~~~???"


@pytest.mark.parametrize("make", [_jwt_ruby, _t1_dotnet, _t1_ruby])
def test_token_without_expiry_is_valid_for_a_day(
    emulator: Emulator, session_id: str, make: Make
) -> None:
    connection = emulator.connect(session_id, make(emulator, session_id)).json()
    assert connection["expiresAt"] - connection["issuedAt"] == DAY


# Refusals: code 1004 unless another is said

MALFORMED = "Invalid token format"
EXPIRED = "token has expired"
WRONG_KEY = "The provided API key does not match this token"


def _ago(seconds: int) -> int:
    return int(time.time()) - seconds


REFUSED: dict[str, tuple[Make, str | None]] = {
    "nothing": (lambda s, sid: "", MALFORMED),
    "text": (lambda s, sid: "nonsense", MALFORMED),
    "T1 without base64": (lambda s, sid: "T1==!!!", MALFORMED),
    "T1 without data": (lambda s, sid: "T1==cGFydG5lcl9pZD0x", MALFORMED),
    "JWT of lists": (lambda s, sid: "W10.W10.W10", MALFORMED),
    "expired JWT": (lambda s, sid: _jwt(s, sid, iat=_ago(100), exp=_ago(1)), EXPIRED),
    "JWT without an end, of yesterday": (
        lambda s, sid: _jwt(s, sid, iat=_ago(DAY + 1), exp=None),
        EXPIRED,
    ),
    "expired T1": (
        lambda s, sid: t1(
            s.api_key,
            s.api_secret,
            f"session_id={sid}&create_time={_ago(100)}&expire_time={_ago(1)}&role=publisher",
        ),
        EXPIRED,
    ),
    "key of another project": (lambda s, sid: _jwt(s, sid, iss="1"), WRONG_KEY),
    "T1 of another project": (
        lambda s, sid: t1("1", s.api_secret, f"session_id={sid}&create_time={_ago(0)}"),
        WRONG_KEY,
    ),
    "another secret": (lambda s, sid: _with_secret(s, sid, "x" * 40), None),
    "T1 with another secret": (
        lambda s, sid: t1(s.api_key, "x" * 40, f"session_id={sid}&create_time={_ago(0)}"),
        None,
    ),
    "altered JWT": (lambda s, sid: _altered(_jwt(s, sid)), None),
    "altered T1": (lambda s, sid: _altered_t1(s, sid), None),
    "unsigned": (
        lambda s, sid: hs256(s.api_secret, {"iss": s.api_key, "ist": "project"}, {"alg": "none"}),
        None,
    ),
    "from the future": (lambda s, sid: _jwt(s, sid, iat=_ago(-60)), None),
    "T1 from the future": (
        lambda s, sid: t1(s.api_key, s.api_secret, f"session_id={sid}&create_time={_ago(-60)}"),
        None,
    ),
    "unknown role": (lambda s, sid: _jwt(s, sid, role="admin"), None),
    "role by its documented name": (lambda s, sid: _jwt(s, sid, role="publisher-only"), None),
    "too much data": (lambda s, sid: _jwt(s, sid, connection_data="x" * 1001), None),
    "data that is no text": (lambda s, sid: _jwt(s, sid, connection_data={"a": 1}), None),
    "layout that is a number": (lambda s, sid: _jwt(s, sid, initial_layout_class_list=1), None),
    "longer than 30 days": (lambda s, sid: _jwt(s, sid, exp=_ago(-31 * DAY)), None),
    "milliseconds": (lambda s, sid: _jwt(s, sid, exp=_ago(0) * 1000), None),
    "fraction of a second": (lambda s, sid: _jwt(s, sid, exp=time.time() + 60.5), None),
    "T1 with a fraction": (
        lambda s, sid: t1(
            s.api_key,
            s.api_secret,
            f"session_id={sid}&create_time={_ago(0)}&expire_time={time.time() + 60.5}",
        ),
        None,
    ),
    "other scope": (lambda s, sid: _jwt(s, sid, scope="session.watch"), None),
    "no scope": (lambda s, sid: _jwt(s, sid, scope=None), None),
    "no issue time": (lambda s, sid: _jwt(s, sid, iat=None), None),
    "issuer of accounts": (lambda s, sid: _jwt(s, sid, ist="account"), None),
    "no session": (lambda s, sid: _jwt(s, sid, session_id=None), None),
    "another session": (
        lambda s, sid: _jwt(s, _session(s, "opentok")),
        "Id in the token does not match the one in the url",
    ),
    "REST token": (
        lambda s, sid: hs256(
            s.api_secret,
            {"iss": s.api_key, "ist": "project", "iat": _ago(0), "exp": _ago(-180)},
        ),
        None,
    ),
    "application for a project's session": (lambda s, sid: _unified(s, sid), WRONG_KEY),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(emulator: Emulator, session_id: str, make: Make, message: str | None) -> None:
    response = emulator.connect(session_id, make(emulator, session_id))
    assert response.status_code == 403, response.text
    assert response.json()["code"] == 1004
    if message is not None:
        assert response.json()["message"] == message
    assert emulator.session(session_id)["connections"] == []


def test_unknown_session_is_refused_with_1005(emulator: Emulator, session_id: str) -> None:
    other = session_id[:-8] + ("A" * 8)
    response = emulator.connect(other, _jwt(emulator, other))
    assert (response.status_code, response.json()["code"]) == (404, 1005)


def test_api_key_must_match_the_token(emulator: Emulator, session_id: str) -> None:
    token = _jwt(emulator, session_id)
    assert emulator.connect(session_id, token, apiKey=emulator.api_key).status_code == 200
    refusal = emulator.connect(session_id, token, apiKey="1")
    assert refusal.json() == {"code": 1004, "message": WRONG_KEY}


def test_altered_last_character_is_rejected(emulator: Emulator, session_id: str) -> None:
    """Includes characters that decode to the same signature bytes."""
    token = _jwt(emulator, session_id)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in alphabet.replace(token[-1], ""):
        assert emulator.connect(session_id, token[:-1] + last).status_code == 403, last


@pytest.mark.parametrize(
    ("role", "streams"),
    [("publisher", 1), ("moderator", 1), ("publisheronly", 1), ("subscriber", 0)],
)
def test_publishing_roles_publish_a_stream(
    emulator: Emulator, session_id: str, role: str, streams: int
) -> None:
    connection = emulator.connect(session_id, _jwt(emulator, session_id, role=role)).json()
    assert len(connection["streams"]) == streams


def test_subscriber_cannot_publish(emulator: Emulator, session_id: str) -> None:
    token = _jwt(emulator, session_id, role="subscriber")
    assert emulator.connect(session_id, token, publish={}).status_code == 400


def test_disconnect(emulator: Emulator, session_id: str) -> None:
    token = _jwt(emulator, session_id)
    connections = [emulator.connect(session_id, token, publish=False).json() for _ in range(3)]
    first = {"connectionId": connections[0]["connectionId"]}
    assert emulator.control("POST", "disconnect", first).status_code == 204
    assert emulator.control("POST", "disconnect", first).status_code == 404
    listed = emulator.session(session_id)["connections"]
    assert isinstance(listed, list)
    assert [item["connectionId"] for item in listed] == [
        connection["connectionId"] for connection in connections[1:]
    ]
    emulator.control("POST", "disconnect", {"sessionId": session_id})
    assert emulator.session(session_id)["connections"] == []


@pytest.mark.parametrize("body", [None, [], {}, {"sessionId": "x"}, {"sessionId": 1, "token": 2}])
def test_connect_rejects_invalid_bodies(emulator: Emulator, body: object) -> None:
    response = emulator.control("POST", "connect", body)
    assert (response.status_code, list(response.json())) == (400, ["message"])


def _with_secret(emulator: Emulator, session_id: str, secret: str) -> str:
    now = int(time.time())
    claims: Claims = {
        "iss": emulator.api_key, "ist": "project", "iat": now, "exp": now + 60,
        "session_id": session_id, "scope": "session.connect", "role": "publisher",
    }  # fmt: skip
    return hs256(secret, claims)


def _altered(token: str) -> str:
    """Returns the token with a moderator's claims and the old signature."""
    header, payload, signature = token.split(".")
    claims = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    changed = claims.replace(b'"role":"publisher"', b'"role":"moderator"')
    assert changed != claims
    return f"{header}.{base64.urlsafe_b64encode(changed).rstrip(b'=').decode()}.{signature}"


def _altered_t1(emulator: Emulator, session_id: str) -> str:
    token = _t1_python(emulator, session_id).removeprefix("T1==")
    text = base64.b64decode(token).replace(b"role=publisher", b"role=moderator")
    return "T1==" + base64.b64encode(text).decode()
