"""The queue that asks `pseudonymise` for the work on an extract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyholder.vocabulary import ExtractId

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class ExtractsQueue:
    """Messages hold an extract's id and nothing else. One that gets lost is asked for again by the sweeper."""

    def __init__(self, sqs: SQSClient, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def ask(self, extract: ExtractId) -> None:
        """Asks for the work on an extract; asking twice does no harm."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps({"extract": extract}))
