"""`PATCH /sessions/{sessionId}`: changes a session."""

from opentok_sessions import composition
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.http.responses import session_response
from opentok_sessions.http.update_session import parse_session_update
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
update_session = composition.update_session(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    caller, now = request.caller, update_session.clock()
    update = parse_session_update(request.json(required=True), now)
    session = update_session(request.session_id, update, caller)
    return Response(200, session_response(session, caller, now))
