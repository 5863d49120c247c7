"""The API client and the emulator, which share no code, agree.

The emulator parses every combination of options as the client sent it, accepts every token of the
client with the grants in it, and both read the same fields in a session id.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentok_client.credentials import Credentials, Platform, from_secret
from opentok_client.errors import Invalid, NotFound
from opentok_client.grant import Role, TokenFormat, TokenGrant
from opentok_client.moderation import disconnect, list_connections
from opentok_client.options import ARCHIVE_RESOLUTIONS, ArchiveMode, MediaMode, SessionOptions
from opentok_client.session_id import SessionId
from opentok_client.sessions import create_session
from opentok_client.tokens import client_token
from opentok_client.transport import Transport
from tests.emulator import CALL_SECONDS, Emulator
from tests.options import PAIRS

EXAMPLES = 100  # each is a real call
DAY = 86_400


def _texts(max_size: int) -> st.SearchStrategy[str]:
    """Generates any text, often with characters that are special in forms, or surrogates, which
    JSON can carry and UTF-8 cannot."""
    awkward = st.sampled_from(list("~-_ +&=%:;é\ud800\udfff"))
    return st.text(max_size=max_size) | st.lists(awkward, max_size=max_size).map("".join)


def _options(**fields: object) -> SessionOptions | None:
    """Returns the options, or None if the client rejects them."""
    try:
        return SessionOptions(**fields)  # type: ignore[arg-type]
    except Invalid:
        return None


media_modes = st.sampled_from(MediaMode)
archive_names = st.none() | _texts(81)
locations = st.none() | st.ip_addresses(v=4).map(str) | st.text("0123456789.~ ", max_size=15)
options = st.one_of(
    st.builds(_options, media_mode=media_modes, location=locations, e2ee=st.booleans()),
    st.builds(
        _options,
        media_mode=media_modes,
        archive_mode=st.sampled_from(ArchiveMode),
        archive_name=archive_names,
        archive_resolution=st.none() | st.sampled_from(ARCHIVE_RESOLUTIONS),
        location=locations,
    ),
).filter(lambda made: made is not None)

grants = st.fixed_dictionaries(
    {
        "role": st.sampled_from(Role),
        "life": st.integers(60, 30 * DAY),
        "data": _texts(1001),
        "layout_classes": st.lists(_texts(20), max_size=5).map(tuple),
    }
)


@pytest.fixture(scope="module", params=["opentok", "vonage"])
def credentials(request: pytest.FixtureRequest, process: Emulator) -> Credentials:
    return from_secret(dict(process.credentials[request.param]), Platform(request.param))


@pytest.fixture(scope="module")
def client(process: Emulator, credentials: Credentials) -> Transport:
    return Transport(credentials, process.url)


def _deadline() -> float:
    return time.monotonic() + CALL_SECONDS


@settings(max_examples=EXAMPLES)
@given(meant=options)
def test_the_emulator_parses_the_options_of_the_client(
    process: Emulator, client: Transport, credentials: Credentials, meant: SessionOptions
) -> None:
    session_id = create_session(client, meant, _deadline())
    parsed = process.session(session_id)
    assert parsed["mediaMode"] == meant.media_mode
    assert parsed["archiveMode"] == meant.archive_mode
    assert parsed["archiveName"] == meant.archive_name
    assert parsed["archiveResolution"] == meant.archive_resolution
    assert parsed["location"] == meant.location
    assert parsed["e2ee"] == meant.e2ee
    assert parsed["platform"] == credentials.platform

    decoded = SessionId.decode(session_id)
    assert decoded.media_mode is meant.media_mode
    assert decoded.project_id == credentials.project_id == parsed["projectId"]
    assert decoded.location == meant.location
    assert decoded.created_at == parsed["createdAt"]


@pytest.mark.parametrize(("one", "other"), PAIRS.values(), ids=PAIRS)
def test_every_option_changes_the_parsed_session(
    process: Emulator, client: Transport, one: SessionOptions, other: SessionOptions
) -> None:
    differing = {"sessionId", "createdAt"}
    parsed = [
        process.session(create_session(client, options, _deadline())) for options in (one, other)
    ]
    assert parsed[0].keys() == parsed[1].keys() > differing
    assert any(parsed[0][name] != parsed[1][name] for name in parsed[0].keys() - differing)


@settings(max_examples=EXAMPLES)
@given(wish=grants, token_format=st.sampled_from(TokenFormat))
def test_client_tokens_grant_the_requested_role_and_data(
    process: Emulator,
    session_id: str,
    credentials: Credentials,
    wish: dict[str, object],
    token_format: TokenFormat,
) -> None:
    now = int(time.time())
    life = wish["life"]
    assert isinstance(life, int)
    fields = {name: value for name, value in wish.items() if name != "life"}
    try:
        grant = TokenGrant(
            session_id=session_id,
            issued_at=now,
            expires_at=now + life,
            **fields,  # type: ignore[arg-type]
        )
    except Invalid:
        return
    token = client_token(credentials, grant, "nonce", token_format)
    response = process.connect(session_id, token, publish=False)
    assert response.status_code == 200, response.text
    connection = response.json()
    assert connection["role"] == grant.role
    assert connection["data"] == grant.data
    assert tuple(connection["layoutClasses"]) == grant.layout_classes
    assert grant.expires_at - DAY // 24 <= connection["expiresAt"] <= grant.expires_at


@pytest.fixture(scope="module")
def session_id(client: Transport) -> str:
    return create_session(client, SessionOptions(), _deadline())


def test_client_rest_token_lives_at_most_five_minutes(
    emulator: Emulator, client: Transport
) -> None:
    create_session(client, SessionOptions(), _deadline())
    (entry,) = emulator.requests()
    claims = entry["claims"]
    assert isinstance(claims, dict)
    assert 0 < claims["exp"] - claims["iat"] <= 300


def test_the_emulator_lists_and_disconnects_clients_for_the_client(
    process: Emulator, client: Transport, credentials: Credentials
) -> None:
    session_id = create_session(client, SessionOptions(), _deadline())
    with pytest.raises(NotFound):
        list_connections(client, session_id, _deadline())
    connected = [_connect(process, session_id, credentials) for _ in range(2)]
    listed = list_connections(client, session_id, _deadline())
    assert [connection.connection_id for connection in listed] == connected
    assert all(connection.created_at is not None for connection in listed)

    disconnect(client, session_id, connected[0], _deadline())
    [left] = list_connections(client, session_id, _deadline())
    assert left.connection_id == connected[1]
    with pytest.raises(NotFound):
        disconnect(client, session_id, connected[0], _deadline())
    disconnect(client, session_id, connected[1], _deadline())
    with pytest.raises(NotFound):
        list_connections(client, session_id, _deadline())


def _connect(process: Emulator, session_id: str, credentials: Credentials) -> str:
    now = int(time.time())
    grant = TokenGrant(
        session_id=session_id, role=Role.PUBLISHER, issued_at=now, expires_at=now + 3600
    )
    token = client_token(credentials, grant, "nonce", TokenFormat.JWT)
    return str(process.connect(session_id, token).json()["connectionId"])
