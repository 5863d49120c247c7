"""AWS in memory, for tests of code that calls it: the template's table, and the secret.

moto responds, inside the process and without a socket. The table is created from `template.yaml`,
so the two cannot differ. In addition to moto:

* every call is atomic, as DynamoDB's are (moto's own are not, between threads);
* `Aws.calls` records what the code under test called, in order;
* `Aws.meet` injects what no local cloud produces into single calls: lost replies, conflicts,
  throttling, or another caller that wins a race. Reactions work below botocore's parsers and
  retries.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import yaml
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.session import Session, get_session
from moto.backends import get_backend
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from tests.environment import ENVIRONMENT, REGION, SECRET_ID, TABLE_NAME

__all__ = [
    "API_KEY",
    "API_SECRET",
    "ENVIRONMENT",
    "SECRET_ID",
    "TABLE_NAME",
    "Aws",
    "Reaction",
    "answer",
    "aws_in_memory",
    "before",
    "canceled",
    "item_key",
    "refuse",
    "reply_lost",
    "sent_twice",
]

API_KEY = "47000001"
API_SECRET = "a-secret-that-was-made-up-for-tests"

Answer = Callable[[], AWSResponse]
Reaction = Callable[[Answer], AWSResponse]
"""Replaces a call. It gets the real call as a function, which it may call or not."""
Replacement = Callable[[dict[str, Any], Answer], AWSResponse]
"""Replaces all calls of an operation. It also gets the request."""
Item = dict[str, Any]


class Aws:
    """The account of one test."""

    def __init__(self) -> None:
        self.table_name = TABLE_NAME
        self.secret_id = SECRET_ID
        self.calls: list[str] = []
        """The operations that were called, such as `GetItem`, retries included."""
        self.requests: list[dict[str, Any]] = []
        """The requests of `calls`, as they were sent."""
        self._lock = threading.Lock()
        self._reactions: dict[str, deque[Reaction | None]] = {}
        self._replacements: dict[str, Replacement] = {}
        # For set-up and assertions: neither counted nor replaced.
        self.dynamodb, self.secrets_manager = _aside("dynamodb"), _aside("secretsmanager")

    def client(self, service: str, attempts: int = 3) -> BaseClient:
        """Returns a client like that of the code under test, with this number of attempts."""
        retries = {"mode": "standard", "total_max_attempts": attempts}
        config = Config(retries=retries, max_pool_connections=64)
        return _session().create_client(service, REGION, config=config)

    def meet(self, operation: str, *reactions: Reaction | None) -> None:
        """Replaces the next calls of the operation, one each; None changes nothing."""
        self._reactions.setdefault(operation, deque()).extend(reactions)

    def meet_always(self, operation: str, reaction: Reaction) -> None:
        """Replaces all further calls of the operation."""
        self.meet(operation, *[reaction] * 1000)

    def replace(self, operation: str, replacement: Replacement) -> None:
        """Replaces all calls of the operation that have no reaction."""
        self._replacements[operation] = replacement

    def no_more(self) -> None:
        """Removes all reactions and replacements."""
        self._reactions.clear()
        self._replacements.clear()

    def forget_calls(self) -> None:
        """Clears the recorded calls."""
        self.calls.clear()
        self.requests.clear()

    def put(self, item: Mapping[str, Any]) -> None:
        """Writes an item in DynamoDB's format; a missing `sk` is that of the kind of item."""
        item = {**item_key(item["pk"]["S"]), **item}
        self.dynamodb.put_item(TableName=self.table_name, Item=item)

    def delete(self, pk: str, sk: str | None = None) -> None:
        """Deletes an item; without `sk`, the one that its kind of item has."""
        self.dynamodb.delete_item(TableName=self.table_name, Key=item_key(pk, sk))

    def item(self, pk: str, sk: str | None = None) -> Item | None:
        """Returns an item in DynamoDB's format; without `sk`, the one that its kind of item has."""
        found: Item | None = self.dynamodb.get_item(
            TableName=self.table_name, Key=item_key(pk, sk)
        ).get("Item")
        return found

    def items(self, prefix: str = "") -> list[Item]:
        """Returns all items whose key has this prefix."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table_name)
        found = [item for page in pages for item in page["Items"]]
        return [item for item in found if item["pk"]["S"].startswith(prefix)]

    def put_secret(self, value: object) -> None:
        """Changes the secret; a text is stored unchanged, everything else as JSON."""
        text = value if isinstance(value, str) else json.dumps(value)
        self.secrets_manager.put_secret_value(SecretId=self.secret_id, SecretString=text)

    def send(self, event_name: str, request: AWSPreparedRequest) -> AWSResponse:
        """Handles a call of the code under test, instead of the network."""
        operation = event_name.rpartition(".")[2]
        fields = json.loads(request.body or "{}")
        with self._lock:
            self.calls.append(operation)
            self.requests.append(fields)
            waiting = self._reactions.get(operation)
            reaction = waiting.popleft() if waiting else None

        def proceed() -> AWSResponse:
            return _moto(event_name, request)

        if reaction is not None:
            return reaction(proceed)
        if (replacement := self._replacements.get(operation)) is not None:
            return replacement(fields, proceed)
        return proceed()


def item_key(pk: str, sk: str | None = None) -> Item:
    """Returns the key of an item in DynamoDB's format."""
    return {"pk": {"S": pk}, "sk": {"S": sk or _SORT_KEYS.get(pk.partition("#")[0], "session")}}


