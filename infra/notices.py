"""How people are told: the bus of domain events, the queue of what is to be told, and the settings of a deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import ArnFormat, CfnOutput, CfnParameter, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.checks import WorkQueue
from infra.findings import accept
from keyholder.notices.domain_event import SOURCE
from keyholder.notices.table import TELLINGS

WORDS_OF_A_RULE = 2_048
"""Characters that EventBridge takes in one pattern."""


class Notices(Construct):
    """The bus has no policy: only this account puts events on it, or listens."""

    def __init__(self, scope: Construct, name: str, *, worker_timeout: Duration) -> None:
        super().__init__(scope, name)
        self._parameters = _parameters(Stack.of(self))
        self.bus = events.EventBus(self, "Bus", description="What is in the ledger: ids and states, nothing else.")
        self.work = WorkQueue(self, "Tell", worker_timeout=worker_timeout)
        for number, types in enumerate(_told(), 1):
            events.Rule(
                self,
                f"Told{number}",
                event_bus=self.bus,
                description="What somebody is told, by keyholder.notices.table.",
                event_pattern=events.EventPattern(source=[SOURCE], detail_type=list(types)),
                targets=[targets.SqsQueue(self.work.queue, dead_letter_queue=self.work.failed)],
            )
        self.secret = secretsmanager.Secret(
            self,
            "Notify",
            description="For GOV.UK Notify; docs/notifications.md says what to put in.",
            removal_policy=RemovalPolicy.RETAIN,
        )
        accept(self.secret, "AwsSolutions-SMG4", "GOV.UK Notify gives the key, and a person makes a new one there.")
        # Several stacks of one account may have a bus: who listens from elsewhere needs its name.
        CfnOutput(self, "EventBus", value=self.bus.event_bus_name).override_logical_id("EventBus")
        CfnOutput(self, "NotifySecretArn", value=self.secret.secret_arn).override_logical_id("NotifySecretArn")

    @property
    def environment(self) -> Mapping[str, str]:
        """What functions are told of it; nothing of it is secret."""
        named = {
            name: self._parameters[name].value_as_string for name in ("NOTICE_CHANNEL", "NOTICE_SENDER", "CONSOLE_URL")
        }
        return {**named, "EVENT_BUS": self.bus.event_bus_name, "NOTIFY_SECRET_ARN": self.secret.secret_arn}

    @property
    def identity_arn(self) -> str:
        """What SES knows the sender by."""
        identity = self._parameters["NOTICE_IDENTITY"].value_as_string
        return Stack.of(self).format_arn(
            service="ses", resource="identity", resource_name=identity, arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )


def _told() -> Sequence[Sequence[str]]:
    """The types of events that somebody is told of, in as many lists as a rule's pattern takes."""
    lists: list[list[str]] = [[]]
    for kind in sorted(TELLINGS):
        if sum(len(one) + 3 for one in lists[-1]) + len(kind) > WORDS_OF_A_RULE - 200:
            lists.append([])
        lists[-1].append(kind)
    return lists


def _parameters(stack: Stack) -> Mapping[str, CfnParameter]:
    """By the name of the function's setting."""
    return {
        "NOTICE_CHANNEL": CfnParameter(
            stack,
            "NoticeChannel",
            description="How people are told: ses, govuk-notify, or none.",
            allowed_values=["none", "ses", "govuk-notify"],
            default="none",
        ),
        "NOTICE_SENDER": CfnParameter(
            stack,
            "NoticeSender",
            description="The address that notices by SES come from.",
            default="",
            allowed_pattern="|[^@ ]+@[A-Za-z0-9.-]+",
        ),
        "NOTICE_IDENTITY": CfnParameter(
            stack,
            "NoticeIdentity",
            description="The identity of SES, a domain or an address, that the sender belongs to; verified by you.",
            default="none",
            allowed_pattern="[A-Za-z0-9.@_+-]+",
        ),
        "CONSOLE_URL": CfnParameter(
            stack,
            "ConsoleUrl",
            description="What goes before /requests/<id> in the address of a request's page; empty without pages.",
            default="",
            allowed_pattern="|https://.+",
        ),
    }
