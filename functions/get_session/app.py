"""`GET /sessions/{sessionId}`, its connections, and `GET /sessions`: looks sessions up."""

from opentok_sessions import composition
from opentok_sessions.http.get_session import list_response, parse_list_query
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.http.responses import (
    connections_response,
    live_response,
    session_response,
)
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
get_session = composition.get_session(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    caller, now = request.caller, get_session.clock()
    if request.route.endswith("/connections"):
        live, connections = get_session.connections(request.session_id, caller)
        identified = settings.connection_data == "identified"
        return Response(200, connections_response(live, connections, identified=identified))
    if request.has_session_id:
        session = get_session.by_id(request.session_id, caller)
        response = session_response(session, caller, now)
        return Response(200, response | {"live": live_response(get_session.live(session))})
    found, position = get_session.search(parse_list_query(request.query, caller), caller)
    return Response(200, list_response(found, position, caller, now))
