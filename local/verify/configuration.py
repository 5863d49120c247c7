"""Checks of settings: each is what template.yaml says, with the parameters of the stack."""

import json
from collections.abc import Iterator
from typing import Any

from local.verify.outcome import Check, CheckFailed, CheckSkipped, require
from local.verify.run import Run
from local.verify.target import Target

__all__ = ["CHECKS"]

#: Fields of the secret by platform, and what its value may look like.
SECRET_FIELDS = {"opentok": ("apiKey", "apiSecret"), "vonage": ("applicationId", "privateKey")}


def stacks_are_complete(run: Run) -> str:
    formation = run.target.client("cloudformation")
    statuses = []
    for name in (run.target.name, run.target.resources["Monitoring"]):
        status = formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        require(
            status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"},
            f"{name} is {status}: read the stack's events, then deploy again",
        )
        statuses.append(status)
    return ", ".join(statuses)


def every_route_has_the_authorizer(run: Run) -> str:
    target = run.target
    gateway, api = target.client("apigatewayv2"), target.resources["HttpApi"]
    wanted = set(_routes(target, "HttpApi"))
    found = {item["RouteKey"]: item for item in gateway.get_routes(ApiId=api)["Items"]}
    found = {key: item for key, item in found.items() if not key.startswith("OPTIONS ")}
    require(wanted <= found.keys(), f"missing routes: {sorted(wanted - found.keys())}")
    require(found.keys() <= wanted, f"unexpected routes: {sorted(found.keys() - wanted)}")
    authorizers = {
        item["AuthorizerId"]: item["JwtConfiguration"]
        for item in gateway.get_authorizers(ApiId=api)["Items"]
    }
    issuer = target.parameter("JwtIssuer") or (
        f"https://cognito-idp.{target.region}.{_suffix(target)}/{target.outputs['UserPoolId']}"
    )
    for key, item in found.items():
        require(item["AuthorizationType"] == "JWT", f"{key} has no JWT authorizer")
        stated = authorizers[item["AuthorizerId"]]["Issuer"]
        require(stated == issuer, f"{key} accepts tokens of {stated} instead of {issuer}")
    return f"{len(found)} routes, issuer {issuer}"


def callbacks_have_no_authorizer(run: Run) -> str:
    """The vendor signs its callbacks instead."""
    target = run.target
    api = target.resources["CallbackApi"]
    wanted = set(_routes(target, "CallbackApi"))
    found = {
        item["RouteKey"]: item.get("AuthorizationType", "NONE")
        for item in target.client("apigatewayv2").get_routes(ApiId=api)["Items"]
    }
    require(found.keys() == wanted, f"the routes are {sorted(found)} instead of {sorted(wanted)}")
    require(set(found.values()) == {"NONE"}, "the vendor cannot pass the authorizer of a callback")
    return ", ".join(sorted(found))


def the_stages_are_throttled_and_logged(run: Run) -> str:
    target, rates = run.target, []
    for api in target.logical_ids("AWS::Serverless::HttpApi"):
        stage = target.client("apigatewayv2").get_stage(
            ApiId=target.resources[api], StageName="$default"
        )
        found = stage.get("DefaultRouteSettings", {})
        declared = target.template["Resources"][api]["Properties"]["DefaultRouteSettings"]
        for field, reference in declared.items():
            wanted = float(target.parameter(reference["Ref"]))
            require(
                float(found.get(field, -1)) == wanted,
                f"{api}: {field} is {found.get(field)} instead of {wanted:g} ({reference['Ref']})",
            )
        require(not stage.get("RouteSettings"), f"{api} has RouteSettings: deploy it again")
        log = stage.get("AccessLogSettings", {}).get("DestinationArn", "")
        require(target.resources["HttpApiLogGroup"] in log, f"{api} writes no access log")
        rates.append(f"{api} {found['ThrottlingRateLimit']:g}/s")
    return ", ".join(rates)


