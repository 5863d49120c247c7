"""Reads openapi.yaml for the tests."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from opentok_client.families import FAMILIES

__all__ = [
    "CONTRACT",
    "Node",
    "Operation",
    "contract",
    "examples",
    "operations",
    "resolve",
    "routes",
    "strict_contract",
    "violations",
]

CONTRACT = Path(__file__).resolve().parents[2] / "openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")

Node = dict[str, Any]  # a node of the document; the OpenAPI specification defines its content


@dataclass(frozen=True)
class Operation:
    """A route with its resolved parameters and responses."""

    method: str
    path: str
    node: Node
    parameters: list[Node]
    responses: dict[str, Node]

    @property
    def name(self) -> str:
        return str(self.node["operationId"])

    @property
    def route(self) -> tuple[str, str]:
        """The route of the gateway. It has one for all families of features."""
        named = "|".join(FAMILIES)
        path = re.sub(rf"^(/sessions/{{sessionId}})/({named})(?=/|$)", r"\1/{family}", self.path)
        return self.method, path


@functools.cache
def contract() -> Node:
    """Returns the document. All tests share it, so it must not be modified."""
    document: Node = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    return document


def strict_contract() -> Node:
    """Returns the document with schemas that reject unknown fields.

    Responses are open for clients, because a later version may add fields. In the tests of this
    version a field that is missing from the contract is an error.
    """
    document = copy.deepcopy(contract())
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return document


def resolve(node: Node) -> Node:
    """Returns the node, with its `$ref` followed. Of a schema that allows null, the other one."""
    while "$ref" in node or {"type": "null"} in node.get("anyOf", []):
        if "$ref" not in node:
            node = node["anyOf"][0]
            continue
        target: Node = contract()
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        node = target
    return node


def operations(*, public: bool = False) -> list[Operation]:
    """Returns every route that needs a user's JWT, or the `public` ones that need none."""
    return [
        Operation(
            method=method.upper(),
            path=path,
            node=node,
            parameters=[
                resolve(p) for p in [*item.get("parameters", []), *node.get("parameters", [])]
            ],
            responses={status: resolve(found) for status, found in node["responses"].items()},
        )
        for path, item in contract()["paths"].items()
        for method, node in item.items()
        if method in METHODS and (node.get("security") == []) == public
    ]


def routes(*, public: bool = False) -> set[tuple[str, str]]:
    """Returns the method and path of every route of the gateway that the contract describes."""
    return {operation.route for operation in operations(public=public)}


def examples() -> Iterator[tuple[str, Node, object]]:
    """Yields place, schema and value of every example in the contract."""
    for operation in [*operations(), *operations(public=True)]:
        bodies = [("body", operation.node.get("requestBody", {}))]
        bodies += operation.responses.items()
        for where, body in bodies:
            for media, content in body.get("content", {}).items():
                for name, example in content["examples"].items():
                    place = f"{operation.name} {where} {media} {name}"
                    yield place, content["schema"], resolve(example)["value"]
            for name, header in body.get("headers", {}).items():
                if "example" in resolve(header):
                    yield name, resolve(header)["schema"], resolve(header)["example"]
        for parameter in operation.parameters:
            if "example" in parameter:
                yield parameter["name"], parameter["schema"], parameter["example"]
    for name, schema in contract()["components"]["schemas"].items():
        for field, part in {"": schema, **schema.get("properties", {})}.items():
            for value in part.get("examples", []):
                yield f"{name} {field}", part, value


def violations(schema: Node, value: object, document: Node | None = None) -> list[str]:
    """Returns the errors of a value against a schema of the contract, or of another document."""
    components = (document or contract())["components"]
    validator = Draft202012Validator(
        {**schema, "components": components},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
