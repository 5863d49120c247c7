"""`POST /callbacks/{kind}`: the vendor's callbacks, which the vendor signs."""

from opentok_sessions import composition
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
receive_callback = composition.receive_callback(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    kind, authorization = request.callback_kind, request.header("authorization")
    receive_callback(kind, request.raw_body(), authorization)
    return Response(200)
