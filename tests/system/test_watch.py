"""The watch under its own role, on the deployed stack."""

from __future__ import annotations

import json

from infra.embedded.stack import EmbeddedStack
from infra.routes import Function

KEY = "journal/00000000000000000007"


def test_the_watch_looks_with_its_own_role_and_finds_what_was_planted(stack: EmbeddedStack) -> None:
    """A delete marker, put by the account's root, whom the engine lets past every bucket policy."""
    lambda_, s3 = stack.admin("lambda"), stack.admin("s3")
    bucket = stack.deployed.environment["LEDGER_BUCKET"]

    def measured() -> float:
        answer = lambda_.invoke(FunctionName=stack.deployed.functions[Function.WATCH], Payload=b"{}")
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        found: float = body["UnexpectedObjects"]
        return found

    before = measured()
    marker = s3.delete_object(Bucket=bucket, Key=KEY)
    try:
        assert measured() > before
    finally:
        s3.delete_object(Bucket=bucket, Key=KEY, VersionId=marker["VersionId"])
