"""The local cloud delivers a table's stream to functions as Lambda does."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.stack import cloud, programs
from tests.integration.polling import until

CODE = """
import json, os, time

batches = []

def handler(event, context):
    numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
    names = [record["dynamodb"]["Keys"]["sk"]["S"] for record in event["Records"]]
    print("NAMES " + json.dumps(names))
    if os.environ["MODE"] == "crash":
        raise RuntimeError("always")
    if os.environ["MODE"] == "stall":
        time.sleep(25)
    bad = [number for number, name in zip(numbers, names) if name == "live#bad"]
    batches.append(names)
    return {"batchItemFailures": [{"itemIdentifier": n} for n in bad if len(batches) == 1]}
"""

PATTERN = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "live#"}]}}}}


def function(mode: str) -> dict[str, Any]:
    mapping = {
        "Stream": {"Fn::GetAtt": ["Table", "StreamArn"]},
        "StartingPosition": "TRIM_HORIZON",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 1,
        "DestinationConfig": {
            "OnFailure": {"Type": "SQS", "Destination": {"Fn::GetAtt": ["Failed", "Arn"]}}
        },
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(PATTERN)}]},
    }
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "app.handler",
            "CodeUri": "s3://code-bucket/code.zip",
            "Timeout": 30,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Environment": {"Variables": {"MODE": mode}},
            "Events": {"Stream": {"Type": "DynamoDB", "Properties": mapping}},
        },
    }


TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Failed": {"Type": "AWS::SQS::Queue"},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                ],
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            },
        },
        "Stalls": function("stall"),
        "Crashes": function("crash"),
        "Reports": function("report"),
    },
}


class Cloud:
    """The deployed template in a MiniStack of its own."""

    def __init__(self, aws: cloud.Aws) -> None:
        self.aws = aws
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", CODE)
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="code-bucket")
        s3.put_object(Bucket="code-bucket", Key="code.zip", Body=code.getvalue())
        formation = aws.client("cloudformation")
        formation.create_stack(
            StackName="streams",
            TemplateBody=json.dumps(TEMPLATE),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        formation.get_waiter("stack_create_complete").wait(
            StackName="streams", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        listed = formation.describe_stack_resources(StackName="streams")["StackResources"]
        self.names = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in listed}

    def write(self, *names: str) -> None:
        """Writes these items in one transaction, so that they are in one batch."""
        items = [{"pk": {"S": "session#1"}, "sk": {"S": name}} for name in names]
        self.aws.client("dynamodb").transact_write_items(
            TransactItems=[
                {"Put": {"TableName": self.names["Table"], "Item": item}} for item in items
            ]
        )

    def batches(self, function: str) -> list[list[str]]:
        """Returns the names in each batch that a function got, in order."""
        logs = self.aws.client("logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.names[function]}")
        except logs.exceptions.ResourceNotFoundException:
            return []  # the function has not run yet
        lines = [line for event in events["events"] for line in event["message"].splitlines()]
        return [json.loads(line[6:]) for line in lines if line.startswith("NAMES ")]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    state: Path = tmp_path_factory.mktemp("cloud")
    mark = uuid.uuid4().hex
    cloud.isolate()
    started: list[programs.Program] = []
    try:
        program, aws = cloud.start(state, mark)
        started.append(program)
        deployed = Cloud(aws)
        deployed.write("session", "live#good", "live#bad", "live#next")
        yield deployed
    finally:
        programs.stop_all(started, mark)
        cloud.clean_up(state)


def test_reported_records_are_delivered_again_while_another_function_stalls(
    deployed: Cloud,
) -> None:
    started = time.monotonic()
    expected = [["live#good", "live#bad", "live#next"], ["live#bad", "live#next"]]
    until("the second batch", lambda: len(deployed.batches("Reports")) >= 2)
    assert deployed.batches("Reports") == expected
    assert time.monotonic() - started < 25, "it waited for the function that stalls"


def test_a_crashing_batch_is_split_and_discarded_to_the_queue(deployed: Cloud) -> None:
    sqs = deployed.aws.client("sqs")
    found: list[dict[str, Any]] = []

    def all_discarded() -> bool:
        received = sqs.receive_message(QueueUrl=deployed.names["Failed"], MaxNumberOfMessages=10)
        found.extend(json.loads(message["Body"]) for message in received.get("Messages", []))
        return len(found) >= 3

    until("three discarded records", all_discarded)
    assert {record["DDBStreamBatchInfo"]["batchSize"] for record in found} == {1}
    conditions = {record["requestContext"]["condition"] for record in found}
    assert conditions == {"RetryAttemptsExhausted"}
    assert deployed.batches("Crashes")[0] == ["live#good", "live#bad", "live#next"]
