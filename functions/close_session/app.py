"""`DELETE /sessions/{sessionId}`: closes a session."""

from opentok_sessions import composition
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
close_session = composition.close_session(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    close_session(request.session_id, request.caller)
    return Response(204)
