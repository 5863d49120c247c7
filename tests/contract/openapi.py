"""openapi.yaml as the tests read it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

__all__ = [
    "CONTRACT",
    "Node",
    "Operation",
    "contract",
    "examples",
    "operations",
    "resolve",
    "strict_contract",
    "violations",
]

CONTRACT = Path(__file__).resolve().parents[2] / "openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")

Node = dict[str, Any]  # a piece of the document; OpenAPI says what may be in it


@dataclass(frozen=True)
class Operation:
    """One route, with its parameters and answers looked up."""

    method: str
    path: str
    node: Node
    parameters: list[Node]
    answers: dict[str, Node]

    @property
    def name(self) -> str:
        return str(self.node["operationId"])


@functools.cache
def contract() -> Node:
    """The document. Not to be changed, as all tests share it."""
    document: Node = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    return document


def strict_contract() -> Node:
    """The document, with answers held to the members that it names.

    For clients, answers are open: a later version may add members. For this version's own tests a
    member that the contract does not know is a mistake.
    """
    document = copy.deepcopy(contract())
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return document


def resolve(node: Node) -> Node:
    """The node itself, or what its `$ref` points at."""
    while "$ref" in node:
        target: Node = contract()
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        node = target
    return node


def operations() -> list[Operation]:
    """Every route of the contract."""
    return [
        Operation(
            method=method.upper(),
            path=path,
            node=node,
            parameters=[
                resolve(p) for p in [*item.get("parameters", []), *node.get("parameters", [])]
            ],
            answers={status: resolve(answer) for status, answer in node["responses"].items()},
        )
        for path, item in contract()["paths"].items()
        for method, node in item.items()
        if method in METHODS
    ]


def examples() -> Iterator[tuple[str, Node, object]]:
    """Every example of a body, an answer, a parameter or a header: where, its schema, its value."""
    for operation in operations():
        bodies = [("body", operation.node.get("requestBody", {}))]
        bodies += operation.answers.items()
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
        for member, part in {"": schema, **schema.get("properties", {})}.items():
            for value in part.get("examples", []):
                yield f"{name} {member}", part, value


def violations(schema: Node, value: object, document: Node | None = None) -> list[str]:
    """What is wrong with a value, by the contract's schema or by that of another document."""
    components = (document or contract())["components"]
    validator = Draft202012Validator(
        {**schema, "components": components},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
