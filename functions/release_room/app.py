"""`DELETE /rooms/{room}`: releases a room, so that its name is free again."""

from opentok_sessions import composition
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
release_room = composition.release_room(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    release_room(request.room, request.caller)
    return Response(204)
