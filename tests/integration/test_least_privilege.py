"""Each function's role lets it do what it needs, and nothing else: tried with its own credentials.

The probes change nothing, should they be allowed: writes carry a condition that never holds. That a
role may write its own log cannot be tried here, as MiniStack compares log groups' names
differently from AWS; the template's test has it.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.stack import cloud, deployment
from local.stack.bundle import function_names, read_template
from tests.contract.test_template import (
    ALLOWED,
    DISCONNECTS_QUEUE,
    OWNER_INDEX,
    POOL_INDEX,
    QUEUE,
    SECRET,
    STREAM,
    TABLE,
)
from tests.integration.stack import Stack

KEY = {"pk": {"S": "probe"}, "sk": {"S": "probe"}}
NEVER = {"ConditionExpression": "attribute_exists(never)"}

#: The probes that an action allows, by action and what it is on.
ALLOWS: dict[tuple[str, str], set[str]] = {
    ("dynamodb:BatchGetItem", "table"): {"table BatchGetItem"},
    ("dynamodb:ConditionCheckItem", "table"): {"table transaction that checks"},
    ("dynamodb:DeleteItem", "table"): {"table DeleteItem", "table transaction that deletes"},
    ("dynamodb:GetItem", "table"): {"table GetItem"},
    ("dynamodb:PutItem", "table"): {"table PutItem", "table transaction that puts"},
    ("dynamodb:UpdateItem", "table"): {"table UpdateItem"},
    ("dynamodb:Query", "table"): {"table Query"},
    ("dynamodb:Query", "pool"): {"index pool"},
    ("dynamodb:Query", "owner"): {"index owner"},
    ("secretsmanager:GetSecretValue", "secret"): {"our secret"},
    ("sqs:SendMessage", "queue"): {"queue SendMessage"},
    # The consumer of the stream reads it, and sends to a queue of its own, which is not probed.
    ("dynamodb:DescribeStream", "stream"): set(),
    ("dynamodb:GetRecords", "stream"): set(),
    ("dynamodb:GetShardIterator", "stream"): set(),
    ("sqs:SendMessage", "other queue"): set(),
}
RESOURCES = (
    (TABLE, "table"),
    (POOL_INDEX, "pool"),
    (OWNER_INDEX, "owner"),
    (SECRET, "secret"),
    (QUEUE, "queue"),
    (STREAM, "stream"),
    (DISCONNECTS_QUEUE, "other queue"),
)

TEMPLATE = read_template(cloud.ROOT / "template.yaml")
#: Without those that the local stack does not deploy, because no event bus is given.
FUNCTIONS = sorted(
    name
    for name, logical in function_names(TEMPLATE).items()
    if "Condition" not in TEMPLATE["Resources"][logical]
)


@dataclass(frozen=True)
class Surroundings:
    """What there is besides what the functions need, so that a denial is one of its own."""

    other_table: str
    other_secret: str
    queue: str
    log_groups: dict[str, str]


@dataclass(frozen=True)
class Role:
    """A function, seen from inside: clients with its credentials."""

    function: str
    session: boto3.session.Session
    stack: Stack
    around: Surroundings

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.stack.facts["awsEndpointUrl"])

    @property
    def table(self) -> str:
        table: str = self.stack.facts["table"]
        return table


Probe = Callable[[Role], object]


def _dynamodb(operation: str, table: str | None = None, **members: object) -> Probe:
    def probe(role: Role) -> object:
        name = role.around.other_table if table == "other" else role.table
        return getattr(role.client("dynamodb"), operation)(TableName=name, **members)

    return probe


def _query(index: str, hash_key: str) -> Probe:
    return _dynamodb(
        "query",
        IndexName=index,
        KeyConditionExpression="#hash = :value",
        ExpressionAttributeNames={"#hash": hash_key},
        ExpressionAttributeValues={":value": {"S": "probe"}},
    )


def _transaction(kind: str) -> Probe:
    def probe(role: Role) -> object:
        one: dict[str, object] = {"TableName": role.table, **NEVER}
        one |= {"Item": KEY} if kind == "Put" else {"Key": KEY}
        return role.client("dynamodb").transact_write_items(TransactItems=[{kind: one}])

    return probe


def _invoke(name: str) -> Probe:
    def probe(role: Role) -> object:
        function = role.stack.facts["functions"][name]
        return role.client("lambda").invoke(FunctionName=function, InvocationType="DryRun")

    return probe


def _anothers_log(role: Role) -> object:
    group = next(group for name, group in role.around.log_groups.items() if name != role.function)
    return role.client("logs").create_log_stream(logGroupName=group, logStreamName="probe")


PROBES: dict[str, Probe] = {
    "table GetItem": _dynamodb("get_item", Key=KEY),
    "table PutItem": _dynamodb("put_item", Item=KEY, **NEVER),
    "table UpdateItem": _dynamodb("update_item", Key=KEY, **NEVER),
    "table DeleteItem": _dynamodb("delete_item", Key=KEY, **NEVER),
    "table Scan": _dynamodb("scan"),
    "table Query": lambda role: role.client("dynamodb").query(
        TableName=role.table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": KEY["pk"]},
    ),
    "index pool": _query("pool", "poolId"),
    "index owner": _query("owner", "ownerKey"),
    "table BatchGetItem": lambda role: role.client("dynamodb").batch_get_item(
        RequestItems={role.table: {"Keys": [KEY]}}
    ),
    "table BatchWriteItem": lambda role: role.client("dynamodb").batch_write_item(
        RequestItems={role.table: [{"DeleteRequest": {"Key": KEY}}]}
    ),
    "table transaction that puts": _transaction("Put"),
    "table transaction that checks": _transaction("ConditionCheck"),
    "table transaction that deletes": _transaction("Delete"),
    "table DescribeTable": _dynamodb("describe_table"),
    "table UpdateTable": _dynamodb("update_table", BillingMode="PAY_PER_REQUEST"),
    "another table": _dynamodb("get_item", "other", Key=KEY),
    "our secret": lambda role: role.client("secretsmanager").get_secret_value(
        SecretId=role.stack.facts["secretId"]
    ),
    "another secret": lambda role: role.client("secretsmanager").get_secret_value(
        SecretId=role.around.other_secret
    ),
    "our secret UpdateSecret": lambda role: role.client("secretsmanager").update_secret(
        SecretId=role.stack.facts["secretId"], Description="a probe"
    ),
    "list of secrets": lambda role: role.client("secretsmanager").list_secrets(),
    **{f"function {name}": _invoke(name) for name in FUNCTIONS},
    "another's log": _anothers_log,
    "queue SendMessage": lambda role: role.client("sqs").send_message(
        QueueUrl=role.around.queue, MessageBody="a probe"
    ),
    "queue ReceiveMessage": lambda role: role.client("sqs").receive_message(
        QueueUrl=role.around.queue
    ),
    "users": lambda role: role.client("cognito-idp").list_users(
        UserPoolId=role.stack.facts["userPoolId"]
    ),
    "roles": lambda role: role.client("iam").list_roles(),
    "schedules": lambda role: role.client("scheduler").list_schedules(),
    "code": lambda role: role.client("s3").list_buckets(),
}


@pytest.fixture(scope="module")
def around(stack: Stack) -> Iterator[Surroundings]:
    dynamodb, secrets = stack.client("dynamodb"), stack.client("secretsmanager")
    functions, formation = stack.client("lambda"), stack.client("cloudformation")
    name = f"foreign-{uuid.uuid4()}"
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    secret = secrets.create_secret(Name=name, SecretString="{}")["ARN"]
    (deployed,) = formation.describe_stacks(StackName=deployment.STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in deployed["Outputs"]}
    groups = {
        name: functions.get_function_configuration(FunctionName=function)["LoggingConfig"]
        for name, function in stack.facts["functions"].items()
    }
    try:
        yield Surroundings(
            other_table=name,
            other_secret=secret,
            queue=outputs["FailedRefillsUrl"],
            log_groups={name: config["LogGroup"] for name, config in groups.items()},
        )
    finally:
        stack.client("sqs").purge_queue(QueueUrl=outputs["FailedRefillsUrl"])
        secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
        dynamodb.delete_table(TableName=name)


@pytest.fixture(scope="module", params=FUNCTIONS)
def role(stack: Stack, around: Surroundings, request: pytest.FixtureRequest) -> Role:
    """The function's role, assumed as Lambda assumes it: MiniStack lets its administrator do so."""
    function: str = request.param
    settings = stack.client("lambda").get_function_configuration(
        FunctionName=stack.facts["functions"][function]
    )
    assumed = stack.client("sts").assume_role(RoleArn=settings["Role"], RoleSessionName="probe")
    session = boto3.session.Session(
        region_name=cloud.REGION,
        aws_access_key_id=assumed["Credentials"]["AccessKeyId"],
        aws_secret_access_key=assumed["Credentials"]["SecretAccessKey"],
        aws_session_token=assumed["Credentials"]["SessionToken"],
    )
    return Role(function, session, stack, around)


def test_a_role_may_do_what_its_function_needs_and_nothing_else(role: Role) -> None:
    allowed = {name for name, probe in PROBES.items() if _is_allowed(probe, role)}
    assert allowed == _needs(role.function)


def _needs(function: str) -> set[str]:
    """Returns the probes that the function's role has to allow; it has to deny all others.

    Actions without a probe, such as those on a stream, are in the template's test only.
    """
    names = [
        (action, next((name for known, name in RESOURCES if known == resource), ""))
        for action, resource in ALLOWED[function]
    ]
    return set().union(*(ALLOWS.get(name, set()) for name in names))


def _is_allowed(probe: Probe, role: Role) -> bool:
    try:
        probe(role)
    except ClientError as error:
        return not _is_denial(error)
    return True


def _is_denial(error: ClientError) -> bool:
    code: str = error.response["Error"]["Code"]
    reasons = error.response.get("CancellationReasons", [])
    codes = [code, *(reason.get("Code", "") for reason in reasons)]
    return any("AccessDenied" in each or "UnauthorizedOperation" in each for each in codes)
