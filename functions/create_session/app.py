"""`POST /sessions`: a new session, or the live session of a room."""

from opentok_sessions import composition
from opentok_sessions.http.create_session import parse_create_request
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.http.responses import created_response
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
create_session = composition.create_session(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    caller, body, now = request.caller, request.json(), create_session.clock()
    requested = parse_create_request(body, now, settings.max_token_seconds, request.header_errors())
    key = request.idempotency_key(caller, body)
    created = create_session(requested, caller, key, request.deadline)
    session_id = created.session.session_id
    headers = {"Cache-Control": "no-store"}
    if not created.joined:
        headers["Location"] = f"/sessions/{session_id}"
    status = 200 if created.joined else 201
    return Response(status, created_response(created, caller, now), headers, session_id)
