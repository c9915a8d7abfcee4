"""What is done off a queue (the checks of requests, the work on extracts), and what is called every minute."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

ATTEMPTS = 3


class WorkQueue(Construct):
    """The queue and the one for what failed three times."""

    def __init__(self, scope: Construct, name: str, *, worker_timeout: Duration) -> None:
        super().__init__(scope, name)
        self.failed = sqs.Queue(
            self,
            "Failed",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.RETAIN,
            retention_period=Duration.days(14),
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.failed, max_receive_count=ATTEMPTS),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            # AWS asks for six times the worker's time-out, so that a retry never overlaps a slow first try.
            visibility_timeout=Duration.seconds(6 * worker_timeout.to_seconds()),
        )

    def feed(self, worker: lambda_.Function) -> None:
        """Call `worker` with one message at a time. Its permissions are in `permissions.py`, not granted here."""
        lambda_.EventSourceMapping(
            worker,
            self.node.id,
            target=worker,
            event_source_arn=self.queue.queue_arn,
            batch_size=1,
            report_batch_item_failures=True,
        )


def call_every_minute(scope: Construct, functions: Iterable[lambda_.Function]) -> None:
    """EventBridge calls each once a minute; a failed call is not repeated, the next minute's does its work."""
    events.Rule(
        scope,
        "Sweep",
        description="Commits what a crashed function left pending, looks at what is due, watches the ledger.",
        schedule=events.Schedule.rate(Duration.minutes(1)),
        targets=[targets.LambdaFunction(function, retry_attempts=0) for function in functions],
    )