def functions_have_their_settings(run: Run) -> str:
    target = run.target
    shared = target.template["Globals"]["Function"]
    client, logs = target.client("lambda"), target.client("logs")
    for logical in target.logical_ids("AWS::Serverless::Function"):
        if logical not in target.resources:
            continue  # its condition does not hold
        own = target.template["Resources"][logical]["Properties"]
        found = client.get_function_configuration(FunctionName=target.resources[logical])
        name = own["CodeUri"].removeprefix("functions/")
        group = f"/aws/lambda/{target.name}/{name}"
        for what, actual, wanted in (
            ("runtime", found["Runtime"], shared["Runtime"]),
            ("architecture", found["Architectures"], [target.parameter("Architecture")]),
            ("memory", found["MemorySize"], own.get("MemorySize", shared["MemorySize"])),
            ("timeout", found["Timeout"], own.get("Timeout", shared["Timeout"])),
            ("tracing", found["TracingConfig"]["Mode"], shared["Tracing"]),
            ("log group", found["LoggingConfig"]["LogGroup"], group),
        ):
            require(actual == wanted, f"{name}: {what} is {actual} instead of {wanted}")
        days = int(target.parameter("LogRetentionDays"))
        kept = _retention(logs, group)
        require(kept == days, f"{group} is kept for {kept} days instead of {days}")
    return f"{shared['Runtime']} on {target.parameter('Architecture')}"


def the_schedule_runs(run: Run) -> str:
    target = run.target
    schedule = target.client("scheduler").get_schedule(
        Name=target.resources["PrecreateSessionsFunctionRefill"].rpartition("|")[2]
    )
    wanted = target.parameter("ScheduleState")
    require(
        schedule["State"] == wanted,
        f"the schedule is {schedule['State']} instead of {wanted} (ScheduleState)",
    )
    expression = target.parameter("RefillSchedule")
    require(
        schedule["ScheduleExpression"] == expression,
        f"the schedule is {schedule['ScheduleExpression']} instead of {expression}",
    )
    pools = json.loads(target.parameter("Pools"))
    sent = json.loads(schedule["Target"]["Input"])
    require(sent == {"pools": pools}, "the schedule sends other pools than the parameter Pools")
    function = target.resources["PrecreateSessionsFunction"]
    require(function in schedule["Target"]["Arn"], "the schedule invokes another function")
    return f"{schedule['State']}, {expression}, {len(pools)} pools"


def the_stream_of_the_table_is_consumed(run: Run) -> str:
    target, consumers = run.target, []
    for logical in target.logical_ids("AWS::Serverless::Function"):
        events = target.template["Resources"][logical]["Properties"].get("Events", {}).values()
        if logical not in target.resources or all(each["Type"] != "DynamoDB" for each in events):
            continue
        mappings = target.client("lambda").list_event_source_mappings(
            FunctionName=target.resources[logical]
        )["EventSourceMappings"]
        require(mappings, f"{logical} reads no stream: deploy the template again")
        state = mappings[0]["State"]
        require(
            state in {"Enabled", "Creating", "Enabling", "Updating"},
            f"the stream of {logical} is {state}: nothing follows from changes of the table",
        )
        consumers.append(logical)
    return ", ".join(consumers)


def the_table_is_protected(run: Run) -> str:
    target = run.target
    table = target.client("dynamodb").describe_table(TableName=target.outputs["TableName"])["Table"]
    wanted = target.parameter("DeletionProtection") == "true"
    require(
        table.get("DeletionProtectionEnabled") is wanted,
        f"the table's deletion protection is {table.get('DeletionProtectionEnabled')}"
        f" instead of {wanted}",
    )
    return "protected" if wanted else "not protected (DeletionProtection=false)"


def the_table_expires_records_and_can_be_restored(run: Run) -> str:
    table, name = run.target.client("dynamodb"), run.target.outputs["TableName"]
    expiry = table.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    require(
        expiry["TimeToLiveStatus"] in {"ENABLED", "ENABLING"} and expiry["AttributeName"] == "ttl",
        "the table's time to live is off: records would be kept forever",
    )
    backups = table.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    require(recovery == "ENABLED", f"the table's point-in-time recovery is {recovery}")
    return "time to live, point-in-time recovery"


def the_secret_has_the_shape_of_the_platform(run: Run) -> str:
    platform = run.target.platform
    try:
        value = run.credentials()
    except ValueError as error:
        raise CheckFailed(f"the secret is not a JSON object: {type(error).__name__}") from None
    missing = [field for field in SECRET_FIELDS[platform] if not value.get(field)]
    require(
        not missing,
        f"the secret has no {' and no '.join(missing)}, which the platform {platform} requires",
    )
    project = run.target.parameter("ProjectId")
    stated = str(value[SECRET_FIELDS[platform][0]])
    require(
        project in ("", stated),
        "the secret holds credentials of another project than the parameter ProjectId",
    )
    return f"{platform}, project {stated}"


