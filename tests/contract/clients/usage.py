"""What a program does with the client that openapi-python-client makes of openapi.yaml.

Alice opens a room, bob joins it, is refused what is not his, and alice closes it. Prints one line
of JSON.
"""

import json
import os

from opentok_sessions_client import AuthenticatedClient
from opentok_sessions_client.api.features import list_archives, start_archive, start_broadcast
from opentok_sessions_client.api.sessions import (
    close_session,
    create_session,
    get_session,
    list_sessions,
)
from opentok_sessions_client.api.tokens import issue_token
from opentok_sessions_client.models import (
    Archive,
    ArchiveList,
    ArchiveMode,
    BroadcastOutputs,
    CreateSession,
    Feature,
    GatewayMessage,
    Hls,
    IssueToken,
    Problem,
    RequestedMediaMode,
    Resolution,
    Role,
    Session,
    SessionList,
    StartArchive,
    StartBroadcast,
    Token,
)


def main() -> None:
    room = os.environ["ROOM"]
    alice, bob = signed_in("ALICE"), signed_in("BOB")

    opened = create_session.sync_detailed(
        client=alice,
        idempotency_key=f"open {room}",
        body=CreateSession(
            room=room,
            features=[Feature.ARCHIVING],
            token=IssueToken(role=Role.MODERATOR, expires_in=600),
        ),
    )
    session = opened.parsed
    assert isinstance(session, Session), session
    assert isinstance(session.token, Token)

    joined = create_session.sync_detailed(
        client=bob, body=CreateSession(room=room, token=IssueToken())
    )
    assert isinstance(joined.parsed, Session), joined.parsed
    assert isinstance(joined.parsed.token, Token)
    found = list_sessions.sync(client=bob, room=room)
    assert isinstance(found, SessionList), found
    seen = get_session.sync(session.session_id, client=bob)
    assert isinstance(seen, Session), seen
    refused = issue_token.sync(session.session_id, client=bob, body=IssueToken(role=Role.MODERATOR))
    wrong = create_session.sync(
        client=bob,
        body=CreateSession(media_mode=RequestedMediaMode.RELAYED, archive_mode=ArchiveMode.ALWAYS),
    )
    assert isinstance(wrong, Problem), wrong
    # No client is connected, so nothing can be recorded. A participant cannot broadcast.
    recording = start_archive.sync(
        session.session_id,
        client=alice,
        body=StartArchive(name="Minutes", resolution=Resolution.HD_LANDSCAPE),
    )
    assert not isinstance(recording, Archive), recording.status
    archives = list_archives.sync(session.session_id, client=alice, count=10)
    assert isinstance(archives, ArchiveList), archives
    streaming = start_broadcast.sync(
        session.session_id,
        client=bob,
        body=StartBroadcast(outputs=BroadcastOutputs(hls=Hls(low_latency=True))),
    )
    assert isinstance(streaming, Problem), streaming
    closed = close_session.sync_detailed(session.session_id, client=alice)
    late = issue_token.sync(session.session_id, client=bob, body=IssueToken())

    result = {
        "opened": opened.status_code,
        "moderator": session.token.role,
        "joined": joined.status_code,
        "together": joined.parsed.session_id == session.session_id,
        "publisher": joined.parsed.token.role,
        "found": [each.state for each in found.sessions],
        "seen": seen.media_mode,
        "refused": code(refused),
        "wrong": wrong.errors[0].field if wrong.errors else None,
        "recording": code(recording),
        "archives": archives.count,
        "streaming": code(streaming),
        "closed": closed.status_code,
        "late": code(late),
    }
    print(json.dumps(result))


def signed_in(user: str) -> AuthenticatedClient:
    return AuthenticatedClient(
        base_url=os.environ["API_URL"], token=os.environ[user], raise_on_unexpected_status=True
    )


def code(answer: Token | Problem | GatewayMessage | None) -> str:
    assert isinstance(answer, Problem), answer
    return str(answer.code)


if __name__ == "__main__":
    main()
