"""Deploys the real template through CloudFormation."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from local.stack.bundle import bundle, function_names, read_template
from local.stack.cloud import ROOT, Aws
from local.stack.errors import StackError

__all__ = ["Deployment", "deploy"]

STACK = "opentok-sessions"
BUCKET = "local-artifacts"
TEMPLATE = "template.json"
NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The deployed stack: outputs, physical ids by logical id, physical names of the functions by
    their short names, and the template after the SAM transform."""

    outputs: dict[str, str]
    resources: dict[str, str]
    functions: dict[str, str]
    processed: dict[str, Any]


def deploy(aws: Aws, parameters: dict[str, str], cache: Path) -> Deployment:
    """Deploys `template.yaml` with these parameters.

    Raises `StackError` with the first resource that failed.
    """
    template = read_template(ROOT / "template.yaml")
    if unknown := parameters.keys() - template["Parameters"].keys():
        reason = f"the template has no parameter {', '.join(sorted(unknown))}"
        raise StackError("the deployment", reason, advice="docs/parameters.md lists the parameters")
    # MiniStack passes only the parameters' defaults to SAM, where AWS passes their values.
    for name, value in parameters.items():
        template["Parameters"][name]["Default"] = value
    # Only vonage needs this layer, so it is not built for the other platform.
    unused = () if parameters["Platform"] == "vonage" else ("CryptoLayer",)
    names = function_names(template)
    files = bundle(template, BUCKET, cache, unused=unused)
    for resource in template["Resources"].values():
        if resource["Type"] == NESTED:
            name = resource["Properties"]["TemplateURL"]
            files[name] = (ROOT / name).read_bytes()
            resource["Properties"]["TemplateURL"] = f"{aws.url}/{BUCKET}/{name}"
    files[TEMPLATE] = json.dumps(template).encode()
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, content in files.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    formation = aws.client("cloudformation")
    try:
        formation.create_stack(
            StackName=STACK,
            TemplateURL=f"{aws.url}/{BUCKET}/{TEMPLATE}",
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
        raise StackError("the deployment", _failures(formation) or str(error)) from error

    stack = formation.describe_stacks(StackName=STACK)["Stacks"][0]
    listed = formation.describe_stack_resources(StackName=STACK)["StackResources"]
    body = formation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    resources = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in listed}
    return Deployment(
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
        resources=resources,
        functions={
            name: resources[logical] for name, logical in names.items() if logical in resources
        },
        processed=json.loads(body) if isinstance(body, str) else dict(body),
    )


def _failures(formation: Any) -> str:
    """Returns the reasons of the failed resources, oldest first."""
    try:
        events = formation.describe_stack_events(StackName=STACK)["StackEvents"]
    except ClientError:
        return ""
    return "; ".join(
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    )
