"""The stack that is verified: on AWS, or the local one."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.stack import cloud, lifecycle
from local.stack.bundle import read_template
from local.stack.deployment import STACK

__all__ = ["Target", "deployed", "local_stack"]

_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, read_timeout=150)


@dataclass(frozen=True)
class Target:
    """A deployed stack. `local` is the content of stack.json, or None on AWS."""

    name: str
    region: str
    api_url: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    connect: Callable[[str], Any] = field(repr=False)
    local: Mapping[str, Any] | None = field(default=None, repr=False)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str) -> Any:
        """Returns a boto3 client; each service has one."""
        if service not in self._clients:
            self._clients[service] = self.connect(service)
        return self._clients[service]

    @cached_property
    def template(self) -> dict[str, Any]:
        """template.yaml of this working tree: what the stack should be."""
        return read_template(cloud.ROOT / "template.yaml")

    @cached_property
    def monitoring(self) -> dict[str, Any]:
        """monitoring.yaml of this working tree."""
        return read_template(cloud.ROOT / "monitoring.yaml")

    def logical_ids(self, kind: str) -> list[str]:
        """Returns the template's resources of a type."""
        resources = self.template["Resources"].items()
        return [name for name, resource in resources if resource["Type"] == kind]

    def parameter(self, name: str) -> str:
        """Returns the value of a parameter; its default if the deployed stack lacks it."""
        default = self.template["Parameters"][name]["Default"]
        return str(self.parameters.get(name, default))

    @property
    def own_user_pool(self) -> bool:
        return not self.parameter("JwtIssuer")

    @property
    def platform(self) -> str:
        return self.parameter("Platform")


def deployed(name: str, *, profile: str | None, region: str | None) -> Target:
    """Returns the stack of that name in the operator's account. Raises botocore's errors."""
    session = boto3.session.Session(profile_name=profile, region_name=region)
    return _target(
        name,
        session.region_name,
        lambda service: session.client(service, config=_CONFIG),
    )


def local_stack(state: Path) -> Target:
    """Returns the running local stack. Raises `StackError` if there is none."""
    cloud.isolate()
    facts = lifecycle.read_stack(state)
    return _target(STACK, facts["region"], cloud.Aws.of(facts).client, facts)


def _target(
    name: str,
    region: str,
    connect: Callable[[str], Any],
    local: Mapping[str, Any] | None = None,
) -> Target:
    formation = connect("cloudformation")
    stack = formation.describe_stacks(StackName=name)["Stacks"][0]
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=name)
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
    return Target(
        name=name,
        region=region,
        api_url=(local["apiUrl"] if local else outputs.get("ApiUrl", "")).rstrip("/"),
        parameters={
            item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])
        },
        outputs=outputs,
        resources={
            item["LogicalResourceId"]: item.get("PhysicalResourceId", "")
            for page in pages
            for item in page["StackResourceSummaries"]
        },
        connect=connect,
        local=local,
    )


def operator_setting(name: str) -> str:
    """Returns an environment variable that the operator may set, or an empty string."""
    return os.environ.get(name, "")
