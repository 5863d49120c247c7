"""openapi.yaml is a valid OpenAPI document and matches the code and the template."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import openapi_spec_validator
import pytest
import yaml

from docs.generate_api import reference
from opentok_client.families import FAMILIES, Family
from opentok_sessions.domain.problems import INTERNAL_ERROR
from tests.contract.openapi import (
    Node,
    Operation,
    contract,
    examples,
    operations,
    resolve,
    routes,
    violations,
)
from tests.problems import PROBLEMS

ROOT = Path(__file__).resolve().parents[2]
PROBLEM = "application/problem+json"
SCHEMAS: Node = contract()["components"]["schemas"]
KINDS = {kind.code: kind for kind in [*PROBLEMS.values(), INTERNAL_ERROR]}

every_operation = pytest.mark.parametrize("operation", operations(), ids=lambda op: op.name)


class _Template(yaml.SafeLoader):
    """Loads CloudFormation's short forms such as `!Ref` as their plain values."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> object:
    del suffix
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Template.add_multi_constructor("!", _short_form)


def test_the_document_is_valid_openapi_3_1() -> None:
    assert contract()["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(contract())


def test_the_contract_version_is_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert contract()["info"]["version"] == project["version"]


def test_the_routes_of_the_contract_are_those_of_the_template() -> None:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    template: Node = _Template(text).get_single_data()
    events = [
        event["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]
    deployed = {(event["Method"].upper(), event["Path"]) for event in events}
    assert deployed == routes() | routes(public=True)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_family_of_features_has_the_routes_that_the_vendor_offers(family: Family) -> None:
    start = f"/sessions/{{sessionId}}/{family.name}"
    feature = f"{start}/{{featureId}}"
    offered = {("POST", start), ("POST", f"{feature}/stop")}
    offered |= {("GET", start)} if family.listed else set()
    offered |= {("GET", feature)} if family.found else set()
    offered |= {("DELETE", feature)} if family.deleted else set()
    offered |= (
        {("PUT", f"{feature}/layout"), ("PATCH", f"{feature}/streams")}
        if family.arranged
        else set()
    )
    documented = {(operation.method, operation.path) for operation in operations()}
    assert {route for route in documented if route[1].startswith(start)} == offered


@pytest.mark.parametrize(
    ("schema", "value"),
    [pytest.param(schema, value, id=where) for where, schema, value in examples()],
)
def test_an_example_matches_its_schema(schema: Node, value: object) -> None:
    assert violations(schema, value) == []


def test_the_error_codes_of_the_contract_are_those_of_the_code() -> None:
    assert set(SCHEMAS["ErrorCode"]["enum"]) == set(KINDS)


@pytest.mark.parametrize("code", KINDS)
def test_every_error_has_an_example_with_its_status_code_and_title(code: str) -> None:
    kind = KINDS[code]
    problem = contract()["components"]["examples"][code]["value"]
    assert (problem["status"], problem["code"], problem["title"]) == (
        kind.status,
        kind.code,
        kind.title,
    )
    documented = [*operations(), *operations(public=True)]
    assert any(code in codes for op in documented for codes in _codes(op).values())


@every_operation
def test_every_error_is_documented_under_its_own_status(operation: Operation) -> None:
    for status, codes in _codes(operation).items():
        assert {KINDS[code].status for code in codes} == {int(status)}


@every_operation
def test_gateway_errors_differ_from_problems_by_media_type(operation: Operation) -> None:
    for status, response in operation.responses.items():
        if not status.startswith("2"):
            for media, content in response["content"].items():
                name = content["schema"]["$ref"].split("/")[-1]
                assert (media, name) in [
                    (PROBLEM, "Problem"),
                    ("application/json", "GatewayMessage"),
                ]
    assert {"401", "404", "429", "500", "503", "5XX"} <= operation.responses.keys()


@every_operation
def test_unknown_fields_are_rejected_in_bodies(operation: Operation) -> None:
    if "requestBody" in operation.node:
        schema = resolve(operation.node["requestBody"]["content"]["application/json"]["schema"])
        assert schema["additionalProperties"] is False


@every_operation
def test_no_body_field_has_a_default_that_generated_clients_would_send(
    operation: Operation,
) -> None:
    def defaults(schema: Node) -> list[Any]:
        node = resolve(schema)
        inner = [*node.get("properties", {}).values(), *[node[k] for k in ("items",) if k in node]]
        own = [part["default"] for part in (schema, node) if "default" in part]
        return own + [found for part in inner for found in defaults(part)]

    body = operation.node.get("requestBody", {}).get("content", {})
    schemas = [content["schema"] for content in body.values()]
    schemas += [parameter["schema"] for parameter in operation.parameters]
    assert [found for schema in schemas for found in defaults(schema)] == []


@every_operation
def test_links_lead_to_operations_that_take_their_parameters(operation: Operation) -> None:
    known = {op.name: {parameter["name"] for parameter in op.parameters} for op in operations()}
    for response in operation.responses.values():
        for link in map(resolve, response.get("links", {}).values()):
            assert link["parameters"].keys() <= known[link["operationId"]]


def test_create_session_links_to_the_operations_on_the_session() -> None:
    create = next(operation for operation in operations() if operation.name == "createSession")
    for status in ("200", "201"):
        links = map(resolve, create.responses[status]["links"].values())
        assert {link["operationId"] for link in links} == {
            "getSession",
            "issueToken",
            "closeSession",
            "listConnections",
            "releaseRoom",
        }


def test_the_reference_page_is_up_to_date() -> None:
    page = ROOT / "docs" / "api.md"
    assert page.read_text(encoding="utf-8") == reference(), "run `make docs`"


def _codes(operation: Operation) -> dict[str, set[str]]:
    """Returns the error codes that the operation documents, by status."""
    return {
        status: {
            resolve(example)["value"]["code"]
            for example in response["content"][PROBLEM]["examples"].values()
        }
        for status, response in operation.responses.items()
        if PROBLEM in response.get("content", {})
    }
