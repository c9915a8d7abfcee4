"""The watch on S3 and DynamoDB, as the function is deployed and called: what is planted is measured and logged."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract.api import Api, Fault
from tests.contract.aws import REGION
from tests.contract.settled import Extract, request_body

WHOLE = {"OldestPendingSeconds": 0.0, "UncoveredSeconds": 0.0, "UnexpectedObjects": 0.0}


def _journal(api: Api) -> str:
    return max(key for key in api.keys("LEDGER_BUCKET") if key.startswith("journal/"))


def _unguarded(api: Api) -> None:
    """As if somebody had got past the bucket's policy."""
    boto3.client("s3", REGION).delete_bucket_policy(Bucket=api.names["LEDGER_BUCKET"])


def test_a_whole_ledger_measures_nothing(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert api.watch() == WHOLE
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    assert {name: json.loads(line)[name] for name in WHOLE} == {name: [0.0] for name in WHOLE}


def test_a_second_version_is_measured(api: Api) -> None:
    _unguarded(api)
    key, s3 = _journal(api), boto3.client("s3", REGION)
    s3.put_object(Bucket=api.names["LEDGER_BUCKET"], Key=key, Body=b"another")
    assert api.watch()["UnexpectedObjects"] == 1
    assert f'"key":"{key}"' in api.logs()
    assert "WAT002" in api.logs()


def test_a_delete_marker_is_measured(api: Api) -> None:
    _unguarded(api)
    key, s3 = _journal(api), boto3.client("s3", REGION)
    s3.delete_object(Bucket=api.names["LEDGER_BUCKET"], Key=key)
    assert api.watch()["UnexpectedObjects"] == 1


def test_a_stuck_step_is_measured(api: Api, extract: Extract) -> None:
    with api.failing(Fault("PutObject", when=lambda call: str(call["Key"]).startswith("journal/"))):
        assert api.post("/v1/requests", request_body(extract), "researcher").status == 503
        api.clock.advance(minutes=6)
        measured = api.watch()
    assert measured["OldestPendingSeconds"] >= 360
    assert measured["UncoveredSeconds"] >= 360
    api.sweep()
    assert api.watch() == WHOLE


def test_a_watch_that_can_t_look_fails(api: Api) -> None:
    with (
        api.failing(Fault("ListObjectVersions")),
        pytest.raises(Exception) as raised,  # noqa: PT011 - whatever stops it sets off the alarm
    ):
        api.watch()
    assert isinstance(raised.value.__cause__, ClientError)
    assert "WAT003" in api.logs()
