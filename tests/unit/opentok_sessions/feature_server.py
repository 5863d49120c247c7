"""The vendor's features of routed sessions, as far as the use case needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

__all__ = ["FeatureRequest", "Features"]

Reply = tuple[int, dict[str, str], bytes]
KINDS = ("archive", "broadcast", "captions", "dial", "render", "connect")
RUNNING = ("started", "starting", "paused")
CREATED_AT = 1_900_000_000_000


class FeatureRequest(NamedTuple):
    """A request about features: method, path after the project, and body."""

    method: str
    path: str
    body: dict[str, Any]


class Features:
    """Starts, lists, stops. `connections` are the connected clients of each session."""

    def __init__(self, connections: Mapping[str, list[str]]) -> None:
        self.requests: list[FeatureRequest] = []
        self.known: dict[str, dict[str, Any]] = {}
        """Every feature by its id, in the order of their starts."""
        self.loses_response = False
        """Whether the response to a start is lost."""
        self.loses_lists = False
        """Whether no list arrives."""
        self.automatic: set[str] = set()
        """The archives that a stop has no effect on."""
        self._connections = connections

    @staticmethod
    def serves(path: str) -> bool:
        parts = path.split("?")[0].split("/")
        return len(parts) > 4 and parts[1] == "v2" and parts[4] in KINDS

    def reply(self, method: str, path: str, body: str) -> Reply:
        """Returns the response to one request."""
        sent = json.loads(body) if body else {}
        at = path.split("/", 4)[4]
        self.requests.append(FeatureRequest(method, at, sent))
        kind, *rest = at.split("?")[0].split("/")
        if not rest:
            return self._start(kind, sent) if method == "POST" else self._list(kind, path)
        feature = self.known.get(rest[0])
        if feature is None or feature["kind"] != kind:
            return _refused(404, None, "Not found")
        return self._act(method, feature, rest[1:])

    def add(self, kind: str, session_id: str, **fields: object) -> str:
        """Adds a feature, and returns its id."""
        feature_id = f"{kind}-{len(self.known)}"
        usual = {"status": "started", "createdAt": CREATED_AT, "updatedAt": CREATED_AT}
        own = {"kind": kind, "id": feature_id, "sessionId": session_id}
        self.known[feature_id] = {**usual, **own, **fields}
        return feature_id

    def _start(self, kind: str, sent: dict[str, Any]) -> Reply:
        session_id = sent["sessionId"]
        if kind in ("archive", "broadcast") and not self._connections.get(session_id):
            return _refused(404, None, "No clients are connected")
        if kind in ("archive", "broadcast", "captions") and self._is_running(kind, sent):
            return _refused(409, 60003 if kind == "captions" else 15001, "already running")
        status = "starting" if kind == "render" else "started"
        fields: dict[str, Any] = {"status": status, "name": sent.get("name", ""), "url": None}
        fields["streamMode"] = sent.get("streamMode", "auto")
        fields["multiArchiveTag"] = sent.get("multiArchiveTag", "")
        if kind == "broadcast":
            rtmp = [dict(t, status="connecting") for t in sent["outputs"].get("rtmp", [])]
            fields["broadcastUrls"] = {"rtmp": rtmp}
        feature = self.known[self.add(kind, session_id, **fields)]
        if kind in ("dial", "connect"):
            feature["connectionId"] = f"{feature['id']}-connection"
        if kind == "captions":
            return _json(202, {"captionsId": feature["id"]})
        if self.loses_response:
            return 502, {}, b"<html>lost</html>"
        return _json(202 if kind == "render" else 200, feature)

    def _is_running(self, kind: str, sent: dict[str, Any]) -> bool:
        tag = sent.get("multiArchiveTag", "")
        return any(
            f["status"] in RUNNING and f.get("multiArchiveTag", "") == tag
            for f in self.known.values()
            if f["kind"] == kind and f["sessionId"] == sent["sessionId"]
        )

    def _list(self, kind: str, path: str) -> Reply:
        if self.loses_lists:
            return 502, {}, b"<html>lost</html>"
        query = parse_qs(urlsplit(path).query)
        found = [f for f in reversed(self.known.values()) if f["kind"] == kind]
        if kind != "render":
            found = [f for f in found if f["sessionId"] == query["sessionId"][0]]
        first, count = int(query["offset"][0]), int(query["count"][0])
        return _json(200, {"items": found[first : first + count], "count": len(found)})

    def _act(self, method: str, feature: dict[str, Any], action: list[str]) -> Reply:
        running = feature["status"] in RUNNING
        match method, action:
            case "GET", []:
                return _json(200, feature)
            case ("POST", ["stop"]) | ("DELETE", []) if feature["kind"] != "archive":
                if not running:
                    return _refused(404, None, "Not found")
                feature["status"] = "stopped"
                captions = feature["kind"] == "captions"
                return (202, {}, b"") if captions else _json(200, feature)
            case "POST", ["stop"]:
                if feature["status"] in ("available", "uploaded"):
                    return _refused(409, 15002, "You can only stop a started archive")
                if feature["id"] not in self.automatic:
                    feature["status"] = "stopped"
                return _json(200, feature)
            case "DELETE", []:
                if running:
                    return _refused(409, 15004, "still running")
                del self.known[feature["id"]]
                return 204, {}, b""
            case "PUT", ["layout"]:
                return _json(200, feature)
            case "PATCH", ["streams"]:
                if feature.get("streamMode") != "manual":
                    return _refused(405, None, "auto")
                return 204, {}, b""
        return _refused(404, None, "Not found")


def _json(status: int, body: object) -> Reply:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def _refused(status: int, code: int | None, message: str) -> Reply:
    return _json(status, {"code": code or status, "message": message})
