"""`DELETE /sessions/{sessionId}/connections/{connectionId}`: disconnects a client."""

from opentok_sessions import composition
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
remove_connection = composition.remove_connection(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    session_id, connection_id = request.session_id, request.connection_id
    remove_connection(session_id, connection_id, request.caller, request.deadline)
    return Response(204)
