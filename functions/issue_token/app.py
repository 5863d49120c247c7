"""`POST /sessions/{sessionId}/tokens`: a token for the caller."""

from opentok_sessions import composition
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.http.issue_token import parse_token_request
from opentok_sessions.http.responses import token_response
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
issue_token = composition.issue_token(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    requested = parse_token_request(request.json(), settings.max_token_seconds)
    token = issue_token(request.session_id, request.caller, requested, request.deadline)
    return Response(201, token_response(token), {"Cache-Control": "no-store"})
