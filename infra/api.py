"""The HTTP API: the routes of `routes.py`, throttled, its access log free of paths."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.findings import accept
from infra.routes import ROUTES, Function

RATE_PER_SECOND = 50
BURST = 100

ACCESS_LOG_FORMAT = {
    "request_id": "$context.requestId",
    "at": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "source_ip": "$context.identity.sourceIp",
    "response_bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
}
"""The route's pattern, never its path or query: nobody can check what a caller puts there."""

NO_AUTHORIZER = (
    "Every function verifies the token itself at one choke point, before anything else. An authorizer of an HTTP API "
    "answers 401 and 403 with a fixed body, which cannot be application/problem+json, and says less than the functions "
    "must check anyway (strength and age of the sign-in)."
)


class Api(Construct):
    """An HTTP API with one integration per function."""

    def __init__(self, scope: Construct, name: str, functions: Mapping[Function, lambda_.Function]) -> None:
        super().__init__(scope, name)
        self.api = apigateway.HttpApi(self, "HttpApi", create_default_stage=False, description="Keyholder /v1")
        integrations = {
            function: HttpLambdaIntegration(
                f"{function.capitalize()}Integration",
                functions[function],
                payload_format_version=apigateway.PayloadFormatVersion.VERSION_2_0,
                scope_permission_to_route=False,
            )
            for function in dict.fromkeys(route.function for route in ROUTES)
        }
        for number, route in enumerate(ROUTES):
            resource = apigateway.HttpRoute(
                self,
                f"Route{number:02}",
                http_api=self.api,
                route_key=_key(route.method, route.path, route.key),
                integration=integrations[route.function],
            )
            accept(resource, "AwsSolutions-APIG4", NO_AUTHORIZER)
        self._stage()

    def _stage(self) -> None:
        group = logs.LogGroup(
            self, "AccessLog", retention=logs.RetentionDays.ONE_YEAR, removal_policy=RemovalPolicy.RETAIN
        )
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(rate_limit=RATE_PER_SECOND, burst_limit=BURST),
        )
        resource = stage.node.default_child
        if not isinstance(resource, apigateway.CfnStage):
            raise TypeError("the stage is not a CloudFormation stage")
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=group.log_group_arn, format=json.dumps(ACCESS_LOG_FORMAT)
        )


def _key(method: str, path: str, key: str) -> apigateway.HttpRouteKey:
    if key == path:
        return apigateway.HttpRouteKey.DEFAULT
    return apigateway.HttpRouteKey.with_(path, apigateway.HttpMethod[method])
