"""`/sessions/{sessionId}/{family}`: archives, broadcasts and other features of routed sessions."""

from opentok_client.feature_fields import LAYOUT, STREAMS
from opentok_sessions import composition
from opentok_sessions.http.handler import Request, Response, http_handler
from opentok_sessions.http.manage_features import Operation, parse_body, parse_page, target_of
from opentok_sessions.runtime.settings import Settings

settings = Settings.from_environment()
features = composition.manage_features(settings)


@http_handler(settings)
def handler(request: Request) -> Response:
    family, operation, feature_id = target_of(request)
    session, deadline = features.session(request.session_id, request.caller), request.deadline
    place = f"/sessions/{session.session_id}/{family.name}"
    match operation:
        case Operation.START:
            fields = parse_body(family.fields, request.json())
            started = features.start(session, request.caller, family, fields, deadline)
            location = {"Location": f"{place}/{started['id']}"} if family.found else {}
            return Response(202 if family.accepted else 201, started, location)
        case Operation.LIST:
            items, total = features.list(session, family, *parse_page(request.query), deadline)
            return Response(200, {"items": items, "count": total})
        case Operation.FIND:
            return Response(200, features.find(session, family, feature_id, deadline))
        case Operation.STOP:
            stopped = features.stop(session, family, feature_id, deadline)
            return Response(204) if stopped is None else Response(200, stopped)
        case Operation.DELETE:
            features.delete(session, family, feature_id, deadline)
        case Operation.LAYOUT:
            layout = parse_body(LAYOUT, request.json())
            features.change(session, family, feature_id, "layout", layout, deadline)
        case Operation.STREAMS:
            streams = parse_body(STREAMS, request.json())
            features.change(session, family, feature_id, "streams", streams, deadline)
    return Response(204)
