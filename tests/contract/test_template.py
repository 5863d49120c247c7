"""`template.yaml` and `monitoring.yaml`: least privilege, retention, safe defaults, alarms."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.stack.bundle import read_template
from opentok_client.options import ArchiveMode, SessionOptions
from opentok_sessions.domain.models import Reuse, Session, Source
from opentok_sessions.domain.presence import Hints
from opentok_sessions.domain.problems import INTERNAL_ERROR
from opentok_sessions.http.pools import parse_pools
from opentok_sessions.runtime.settings import Settings
from opentok_sessions.storage.items import UNLISTED, session_item
from tests.contract.openapi import routes as contract_routes
from tests.lint_template import DEPLOYMENTS, lint, processed
from tests.problems import PROBLEMS

ROOT = Path(__file__).parents[2]

TEMPLATE = read_template(ROOT / "template.yaml")
PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
MONITORING = read_template(ROOT / "monitoring.yaml")
ALARMS: dict[str, dict[str, Any]] = {
    name: item["Properties"]
    for name, item in MONITORING["Resources"].items()
    if item["Type"] == "AWS::CloudWatch::Alarm"
}

#: Logical id of each function without its suffix, by the name of its use case.
FUNCTIONS = {
    path.parent.name: path.parent.name.title().replace("_", "")
    for path in sorted(ROOT.glob("functions/*/app.py"))
}

#: The functions that no app waits for: a failure is noticed by an alarm only.
BACKGROUND = {"DisconnectClients", "PrecreateSessions", "PublishEvents", "ReceiveCallback"}

#: The condition of the resources that a deployment may lack, by the name of their function.
OPTIONAL = {"PublishEvents": "HasEventBus"}

#: Bytes that Lambda allows for a function's environment, names and values together.
ENVIRONMENT_BYTES = 4096

TABLE = {"Fn::GetAtt": ["SessionsTable", "Arn"]}
POOL_INDEX = {"Fn::Sub": "${SessionsTable.Arn}/index/pool"}
OWNER_INDEX = {"Fn::Sub": "${SessionsTable.Arn}/index/owner"}
SECRET = {"Fn::GetAtt": ["VideoCredentials", "Id"]}
DISCONNECTS_QUEUE = {"Fn::GetAtt": ["FailedDisconnects", "Arn"]}
EVENTS_QUEUE = {"Fn::GetAtt": ["FailedEvents", "Arn"]}
BUS_ARN = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}"
BUS = {"Fn::Sub": BUS_ARN}
STREAM = {"Fn::GetAtt": ["SessionsTable", "StreamArn"]}
QUEUE = {"Fn::GetAtt": ["FailedRefills", "Arn"]}

#: Everything that each function may do, except writing its own log and traces.
ALLOWED: dict[str, list[tuple[str, object]]] = {
    "create_session": [
        ("dynamodb:BatchGetItem", TABLE),
        ("dynamodb:ConditionCheckItem", TABLE),
        ("dynamodb:DeleteItem", TABLE),
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:Query", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("dynamodb:Query", POOL_INDEX),
        ("secretsmanager:GetSecretValue", SECRET),
    ],
    "issue_token": [
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:Query", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("secretsmanager:GetSecretValue", SECRET),
    ],
    "get_session": [
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:Query", TABLE),
        ("dynamodb:Query", OWNER_INDEX),
    ],
    "close_session": [
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
    ],
    "receive_callback": [
        ("dynamodb:ConditionCheckItem", TABLE),
        ("dynamodb:DeleteItem", TABLE),
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:Query", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("secretsmanager:GetSecretValue", SECRET),
    ],
    "update_session": [
        ("dynamodb:BatchGetItem", TABLE),
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
    ],
    "remove_connection": [
        ("dynamodb:DeleteItem", TABLE),
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:PutItem", TABLE),
        ("secretsmanager:GetSecretValue", SECRET),
    ],
    "manage_features": [
        ("dynamodb:BatchGetItem", TABLE),
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:Query", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("secretsmanager:GetSecretValue", SECRET),
    ],
    "disconnect_clients": [
        ("dynamodb:DeleteItem", TABLE),
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:Query", TABLE),
        ("secretsmanager:GetSecretValue", SECRET),
        ("dynamodb:DescribeStream", STREAM),
        ("dynamodb:GetRecords", STREAM),
        ("dynamodb:GetShardIterator", STREAM),
        ("sqs:SendMessage", DISCONNECTS_QUEUE),
    ],
    "publish_events": [
        ("dynamodb:GetItem", TABLE),
        ("events:PutEvents", BUS),
        ("dynamodb:DescribeStream", STREAM),
        ("dynamodb:GetRecords", STREAM),
        ("dynamodb:GetShardIterator", STREAM),
        ("sqs:SendMessage", EVENTS_QUEUE),
    ],
    "release_room": [
        ("dynamodb:DeleteItem", TABLE),
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
    ],
    "precreate_sessions": [
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:Query", POOL_INDEX),
        ("secretsmanager:GetSecretValue", SECRET),
        ("sqs:SendMessage", QUEUE),
    ],
}

FAULTS = {kind.metric for kind in (*PROBLEMS.values(), INTERNAL_ERROR) if kind.metric}
FAULT_ALARMS = FAULTS | {"CallbackSilence", "PoolAvailable", "RefillAge"}


def of_type(kind: str) -> dict[str, Any]:
    return {name: item for name, item in RESOURCES.items() if item["Type"] == kind}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


def grants(role: str) -> Iterator[tuple[str, Any]]:
    """Each action of a role with its resource."""
    for policy in properties(role)["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow", role
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                yield action, statement["Resource"]


# ------------------------------------------------------------------------------------ functions


def test_there_is_a_function_for_every_folder() -> None:
    assert set(of_type("AWS::Serverless::Function")) == {f"{n}Function" for n in FUNCTIONS.values()}
    for folder, name in FUNCTIONS.items():
        assert properties(f"{name}Function")["CodeUri"] == f"functions/{folder}"


def test_all_functions_share_one_runtime_architecture_and_layer() -> None:
    shared = TEMPLATE["Globals"]["Function"]
    assert shared["Runtime"] == "python3.13"
    assert shared["Architectures"] == [{"Ref": "Architecture"}]
    assert shared["Layers"][0] == {"Ref": "OpenTokLayer"}
    for name, function in of_type("AWS::Serverless::Function").items():
        own = {"Runtime", "Architectures", "Layers", "Environment", "Tracing", "Handler"}
        assert not own & function["Properties"].keys(), name
        assert function["Metadata"] == {"SkipBuild": True}, name


def test_functions_time_out_before_the_gateway_does() -> None:
    assert TEMPLATE["Globals"]["Function"]["Timeout"] < 30
    for name in set(FUNCTIONS.values()) - BACKGROUND:
        assert "Timeout" not in properties(f"{name}Function")


def test_traces_are_on() -> None:
    assert TEMPLATE["Globals"]["Function"]["Tracing"] == "Active"


@pytest.mark.parametrize("name", FUNCTIONS.values())
def test_a_function_has_a_log_group_of_its_own_with_a_retention(name: str) -> None:
    assert properties(f"{name}Function")["LoggingConfig"] == {
        "LogGroup": {"Ref": f"{name}LogGroup"}
    }
    assert properties(f"{name}LogGroup")["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_environment_is_what_the_settings_read_and_its_defaults_are_valid() -> None:
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    own = {name: _default(value) for name, value in variables.items() if "POWERTOOLS" not in name}
    reads = _Reads(own)

    Settings.from_environment(reads)

    assert reads.names == set(own)
    assert {name for name in variables if "POWERTOOLS" in name} == {
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_METRICS_NAMESPACE",
        "POWERTOOLS_LOG_LEVEL",
        "POWERTOOLS_LOGGER_SAMPLE_RATE",
    }


def test_the_environment_fits_into_the_limit_of_lambda_with_the_longest_parameters() -> None:
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    size = sum(len(name) + _longest(value) for name, value in variables.items())
    assert size <= ENVIRONMENT_BYTES


# -------------------------------------------------------------------------------------- layers


@pytest.mark.parametrize("layer", ["OpenTokLayer", "CryptoLayer"])
def test_a_layer_is_built_for_the_architecture_that_functions_have_by_default(layer: str) -> None:
    assert RESOURCES[layer]["Metadata"] == {
        "BuildMethod": "makefile",
        "BuildArchitecture": PARAMETERS["Architecture"]["Default"],
    }
    folder = ROOT / properties(layer)["ContentUri"]
    assert f"build-{layer}:" in (folder / "Makefile").read_text()


def test_only_vonage_pays_for_the_crypto_layer() -> None:
    assert RESOURCES["CryptoLayer"]["Condition"] == "OnVonage"
    assert TEMPLATE["Globals"]["Function"]["Layers"][1] == {
        "Fn::If": ["OnVonage", {"Ref": "CryptoLayer"}, {"Ref": "AWS::NoValue"}]
    }


# ------------------------------------------------------------------------------- least privilege


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_it_needs_and_no_more(function: str) -> None:
    name = FUNCTIONS[function]
    assert properties(f"{name}Function")["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert "ManagedPolicyArns" not in properties(f"{name}Role")
    log = {"Fn::GetAtt": [f"{name}LogGroup", "Arn"]}
    expected = [
        *ALLOWED[function],
        ("logs:CreateLogStream", log),
        ("logs:PutLogEvents", log),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
    ]
    assert list(grants(f"{name}Role")) == expected


def test_every_statement_names_its_actions_and_one_resource() -> None:
    for role in of_type("AWS::IAM::Role"):
        for action, resource in grants(role):
            assert "*" not in action, role
            assert not isinstance(resource, list), role
            if resource == "*":
                # X-Ray's write actions have no resource to name.
                assert action.startswith("xray:Put"), role


def test_the_schedule_may_invoke_its_one_function_only() -> None:
    function = {"Fn::GetAtt": ["PrecreateSessionsFunction", "Arn"]}
    assert list(grants("RefillScheduleRole")) == [("lambda:InvokeFunction", function)]


# ------------------------------------------------------------------------------------------ API


def test_every_route_has_the_authorizer() -> None:
    auth = properties("HttpApi")["Auth"]
    assert auth["DefaultAuthorizer"] in auth["Authorizers"]
    paths = _document()["paths"]
    operations = [paths[path][method] for path in paths for method in paths[path]]
    assert len(operations) == len(contract_routes())
    for operation in operations:
        assert operation["security"] == [{"Caller": []}]
        assert operation["x-amazon-apigateway-integration"]["payloadFormatVersion"] == "2.0"


def test_callbacks_have_an_api_of_their_own_with_its_own_limits() -> None:
    api = properties("CallbackApi")
    assert "Auth" not in api  # the vendor signs its callbacks
    assert api["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "CallbackRate"},
        "ThrottlingBurstLimit": {"Ref": "CallbackBurst"},
    }
    paths = processed({})["Resources"]["CallbackApi"]["Properties"]["Body"]["paths"]
    assert {(path, method) for path in paths for method in paths[path]} == {
        ("/callbacks/{kind}", "post")
    }
    reserved = properties("ReceiveCallbackFunction")["ReservedConcurrentExecutions"]
    assert reserved["Fn::If"][:2] == ["HasCallbackConcurrency", {"Ref": "CallbackConcurrency"}]


def test_cors_is_on_only_if_origins_are_given() -> None:
    condition, then, otherwise = _document()["x-amazon-apigateway-cors"]["Fn::If"]
    assert condition == "HasOrigins"
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert "idempotency-key" in then["allowHeaders"]
    assert set(then["allowMethods"]) == {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert PARAMETERS["AllowedOrigins"]["Default"] == ""


def test_every_route_is_throttled_by_settings_that_cloudformation_types() -> None:
    api = properties("HttpApi")
    assert api["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ThrottleRate"},
        "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"},
    }
    # RouteSettings is untyped JSON, in which a Number parameter arrives as a string.
    assert "RouteSettings" not in api


def test_the_access_log_is_json_without_tokens() -> None:
    for name in of_type("AWS::Serverless::HttpApi"):
        assert "AccessLogSettings" not in properties(name)
    entry = json.loads(TEMPLATE["Globals"]["HttpApi"]["AccessLogSettings"]["Format"])
    assert entry["caller"] == "$context.authorizer.claims.sub"
    assert not any("header" in value.lower() for value in entry.values())


def test_the_access_log_needs_no_resource_policy_of_its_own() -> None:
    name = properties("HttpApiLogGroup")["LogGroupName"]["Fn::Sub"]
    assert name.startswith("/aws/vendedlogs/")


def test_concurrency_is_reserved_on_demand_only() -> None:
    reserved = {
        "Fn::If": [
            "HasReservedConcurrency",
            {"Ref": "ReservedConcurrency"},
            {"Ref": "AWS::NoValue"},
        ]
    }
    assert PARAMETERS["ReservedConcurrency"]["Default"] == ""
    assert TEMPLATE["Globals"]["Function"]["ReservedConcurrentExecutions"] == reserved
    assert PARAMETERS["RefillConcurrency"]["Default"] == ""
    refill = properties("PrecreateSessionsFunction")["ReservedConcurrentExecutions"]
    assert refill["Fn::If"][0] == "HasRefillConcurrency"
    functions = processed({})["Resources"]
    reserved_none = {"Ref": "AWS::NoValue"}
    for name in set(FUNCTIONS.values()) - BACKGROUND:
        function = functions[f"{name}Function"]["Properties"]
        own = {"Fn::If": ["HasCallbackConcurrency", {"Ref": "CallbackConcurrency"}, reserved_none]}
        expected = own if name == "ReceiveCallback" else reserved
        assert function["ReservedConcurrentExecutions"] == expected, name


# ------------------------------------------------------------------------------------- storage


@pytest.mark.parametrize("name", ["SessionsTable", "UserPool", "ModeratorsGroup"])
def test_data_outlives_the_stack_unless_its_creation_failed(name: str) -> None:
    resource = RESOURCES[name]
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_table_and_user_pool_cannot_be_deleted_by_default() -> None:
    assert PARAMETERS["DeletionProtection"]["Default"] == "true"
    assert TEMPLATE["Conditions"]["Protected"] == {
        "Fn::Equals": [{"Ref": "DeletionProtection"}, "true"]
    }
    protected = {"Fn::If": ["Protected", True, False]}
    assert properties("SessionsTable")["DeletionProtectionEnabled"] == protected
    active = {"Fn::If": ["Protected", "ACTIVE", "INACTIVE"]}
    assert properties("UserPool")["DeletionProtection"] == active


def test_the_table_has_expiry_and_recovery_and_costs_nothing_when_idle() -> None:
    table = properties("SessionsTable")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    recovery = table["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": True}


def test_the_table_uses_a_kms_key_only_if_one_is_given() -> None:
    condition, given, otherwise = properties("SessionsTable")["SSESpecification"]["Fn::If"]
    assert (condition, otherwise) == ("HasTableKey", {"Ref": "AWS::NoValue"})
    assert given["KMSMasterKeyId"] == {"Ref": "TableKeyId"}
    assert PARAMETERS["TableKeyId"]["Default"] == ""


def test_the_indexes_hold_keys_and_what_a_list_shows() -> None:
    indexes = {i["IndexName"]: i for i in properties("SessionsTable")["GlobalSecondaryIndexes"]}
    keys = {
        name: [key["AttributeName"] for key in index["KeySchema"]]
        for name, index in indexes.items()
    }
    assert keys == {"pool": ["poolId", "poolKey"], "owner": ["ownerKey", "createdAt"]}
    assert indexes["pool"]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    options = SessionOptions(
        archive_mode=ArchiveMode.ALWAYS,
        archive_name="a",
        archive_resolution="640x480",
        location="12.34.56.78",
    )
    session = Session(
        session_id="s",
        project_id="p",
        options=options,
        media_mode_reason="r",
        owner="o",
        created_at=1,
        source=Source.POOL,
        last_used_at=1,
        claim_id="c",
        room="r",
        reuse=Reuse.PERMANENT,
        opens_at=1,
        closes_at=2,
        participants={},
        superseded=True,
        tenant="t",
        max_connections=5,
        hints=Hints(1, 2, 3, 4, 5),
    )
    stored = session_item(session, ttl=1).keys()
    projected = indexes["owner"]["Projection"]["NonKeyAttributes"]
    assert set(projected) == stored - UNLISTED - {"pk", "sk", "ownerKey", "createdAt"}


def test_no_credentials_are_in_the_template() -> None:
    assert not {"SecretString", "GenerateSecretString"} & properties("VideoCredentials").keys()


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("VideoCredentials", "Name"),
        ("OpenTokLayer", "LayerName"),
        ("CryptoLayer", "LayerName"),
        ("HttpApiLogGroup", "LogGroupName"),
    ],
)
def test_names_carry_the_name_of_the_stack(resource: str, name: str) -> None:
    assert "${AWS::StackName}" in properties(resource)[name]["Fn::Sub"]


def test_what_a_user_pool_fixes_at_creation_is_chosen() -> None:
    pool = properties("UserPool")
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
    assert pool["UserPoolTier"] == "LITE"


def test_strangers_cannot_sign_up_by_default() -> None:
    assert PARAMETERS["SelfSignUp"]["Default"] == "false"
    for name in ("UserPool", "UserPoolClient", "ModeratorsGroup"):
        assert RESOURCES[name]["Condition"] == "OwnUserPool"


# ------------------------------------------------------------------------------------- schedule


def test_the_schedule_sends_the_pools_that_the_functions_know() -> None:
    schedule = properties("PrecreateSessionsFunction")["Events"]["Refill"]["Properties"]
    default = PARAMETERS["Pools"]["Default"]
    sent = json.loads(schedule["Input"]["Fn::Sub"].replace("${Pools}", default))
    assert sent == {"pools": json.loads(default)}
    assert TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]["POOLS"] == {"Ref": "Pools"}
    assert schedule["State"] == {"Ref": "ScheduleState"}


def test_the_default_pools_are_valid() -> None:
    pools = parse_pools(json.loads(PARAMETERS["Pools"]["Default"]))
    assert pools
    assert all(pool.minimum <= pool.maximum for pool in pools)


def test_a_failed_run_of_the_schedule_ends_in_the_queue() -> None:
    config = properties("PrecreateSessionsFunction")["EventInvokeConfig"]
    assert config["DestinationConfig"]["OnFailure"] == {"Type": "SQS", "Destination": QUEUE}


# ----------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_described_and_has_a_default_that_it_allows(name: str) -> None:
    parameter = PARAMETERS[name]
    assert parameter["Description"].strip().endswith(".")
    default = parameter["Default"]
    if "AllowedValues" in parameter:
        assert default in parameter["AllowedValues"]
    if "AllowedPattern" in parameter:
        assert re.search(parameter["AllowedPattern"], default)
    if "MinValue" in parameter:
        assert parameter["MinValue"] <= default <= parameter.get("MaxValue", default)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("ApiUrl", "api.opentok.com"),
        ("JwtIssuer", "http://issuer.example"),
        ("JwtAudience", "one, two"),
        ("AllowedOrigins", "*"),
        ("AllowedOrigins", "https://app.example/path"),
        ("AlarmTopicArn", "my-topic"),
        ("Pools", '{"mediaMode": "routed"}'),
        ("ReservedConcurrency", "-1"),
        ("RefillConcurrency", "0"),
        ("CallbackConcurrency", "0"),
        ("Pools", "[ ]"),
        ("Pools", '[{"archiveName": "Café"}]'),
        ("ProjectId", "my project"),
        ("EventBusName", "arn:aws:events:eu-west-1:123456789012:event-bus/calls"),
        ("TableKeyId", "alias/my-key"),
    ],
)
def test_a_parameter_refuses_what_would_not_work(parameter: str, value: str) -> None:
    assert not re.search(PARAMETERS[parameter]["AllowedPattern"], value)


# ----------------------------------------------------------------------------------- operations


def test_the_nested_stack_gets_every_parameter_and_every_function() -> None:
    given = properties("Monitoring")["Parameters"]
    assert given.keys() == MONITORING["Parameters"].keys()
    assert given["Service"] == {"Ref": "AWS::StackName"}
    separator, functions = given["Functions"]["Fn::Join"]
    assert separator == ","
    names = [f.removesuffix("Function") for f in of_type("AWS::Serverless::Function")]
    assert functions == [_if_deployed(name, {"Ref": "AWS::NoValue"}) for name in names]


def test_what_publishes_events_exists_only_with_an_event_bus() -> None:
    assert PARAMETERS["EventBusName"]["Default"] == ""
    named = {"Fn::Not": [{"Fn::Equals": [{"Ref": "EventBusName"}, ""]}]}
    assert TEMPLATE["Conditions"]["HasEventBus"] == named
    optional = {name for name, item in RESOURCES.items() if item.get("Condition") == "HasEventBus"}
    parts = ("Function", "Role", "LogGroup")
    assert optional == {*(f"PublishEvents{part}" for part in parts), "FailedEvents"}
    alarms = {"PublishEventsErrorsAlarm", "PublishEventsThrottlesAlarm", "FailedEventsAlarm"}
    monitored = MONITORING["Resources"].items()
    assert {name for name, item in monitored if item.get("Condition") == "HasEventBus"} == alarms
    created = processed({"EventBusName": "default"})["Resources"]
    assert created["PublishEventsFunctionSessionChanged"]["Condition"] == "HasEventBus"


@pytest.mark.parametrize(
    ("name", "queue"), [("DisconnectClients", DISCONNECTS_QUEUE), ("PublishEvents", EVENTS_QUEUE)]
)
def test_a_change_is_retried_alone_for_an_hour_and_then_ends_in_the_queue(
    name: str, queue: object
) -> None:
    (source,) = properties(f"{name}Function")["Events"].values()
    stream = source["Properties"]
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["MaximumRecordAgeInSeconds"] == 3600
    assert stream["DestinationConfig"]["OnFailure"] == {"Type": "SQS", "Destination": queue}


def test_every_fault_of_the_product_has_an_alarm() -> None:
    own = [alarm for alarm in ALARMS.values() if alarm["Namespace"] == "OpenTokSessions"]
    assert {alarm["MetricName"] for alarm in own} == FAULT_ALARMS
    for alarm in own:
        assert alarm["Dimensions"] == [{"Name": "service", "Value": {"Ref": "Service"}}]


def test_an_alarm_reports_the_5xx_responses_of_the_api() -> None:
    alarm = ALARMS["ApiErrorsAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ApiGateway", "5xx")
    assert alarm["Dimensions"] == [{"Name": "ApiId", "Value": {"Ref": "ApiId"}}]


@pytest.mark.parametrize("name", sorted(BACKGROUND))
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_a_function_that_no_app_waits_for_has_alarms_of_its_own(name: str, metric: str) -> None:
    alarm = ALARMS[f"{name}{metric}Alarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", metric)
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": f"{name}Function"}}]
    parameters = properties("Monitoring")["Parameters"]
    assert parameters[f"{name}Function"] == _if_deployed(name, "")


def test_alarms_watch_the_latency_and_the_queues() -> None:
    assert ALARMS["ApiLatencyAlarm"]["ExtendedStatistic"] == "p95"
    for queue in ("FailedDisconnects", "FailedEvents", "FailedRefills"):
        alarm = ALARMS[f"{queue}Alarm"]
        assert alarm["Namespace"] == "AWS/SQS"
        assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Ref": f"{queue}Name"}}]


def test_a_schedule_that_stopped_raises_an_alarm() -> None:
    assert ALARMS["RefillStaleAlarm"]["TreatMissingData"] == "breaching"


def test_callbacks_that_stop_raise_an_alarm_only_while_tokens_are_issued() -> None:
    alarm = ALARMS["CallbacksSilentAlarm"]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("CallbackSilence", "Minimum")
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (1, "notBreaching")
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 3 * 3600


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_named_after_the_stack_and_notifies_the_topic(name: str) -> None:
    alarm = ALARMS[name]
    words = re.findall("[A-Z][a-z]+", name.removesuffix("Alarm"))
    assert alarm["AlarmName"] == {"Fn::Sub": "${Service}-" + "-".join(words).lower()}
    assert alarm["AlarmActions"] == {
        "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]
    }


def test_the_runbook_has_every_alarm() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    names = {alarm["AlarmName"]["Fn::Sub"].removeprefix("${Service}-") for alarm in ALARMS.values()}
    assert {name for name in names if f"| `{name}` |" not in page} == set()


def test_alarms_and_dashboard_use_metrics_that_the_code_reports() -> None:
    dashboard, _ = MONITORING["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert len(json.loads(dashboard)["widgets"]) == 14
    watched = set(re.findall(r'"OpenTokSessions","(\w+)"', dashboard))
    watched |= set(re.findall(r'OpenTokSessions,.*MetricName=\\"(\w+)\\"', dashboard))
    assert watched >= FAULT_ALARMS
    sources = "".join(
        path.read_text() for path in ROOT.glob("layers/opentok/opentok_sessions/**/*.py")
    )
    unknown = {name for name in watched if f'"{name}"' not in sources and f"{name}=" not in sources}
    assert not unknown


# ---------------------------------------------------------------------------------- after SAM


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_sam_translates_the_template_of_a_deployment(name: str) -> None:
    assert "Transform" not in processed(DEPLOYMENTS[name])


def test_every_parameter_that_changes_resources_has_another_value_in_a_linted_deployment() -> None:
    decisive = set(re.findall(r'"Ref": "(\w+)"', json.dumps(TEMPLATE["Conditions"])))
    varied = {name for parameters in DEPLOYMENTS.values() for name in parameters}
    assert decisive - varied == set()


def test_the_linter_finds_a_property_that_cloudformation_does_not_know(
    capfd: pytest.CaptureFixture[str],
) -> None:
    broken = read_template(ROOT / "monitoring.yaml")
    broken["Resources"] = {"ApiErrorsAlarm": broken["Resources"]["ApiErrorsAlarm"]}
    broken["Resources"]["ApiErrorsAlarm"]["Properties"]["Treshold"] = 3
    assert lint({"broken": broken}) != 0
    assert "Treshold" in capfd.readouterr().out


class _Reads(dict[str, str]):
    """A mapping that records which names are read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)


