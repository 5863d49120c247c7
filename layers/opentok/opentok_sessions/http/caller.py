"""Reads the caller from the claims of a JWT that the gateway has verified.

An HTTP API delivers a claim that is a list as the text `[a b]`, and one that is an object as
`map[key:value]`. Neither form escapes anything, so it is read only as far as it is unambiguous:
a user who can choose the name of a group must not become a moderator by that name.
"""

from __future__ import annotations

from collections.abc import Mapping

from opentok_client.grant import is_well_formed

from ..domain.models import SUB_MAX, TENANT_MAX, Caller
from ..domain.problems import FieldError, InvalidRequest
from ..runtime import telemetry
from ..runtime.settings import Settings

__all__ = ["caller_of"]

# Their standards (RFC 8693, and Microsoft's for `scp`) separate the entries with spaces.
SPACE_SEPARATED = ("scope", "scp")

_warned: set[str] = set()  # reasons that this execution environment has logged
_seen: set[str] = set()  # claims that at least one JWT had


def caller_of(claims: Mapping[str, object], settings: Settings) -> Caller:
    """Returns the caller. Raises `InvalidRequest` when the JWT has no usable `sub` or tenant."""
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 1 <= len(sub) <= SUB_MAX or not is_well_formed(sub):
        error = FieldError("sub", f"the JWT must have this claim (1 to {SUB_MAX} characters)")
        raise InvalidRequest("The caller is unknown: the JWT has no usable `sub`.", [error])
    name = settings.moderators_claim
    moderator = settings.moderators_group in _groups(name, claims.get(name))
    return Caller(sub, moderator, _tenant(claims, settings.tenant_claim))


def _tenant(claims: Mapping[str, object], name: str) -> str:
    """Returns the caller's tenant; empty in a deployment without tenants.

    Raises `InvalidRequest` when the JWT does not name exactly one tenant.
    """
    if not name:
        return ""
    tenant = claims.get(name)
    if (
        not isinstance(tenant, str)
        or not 1 <= len(tenant) <= TENANT_MAX
        or not is_well_formed(tenant)
        or (tenant.startswith(("[", "map[")) and tenant.endswith("]"))  # a list or an object
    ):
        message = f"the JWT must have this claim, a text of 1 to {TENANT_MAX} characters"
        raise InvalidRequest("The JWT names no tenant.", [FieldError(name, message)])
    return tenant


def _groups(name: str, claim: object) -> list[str]:
    """Returns the names in a claim; none when it cannot be used.

    A text without brackets is a comma-separated list, or one name. A name in brackets that
    contains a space looks like two names.
    """
    if claim is None:
        if name not in _seen:
            _warn_once("moderators_claim_missing", name)
        return []
    _seen.add(name)
    if isinstance(claim, list):
        return [group for group in claim if isinstance(group, str)]
    if not isinstance(claim, str):
        if isinstance(claim, Mapping):
            _warn_once("moderators_claim_is_an_object", name)
        return []
    in_brackets = claim.startswith("[") and claim.endswith("]")
    entries = claim[1:-1].split(" ") if in_brackets else [claim]
    if claim.endswith("]") and any(entry.startswith(("map[", "[")) for entry in entries):
        _warn_once("moderators_claim_is_an_object", name)  # or a list of lists or objects
        return []
    if in_brackets:
        return entries
    if name in SPACE_SEPARATED:
        return claim.split(" ")
    return [entry.strip(" ") for entry in claim.split(",")]


def _warn_once(reason: str, claim: str) -> None:
    if reason not in _warned:
        _warned.add(reason)
        telemetry.logger.warning(reason, extra={"claim": claim})
