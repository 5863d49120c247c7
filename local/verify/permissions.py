"""Checks of the roles: IAM's simulator decides, so that policies of the account count as well."""

from collections.abc import Iterator, Mapping
from typing import Any

from local.verify.outcome import Check, require
from local.verify.run import Run

__all__ = ["CHECKS"]

#: What no function may do. Each function is also denied what it does not need.
FORBIDDEN = ("dynamodb:Scan", "dynamodb:DeleteTable", "secretsmanager:PutSecretValue")
SENSITIVE = ("dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue")


def each_role_may_do_what_its_function_needs(run: Run) -> str:
    iam, tried = run.target.client("iam"), 0
    for logical, needed in _roles(run):
        name = run.target.resources[logical]
        granted = _granted(iam, name)
        missing = sorted(needed - granted.keys())
        require(not missing, f"{logical} lacks {', '.join(missing)}: deploy the template again")
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
        for action in sorted(needed):
            decision = _decision(iam, arn, action, granted[action])
            require(
                decision == "allowed",
                f"{logical} may not {action} ({decision}): does a policy of the account deny it?",
            )
            tried += 1
    return f"{tried} actions"


def each_role_is_denied_what_its_function_does_not_need(run: Run) -> str:
    iam, tried = run.target.client("iam"), 0
    table = run.target.client("dynamodb").describe_table(TableName=run.target.outputs["TableName"])
    table_arn = table["Table"]["TableArn"]
    secret = run.target.outputs["SecretId"]
    for logical, needed in _roles(run):
        arn = iam.get_role(RoleName=run.target.resources[logical])["Role"]["Arn"]
        for action in (*FORBIDDEN, *(each for each in SENSITIVE if each not in needed)):
            resource = secret if action.startswith("secretsmanager:") else table_arn
            decision = _decision(iam, arn, action, resource)
            require(decision != "allowed", f"{logical} may {action}, which it does not need")
            tried += 1
    return f"{tried} actions denied"


def _roles(run: Run) -> Iterator[tuple[str, set[str]]]:
    """Yields the roles of the template with the actions that they need."""
    template = run.target.template["Resources"]
    for logical in run.target.logical_ids("AWS::IAM::Role"):
        if logical in run.target.resources:
            needed: set[str] = set()
            for policy in template[logical]["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    needed |= set(_actions(statement))
            yield logical, needed


def _granted(iam: Any, name: str) -> dict[str, str]:
    """Returns the actions of a deployed role with a resource of each."""
    granted: dict[str, str] = {}
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for statement in document["Statement"]:
            resource = statement["Resource"]
            first = resource if isinstance(resource, str) else resource[0]
            granted.update(dict.fromkeys(_actions(statement), first))
    return granted


def _actions(statement: Mapping[str, Any]) -> list[str]:
    """Returns a statement's actions; one that depends on a condition is none."""
    actions = statement.get("Action", [])
    return [actions] if isinstance(actions, str) else list(actions)


def _decision(iam: Any, role: str, action: str, resource: str) -> str:
    results = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
    )["EvaluationResults"]
    decision: str = results[0]["EvalDecision"]
    return decision


CHECKS = (
    Check(
        "each role may do what its function needs",
        each_role_may_do_what_its_function_needs,
    ),
    Check(
        "each role is denied what its function does not need",
        each_role_is_denied_what_its_function_does_not_need,
    ),
)