_SORT_KEYS = {"session": "session", "room": "room", "idem": "key", "refill": "refill"}


def answer(status: int, body: Mapping[str, object]) -> Reaction:
    """Returns a reaction in which the service responds with this and does nothing."""
    text = json.dumps(body)
    headers = {"Content-Type": "application/x-amz-json-1.0"}

    def react(_: Answer) -> AWSResponse:
        return AWSResponse("http://test", status, headers, MockRawResponse(text))

    return react


def refuse(code: str, status: int = 400, **more: object) -> Reaction:
    """Returns a reaction in which the service responds with this error and does nothing."""
    return answer(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **more})


def canceled(*codes: str, items: Sequence[Item | None] = ()) -> Reaction:
    """A transaction is cancelled for these reasons, one for each of its writes (`None`: this one
    was fine), with the items that were found in the way."""
    reasons: list[dict[str, object]] = [{"Code": code} for code in codes]
    for reason, item in zip(reasons, items, strict=False):
        if item is not None:
            reason["Item"] = item
    message = f"Transaction cancelled, please refer cancellation reasons [{', '.join(codes)}]"
    return refuse("TransactionCanceledException", CancellationReasons=reasons, Message=message)


def before(*actions: Callable[[], object]) -> Reaction:
    """Something else happens first: another caller is faster."""

    def react(proceed: Answer) -> AWSResponse:
        for action in actions:
            action()
        return proceed()

    return react


def sent_twice(proceed: Answer) -> AWSResponse:
    """The reply is lost and the request is sent again, without the pause before it."""
    proceed()
    return proceed()


def reply_lost(proceed: Answer) -> AWSResponse:
    """The service does it, and its reply never arrives; botocore may try again."""
    proceed()
    raise ReadTimeoutError(endpoint_url="http://test")


@contextmanager
def aws_in_memory(environment: Mapping[str, str] = ENVIRONMENT) -> Iterator[Aws]:
    """An account with the table and the secret, and an environment as the functions have it."""
    global _account
    for service in ("dynamodb", "secretsmanager"):
        get_backend(service).reset()
    _account = account = Aws()
    # Not moto's own decorator, which also patches `requests`: that takes longer than most tests.
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(botocore_stubber, "enabled", True),
    ):
        definition, ttl = _table()
        account.dynamodb.create_table(TableName=TABLE_NAME, **definition)
        account.dynamodb.update_time_to_live(TableName=TABLE_NAME, TimeToLiveSpecification=ttl)
        secret = json.dumps({"apiKey": API_KEY, "apiSecret": API_SECRET})
        account.secrets_manager.create_secret(Name=SECRET_ID, SecretString=secret)
        try:
            yield account
        finally:
            _account = None


_account: Aws | None = None
_one_at_a_time = threading.Lock()


def _moto(event_name: str, request: AWSPreparedRequest, **_: object) -> AWSResponse:
    with _one_at_a_time:
        response = botocore_stubber(event_name, request)
    assert response is not None, f"moto does not know {event_name}"
    return response


def _in_place_of_sending(
    event_name: str, request: AWSPreparedRequest, **_: object
) -> AWSResponse | None:
    """What botocore asks before it sends a request; None: it should send it, as it does to servers
    that a test has started on this machine."""
    if _account is None or urlsplit(request.url).hostname == "127.0.0.1":
        return None
    return _account.send(event_name, request)


# moto has registered itself with every session that is made from now on; this goes in its place.
_position = BUILTIN_HANDLERS.index(("before-send", botocore_stubber))
BUILTIN_HANDLERS[_position] = ("before-send", _in_place_of_sending)


@cache
def _session() -> Session:
    session = get_session()  # one for all, as it keeps the service models that it has read
    session.set_credentials("testing", "testing")
    return session


@cache
def _aside(service: str) -> BaseClient:
    client = _session().create_client(service, REGION)
    client.meta.events.unregister("before-send", _in_place_of_sending)
    client.meta.events.register("before-send", _moto)
    return client


@cache
def _table() -> tuple[dict[str, Any], dict[str, Any]]:
    """The template's table: the arguments of `CreateTable`, and its TTL."""
    text = (Path(__file__).parent.parent / "template.yaml").read_text()
    properties = yaml.load(text, _Template)["Resources"]["SessionsTable"]["Properties"]  # noqa: S506
    names = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    return {name: properties[name] for name in names}, properties["TimeToLiveSpecification"]


class _Template(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, which are of no interest here."""


_Template.add_multi_constructor("!", lambda loader, suffix, node: suffix)