def _if_deployed(name: str, otherwise: object) -> object:
    """Returns the reference to a function, which a deployment may lack."""
    reference = {"Ref": f"{name}Function"}
    return {"Fn::If": [OPTIONAL[name], reference, otherwise]} if name in OPTIONAL else reference


def _default(value: object) -> str:
    """Returns the value of a variable with the default parameters."""
    if isinstance(value, dict) and value.get("Ref") in PARAMETERS:
        return str(PARAMETERS[value["Ref"]]["Default"])
    return str(value)


def _longest(value: object) -> int:
    """Returns the length of the longest value that a variable can have."""
    if not isinstance(value, dict):
        return len(str(value))
    if "Fn::GetAtt" in value:  # the secret's ARN: region, account, stack name, random suffix
        return len("arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:") + 128 + 19
    name = value["Ref"]
    if name == "AWS::StackName":
        return 128
    if name == "SessionsTable":
        return 255
    parameter = PARAMETERS[name]
    if "AllowedValues" in parameter:
        return max(len(str(allowed)) for allowed in parameter["AllowedValues"])
    if parameter["Type"] == "Number":
        return max(len(str(parameter["MaxValue"])), len("0.0001"))
    return int(parameter["MaxLength"])


def _document() -> dict[str, Any]:
    """Returns the OpenAPI document that SAM creates from the routes."""
    body: dict[str, Any] = processed({})["Resources"]["HttpApi"]["Properties"]["Body"]
    return body
