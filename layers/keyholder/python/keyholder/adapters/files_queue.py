"""The queue that asks `requests` to read a file of records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyholder.vocabulary import RequestId

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class FilesQueue:
    """Messages hold a request's id and nothing else. One that gets lost is asked for again by the sweeper."""

    def __init__(self, sqs: SQSClient, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def ask(self, request: RequestId) -> None:
        """Asks for the file of a draft to be read; asking twice does no harm."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps({"request": request}))
