"""Deploying the real template through CloudFormation."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from local.stack import cloud
from local.stack.bundle import bundle, read_template
from local.stack.errors import StackError

__all__ = ["Deployment", "deploy"]

STACK = "opentok-sessions"
BUCKET = "local-artifacts"
TEMPLATE = "template.json"
NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The deployed stack: outputs, physical ids by logical id, and the template after SAM."""

    outputs: dict[str, str]
    resources: dict[str, str]
    processed: dict[str, Any]


def deploy(address: str, parameters: dict[str, str], cache: Path) -> Deployment:
    """Deploy `template.yaml` with these parameters to the MiniStack at `address`.

    Raises `StackError` with the first resource that failed.
    """
    template = read_template(cloud.ROOT / "template.yaml")
    if unknown := parameters.keys() - template["Parameters"].keys():
        reason = f"the template has no parameter {', '.join(sorted(unknown))}"
        raise StackError("the deployment", reason, advice="docs/parameters.md lists the parameters")
    # MiniStack lets SAM see the parameters' defaults only, where AWS shows it their values.
    for name, value in parameters.items():
        template["Parameters"][name]["Default"] = value
    # Only vonage attaches this layer: there is no need to build it for the other platform.
    unused = () if parameters["Platform"] == "vonage" else ("CryptoLayer",)
    files = bundle(template, BUCKET, cache, unused=unused)
    for resource in template["Resources"].values():
        if resource["Type"] == NESTED:
            name = resource["Properties"]["TemplateURL"]
            files[name] = (cloud.ROOT / name).read_bytes()
            resource["Properties"]["TemplateURL"] = f"{address}/{BUCKET}/{name}"
    files[TEMPLATE] = json.dumps(template).encode()
    s3 = cloud.client("s3", address)
    s3.create_bucket(Bucket=BUCKET)
    for key, content in files.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    formation = cloud.client("cloudformation", address)
    try:
        formation.create_stack(
            StackName=STACK,
            TemplateURL=f"{address}/{BUCKET}/{TEMPLATE}",
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            OnFailure="DO_NOTHING",
        )
        formation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 180}
        )
    except (ClientError, WaiterError) as error:
        raise StackError("the deployment", _why(formation) or str(error)) from error

    stack = formation.describe_stacks(StackName=STACK)["Stacks"][0]
    listed = formation.describe_stack_resources(StackName=STACK)["StackResources"]
    answer = formation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    return Deployment(
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
        resources={item["LogicalResourceId"]: item["PhysicalResourceId"] for item in listed},
        processed=json.loads(answer) if isinstance(answer, str) else dict(answer),
    )


def _why(formation: Any) -> str:
    """The events that say what failed, oldest first."""
    try:
        events = formation.describe_stack_events(StackName=STACK)["StackEvents"]
    except ClientError:
        return ""
    return "; ".join(
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    )
