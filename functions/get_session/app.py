"""`GET /sessions/{sessionId}` and `GET /sessions`: look sessions up."""

from sessions import wiring
from sessions.answers import session_answer
from sessions.api import Request, Response, http_handler
from sessions.get_session import ListRequest
from sessions.settings import Settings

settings = Settings.from_environment()
get_session = wiring.get_session(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    caller, now = request.caller, get_session.clock()
    if request.has_session_id:
        session = get_session.by_id(request.session_id, caller)
        return Response(200, session_answer(session, caller, now))
    found, cursor = get_session.search(ListRequest.read(request.query, caller), caller)
    body: dict[str, object] = {"sessions": [session_answer(s, caller, now) for s in found]}
    return Response(200, body | ({"cursor": cursor} if cursor else {}))
