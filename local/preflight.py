"""Checks before a deployment: finds early what CloudFormation would report late.

`make deploy` runs it between the build and `sam deploy`. It reads only, and takes a few seconds.
"""

import argparse
import json
import os
import sys
import tomllib
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

__all__ = [
    "bytecode_problem",
    "issuer_problem",
    "main",
    "pools_problem",
    "region_problem",
    "stack_problem",
]

ROOT = Path(__file__).parents[1]
BUILD = ROOT / ".aws-sam" / "build"
RUNTIME = "python3.13"
DISCOVERY = "/.well-known/openid-configuration"
HTTP_SECONDS = 10

#: Statuses on which `sam deploy` fails, with the next step.
BLOCKED = {
    "ROLLBACK_COMPLETE": "its first deployment failed. Delete it, then deploy again: {delete}",
    "ROLLBACK_FAILED": (
        "its first deployment failed, and so did the rollback. Turn off the deletion protection of"
        " its table and its user pool, delete it, then deploy again: {delete}"
    ),
    "CREATE_FAILED": "its first deployment failed. Delete it, then deploy again: {delete}",
    "DELETE_FAILED": (
        "it could not be deleted. Turn off the deletion protection of its table and its user pool,"
        " and delete it again: {delete}"
    ),
    "UPDATE_ROLLBACK_FAILED": (
        "the rollback of an update failed. Read the stack's events, then run:"
        " aws cloudformation continue-update-rollback --stack-name {stack}"
    ),
}


def bytecode_problem(build: Path) -> str | None:
    """Returns what is wrong if the built layer has no bytecode for the runtime."""
    tag = "cpython-" + RUNTIME.removeprefix("python").replace(".", "")
    if any(build.glob(f"OpenTokLayer/python/opentok_client/**/*.{tag}.pyc")):
        return None
    return (
        f"The built layer has no bytecode for {RUNTIME}, so cold starts would take twice as long."
        f" Install {RUNTIME} (for example with `uv python install`), then run `make deploy` again."
    )


def issuer_problem(issuer: str) -> str | None:
    """Returns what is wrong if API Gateway could not verify tokens of this issuer."""
    url = issuer.rstrip("/") + DISCOVERY
    try:
        document = _json(url)
        stated = document.get("issuer")
        if stated != issuer:
            return f"JwtIssuer is {issuer}, but {url} states the issuer {stated}. Use that one."
        keys = document.get("jwks_uri")
        if not isinstance(keys, str) or not _json(keys).get("keys"):
            return f"{url} names no keys (`jwks_uri`), so no token could be verified."
    except (OSError, ValueError) as error:
        return f"JwtIssuer is not reachable: {url}: {error}"
    return None


def pools_problem(pools: str) -> str | None:
    """Returns what is wrong if the parameter `Pools` is not a JSON array."""
    try:
        value = json.loads(pools)
    except ValueError as error:
        return f"Pools is not valid JSON: {error}"
    return None if isinstance(value, list) else "Pools must be a JSON array."


def stack_problem(stack: Mapping[str, Any] | None) -> str | None:
    """Returns what is wrong if a stack in this status cannot be deployed."""
    if stack is None:
        return None
    name, status = stack["StackName"], stack["StackStatus"]
    if status in BLOCKED:
        delete = f".venv-sam/bin/sam delete --stack-name {name}"
        return f"The stack {name} is {status}: " + BLOCKED[status].format(stack=name, delete=delete)
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        return f"The stack {name} is {status}: another operation is running. Wait until it ends."
    return None


def region_problem(functions: Any, region: str, architecture: str) -> str | None:
    """Returns what is wrong if Lambda in this region lacks the runtime or the architecture.

    Lambda rejects a filter that the region does not know with the error it gives a deployment.
    """
    try:
        functions.list_layers(
            CompatibleRuntime=RUNTIME, CompatibleArchitecture=architecture, MaxItems=1
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"InvalidParameterValueException", "ValidationException"}:
            return f"Lambda in {region} has no {RUNTIME} on {architecture}: {error}"
        if "AccessDenied" not in code:
            raise
    return None


def find_stack(formation: Any, name: str) -> Mapping[str, Any] | None:
    """Returns CloudFormation's description of the stack, or None if there is none."""
    try:
        stack: Mapping[str, Any] = formation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return stack


def main() -> int:
    arguments = _arguments()
    try:
        problems = list(_problems(arguments))
    except (BotoCoreError, ClientError) as error:
        problems = [f"AWS cannot be called: {error}. Check your credentials and your region."]
    for problem in problems:
        print(f"deploy: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _problems(arguments: argparse.Namespace) -> Iterator[str]:
    session = boto3.session.Session(
        profile_name=arguments.profile, region_name=arguments.region or _sam_setting("region")
    )
    stack = find_stack(session.client("cloudformation"), arguments.stack_name)
    kept = {item["ParameterKey"]: item["ParameterValue"] for item in _parameters(stack)}
    parameters = {**kept, **dict(arguments.parameter)}
    found = [
        bytecode_problem(BUILD),
        stack_problem(stack),
        region_problem(session.client("lambda"), session.region_name, arguments.architecture),
        issuer_problem(parameters["JwtIssuer"]) if parameters.get("JwtIssuer") else None,
        pools_problem(parameters["Pools"]) if parameters.get("Pools") else None,
    ]
    yield from (problem for problem in found if problem)


def _parameters(stack: Mapping[str, Any] | None) -> list[Any]:
    return [] if stack is None else stack.get("Parameters", [])


def _json(url: str) -> Mapping[str, Any]:
    """Returns the JSON object at a URL; raises `OSError` or `ValueError`."""
    with urllib.request.urlopen(url, timeout=HTTP_SECONDS) as response:
        value = json.loads(response.read())
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _sam_setting(name: str) -> str | None:
    """Returns a setting of `sam deploy` from samconfig.toml."""
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())
    value: str | None = settings["default"]["deploy"]["parameters"].get(name)
    return value


def _arguments() -> argparse.Namespace:
    """Returns the arguments; those of `sam deploy` that do not matter here are ignored."""
    parser = argparse.ArgumentParser(prog="python -m local.preflight", description=__doc__)
    parser.add_argument("--stack-name", default=_sam_setting("stack_name"))
    parser.add_argument("--region")
    parser.add_argument("--profile", default=os.environ.get("AWS_PROFILE"))
    parser.add_argument("--architecture", default="arm64")
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=lambda text: tuple(text.split("=", 1)),
        metavar="NAME=VALUE",
    )
    return parser.parse_known_args()[0]


if __name__ == "__main__":
    sys.exit(main())
