"""Alarms reach somebody, and each looks at something that is really measured."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Stack

from infra.observability import Topic
from infra.routes import Function
from keyholder.edge.measures import NAMESPACE, Measure, publish
from tests.unit.infra.template import Template


def _alarms(template: Template, service: str | None = None) -> dict[str, dict[str, Any]]:
    """Alarms on what functions measure, or on what one of them does."""
    return {
        alarm["Properties"]["MetricName"]: alarm["Properties"]
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["Namespace"] == NAMESPACE
        and service in (None, alarm["Properties"]["Dimensions"][0]["Value"])
    }


@pytest.fixture(params=["ledger", "witness"])
def either(request: pytest.FixtureRequest, template: Template, witness_template: Template) -> Template:
    """The ledger's stack, and the witness's in another account."""
    return template if request.param == "ledger" else witness_template


def test_every_alarm_goes_to_the_topic(either: Template) -> None:
    topic, _ = either.one("AWS::SNS::Topic")
    for alarm in either.of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": topic}]
        assert alarm["Properties"].get("ActionsEnabled", True) is True


def test_everything_measured_has_an_alarm(template: Template, witness_template: Template) -> None:
    measured = [*_alarms(template), *_alarms(witness_template)]
    assert sorted(measured) == sorted(measure.value for measure in Measure)


@pytest.mark.parametrize("service", [Function.WATCH, Function.MESH, "witness"])
def test_alarms_look_for_what_is_published(
    template: Template, witness_template: Template, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `publish` writes has the names, namespace and dimension that the alarms look for."""
    alarms = _alarms(witness_template if service == "witness" else template, service)
    assert alarms
    publish(service, dict.fromkeys(Measure, 1.0))
    written = json.loads(capsys.readouterr().out)
    (metrics,) = written["_aws"]["CloudWatchMetrics"]
    assert metrics["Namespace"] == NAMESPACE
    assert set(alarms) <= {metric["Name"] for metric in metrics["Metrics"]}
    for alarm in alarms.values():
        assert [sorted(metrics["Dimensions"][0])] == [[one["Name"] for one in alarm["Dimensions"]]]
        assert alarm["Dimensions"][0]["Value"] == written["service"]
        assert alarm["Statistic"] == "Maximum"


@pytest.mark.parametrize(
    ("measure", "threshold"), [(Measure.UNEXPECTED_OBJECTS, 1), (Measure.OLDEST_PENDING, 300), (Measure.UNCOVERED, 600)]
)
def test_the_ledgers_alarms(template: Template, measure: Measure, threshold: int) -> None:
    alarm = _alarms(template)[measure.value]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (threshold, "GreaterThanOrEqualToThreshold")
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (60, 1)


@pytest.mark.parametrize(
    ("measure", "threshold", "rounds"),
    [(Measure.WITNESS_DISAGREES, 1, 1), (Measure.UNSIGNED, 600, 1), (Measure.STAMP_FAILED, 1, 24)],
)
def test_the_witness_s_alarms(witness_template: Template, measure: Measure, threshold: int, rounds: int) -> None:
    alarm = _alarms(witness_template)[measure.value]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (threshold, "GreaterThanOrEqualToThreshold")
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (900, rounds)


def test_whoever_is_not_called_is_an_alarm(template: Template) -> None:
    silent = [
        alarm["Properties"]
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["MetricName"] == "Invocations"
    ]
    functions = {alarm["Dimensions"][0]["Value"]["Ref"]: alarm for alarm in silent}
    for function, seconds in ((Function.SWEEPER, 300), (Function.WATCH, 300), (Function.MESH, 3600)):
        alarm = functions.pop(template.function(function)[0])
        assert (alarm["TreatMissingData"], alarm["Period"] * alarm["EvaluationPeriods"]) == ("breaching", seconds)
    assert not functions


@pytest.mark.parametrize("measure", [Measure.OVERDUE_CHECKS, Measure.FAILED_CHECKS, Measure.GOING_STALE])
def test_opt_outs_nobody_answers_are_an_alarm(template: Template, measure: Measure) -> None:
    alarm = _alarms(template)[measure.value]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (600, 1)


def test_one_failed_round_with_mesh_wakes_nobody(template: Template) -> None:
    mesh, _ = template.function(Function.MESH)
    errors = {
        alarm["Properties"]["Dimensions"][0]["Value"]["Ref"]: alarm["Properties"]
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["MetricName"] == "Errors"
    }
    assert set(errors) == {template.function(function)[0] for function in Function}
    assert (errors[mesh]["Statistic"], errors[mesh]["Period"], errors[mesh]["EvaluationPeriods"]) == ("Minimum", 600, 6)


def test_a_touch_on_the_guards_goes_to_the_topic(template: Template) -> None:
    topic, _ = template.one("AWS::SNS::Topic")
    bucket, _ = template.one("AWS::S3::Bucket", "LedgerBucket")
    _, rule = template.one("AWS::Events::Rule", "AlarmsGuardsTouched")
    assert [target["Arn"] for target in rule["Properties"]["Targets"]] == [{"Ref": topic}]
    assert rule["Properties"]["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventCategory": ["Management"],
            "eventName": [{"prefix": "Put"}, {"prefix": "Delete"}],
            "requestParameters": {"bucketName": [{"Ref": bucket}]},
        },
    }


def test_the_topic_is_encrypted_and_takes_alarms_of_this_account_alone(template: Template) -> None:
    key, found = template.one("AWS::KMS::Key", "AlarmsWake")
    _, topic = template.one("AWS::SNS::Topic")
    assert topic["Properties"]["KmsMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    _, policy = template.one("AWS::SNS::TopicPolicy")
    statements = policy["Properties"]["PolicyDocument"]["Statement"] + found["Properties"]["KeyPolicy"]["Statement"]
    alarms = [one for one in statements if one.get("Sid") == "Alarms"]
    assert [one["Action"] for one in alarms] == ["sns:Publish", ["kms:Decrypt", "kms:GenerateDataKey"]]
    for one in alarms:
        assert one["Principal"] == {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}
        assert one["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def _topic(emails: object) -> tuple[list[str], list[str]]:
    """Addresses that are subscribed, and warnings."""
    app = App(context={"alarm_emails": emails})
    stack = Stack(app, "Stack")
    Topic(stack, "Wake")
    made = app.synth().get_stack_by_name("Stack")
    template = Template(made.template)
    found = [one["Properties"] for one in template.raw["Resources"].values() if one["Type"] == "AWS::SNS::Subscription"]
    assert all(one["Protocol"] == "email" for one in found)
    return [one["Endpoint"] for one in found], [str(message.entry.data) for message in made.messages]


@pytest.mark.parametrize("given", [["a@nhs.test", "b@nhs.test"], "a@nhs.test, b@nhs.test"], ids=["a list", "a text"])
def test_alarms_go_to_the_addresses_of_the_context(given: object) -> None:
    assert _topic(given) == (["a@nhs.test", "b@nhs.test"], [])


def test_a_deployment_that_nobody_listens_to_is_warned() -> None:
    addresses, warnings = _topic([])
    assert not addresses
    assert any("Nobody receives alarms" in warning for warning in warnings)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="alarm_emails"):
        _topic("someone")