def alarms_exist(run: Run) -> str:
    target = run.target
    wanted = {
        resource["Properties"]["AlarmName"]["Fn::Sub"].replace("${Service}", target.name)
        for resource in target.monitoring["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in resource
    }
    pages = target.client("cloudwatch").get_paginator("describe_alarms")
    found = {
        alarm["AlarmName"]: alarm
        for page in pages.paginate(AlarmNamePrefix=f"{target.name}-")
        for alarm in page["MetricAlarms"]
    }
    require(wanted <= found.keys(), f"missing alarms: {sorted(wanted - found.keys())}")
    topic = target.parameter("AlarmTopicArn")
    for name in wanted:
        actions = found[name]["AlarmActions"]
        require(actions == ([topic] if topic else []), f"{name} notifies {actions}, not {topic}")
    raised = sorted(name for name in wanted if found[name]["StateValue"] == "ALARM")
    notice = "" if topic else "; no notifications (AlarmTopicArn is empty)"
    return f"{len(wanted)} alarms, raised: {', '.join(raised) or 'none'}{notice}"


def the_dashboard_shows_this_stack(run: Run) -> str:
    target = run.target
    body = target.client("cloudwatch").get_dashboard(DashboardName=target.name)["DashboardBody"]
    widgets = json.loads(body)["widgets"]
    require(target.resources["HttpApi"] in body, "the dashboard shows another API")
    for logical in target.logical_ids("AWS::Serverless::Function"):
        name = target.resources.get(logical)
        require(name is None or name in body, f"the dashboard does not show {name}")
    return f"{len(widgets)} widgets"


def users_can_be_created(run: Run) -> str:
    target = run.target
    if not target.own_user_pool:
        raise CheckSkipped("the stack uses an issuer of its own")
    pool = target.client("cognito-idp").describe_user_pool(UserPoolId=target.outputs["UserPoolId"])
    found = pool["UserPool"]
    wanted = "ACTIVE" if target.parameter("DeletionProtection") == "true" else "INACTIVE"
    require(
        found.get("DeletionProtection") == wanted,
        f"the user pool's deletion protection is {found.get('DeletionProtection')}",
    )
    admin_only = found["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]
    require(
        admin_only is (target.parameter("SelfSignUp") != "true"),
        f"AllowAdminCreateUserOnly is {admin_only}, against the parameter SelfSignUp",
    )
    return "administrators only" if admin_only else "anyone may sign up"


def _routes(target: Target, api: str) -> Iterator[str]:
    """Yields the route keys of an API in the template."""
    for logical in target.logical_ids("AWS::Serverless::Function"):
        events = target.template["Resources"][logical]["Properties"].get("Events", {})
        for event in events.values():
            properties = event["Properties"]
            if event["Type"] == "HttpApi" and properties["ApiId"] == {"Ref": api}:
                yield f"{properties['Method'].upper()} {properties['Path']}"


def _retention(logs: Any, group: str) -> int | None:
    """Returns the days that a log group is kept; None is forever, or no such group."""
    found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    days = [item.get("retentionInDays") for item in found if item["logGroupName"] == group]
    return days[0] if days else None


def _suffix(target: Target) -> str:
    return "amazonaws.com.cn" if target.region.startswith("cn-") else "amazonaws.com"


CHECKS = (
    Check("stack and nested stack are complete", stacks_are_complete),
    Check("every route has the JWT authorizer", every_route_has_the_authorizer),
    Check("callbacks have no authorizer", callbacks_have_no_authorizer),
    Check("the APIs are throttled and logged", the_stages_are_throttled_and_logged),
    Check("functions have their settings and logs", functions_have_their_settings),
    Check("the schedule runs with the parameters' pools", the_schedule_runs),
    Check("the table's stream is consumed", the_stream_of_the_table_is_consumed),
    Check("the table's deletion protection", the_table_is_protected),
    Check(
        "the table expires records and can be restored",
        the_table_expires_records_and_can_be_restored,
        aws_only="the local cloud does not apply these settings of a table",
    ),
    Check("the user pool's settings", users_can_be_created),
    Check("the secret has the platform's shape", the_secret_has_the_shape_of_the_platform),
    Check("alarms exist", alarms_exist),
    Check("the dashboard shows this stack", the_dashboard_shows_this_stack),
)
