"""Creates the parts of an HTTP API that MiniStack does not read from a template.

These are routes, integrations, authorizers, CORS and limits. SAM writes them into an OpenAPI
document of each API resource. They are created from that document of the deployed stack, so
`template.yaml` stays the only place where a route is defined.
"""

import re
import urllib.parse
from typing import Any

from local.stack import cloud
from local.stack.deployment import STACK, Deployment
from local.stack.launcher.guard import API_PATH

__all__ = ["create_routes", "local_url"]

_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})


def create_routes(aws: cloud.Aws, deployment: Deployment, parameters: dict[str, str]) -> None:
    """Creates the routes of every HTTP API in the deployed template."""
    resolver = _Resolver(deployment, parameters)
    gateway = aws.client("apigatewayv2")
    for logical, resource in deployment.processed["Resources"].items():
        if resource["Type"] == "AWS::ApiGatewayV2::Api" and logical in deployment.resources:
            api = _Api(gateway, deployment.resources[logical])
            api.create(resolver.resolve(resource["Properties"]["Body"]))
            stage = deployment.processed["Resources"].get(f"{logical}ApiGatewayDefaultStage", {})
            limits = stage.get("Properties", {}).get("DefaultRouteSettings")
            if limits:
                api.limit(resolver.resolve(limits))


def local_url(aws: cloud.Aws, url: str) -> str:
    """Converts the URL of an API, as the stack's outputs contain it, to MiniStack's path."""
    parts = urllib.parse.urlsplit(url)
    api_id = (parts.hostname or "").partition(".")[0]
    return f"{aws.url}{API_PATH}{api_id}/$default{parts.path.rstrip('/')}"


class _Api:
    """One HTTP API, and what is created in it."""

    def __init__(self, gateway: Any, api_id: str) -> None:
        self._gateway = gateway
        self._id = api_id

    def create(self, document: dict[str, Any]) -> None:
        """Creates everything that the API's document defines."""
        if cors := document.get("x-amazon-apigateway-cors"):
            fields = {name[:1].upper() + name[1:]: value for name, value in cors.items()}
            self._gateway.update_api(ApiId=self._id, CorsConfiguration=fields)
        schemes = document.get("components", {}).get("securitySchemes", {})
        authorizers = {name: self._authorizer(name, scheme) for name, scheme in schemes.items()}
        for path, methods in document["paths"].items():
            for method in _METHODS & methods.keys():
                self._route(f"{method.upper()} {path}", methods[method], authorizers)

    def limit(self, settings: dict[str, Any]) -> None:
        """Sets the limits of all routes."""
        self._gateway.update_stage(
            ApiId=self._id,
            StageName="$default",
            DefaultRouteSettings={
                "ThrottlingRateLimit": float(settings["ThrottlingRateLimit"]),
                "ThrottlingBurstLimit": int(settings["ThrottlingBurstLimit"]),
            },
        )

    def _authorizer(self, name: str, scheme: dict[str, Any]) -> str:
        settings = scheme["x-amazon-apigateway-authorizer"]
        created = self._gateway.create_authorizer(
            ApiId=self._id,
            Name=name,
            AuthorizerType="JWT",
            IdentitySource=[settings["identitySource"]],
            JwtConfiguration={
                "Issuer": settings["jwtConfiguration"]["issuer"],
                "Audience": settings["jwtConfiguration"]["audience"],
            },
        )
        return str(created["AuthorizerId"])

    def _route(self, key: str, operation: dict[str, Any], authorizers: dict[str, str]) -> None:
        integration = operation["x-amazon-apigateway-integration"]
        created = self._gateway.create_integration(
            ApiId=self._id,
            IntegrationType="AWS_PROXY",
            IntegrationMethod="POST",
            IntegrationUri=integration["uri"],
            PayloadFormatVersion=integration["payloadFormatVersion"],
        )
        names = [name for entry in operation.get("security", ()) for name in entry]
        authorization = (
            {"AuthorizationType": "JWT", "AuthorizerId": authorizers[names[0]]}
            if names
            else {"AuthorizationType": "NONE"}
        )
        self._gateway.create_route(
            ApiId=self._id,
            RouteKey=key,
            Target=f"integrations/{created['IntegrationId']}",
            **authorization,
        )


class _Resolver:
    """Evaluates the CloudFormation functions that an API's document uses."""

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
            "AWS::StackName": STACK,
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
        if name == "Fn::And":
            return all(self.resolve(item) for item in argument)
        if name == "Fn::Or":
            return any(self.resolve(item) for item in argument)
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
        if attribute == "Arn":  # an API's document refers to the ARNs of functions only
            account = self._pseudo["AWS::AccountId"]
            return f"arn:aws:lambda:{cloud.REGION}:{account}:function:{self._resources[resource]}"
        raise KeyError(name)
