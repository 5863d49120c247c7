"""`GET /sessions/{sessionId}` and `GET /sessions`: looks sessions up."""

from opentok_sessions import composition
from opentok_sessions.http.get_session import list_response, parse_list_query
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.http.responses import session_response
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
get_session = composition.get_session(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    caller, now = request.caller, get_session.clock()
    if request.has_session_id:
        session = get_session.by_id(request.session_id, caller)
        return Response(200, session_response(session, caller, now))
    found, position = get_session.search(parse_list_query(request.query, caller), caller)
    return Response(200, list_response(found, position, caller, now))
