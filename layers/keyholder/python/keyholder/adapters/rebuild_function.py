"""The function that rebuilds, called by whoever has credentials of AWS that may invoke it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from keyholder.canonical import JsonObject

_LONGEST = 920
"""Seconds: a little more than a function may run. It is never called twice by itself: each call is one's own."""


class Invokes(Protocol):
    """What of boto3's client of Lambda is used here."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:  # noqa: N803 - boto3's own names
        ...


class FunctionFailedError(Exception):
    """The function could not be called, or ended in a fault; the text is a code, and never what was sent."""


def rebuild_client() -> Invokes:
    """A client with the credentials and the region of the environment."""
    config = Config(read_timeout=_LONGEST, connect_timeout=10, retries={"total_max_attempts": 1, "mode": "standard"})
    client: Invokes = boto3.client("lambda", config=config)
    return client


class RebuildFunction:
    """`name` is the stack's output RebuildFunction. Needs `lambda:InvokeFunction` on it, and nothing else."""

    def __init__(self, client: Invokes, name: str) -> None:
        self._client = client
        self._name = name

    def __call__(self, asked: JsonObject) -> JsonObject:
        """Its answer. Raises `FunctionFailedError`."""
        try:
            answer = self._client.invoke(FunctionName=self._name, Payload=json.dumps(asked).encode())
            told = json.loads(answer["Payload"].read())
        except ClientError as fault:
            raise FunctionFailedError(fault.response["Error"]["Code"]) from fault
        except (BotoCoreError, ValueError) as fault:
            raise FunctionFailedError(type(fault).__name__) from fault
        if "FunctionError" in answer or not isinstance(told, dict):
            raise FunctionFailedError(str(told.get("errorType", "")) if isinstance(told, dict) else "")
        return told
