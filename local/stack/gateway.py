"""What MiniStack does not read of an HTTP API: routes, integrations, the authorizer, CORS, limits.

SAM writes these into an OpenAPI document inside the API resource. Here they are taken from that
document, as the deployed stack holds it, and created one by one: `template.yaml` stays the only
place where a route is written.
"""

import re
from typing import Any

from local.stack import cloud
from local.stack.deployment import Deployment

__all__ = ["create_routes"]

_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})


def create_routes(address: str, deployment: Deployment, parameters: dict[str, str]) -> str:
    """Create what the API resource's document says; the API's base address."""
    api_id = deployment.resources["HttpApi"]
    api = deployment.processed["Resources"]["HttpApi"]["Properties"]
    document = _Resolver(deployment, parameters).resolve(api["Body"])
    gateway = cloud.client("apigatewayv2", address)

    cors = document.get("x-amazon-apigateway-cors")
    if cors:
        members = {name[:1].upper() + name[1:]: value for name, value in cors.items()}
        gateway.update_api(ApiId=api_id, CorsConfiguration=members)

    authorizers = {}
    for name, scheme in document["components"]["securitySchemes"].items():
        settings = scheme["x-amazon-apigateway-authorizer"]
        created = gateway.create_authorizer(
            ApiId=api_id,
            Name=name,
            AuthorizerType="JWT",
            IdentitySource=[settings["identitySource"]],
            JwtConfiguration={
                "Issuer": settings["jwtConfiguration"]["issuer"],
                "Audience": settings["jwtConfiguration"]["audience"],
            },
        )
        authorizers[name] = created["AuthorizerId"]

    for path, methods in document["paths"].items():
        for method in _METHODS & methods.keys():
            operation = methods[method]
            integration = operation["x-amazon-apigateway-integration"]
            created = gateway.create_integration(
                ApiId=api_id,
                IntegrationType="AWS_PROXY",
                IntegrationMethod="POST",
                IntegrationUri=integration["uri"],
                PayloadFormatVersion=integration["payloadFormatVersion"],
            )
            (security,) = operation["security"]
            (authorizer,) = security
            gateway.create_route(
                ApiId=api_id,
                RouteKey=f"{method.upper()} {path}",
                Target=f"integrations/{created['IntegrationId']}",
                AuthorizationType="JWT",
                AuthorizerId=authorizers[authorizer],
            )
    stage = deployment.processed["Resources"]["HttpApiApiGatewayDefaultStage"]["Properties"]
    limits = _Resolver(deployment, parameters).resolve(stage["DefaultRouteSettings"])
    gateway.update_stage(
        ApiId=api_id,
        StageName="$default",
        DefaultRouteSettings={
            "ThrottlingRateLimit": float(limits["ThrottlingRateLimit"]),
            "ThrottlingBurstLimit": int(limits["ThrottlingBurstLimit"]),
        },
    )
    return f"{address}/_aws/execute-api/{api_id}/$default"


class _Resolver:
    """Works out the functions of CloudFormation that the API's document uses."""

    def __init__(self, deployment: Deployment, parameters: dict[str, str]) -> None:
        declared = deployment.processed["Parameters"]
        self._parameters = {
            name: str(parameters.get(name, value.get("Default", "")))
            for name, value in declared.items()
        }
        self._conditions = deployment.processed["Conditions"]
        self._resources = deployment.resources
        self._pseudo = {
            "AWS::Region": cloud.REGION,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::AccountId": "000000000000",
            "AWS::StackName": "opentok-sessions",
        }

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1:
            return {key: self.resolve(item) for key, item in value.items()}
        ((name, argument),) = value.items()
        if name == "Ref":
            return None if argument == "AWS::NoValue" else self._named(argument)
        if name == "Condition":
            return self.resolve(self._conditions[argument])
        if name == "Fn::If":
            condition, then, otherwise = argument
            return self.resolve(then if self.resolve({"Condition": condition}) else otherwise)
        if name == "Fn::Equals":
            first, second = (self.resolve(item) for item in argument)
            return first == second
        if name == "Fn::Not":
            return not self.resolve(argument[0])
        if name == "Fn::Split":
            return self.resolve(argument[1]).split(argument[0])
        if name == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda found: str(self._named(found[1])), argument)
        if name == "Fn::GetAtt":
            return self._named(".".join(argument))
        return {name: self.resolve(argument)}

    def _named(self, name: str) -> Any:
        for known in (self._parameters, self._resources, self._pseudo):
            if name in known:
                return known[name]
        resource, _, attribute = name.partition(".")
        if attribute == "Arn":  # the API's document names no others than those of functions
            account = self._pseudo["AWS::AccountId"]
            return f"arn:aws:lambda:{cloud.REGION}:{account}:function:{self._resources[resource]}"
        raise KeyError(name)
