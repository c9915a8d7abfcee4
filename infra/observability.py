"""What wakes somebody up."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.routes import Function

MINUTE = Duration.minutes(1)
NEVER_MIND = cloudwatch.TreatMissingData.NOT_BREACHING


class Alarms(Construct):
    """A fault in any function, a check that failed for good, a sweeper that fails or is not called."""

    def __init__(
        self, scope: Construct, name: str, *, functions: Mapping[Function, lambda_.Function], failed_checks: sqs.Queue
    ) -> None:
        super().__init__(scope, name)
        for function, resource in functions.items():
            cloudwatch.Alarm(
                self,
                f"{function.capitalize()}Errors",
                alarm_description=f"functions/{function} ended in a fault.",
                metric=resource.metric_errors(period=MINUTE, statistic="Sum"),
                threshold=1,
                evaluation_periods=1,
                treat_missing_data=NEVER_MIND,
            )
        cloudwatch.Alarm(
            self,
            "FailedChecks",
            alarm_description="The checks of a request failed three times; it waits for somebody to look.",
            metric=failed_checks.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum"),
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=NEVER_MIND,
        )
        cloudwatch.Alarm(
            self,
            "SweeperSilent",
            alarm_description="The sweeper was not called for five minutes: pending steps stay out of the ledger.",
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            metric=functions[Function.SWEEPER].metric_invocations(period=MINUTE, statistic="Sum"),
            threshold=1,
            evaluation_periods=5,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
