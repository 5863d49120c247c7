"""Checks of what the API does: the calls of an app, in their order."""

import json
import uuid
from typing import Any

import jwt

from local.verify.http import Response, send
from local.verify.outcome import Check, CheckSkipped, require
from local.verify.run import Run

__all__ = ["CHECKS", "ENDING"]

FOREIGN_ORIGIN = "https://foreign.example"


def users_sign_in(run: Run) -> str:
    if not run.target.own_user_pool:
        run.user("alice")
        return "token of the operator (VERIFY_TOKEN)"
    alice = run.user("alice")
    for kind, token in (("access", alice.token), ("ID", alice.id_token)):
        if token:
            headers = {"Authorization": f"Bearer {token}"}
            response = send("GET", f"{run.target.api_url}/sessions", headers=headers)
            require(response.status == 200, f"the {kind} token is rejected: {response.status}")
    return "access token and ID token are accepted" if alice.id_token else "access token"


def calls_without_a_token_are_rejected(run: Run) -> str:
    url = f"{run.target.api_url}/sessions"
    none = send("GET", url)
    require(none.status == 401, f"without a token the API returns {none.status} instead of 401")
    head, body, _ = run.user("alice").token.split(".")
    forged = send("GET", url, headers={"Authorization": f"Bearer {head}.{body}.AAAA"})
    require(forged.status == 401, f"a forged token gets {forged.status} instead of 401")
    return "401 without a token and with a forged one"


def a_session_is_created_with_a_token(run: Run) -> str:
    response = run.call("POST", "/sessions", {"mediaMode": "routed", "token": {}}).expect(201)
    run.session = response.body
    location = response.headers.get("location", "")
    require(
        location.endswith(f"/sessions/{run.session['sessionId']}"), f"wrong Location: {location}"
    )
    claims = _claims(run.session["token"]["token"])
    require(claims is None or claims["exp"] > claims["iat"], "the token has no lifetime")
    return f"source: {run.session.get('source')}"


def another_user_gets_a_token(run: Run) -> str:
    session = run.open_session()
    other = "bob" if "bob" in run.users else "alice"
    path = f"/sessions/{session['sessionId']}/tokens"
    token = run.call("POST", path, {"data": "verify"}, user=other).expect(201).body
    require(token["token"] not in (session["token"]["token"], ""), "the token is not a new one")
    return f"role {token['role']}, until {token['expiresAt']}"


def roles_depend_on_the_user(run: Run) -> str:
    path = f"/sessions/{run.open_session()['sessionId']}/tokens"
    if "bob" in run.users:
        refused = run.call("POST", path, {"role": "moderator"}, user="bob")
        require(refused.status == 403, f"bob gets {refused.status} for a moderator's token")
    if "moderator" not in run.users:
        raise CheckSkipped("no moderator (set VERIFY_MODERATOR_TOKEN)")
    granted = run.call("POST", path, {"role": "moderator"}, user="moderator")
    require(
        granted.status == 201,
        f"a member of the moderators' group gets {granted.status}: compare ModeratorsClaim and"
        " ModeratorsGroupName with the user's token",
    )
    return "403 for a user, 201 for a moderator"


def a_session_is_looked_up(run: Run) -> str:
    session_id = run.open_session()["sessionId"]
    found = run.call("GET", f"/sessions/{session_id}").expect(200).body
    require(found["state"] == "open", f"the new session is {found['state']}")
    listed = run.call("GET", "/sessions?limit=20").expect(200).body["sessions"]
    require(
        session_id in {each["sessionId"] for each in listed}, "the caller's list lacks the session"
    )
    return "by id and in the caller's list"


def callers_of_a_room_share_a_session(run: Run) -> str:
    first = run.call("POST", "/sessions", {"room": run.mark}).expect(201).body
    other = "bob" if "bob" in run.users else "alice"
    second = run.call("POST", "/sessions", {"room": run.mark}, user=other).expect(200).body
    require(first["sessionId"] == second["sessionId"], "two callers of a room got two sessions")
    return "201, then 200 with the same session"


def a_room_is_released(run: Run) -> str:
    run.call("DELETE", f"/rooms/{run.mark}").expect(204)
    found = run.call("GET", f"/sessions?room={run.mark}").expect(200).body["sessions"]
    require(not found, "a released room still has a session")
    return "204"


def a_repeated_request_has_one_effect(run: Run) -> str:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"mediaMode": "routed"}
    first = run.call("POST", "/sessions", body, headers=key).expect(201).body
    again = run.call("POST", "/sessions", body, headers=key).expect(200, 201).body
    require(first["sessionId"] == again["sessionId"], "a repeated request created a second session")
    other = run.call("POST", "/sessions", {"mediaMode": "relayed"}, headers=key)
    require(400 <= other.status < 500, f"the key with another body gets {other.status}")
    return f"same session; {other.status} with another body"


