"""The account of `tests.aws` for tests of thousands of sequences: moto without botocore in between.

Serialising, parsing and dispatching take moto most of the time of a call. Here the reads and writes
of single items and transactions call moto's table directly. Everything else is as in `tests.aws`.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto.backends import get_backend
from moto.dynamodb.exceptions import DynamodbException

from tests.aws import ENVIRONMENT, TABLE_NAME, Aws, Item

__all__ = ["FastAws"]

Request = dict[str, Any]
MOTO_ACCOUNT = "123456789012"


class FastAws:
    """One account for many sequences; `clear` empties the table."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._dynamodb = _Dynamodb(aws.client("dynamodb"))
        self._secrets = _Secrets()

    def client(self, service: str) -> Any:
        """Returns the client of a service, always the same one."""
        return self._dynamodb if service == "dynamodb" else self._secrets

    def clear(self) -> None:
        """Removes all items."""
        self._dynamodb.table.items.clear()

    def items(self, prefix: str = "") -> list[Item]:
        """Returns all items whose key has this prefix."""
        found = [item.to_json()["Attributes"] for item in self._dynamodb.table.all_items()]
        return [copy.deepcopy(item) for item in found if item["pk"]["S"].startswith(prefix)]

    def delete(self, pk: str) -> None:
        """Deletes the item of a session or a room."""
        self._aws.delete(pk)

    def put_secret(self, value: object) -> None:
        """Changes the secret."""
        self._secrets.text = json.dumps(value)


class _Secrets:
    """Secrets Manager with one secret."""

    text = ""

    def get_secret_value(self, **_: object) -> Request:
        return {"SecretString": self.text}


class _Dynamodb:
    """The methods of a client that the application calls most."""

    def __init__(self, client: BaseClient) -> None:
        self._client = client
        region = ENVIRONMENT["AWS_DEFAULT_REGION"]
        self._moto: Any = get_backend("dynamodb")[MOTO_ACCOUNT][region]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @property
    def table(self) -> Any:
        return self._moto.get_table(TABLE_NAME)

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> Request:
        item = self._moto.get_item(TableName, Key)
        return {"Item": copy.deepcopy(item.to_json()["Attributes"])} if item else {}

    def put_item(self, **request: Any) -> None:
        self._write("Put", {"Put": request})

    def update_item(self, **request: Any) -> None:
        self._write("Update", {"Update": request})

    def delete_item(self, **request: Any) -> None:
        self._write("Delete", {"Delete": request})

    def _write(self, operation: str, write: Request) -> None:
        try:
            self._moto.transact_write_items([copy.deepcopy(write)])
        except DynamodbException as refused:
            (reason,) = json.loads(refused.description)["CancellationReasons"]
            error = {"Code": f"{reason['Code']}Exception"}
            response: Any = {"Error": error, "Item": reason.get("Item")}
            raise ClientError(response, operation) from refused

    def transact_write_items(self, *, TransactItems: list[Request]) -> None:
        try:
            self._moto.transact_write_items(copy.deepcopy(TransactItems))
        except DynamodbException as refused:
            error = {"Code": "TransactionCanceledException"}
            response: Any = {"Error": error, **json.loads(refused.description)}
            raise self._client.exceptions.TransactionCanceledException(
                response, "TransactWriteItems"
            ) from refused
