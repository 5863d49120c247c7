"""Parses the body of `POST /sessions/{sessionId}/tokens`, also the field `token` of a create."""

from __future__ import annotations

from collections.abc import Mapping

from opentok_client.errors import Invalid
from opentok_client.grant import LIFETIME_MAX_SECONDS, Role, TokenGrant

from ..domain.models import TOKEN_SECONDS_DEFAULT, TokenRequest
from .fields import Fields

__all__ = ["TOKEN_FIELDS", "TOKEN_SECONDS_MIN", "parse_token_fields", "parse_token_request"]

TOKEN_FIELDS = ("role", "expiresIn", "data", "initialLayoutClassList")
TOKEN_SECONDS_MIN = 60


def parse_token_request(body: Mapping[str, object], seconds_max: int) -> TokenRequest:
    """Raises `InvalidRequest` naming every wrong field."""
    fields = Fields(body, TOKEN_FIELDS)
    request = parse_token_fields(fields, seconds_max)
    fields.finish()
    return request


def parse_token_fields(fields: Fields, seconds_max: int) -> TokenRequest:
    """Returns the requested token; errors are collected in `fields`."""
    request = TokenRequest(
        role=fields.choice("role", Role) or Role.PUBLISHER,
        expires_in=_expires_in(fields, seconds_max),
        data=fields.free_text("data"),
        layout_classes=fields.texts("initialLayoutClassList"),
    )
    try:  # the vendor's limits of data and layout classes
        TokenGrant("", request.role, 0, 1, request.data, request.layout_classes)
    except Invalid as invalid:
        fields.add_violations(invalid)
    return request


def _expires_in(fields: Fields, seconds_max: int) -> int:
    def hint(seconds: int) -> str:
        whole, rest = divmod(seconds, 1000)
        if (rest == 0 and TOKEN_SECONDS_MIN <= whole <= LIFETIME_MAX_SECONDS) or whole > 10**9:
            return " seconds; the value looks like milliseconds"
        return " seconds"

    seconds = fields.integer("expiresIn", TOKEN_SECONDS_MIN, seconds_max, hint)
    return min(TOKEN_SECONDS_DEFAULT, seconds_max) if seconds is None else seconds
