"""What wakes somebody up, and how it reaches them."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Annotations, Aws, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.routes import Function
from keyholder.edge.measures import NAMESPACE, Measure

MINUTE = Duration.minutes(1)
NEVER_MIND = cloudwatch.TreatMissingData.NOT_BREACHING

STUCK_SECONDS = 5 * 60
"""A pending step is committed within seconds, by its writer or by the sweeper a minute later."""

UNCOVERED_SECONDS = 10 * 60

FAILED = {
    "Checks": "The checks of a request",
    "Extracts": "The work on an extract",
    "Files": "The reading of a file of records",
    "Notices": "Telling somebody of an event",
}
"""What each queue asks for."""

MESH_ROUND = Duration.minutes(10)
MESH_ROUNDS = 6


class Topic(Construct):
    """Where alarms go: an encrypted topic, and the addresses of the context value `alarm_emails`.

    The key is the topic's own, because CloudWatch can't publish to a topic under the key that AWS manages for SNS.
    """

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        key = kms.Key(
            self,
            "Key",
            description="Encrypts alarms on their way.",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.topic = sns.Topic(self, "Topic", display_name="Keyholder alarms", enforce_ssl=True, master_key=key)
        services = [iam.ServicePrincipal(f"{service}.amazonaws.com") for service in ("cloudwatch", "events")]
        own = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=services,
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions=own,
            )
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=services,
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=own,
            )
        )
        emails = _emails(self)
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        if not emails:
            Annotations.of(self).add_warning_v2(
                "keyholder:alarms", "Nobody receives alarms: give the context value alarm_emails, or subscribe."
            )

    def wake(
        self,
        scope: Construct,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float = 1,
        periods: int = 1,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        missing: cloudwatch.TreatMissingData = NEVER_MIND,
    ) -> None:
        """An alarm that goes to the topic once `metric` has been at `threshold` for so many of its periods."""
        alarm = cloudwatch.Alarm(
            scope,
            name,
            alarm_description=description,
            comparison_operator=comparison,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))


class Alarms(Construct):
    """A fault in any function, a check that failed for good, a sweeper or watch that fails or is not called, opt-outs
    that nobody answers, a ledger that does not move or holds what it must not, a touch on what guards it."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        functions: Mapping[Function, lambda_.Function],
        failed: Mapping[str, sqs.Queue],
        ledger: s3.Bucket,
    ) -> None:
        super().__init__(scope, name)
        self._alarms = Topic(self, "Wake")
        self._functions(functions, failed)
        self._mesh(functions[Function.MESH])
        self._ledger()
        self._guards(ledger)

    def _functions(self, functions: Mapping[Function, lambda_.Function], failed: Mapping[str, sqs.Queue]) -> None:
        for function, resource in functions.items():
            if function is not Function.MESH:
                self._alarms.wake(
                    self,
                    f"{function.capitalize()}Errors",
                    f"functions/{function} ended in a fault.",
                    resource.metric_errors(period=MINUTE, statistic="Sum"),
                )
        for what, queue in failed.items():
            self._alarms.wake(
                self,
                f"Failed{what}",
                f"{FAILED[what]} failed three times; it waits for somebody to look.",
                queue.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum"),
            )
        for function, then in (
            (Function.SWEEPER, "pending steps stay out of the ledger"),
            (Function.WATCH, "nobody looks whether the ledger moves and is whole"),
        ):
            self._alarms.wake(
                self,
                f"{function.capitalize()}Silent",
                f"functions/{function} was not called for five minutes: {then}.",
                functions[function].metric_invocations(period=MINUTE, statistic="Sum"),
                periods=5,
                comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                missing=cloudwatch.TreatMissingData.BREACHING,
            )

    def _mesh(self, function: lambda_.Function) -> None:
        """MESH has its moments, and the next round goes on: an hour without one that ended well is worth a call."""
        self._alarms.wake(
            self,
            "MeshErrors",
            "functions/mesh failed in an hour of rounds: opt-outs are not asked for, or past ones not removed.",
            function.metric_errors(period=MESH_ROUND, statistic="Minimum"),
            periods=MESH_ROUNDS,
        )
        self._alarms.wake(
            self,
            "MeshSilent",
            "functions/mesh was not called for an hour: opt-outs are not asked for, and past ones not removed.",
            function.metric_invocations(period=MESH_ROUND, statistic="Sum"),
            periods=MESH_ROUNDS,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        for measure, description in (
            (Measure.OVERDUE_CHECKS, "The opt-out service has not answered a list for 26 hours."),
            (Measure.FAILED_CHECKS, "A list to the opt-out service ended without an answer."),
            (Measure.GOING_STALE, "Approved requests will be held up: their people's opt-out checks are going stale."),
        ):
            self._alarms.wake(self, measure.value, description, measured(measure, Function.MESH, MESH_ROUND))

    def _ledger(self) -> None:
        """What functions/watch measures; that it measures at all is what its own two alarms are for."""
        for measure, threshold, description in (
            (
                Measure.UNEXPECTED_OBJECTS,
                1,
                "The ledger bucket holds a second version, a delete marker, a gap or a foreign object.",
            ),
            (Measure.OLDEST_PENDING, STUCK_SECONDS, "A step has been waiting for the ledger for five minutes."),
            (Measure.UNCOVERED, UNCOVERED_SECONDS, "Steps wait, and the newest checkpoint is ten minutes old."),
        ):
            self._alarms.wake(self, measure.value, description, measured(measure, Function.WATCH), threshold=threshold)

    def _guards(self, ledger: s3.Bucket) -> None:
        """Whoever tries to change what guards the ledger is told of, also where it was refused.

        CloudTrail tells EventBridge of calls that manage a bucket; that takes a trail in the account.
        """
        events.Rule(
            self,
            "GuardsTouched",
            description="Somebody changed, or tried to change, what guards the ledger.",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["AWS API Call via CloudTrail"],
                detail={
                    "eventCategory": ["Management"],
                    "eventName": [{"prefix": "Put"}, {"prefix": "Delete"}],
                    "requestParameters": {"bucketName": [ledger.bucket_name]},
                },
            ),
            targets=[targets.SnsTopic(self._alarms.topic)],
        )


def measured(measure: Measure, service: str, period: Duration = MINUTE) -> cloudwatch.Metric:
    """The highest value of a period, of what the function `service` measures (`keyholder.edge.measures`)."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=measure.value,
        dimensions_map={"service": service},
        period=period,
        statistic="Maximum",
    )


def _emails(scope: Construct) -> tuple[str, ...]:
    """The context value `alarm_emails`, a list or one text with commas between. Raises `ValueError`."""
    given = scope.node.try_get_context("alarm_emails") or []
    emails = tuple(one.strip() for one in (given.split(",") if isinstance(given, str) else given))
    if not all("@" in email for email in emails):
        raise ValueError("alarm_emails holds e-mail addresses")
    return emails
