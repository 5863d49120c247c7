"""`DELETE /sessions/{sessionId}`: no more tokens for this session."""

from sessions import wiring
from sessions.api import Request, Response, http_handler
from sessions.settings import Settings

settings = Settings.from_environment()
close_session = wiring.close_session(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    close_session(request.session_id, request.caller)
    return Response(204)
