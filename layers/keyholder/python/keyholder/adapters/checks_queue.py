"""The queue that asks `release` for the checks of a request, for a release, or whom to ask about national opt-outs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyholder.vocabulary import RequestId

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


OPT_OUTS = "opt_outs"
"""What a message asks for beside the checks."""


class ChecksQueue:
    """Messages hold a request's id and what is asked, and nothing else. One that gets lost is asked for again."""

    def __init__(self, sqs: SQSClient, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def ask(self, request: RequestId) -> None:
        """Asks for the checks of a request; asking twice does no harm."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps({"request": request}))

    def ask_for_release(self, request: RequestId, release: str) -> None:
        """Asks for a permitted release to be handed out; asking twice does no harm."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps({"request": request, "release": release}))

    def ask_for_opt_outs(self, request: RequestId) -> None:
        """Asks for the list of people whose national opt-out has to be checked; asking twice does no harm."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps({"request": request, "list": OPT_OUTS}))
