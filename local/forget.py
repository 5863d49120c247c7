"""`make forget SUB=…`: removes one user from a stack's table, for a data-protection request.

Without `--apply` it only lists what it would change. The user's sessions and rooms stay, because
other people may be using them, but with a random text as their owner. The user disappears from
participant lists, from connections, and from the records of limits. Two things expire by
themselves: idempotency records, which hold only hashes, after a day, and log lines after the
retention time of the log groups. The tenant's users are in the issuer, not in the table.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from local.stack.errors import StackError
from local.verify.target import Target, deployed, local_stack

__all__ = ["Change", "apply", "find"]

PROGRESS_EVERY = 1000

Item = Mapping[str, Mapping[str, Any]]


class Change(NamedTuple):
    """What is to be done to one item: delete it, or change some of its attributes."""

    pk: str
    sk: str
    delete: bool = False
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    participant_of: tuple[str, ...] = ()
    owner_key: str = ""

    def __str__(self) -> str:
        if self.delete:
            return f"{self.pk} {self.sk}: delete"
        parts = [f"{name}: replace" for name in self.replaced]
        parts += [f"{name}: remove" for name in self.removed]
        parts += [f"{name}: remove the user" for name in self.participant_of]
        return f"{self.pk} {self.sk}: {', '.join(parts)}"


def find(dynamodb: Any, table: str, sub: str, tenant: str = "") -> Iterator[Change]:
    """Yields a change for every item that names this tenant's user. Scans the whole table."""
    seen = 0
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            seen += 1
            if seen % PROGRESS_EVERY == 0:
                print(f"{seen} items read", file=sys.stderr)
            change = _change(item, sub)
            if change is not None and _tenant(dynamodb, table, item) == tenant:
                yield change


def _tenant(dynamodb: Any, table: str, item: Item) -> str:
    """Returns the tenant of an item; that of a connection is its session's."""
    kind, _, rest = item["pk"]["S"].partition("#")
    if kind in ("caller", "room"):
        return unquote(rest.partition("#")[0]) if "#" in rest else ""
    if item["sk"]["S"] != "session":
        key = {"pk": item["pk"], "sk": {"S": "session"}}
        item = dynamodb.get_item(TableName=table, Key=key).get("Item", {})
    return str(item.get("tenant", {}).get("S", ""))


def _change(item: Item, sub: str) -> Change | None:
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    if pk.startswith("caller#") and pk.split("#", 2)[-1] == sub:
        return Change(pk, sk, delete=True)
    replaced, removed, participant_of = [], [], []
    owner_key = item.get("ownerKey", {}).get("S", "")  # the tenant, `#` and the user
    if owner_key.partition("#")[2] != sub:
        owner_key = ""
    for name, value in item.items():
        if value.get("S") == sub and name not in ("pk", "sk"):
            replaced.append(name)
        elif name == "connectionData" and f'"{sub}"' in value.get("S", ""):
            removed.append(name)  # the connection data of `ConnectionData=identified`
        elif sub in value.get("M", {}):
            participant_of.append(name)
    if not replaced and not removed and not participant_of:
        return None
    return Change(pk, sk, False, tuple(replaced), tuple(removed), tuple(participant_of), owner_key)


def apply(dynamodb: Any, table: str, sub: str, change: Change, replacement: str) -> bool:
    """Carries out a change; returns False when the item has changed in the meantime."""
    key = {"pk": {"S": change.pk}, "sk": {"S": change.sk}}
    if change.delete:
        dynamodb.delete_item(TableName=table, Key=key)
        return True
    names: dict[str, str] = {}
    conditions = ["attribute_exists(pk)"]
    sets, removals = [], []
    for number, name in enumerate(change.replaced + change.removed + change.participant_of):
        names[f"#n{number}"] = name
        if name in change.replaced:
            sets.append(f"#n{number} = :replacement")
            conditions.append(f"#n{number} = :sub")
        elif name in change.removed:
            removals.append(f"#n{number}")
        else:
            names["#sub"] = sub
            removals.append(f"#n{number}.#sub")
    values = {":replacement": {"S": replacement}, ":sub": {"S": sub}} if sets else {}
    if sets and change.owner_key:
        tenant = change.owner_key.partition("#")[0]
        sets.append("ownerKey = :ownerKey")
        values[":ownerKey"] = {"S": f"{tenant}#{replacement}"}
    expression = f"SET {', '.join(sets)} " if sets else ""
    expression += f"REMOVE {', '.join(removals)}" if removals else ""
    try:
        dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression=expression,
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeNames=names,
            **({"ExpressionAttributeValues": values} if values else {}),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return False
        raise
    return True


def forget(target: Target, sub: str, tenant: str, *, really: bool) -> int:
    """Lists the changes, or carries them out; returns the number of items that remain to do."""
    dynamodb, table = target.client("dynamodb"), target.outputs["TableName"]
    replacement = f"forgotten-{uuid.uuid4()}"
    changes, left = 0, 0
    for change in find(dynamodb, table, sub, tenant):
        changes += 1
        done = really and apply(dynamodb, table, sub, change, replacement)
        left += not done
        print(f"{'done' if done else 'found'}  {change}")
    print(f"{changes} items name the user, {left} of them unchanged.")
    if left and not really:
        print("Nothing was changed. Add APPLY=1 to change them.")
    return left


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.forget", description=__doc__)
    parser.add_argument("sub", help="the user's `sub`, as in the JWT")
    parser.add_argument("--tenant", default="", help="the user's tenant, if the stack has any")
    parser.add_argument("--stack", default="opentok-sessions")
    parser.add_argument("--region", help="default: that of your AWS configuration")
    parser.add_argument("--profile", default=os.environ.get("AWS_PROFILE"))
    parser.add_argument("--local", type=Path, metavar="STATE", help="the local stack instead")
    parser.add_argument("--apply", action="store_true", help="change the items")
    arguments = parser.parse_args()
    try:
        if arguments.local is not None:
            target = local_stack(arguments.local.absolute())
        else:
            target = deployed(arguments.stack, profile=arguments.profile, region=arguments.region)
        left = forget(target, arguments.sub, arguments.tenant, really=arguments.apply)
    except (BotoCoreError, ClientError, StackError) as error:
        print(f"forget: {error}", file=sys.stderr)
        return 2
    return 1 if left and arguments.apply else 0


if __name__ == "__main__":
    raise SystemExit(main())
