"""Our client and the stand-in, which share no code, mean the same.

Whatever options the client may send, the stand-in reads them back as they were meant; whatever a
token of the client grants, the stand-in lets its holder have, and the id says the same to both.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentok_client.client import OpenTokClient
from opentok_client.credentials import Credentials, from_secret
from opentok_client.errors import Invalid
from opentok_client.grant import Role, TokenFormat, TokenGrant
from opentok_client.options import ARCHIVE_RESOLUTIONS, ArchiveMode, MediaMode, SessionOptions
from opentok_client.session_id import SessionId
from opentok_client.tokens import client_token
from tests.options import PAIRS
from tests.standin import CALL_SECONDS, StandIn

EXAMPLES = 100  # each is a real call
DAY = 86_400


def _texts(max_size: int) -> st.SearchStrategy[str]:
    """Any text, and often one of what has a meaning in forms, or of halves of characters, which
    JSON can carry and UTF-8 cannot."""
    awkward = st.sampled_from(list("~-_ +&=%:;é\ud800\udfff"))
    return st.text(max_size=max_size) | st.lists(awkward, max_size=max_size).map("".join)


def _options(**members: object) -> SessionOptions | None:
    """The options, unless the client refuses them."""
    try:
        return SessionOptions(**members)  # type: ignore[arg-type]
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
def credentials(request: pytest.FixtureRequest, process: StandIn) -> Credentials:
    return from_secret(dict(process.credentials[request.param]))


@pytest.fixture(scope="module")
def client(process: StandIn, credentials: Credentials) -> OpenTokClient:
    return OpenTokClient(credentials, process.url)


def _deadline() -> float:
    return time.monotonic() + CALL_SECONDS


@settings(max_examples=EXAMPLES)
@given(meant=options)
def test_options_are_read_as_they_were_meant(
    process: StandIn, client: OpenTokClient, credentials: Credentials, meant: SessionOptions
) -> None:
    session_id = client.create_session(meant, _deadline())
    understood = process.understood(session_id)
    assert understood["mediaMode"] == meant.media_mode
    assert understood["archiveMode"] == meant.archive_mode
    assert understood["archiveName"] == meant.archive_name
    assert understood["archiveResolution"] == meant.archive_resolution
    assert understood["location"] == meant.location
    assert understood["e2ee"] == meant.e2ee
    assert understood["platform"] == credentials.platform

    decoded = SessionId.decode(session_id)
    assert decoded.media_mode is meant.media_mode
    assert decoded.project_id == credentials.project_id == understood["projectId"]
    assert decoded.location == meant.location
    assert decoded.created_at == understood["createdAt"]


@pytest.mark.parametrize(("one", "other"), PAIRS.values(), ids=PAIRS)
def test_no_option_is_overlooked(
    process: StandIn, client: OpenTokClient, one: SessionOptions, other: SessionOptions
) -> None:
    differing = {"sessionId", "createdAt"}
    understood = [
        process.understood(client.create_session(options, _deadline())) for options in (one, other)
    ]
    assert understood[0].keys() == understood[1].keys() > differing
    assert any(
        understood[0][name] != understood[1][name] for name in understood[0].keys() - differing
    )


@settings(max_examples=EXAMPLES)
@given(wish=grants, token_format=st.sampled_from(TokenFormat))
def test_tokens_grant_what_was_meant(
    process: StandIn,
    session_id: str,
    credentials: Credentials,
    wish: dict[str, object],
    token_format: TokenFormat,
) -> None:
    now = int(time.time())
    life = wish["life"]
    assert isinstance(life, int)
    members = {name: value for name, value in wish.items() if name != "life"}
    try:
        grant = TokenGrant(
            session_id=session_id,
            issued_at=now,
            expires_at=now + life,
            **members,  # type: ignore[arg-type]
        )
    except Invalid:
        return
    token = client_token(credentials, grant, "nonce", token_format)
    answer = process.connect(session_id, token, publish=False)
    assert answer.status_code == 200, answer.text
    connection = answer.json()
    assert connection["role"] == grant.role
    assert connection["data"] == grant.data
    assert tuple(connection["layoutClasses"]) == grant.layout_classes
    assert grant.expires_at - DAY // 24 <= connection["expiresAt"] <= grant.expires_at


@pytest.fixture(scope="module")
def session_id(client: OpenTokClient) -> str:
    return client.create_session(SessionOptions(), _deadline())


def test_the_clients_rest_token_is_within_the_vendors_limits(
    standin: StandIn, client: OpenTokClient
) -> None:
    client.create_session(SessionOptions(), _deadline())
    (entry,) = standin.requests()
    claims = entry["claims"]
    assert isinstance(claims, dict)
    assert 0 < claims["exp"] - claims["iat"] <= 300
