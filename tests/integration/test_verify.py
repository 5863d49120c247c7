"""`make verify` on the local stack: it passes, and each fault fails it and is named."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.stack import cloud
from local.verify import configuration, permissions
from local.verify.__main__ import CHECKS, verify
from local.verify.outcome import Check, Status
from local.verify.target import Target, local_stack
from tests.integration.records import Records
from tests.integration.stack import Stack

PAGE = cloud.ROOT / "docs" / "first-deployment.md"


@pytest.fixture(scope="module")
def target(stack: Stack) -> Iterator[Target]:
    yield local_stack(stack.state)


def failures(target: Target, checks: tuple[Check, ...]) -> dict[str, str]:
    """Returns the failed checks with their details."""
    outcomes = verify(target, checks)
    return {each.name: each.detail for each in outcomes if each.status is Status.FAILED}


def test_the_local_stack_passes_and_the_last_line_is_json(stack: Stack) -> None:
    command = [sys.executable, "-m", "local.verify", "--local", str(stack.state)]
    done = subprocess.run(
        command, cwd=cloud.ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["ok"]
    assert [each["check"] for each in result["checks"]] == [check.name for check in CHECKS]
    assert result["seconds"] < 180


def test_a_run_leaves_no_users_and_no_sessions(stack: Stack, target: Target) -> None:
    before = Records.read(stack).sessions.keys()
    assert not failures(target, CHECKS)
    left = Records.read(stack)
    assert {id_ for id_ in left.sessions.keys() - before if id_ not in left.pooled} == set()
    assert not [room for room in left.rooms if "verify-" in room]
    users = stack.client("cognito-idp").list_users(UserPoolId=stack.facts["userPoolId"])["Users"]
    assert not [user["Username"] for user in users if user["Username"].startswith("verify-")]


def test_a_missing_permission_is_named(stack: Stack, target: Target) -> None:
    iam, role = stack.client("iam"), target.resources["CloseSessionRole"]
    policy = iam.get_role_policy(RoleName=role, PolicyName="close_session")["PolicyDocument"]
    without = json.loads(json.dumps(policy).replace('"dynamodb:UpdateItem"', '"dynamodb:GetItem"'))
    _put_policy(iam, role, without)
    try:
        found = failures(target, permissions.CHECKS)
    finally:
        _put_policy(iam, role, policy)
    assert found == {
        "each role may do what its function needs": (
            "CloseSessionRole lacks dynamodb:UpdateItem: deploy the template again"
        )
    }


def test_a_permission_too_many_is_named(stack: Stack, target: Target) -> None:
    iam, role = stack.client("iam"), target.resources["CloseSessionRole"]
    policy = iam.get_role_policy(RoleName=role, PolicyName="close_session")["PolicyDocument"]
    wider = json.loads(json.dumps(policy).replace('"dynamodb:UpdateItem"', '"dynamodb:*"'))
    wider["Statement"].append(policy["Statement"][0])
    _put_policy(iam, role, wider)
    try:
        found = failures(target, permissions.CHECKS)
    finally:
        _put_policy(iam, role, policy)
    (detail,) = found.values()
    assert detail == "CloseSessionRole may dynamodb:Scan, which it does not need"


def test_a_wrong_throttle_is_named(stack: Stack, target: Target) -> None:
    gateway, api = stack.client("apigatewayv2"), target.resources["HttpApi"]
    right = gateway.get_stage(ApiId=api, StageName="$default")["DefaultRouteSettings"]
    _set_throttle(gateway, api, {**right, "ThrottlingRateLimit": 1.0})
    try:
        found = failures(target, configuration.CHECKS)
    finally:
        _set_throttle(gateway, api, right)
    (detail,) = found.values()
    assert detail.startswith("HttpApi: ThrottlingRateLimit is 1.0 instead of")


def test_a_disabled_schedule_is_named(target: Target) -> None:
    """The suite's stack runs without its schedule; here its parameter says otherwise."""
    asked = {**target.parameters, "ScheduleState": "ENABLED"}
    found = failures(dataclasses.replace(target, parameters=asked), configuration.CHECKS)
    assert found["the schedule runs with the parameters' pools"] == (
        "the schedule is DISABLED instead of ENABLED (ScheduleState)"
    )


def test_a_stream_that_is_not_consumed_is_named(stack: Stack, target: Target) -> None:
    client, function = stack.client("lambda"), target.resources["DisconnectClientsFunction"]
    (mapping,) = client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        found = failures(target, configuration.CHECKS)
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    assert found == {
        "the table's stream is consumed": (
            "the stream of DisconnectClientsFunction is Disabled:"
            " nothing follows from changes of the table"
        )
    }


def test_a_secret_of_the_wrong_shape_is_named(stack: Stack, target: Target) -> None:
    secrets, id_ = stack.client("secretsmanager"), stack.facts["secretId"]
    right = secrets.get_secret_value(SecretId=id_)["SecretString"]
    secrets.put_secret_value(SecretId=id_, SecretString='{"key": "a", "secret": "b"}')
    try:
        found = failures(target, configuration.CHECKS)
    finally:
        secrets.put_secret_value(SecretId=id_, SecretString=right)
    fields = configuration.SECRET_FIELDS[target.platform]
    assert found == {
        "the secret has the platform's shape": (
            f"the secret has no {' and no '.join(fields)}, which the platform"
            f" {target.platform} requires"
        )
    }


@pytest.mark.parametrize(
    "check", [check for check in CHECKS if check.aws_only], ids=lambda check: check.name
)
def test_the_page_lists_what_the_local_cloud_cannot_show(check: Check) -> None:
    assert f"| {check.name} |" in Path(PAGE).read_text()


def _put_policy(iam: Any, role: str, document: object) -> None:
    iam.put_role_policy(
        RoleName=role, PolicyName="close_session", PolicyDocument=json.dumps(document)
    )


def _set_throttle(gateway: Any, api: str, settings: dict[str, Any]) -> None:
    gateway.update_stage(ApiId=api, StageName="$default", DefaultRouteSettings=settings)
