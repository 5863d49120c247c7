"""`POST /sessions/{sessionId}/tokens`: a token for the caller."""

from sessions import wiring
from sessions.answers import token_answer
from sessions.api import Request, Response, http_handler
from sessions.settings import Settings
from sessions.token_request import read_token_body

settings = Settings.from_environment()
issue_token = wiring.issue_token(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    asked = read_token_body(request.json(), settings.max_token_seconds)
    token = issue_token(request.session_id, request.caller, asked)
    return Response(201, token_answer(token), {"Cache-Control": "no-store"})
