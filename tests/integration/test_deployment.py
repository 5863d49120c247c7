"""The deployed template with parameters other than the defaults."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import cloud, gateway, programs
from local.stack.bundle import read_template
from local.stack.deployment import Deployment, deploy
from local.stack.lifecycle import DEFAULT_STATE, Settings
from tests.contract.openapi import routes
from tests.integration.conftest import send

MONITORING = read_template(cloud.ROOT / "monitoring.yaml")["Resources"]
#: The alarms that do not depend on a parameter.
ALARMS = [
    name
    for name, resource in MONITORING.items()
    if name != "Dashboard" and "Condition" not in resource
]
ISSUER = "https://issuer.example/realm"
TOPIC = "arn:aws:sns:us-east-1:000000000000:operators"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cloud.Aws]:
    """An empty MiniStack."""
    state: Path = tmp_path_factory.mktemp("cloud")
    mark = uuid.uuid4().hex
    cloud.isolate()
    started: list[programs.Program] = []
    try:
        program, found = cloud.start(state, mark)
        started.append(program)
        yield found
    finally:
        programs.stop_all(started, mark)
        cloud.clean_up(state)


@pytest.fixture(scope="module")
def parameters() -> dict[str, str]:
    others = {
        "JwtIssuer": ISSUER,
        "JwtAudience": "web,ios",
        "AllowedOrigins": "https://app.example,https://admin.example",
        "AlarmTopicArn": TOPIC,
        "ReservedConcurrency": "7",  # MiniStack accepts it without effect
        "LogRetentionDays": "7",
    }
    settings = Settings(platform="opentok", schedule=False, parameters=others)
    return settings.template_parameters("https://api.example", ())


@pytest.fixture(scope="module")
def deployment(aws: cloud.Aws, parameters: dict[str, str]) -> Deployment:
    return deploy(aws, parameters, DEFAULT_STATE / "cache")


def test_with_an_issuer_there_is_no_user_pool(deployment: Deployment) -> None:
    assert not {"UserPool", "UserPoolClient", "ModeratorsGroup"} & deployment.resources.keys()
    assert "UserPoolId" not in deployment.outputs


def test_issuer_audiences_and_origins_are_set_in_the_gateway(
    aws: cloud.Aws, deployment: Deployment, parameters: dict[str, str]
) -> None:
    gateway.create_routes(aws, deployment, parameters)
    api = gateway.local_url(aws, deployment.outputs["ApiUrl"])
    client = aws.client("apigatewayv2")
    api_id = deployment.resources["HttpApi"]

    (authorizer,) = client.get_authorizers(ApiId=api_id)["Items"]
    assert authorizer["JwtConfiguration"] == {"Issuer": ISSUER, "Audience": ["web", "ios"]}
    assert len(client.get_routes(ApiId=api_id)["Items"]) == len(routes())

    def preflight(origin: str) -> str | None:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        response = send("OPTIONS", f"{api}/sessions", None, headers)
        return response.headers.get("access-control-allow-origin")

    assert preflight("https://admin.example") == "https://admin.example"
    assert preflight("https://elsewhere.example") is None


def test_a_refused_token_gets_401_without_cors_headers(
    aws: cloud.Aws, deployment: Deployment
) -> None:
    """AWS documents CORS headers for responses of an integration, which this is not."""
    api = gateway.local_url(aws, deployment.outputs["ApiUrl"])
    response = send("GET", f"{api}/sessions", None, {"Origin": "https://admin.example"})
    assert response.status == 401
    assert "access-control-allow-origin" not in response.headers


def test_the_nested_alarms_notify_the_topic(aws: cloud.Aws, deployment: Deployment) -> None:
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == len(ALARMS)
    assert all(alarm["AlarmActions"] == [TOPIC] for alarm in alarms)
    # A schedule that was turned off is no reason for an alarm, nor is a bus that is not configured.
    names = {alarm["AlarmName"] for alarm in alarms}
    assert not names & {"opentok-sessions-refill-stale", "opentok-sessions-failed-events"}


def test_the_nested_dashboard_names_the_api_and_every_function(
    aws: cloud.Aws, deployment: Deployment
) -> None:
    client = aws.client("cloudwatch")
    body = client.get_dashboard(DashboardName="opentok-sessions")["DashboardBody"]
    json.loads(body)
    assert deployment.resources["HttpApi"] in body
    assert all(name in body for name in deployment.functions.values())


def test_the_table_is_protected_by_default(aws: cloud.Aws, deployment: Deployment) -> None:
    table = aws.client("dynamodb").describe_table(TableName=deployment.outputs["TableName"])[
        "Table"
    ]
    assert table["DeletionProtectionEnabled"] is True


def test_logs_have_the_retention_of_the_parameter(aws: cloud.Aws, deployment: Deployment) -> None:
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {7}
