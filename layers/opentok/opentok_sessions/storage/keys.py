"""The keys of the table's items, and the schema version that every item carries.

    session#<id>     session             a session with an owner, or a pooled one
    session#<id>     live#<connection>   a client that is connected
    session#<id>     gone#<connection>   the tombstone of a connection that has ended
    session#<id>     feature#<family>#<id>  the latest status of an archive, a broadcast, …
    room#<name>      room                the room's current session
    idem#<hash>      key                 an idempotency record
    refill#<pool>    refill              the state after a pool's last refill
    caller#<tenant>#<sub>  sessions#<n>  new sessions in window n; also tokens, features
    caller#<tenant>#<sub>  rooms         the private and permanent rooms that the caller holds

A session, its connections and its features share a partition. In a deployment with tenants, the key
of a room is `room#<tenant>#<name>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..domain.models import Caller
from ..domain.problems import StorageUnavailable
from ..runtime import telemetry
from .attributes import Attribute, Item, Value, decode, encode

__all__ = [
    "FEATURE",
    "GONE",
    "LIVE",
    "SCHEMA",
    "Key",
    "caller_key",
    "feature_key",
    "feature_prefix",
    "gone_key",
    "idempotency_key",
    "live_key",
    "new_item",
    "owner_key",
    "refill_key",
    "require_known_schema",
    "room_key",
    "session_key",
]

LIVE, GONE, FEATURE = "live#", "gone#", "feature#"
SCHEMA = 1
"""The version of the items' layout. CONTRIBUTING.md describes how it is raised."""
NEWER_SCHEMA_RETRY_SECONDS = 10.0


class Key(NamedTuple):
    """Partition key and sort key of an item."""

    pk: str
    sk: str


def session_key(session_id: str) -> Key:
    """Returns the key of a session."""
    return Key(f"session#{session_id}", "session")


def live_key(session_id: str, connection_id: str) -> Key:
    """Returns the key of a live connection."""
    return Key(f"session#{session_id}", f"{LIVE}{connection_id}")


def gone_key(session_id: str, connection_id: str) -> Key:
    """Returns the key of an ended connection's tombstone."""
    return Key(f"session#{session_id}", f"{GONE}{connection_id}")


def feature_key(session_id: str, family: str, feature_id: str) -> Key:
    """Returns the key of a feature's status."""
    return Key(f"session#{session_id}", f"{feature_prefix(family)}{feature_id}")


def feature_prefix(family: str) -> str:
    """Returns how the sort keys of a family's features start."""
    return f"{FEATURE}{family}#"


def room_key(name: str, tenant: str) -> Key:
    """Returns the key of a room. The name contains no `#`."""
    prefix = f"{_escaped(tenant)}#" if tenant else ""
    return Key(f"room#{prefix}{name}", "room")


def idempotency_key(hashed: str) -> Key:
    """Returns the key of an idempotency record."""
    return Key(f"idem#{hashed}", "key")


def refill_key(pool_id: str) -> Key:
    """Returns the key of a pool's refill state."""
    return Key(f"refill#{pool_id}", "refill")


def caller_key(caller: Caller, kind: str) -> Key:
    """Returns the key of one of the caller's items."""
    return Key(f"caller#{owner_key(caller.sub, caller.tenant)}", kind)


def owner_key(sub: str, tenant: str) -> str:
    """Returns the owner's key in the index `owner`."""
    return f"{_escaped(tenant)}#{sub}"


def _escaped(tenant: str) -> str:
    """Returns the tenant with `#` and `%` escaped, so that two tenants cannot have the same key."""
    return tenant.replace("%", "%25").replace("#", "%23")


def new_item(key: Key, values: Mapping[str, Value | None]) -> dict[str, Attribute]:
    """Returns an item of the current schema; values that are None are left out."""
    return encode({**key._asdict(), "schema": SCHEMA, **values})


def require_known_schema(item: Item) -> None:
    """Raises `StorageUnavailable` for an item that a newer version of this service has written.

    During a deployment both versions run. An unknown attribute may restrict who is admitted, so
    the item is not interpreted without it. Items without a version are of the first.
    """
    schema = decode(item).get("schema", 0) if "schema" in item else 1
    if not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        key = item.get("pk", {}).get("S")
        telemetry.logger.error("newer_record", extra={"reason": f"{key}: schema {schema}"})
        raise StorageUnavailable(
            "The record was written by a newer version of this service. Retry later.",
            NEWER_SCHEMA_RETRY_SECONDS,
        )
