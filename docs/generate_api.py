"""Writes docs/api.md, the API reference, from openapi.yaml.

python docs/generate_api.py            write the page
python docs/generate_api.py --check    only report whether the page is current (exit status 1: no)
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

__all__ = ["reference"]

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "openapi.yaml"
PAGE = ROOT / "docs" / "api.md"

METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = "application/problem+json"
PROBLEM_CODE = "invalid_request"
JSON = "application/json"
LINE = 88

FORMATS = {"date-time": "RFC 3339 time", "ipv4": "IPv4 address", "uri": "URI"}

# A node of the contract. The OpenAPI specification defines its content.
Node = dict[str, Any]


class Reference:
    """Renders the page, section by section."""

    def __init__(self, contract: Node) -> None:
        self.contract = _without_null(contract)

    def page(self) -> str:
        sections = [
            self._introduction(),
            self._overview(),
            *(self._operation(*operation) for operation in self._operations()),
            self._objects(),
            self._errors(),
        ]
        return "\n\n".join(section.strip() for section in sections) + "\n"

    # -- sections ----------------------------------------------------------------------------

    def _introduction(self) -> str:
        info = self.contract["info"]
        server = self.contract["servers"][0]
        return "\n\n".join(
            [
                "<!-- Generated from openapi.yaml by `make docs`. Edit openapi.yaml. -->",
                "# API reference",
                f"Version {info['version']}. The contract is [openapi.yaml](../openapi.yaml) "
                "(OpenAPI 3.1), from which clients can be generated.",
                info["description"].strip(),
                f"**Address.** `{server['url']}`: {server['description']}",
                "**Authentication.** `Authorization: Bearer <JWT>` on every request. "
                + self.contract["components"]["securitySchemes"]["userJwt"]["description"],
            ]
        )

    def _overview(self) -> str:
        rows = [
            [f"[`{method.upper()} {path}`](#{_anchor(operation['summary'])})", operation["summary"]]
            for method, path, operation, _ in self._operations()
        ]
        return "## Operations\n\n" + _table(["request", "operation"], rows)

    def _operation(self, method: str, path: str, operation: Node, shared: list[Node]) -> str:
        parts = [
            f"## {operation['summary']}",
            f"`{method.upper()} {path}`",
            operation["description"].strip(),
        ]
        parameters = [self._resolve(p) for p in [*shared, *operation.get("parameters", [])]]
        if parameters:
            rows = [self._parameter_row(parameter) for parameter in parameters]
            parts += ["### Parameters", _table(["name", "in", "type", "default", "meaning"], rows)]
        if "requestBody" in operation:
            body = operation["requestBody"]
            media = body["content"][JSON]
            required = "required" if body.get("required") else "optional"
            parts += [
                "### Body",
                f"{self._type(media['schema'])}, {required}. {body['description']}",
                self._fields(self._resolve(media["schema"]), request=True),
                *(self._example(example) for example in media["examples"].values()),
            ]
        parts += ["### Responses", self._response_table(operation["responses"])]
        for status, response in self._responses(operation["responses"]):
            if status.startswith("2"):
                examples = response.get("content", {}).get(JSON, {}).get("examples", {})
                parts += [self._example(example, status) for example in examples.values()]
        return "\n\n".join(parts)

    def _response_table(self, responses: Node) -> str:
        rows = []
        for status, response in self._responses(responses):
            content = response.get("content", {})
            bodies = [self._type(content[JSON]["schema"])] if JSON in content else []
            if PROBLEM in content:
                problems = [self._resolve(p) for p in content[PROBLEM]["examples"].values()]
                codes = [f"[`{problem['value']['code']}`](#errors)" for problem in problems]
                bodies = [", ".join(codes), *(f"or {other}" for other in bodies)]
            headers = ", ".join(f"`{name}`" for name in response.get("headers", {}))
            rows.append([f"`{status}`", response["description"], " ".join(bodies), headers])
        return _table(["status", "meaning", "body", "headers"], rows)

    def _objects(self) -> str:
        parts = ["## Objects"]
        for name, schema in self.contract["components"]["schemas"].items():
            if "properties" in schema and name not in self._request_objects():
                # An object inside a body rejects unknown fields, one of a response never does.
                fields = self._fields(schema, request="additionalProperties" in schema)
                parts += [f"### {name}", schema["description"].strip(), fields]
        return "\n\n".join(parts)

    def _errors(self) -> str:
        examples = self.contract["components"]["examples"]
        rows = []
        for code in self.contract["components"]["schemas"]["ErrorCode"]["enum"]:
            example = examples[code]
            rows.append([f"`{code}`", f"`{example['value']['status']}`", example["description"]])
        sample = examples["invalid_combination"]
        parts = ["## Errors", _table(["code", "status", "meaning and next step"], rows)]
        return "\n\n".join([*parts, self._example(sample, "400")])

    # -- pieces ------------------------------------------------------------------------------

    def _operations(self) -> Iterator[tuple[str, str, Node, list[Node]]]:
        for path, item in self.contract["paths"].items():
            for method, operation in item.items():
                if method in METHODS:
                    yield method, path, operation, item.get("parameters", [])

    def _responses(self, responses: Node) -> Iterator[tuple[str, Node]]:
        for status, response in responses.items():
            yield status, self._resolve(response)

    def _request_objects(self) -> set[str]:
        """Returns the schemas of bodies, which are described with their operation."""
        bodies = set()
        for _, _, operation, _ in self._operations():
            if "requestBody" in operation:
                bodies.add(
                    operation["requestBody"]["content"][JSON]["schema"]["$ref"].split("/")[-1]
                )
        return bodies

    def _fields(self, schema: Node, request: bool) -> str:
        required = schema.get("required", [])
        rows = []
        for name, field in schema["properties"].items():
            merged = self._resolve(field)
            row = [f"`{name}`", self._type(field)]
            if request:
                row.append("required" if name in required else _literal(merged.get("x-default")))
            else:
                row.append("always" if name in required else "")
            rows.append([*row, merged.get("description", "")])
        third = "default" if request else "present"
        return _table(["field", "type and limits", third, "meaning"], rows)

    def _parameter_row(self, parameter: Node) -> list[str]:
        schema = self._resolve(parameter["schema"])
        kind = self._kind(schema)
        return [
            f"`{parameter['name']}`" + (" (required)" if parameter.get("required") else ""),
            parameter["in"],
            kind,
            _literal(schema.get("x-default")),
            parameter["description"],
        ]

    def _type(self, schema: Node) -> str:
        """Returns a link for an object, otherwise the type and its limits."""
        resolved = self._resolve(schema)
        name = schema.get("$ref", "").split("/")[-1]
        if "properties" in resolved and name:
            anchor = self._body_anchor(name) or _anchor(name)
            return f"[{name}](#{anchor})"
        return self._kind(resolved)

    def _body_anchor(self, name: str) -> str | None:
        for _, _, operation, _ in self._operations():
            body = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
            if body.get("schema", {}).get("$ref", "").endswith(f"/{name}"):
                return _anchor(operation["summary"])
        return None

    def _kind(self, schema: Node) -> str:
        if "enum" in schema and PROBLEM_CODE in schema["enum"]:
            return "one of the [codes](#errors)"
        if "enum" in schema:
            return " · ".join(f"`{value}`" for value in schema["enum"] if value is not None)
        if "const" in schema:
            return _literal(schema["const"])
        if schema["type"] == "array":
            limit = f" of at most {schema['maxItems']}" if "maxItems" in schema else ""
            unique = ", unique" if schema.get("uniqueItems") else ""
            return f"list{limit}{unique}: {self._type(schema['items'])}"
        if "x-maxBytes" in schema:
            return f"object of strings, at most {schema['x-maxBytes']} bytes"
        if schema["type"] == "object":
            values = self._type(schema["additionalProperties"])
            keys = self._kind(schema["propertyNames"])
            return f"object of at most {schema['maxProperties']}: {keys} → {values}"
        kind = str(FORMATS.get(schema.get("format", ""), schema["type"]))
        return " ".join([kind, *self._limits(schema)])

    @staticmethod
    def _limits(schema: Node) -> Iterator[str]:
        if "maximum" in schema:
            yield f"{schema['minimum']}–{schema['maximum']}"
        elif "minimum" in schema:
            yield f"at least {schema['minimum']}"
        if "maxLength" in schema:
            yield f"of {schema.get('minLength', 0)}–{schema['maxLength']} characters"

    def _example(self, example: Node, status: str | None = None) -> str:
        resolved = self._resolve(example)
        title = resolved["summary"] + (f" (`{status}`)" if status else "")
        return f"{title}:\n\n```json\n{_json(resolved['value'])}\n```"

    def _resolve(self, node: Node) -> Node:
        """Returns the node with its `$ref` followed; fields next to the `$ref` take precedence."""
        if "$ref" not in node:
            return node
        target: Node = self.contract
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        overrides = {key: value for key, value in node.items() if key != "$ref"}
        return {**self._resolve(target), **overrides}


def _without_null(node: Any) -> Any:
    """Returns the node without the alternative null: the descriptions say where null is allowed."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _without_null(value) for key, value in node.items()}
    if {"type": "null"} in node.get("anyOf", []):
        alternatives = node.pop("anyOf")
        node = {**alternatives[0], **node}
    if isinstance(node.get("type"), list):
        node["type"] = node["type"][0]
    return node


def _literal(value: object) -> str:
    if value is None:
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _json(value: object, indent: str = "") -> str:
    """Returns JSON for readers: a value that fits into a line stays on it."""
    short = json.dumps(value, ensure_ascii=False)
    if len(indent + short) <= LINE or not isinstance(value, dict | list):
        return short
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {_json(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _json(item, inner) for item in value) + f"\n{indent}]"


def _anchor(heading: str) -> str:
    """Returns the anchor that GitHub generates for a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table without the columns that are empty in every row."""
    used = [i for i, _ in enumerate(head) if any(row[i] for row in rows)]
    cells = [[row[i] for i in used] for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in cells)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def reference(contract: Path = CONTRACT) -> str:
    """Returns the page for a contract."""
    return Reference(yaml.safe_load(contract.read_text(encoding="utf-8"))).page()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    if not parser.parse_args().check:
        PAGE.write_text(reference(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == reference():
        return 0
    print("docs/api.md does not match openapi.yaml: run `make docs`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
