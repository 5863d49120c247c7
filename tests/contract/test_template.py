"""What `template.yaml` promises: least privilege, retention, one runtime, safe defaults, alarms."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from local.stack.bundle import read_template
from sessions.errors import INTERNAL_ERROR, PROBLEMS
from sessions.settings import Settings
from tests.contract.openapi import operations as contract_operations

ROOT = Path(__file__).parents[2]

TEMPLATE = read_template(ROOT / "template.yaml")
PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]

#: Function in the template, by the name that its use case has everywhere else.
FUNCTIONS = {
    "create_session": "CreateSession",
    "issue_token": "IssueToken",
    "get_session": "GetSession",
    "close_session": "CloseSession",
    "precreate_sessions": "PrecreateSessions",
}

TABLE = {"Fn::GetAtt": ["SessionsTable", "Arn"]}
POOL_INDEX = {"Fn::Sub": "${SessionsTable.Arn}/index/pool"}
OWNER_INDEX = {"Fn::Sub": "${SessionsTable.Arn}/index/owner"}
SECRET = {"Fn::GetAtt": ["VideoCredentials", "Id"]}
QUEUE = {"Fn::GetAtt": ["FailedRefills", "Arn"]}

#: All that each function may do, besides writing its own log and traces.
ALLOWED: dict[str, list[tuple[str, object]]] = {
    "create_session": [
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("dynamodb:Query", POOL_INDEX),
        ("secretsmanager:GetSecretValue", SECRET),
    ],
    "issue_token": [
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("secretsmanager:GetSecretValue", SECRET),
    ],
    "get_session": [
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:BatchGetItem", TABLE),
        ("dynamodb:Query", OWNER_INDEX),
    ],
    "close_session": [
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
FAULT_ALARMS = FAULTS | {"PoolAvailable", "RefillAge"}


def of_type(kind: str) -> dict[str, Any]:
    return {name: item for name, item in RESOURCES.items() if item["Type"] == kind}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


def statements(role: str) -> Iterator[dict[str, Any]]:
    for policy in properties(role)["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


# ------------------------------------------------------------------------------------ functions


def test_there_is_a_function_for_every_folder() -> None:
    folders = {path.parent.name for path in ROOT.glob("functions/*/app.py")}
    assert folders == set(FUNCTIONS)
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


def test_an_answer_of_ours_comes_before_the_gateway_gives_up() -> None:
    assert TEMPLATE["Globals"]["Function"]["Timeout"] < 30
    for name in FUNCTIONS.values():
        if name != "PrecreateSessions":
            assert "Timeout" not in properties(f"{name}Function")


def test_traces_are_on() -> None:
    assert TEMPLATE["Globals"]["Function"]["Tracing"] == "Active"


@pytest.mark.parametrize("name", FUNCTIONS.values())
def test_a_function_logs_to_a_group_of_its_own_that_forgets(name: str) -> None:
    assert properties(f"{name}Function")["LoggingConfig"] == {
        "LogGroup": {"Ref": f"{name}LogGroup"}
    }
    assert properties(f"{name}LogGroup")["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_environment_is_what_the_settings_read_and_its_defaults_are_good() -> None:
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
    granted = [(item["Action"], item["Resource"]) for item in statements(f"{name}Role")]
    assert granted == expected


def test_every_statement_is_one_action_on_one_resource() -> None:
    for role in of_type("AWS::IAM::Role"):
        for statement in statements(role):
            assert isinstance(statement["Action"], str), role
            assert "*" not in statement["Action"], role
            assert not isinstance(statement["Resource"], list), role
            if statement["Resource"] == "*":
                # These two have no resource that could be named.
                assert statement["Action"].startswith("xray:Put"), role


def test_the_schedule_may_start_its_one_function_only() -> None:
    assert list(statements("RefillScheduleRole")) == [
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": {"Fn::GetAtt": ["PrecreateSessionsFunction", "Arn"]},
        }
    ]


# ------------------------------------------------------------------------------------------ API


def test_no_route_does_without_the_authorizer() -> None:
    auth = properties("HttpApi")["Auth"]
    assert auth["DefaultAuthorizer"] in auth["Authorizers"]
    paths = _document()["paths"]
    operations = [paths[path][method] for path in paths for method in paths[path]]
    assert len(operations) == len(contract_operations())
    for operation in operations:
        assert operation["security"] == [{"Caller": []}]
        assert operation["x-amazon-apigateway-integration"]["payloadFormatVersion"] == "2.0"


def test_a_browser_is_let_in_only_when_origins_are_given() -> None:
    condition, then, otherwise = _document()["x-amazon-apigateway-cors"]["Fn::If"]
    assert condition == "HasOrigins"
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert "idempotency-key" in then["allowHeaders"]
    assert set(then["allowMethods"]) == {"GET", "POST", "DELETE"}
    assert PARAMETERS["AllowedOrigins"]["Default"] == ""


def test_the_stage_and_the_token_route_are_throttled() -> None:
    api = properties("HttpApi")
    assert api["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ThrottleRate"},
        "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"},
    }
    (route,) = api["RouteSettings"]
    events = properties("IssueTokenFunction")["Events"]
    assert route == "POST " + events["IssueToken"]["Properties"]["Path"]


def test_the_access_log_is_json_and_tells_no_token() -> None:
    entry = json.loads(properties("HttpApi")["AccessLogSettings"]["Format"])
    assert entry["caller"] == "$context.authorizer.claims.sub"
    assert not any("header" in value.lower() for value in entry.values())


def test_concurrency_is_reserved_on_demand_only() -> None:
    assert PARAMETERS["ReservedConcurrency"]["Default"] == ""
    for name in set(FUNCTIONS.values()) - {"PrecreateSessions"}:
        assert properties(f"{name}Function")["ReservedConcurrentExecutions"] == {
            "Fn::If": [
                "HasReservedConcurrency",
                {"Ref": "ReservedConcurrency"},
                {"Ref": "AWS::NoValue"},
            ]
        }
    assert PARAMETERS["RefillConcurrency"]["Default"] == ""
    assert properties("PrecreateSessionsFunction")["ReservedConcurrentExecutions"] == {
        "Fn::If": [
            "HasRefillConcurrency",
            {"Ref": "RefillConcurrency"},
            {"Ref": "AWS::NoValue"},
        ]
    }


# ------------------------------------------------------------------------------------- storage


def test_the_table_outlives_the_stack_and_is_protected() -> None:
    table = RESOURCES["SessionsTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    assert table["Properties"]["TimeToLiveSpecification"] == {
        "AttributeName": "ttl",
        "Enabled": True,
    }
    recovery = table["Properties"]["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": True}


def test_the_indexes_hold_keys_only() -> None:
    keys = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in properties("SessionsTable")["GlobalSecondaryIndexes"]
        if index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    }
    assert keys == {"pool": ["poolId", "poolKey"], "owner": ["owner", "createdAt"]}


def test_no_credentials_are_in_the_template() -> None:
    assert not {"SecretString", "GenerateSecretString"} & properties("VideoCredentials").keys()


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
        ("Pools", "[ ]"),
    ],
)
def test_a_parameter_refuses_what_would_not_work(parameter: str, value: str) -> None:
    assert not re.search(PARAMETERS[parameter]["AllowedPattern"], value)


# ----------------------------------------------------------------------------------- operations


def test_every_fault_of_the_product_has_an_alarm() -> None:
    ours = [
        alarm["Properties"]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["Namespace"] == "OpenTokSessions"
    ]
    assert {alarm["MetricName"] for alarm in ours} == FAULT_ALARMS
    for alarm in ours:
        assert alarm["Dimensions"] == [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]


@pytest.mark.parametrize("name", FUNCTIONS.values())
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_has_alarms_of_its_own(name: str, metric: str) -> None:
    alarm = properties(f"{name}{metric}Alarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", metric)
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": f"{name}Function"}}]


def test_an_alarm_watches_the_latency_and_another_the_queue() -> None:
    assert properties("LatencyAlarm")["ExtendedStatistic"] == "p95"
    assert properties("FailedRefillsAlarm")["Namespace"] == "AWS/SQS"


def test_a_schedule_that_stopped_is_noticed_by_its_silence() -> None:
    assert properties("RefillStaleAlarm")["TreatMissingData"] == "breaching"


def test_every_alarm_tells_the_topic_when_there_is_one() -> None:
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        assert alarm["Properties"]["AlarmActions"] == {
            "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]
        }, name


def test_what_alarms_and_dashboard_watch_is_what_the_code_reports() -> None:
    dashboard = properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    assert len(json.loads(dashboard)["widgets"]) == 9
    watched = set(re.findall(r'"OpenTokSessions","(\w+)"', dashboard))
    watched |= set(re.findall(r'MetricName=\\"(\w+)\\"', dashboard))
    assert watched >= FAULT_ALARMS
    sources = "".join(path.read_text() for path in ROOT.glob("layers/opentok/sessions/*.py"))
    unknown = {name for name in watched if f'"{name}"' not in sources and f"{name}=" not in sources}
    assert not unknown


class _Reads(dict[str, str]):
    """A mapping that remembers the names that were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)


def _default(value: object) -> str:
    """The value that a variable has when nobody sets a parameter."""
    if isinstance(value, dict) and value.get("Ref") in PARAMETERS:
        return str(PARAMETERS[value["Ref"]]["Default"])
    return str(value)


def _document() -> dict[str, Any]:
    """The OpenAPI document that SAM makes of the routes."""
    template = read_template(ROOT / "template.yaml")
    for resource in template["Resources"].values():
        for member in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][member] = "s3://bucket/key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        processed = transform(template, {}, SimpleNamespace(load=dict))
    body: dict[str, Any] = processed["Resources"]["HttpApi"]["Properties"]["Body"]
    return body
