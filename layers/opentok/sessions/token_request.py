"""The body of `POST /sessions/{sessionId}/tokens`, which `POST /sessions` takes as `token`."""

from __future__ import annotations

from collections.abc import Mapping

from opentok_client.errors import Invalid
from opentok_client.grant import LIFETIME_MAX_SECONDS, Role, TokenGrant

from .members import Members
from .models import TOKEN_SECONDS_DEFAULT, TokenRequest

__all__ = [
    "TOKEN_MEMBERS",
    "TOKEN_SECONDS_DEFAULT",
    "TOKEN_SECONDS_MIN",
    "read_token_body",
    "read_token_request",
]

TOKEN_MEMBERS = ("role", "expiresIn", "data", "initialLayoutClassList")
TOKEN_SECONDS_MIN = 60


def read_token_body(body: Mapping[str, object], seconds_max: int) -> TokenRequest:
    """The body of the token route. Raises `InvalidRequest` naming every wrong member."""
    members = Members(body, TOKEN_MEMBERS)
    request = read_token_request(members, seconds_max)
    members.finish()
    return request


def read_token_request(members: Members, seconds_max: int) -> TokenRequest:
    """What is asked of a token; what is wrong is remembered in `members`."""
    request = TokenRequest(
        role=members.choice("role", Role) or Role.PUBLISHER,
        expires_in=_expires_in(members, seconds_max),
        data=members.free_text("data"),
        layout_classes=members.texts("initialLayoutClassList"),
    )
    try:  # the limits of data and layout classes are the vendor's
        TokenGrant("", request.role, 0, 1, request.data, request.layout_classes)
    except Invalid as invalid:
        members.take_over(invalid)
    return request


def _expires_in(members: Members, seconds_max: int) -> int:
    def hint(seconds: int) -> str:
        whole, rest = divmod(seconds, 1000)
        if (rest == 0 and TOKEN_SECONDS_MIN <= whole <= LIFETIME_MAX_SECONDS) or whole > 10**9:
            return " seconds; the value looks like milliseconds"
        return " seconds"

    seconds = members.integer("expiresIn", TOKEN_SECONDS_MIN, seconds_max, hint)
    return min(TOKEN_SECONDS_DEFAULT, seconds_max) if seconds is None else seconds
