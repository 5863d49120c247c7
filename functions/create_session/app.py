"""`POST /sessions`: a session of the caller's own, or the one that a room has."""

from sessions import wiring
from sessions.answers import created_answer
from sessions.api import Request, Response, http_handler
from sessions.create_request import CreateRequest
from sessions.settings import Settings

settings = Settings.from_environment()
create_session = wiring.create_session(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    caller, body, now = request.caller, request.json(), create_session.clock()
    asked = CreateRequest.read(body, now, settings.max_token_seconds, request.wrong_headers())
    created = create_session(asked, caller, request.idempotency_key(caller, body))
    session_id = created.session.session_id
    headers = {"Cache-Control": "no-store"}
    if not created.joined:
        headers["Location"] = f"/sessions/{session_id}"
    status = 200 if created.joined else 201
    return Response(status, created_answer(created, caller, now), headers, session_id)