def wrong_fields_are_named(run: Run) -> str:
    body = {"mediaMode": "wrong", "room": "", "unknown": 1}
    response = run.call("POST", "/sessions", body).expect(400)
    named = json.dumps(response.body)
    missing = [field for field in body if field not in named]
    require(not missing, f"the 400 does not name {', '.join(missing)}")
    return "400 that names every wrong field"


def a_refill_fills_a_pool_that_a_caller_claims(run: Run) -> str:
    target = run.target
    pools = json.loads(target.parameter("Pools"))
    if not pools:
        raise CheckSkipped("the stack has no pools")
    result = target.client("lambda").invoke(
        FunctionName=target.resources["PrecreateSessionsFunction"],
        # The schedule's own event: with other pools, a refill would change what is pooled.
        Payload=json.dumps({"pools": pools}).encode(),
    )
    report = json.loads(result["Payload"].read() or b"null")
    require("FunctionError" not in result, f"the refill failed: {report}")
    pool, filled = pools[0], report["pools"][0]
    ready = filled["available"] + filled["created"]
    require(ready > 0, f"the pool is empty after a refill: {filled.get('reason')}")
    options = {name: value for name, value in pool.items() if name not in {"min", "max"}}
    session = run.call("POST", "/sessions", options).expect(201).body
    require(
        session["source"] == "pool",
        f"the session's source is {session['source']} although {ready} sessions were pooled",
    )
    return f"{filled['created']} created, 1 claimed"


def a_closed_session_gets_no_tokens(run: Run) -> str:
    session_id = run.open_session()["sessionId"]
    run.call("DELETE", f"/sessions/{session_id}").expect(204)
    refused = run.call("POST", f"/sessions/{session_id}/tokens", {}).expect(410)
    return f"204, then 410 {refused.body.get('code')}"


def browsers_get_cors_headers(run: Run) -> str:
    origins = [origin for origin in run.target.parameter("AllowedOrigins").split(",") if origin]
    if not origins:
        require(not _allowed(_preflight(run, FOREIGN_ORIGIN)), "CORS is on without AllowedOrigins")
        return "off (AllowedOrigins is empty)"
    response = _preflight(run, origins[0])
    allowed = _allowed(response)
    require(allowed == origins[0], f"a preflight of {origins[0]} gets {response.status}, {allowed}")
    require(not _allowed(_preflight(run, FOREIGN_ORIGIN)), f"{FOREIGN_ORIGIN} is allowed")
    return f"on for {len(origins)} origins"


def what_a_browser_sees_of_a_401(run: Run) -> str:
    origins = [origin for origin in run.target.parameter("AllowedOrigins").split(",") if origin]
    if not origins:
        raise CheckSkipped("no web page may call the API (AllowedOrigins is empty)")
    response = send("GET", f"{run.target.api_url}/sessions", headers={"Origin": origins[0]})
    require(response.status == 401, f"expected 401, got {response.status}")
    if _allowed(response):
        return "the page sees the status 401"
    return "the page sees a network error only (no CORS headers)"


def _preflight(run: Run, origin: str) -> Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return send("OPTIONS", f"{run.target.api_url}/sessions", headers=headers)


def _allowed(response: Response) -> str | None:
    return response.headers.get("access-control-allow-origin")


def _claims(token: str) -> dict[str, Any] | None:
    """Returns the claims of a client token; None for the vendor's first format."""
    if token.startswith("T1=="):
        return None
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


#: These need the session open.
CHECKS = (
    Check("users sign in", users_sign_in),
    Check("calls without a valid token are rejected", calls_without_a_token_are_rejected),
    Check("a session is created with a token", a_session_is_created_with_a_token),
    Check("another user gets a token", another_user_gets_a_token),
    Check("roles depend on the user", roles_depend_on_the_user),
    Check("a session is looked up", a_session_is_looked_up),
    Check("callers of a room share a session", callers_of_a_room_share_a_session),
    Check("a room is released", a_room_is_released),
    Check("a repeated request has one effect", a_repeated_request_has_one_effect),
    Check("wrong fields are named", wrong_fields_are_named),
    Check("a refilled pool serves a caller", a_refill_fills_a_pool_that_a_caller_claims),
    Check("browsers get CORS headers", browsers_get_cors_headers),
    Check("what a browser sees of a 401", what_a_browser_sees_of_a_401),
)
ENDING = (Check("a closed session gets no tokens", a_closed_session_gets_no_tokens),)
