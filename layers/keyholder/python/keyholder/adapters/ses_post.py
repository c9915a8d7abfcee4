"""Notices by Amazon SES."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyholder.adapters.storage_faults import storage_faults
from keyholder.ledger.ports import StorageBusyError, StorageRefusedError, StorageUncertainError
from keyholder.notices.notifying import PostBusyError, PostRefusedError
from keyholder.notices.wording import Text

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


class SesPost:
    """Implements `notices.notifying.Post`. Needs `ses:SendEmail` on the identity that `sender` belongs to.

    Give the client no retries of its own: after an answer that got lost a message may be on its way, and a second one
    is only sent by the next delivery of the event.
    """

    def __init__(self, ses: SESV2Client, sender: str) -> None:
        self._ses = ses
        self._sender = sender

    def send(self, address: str, words: Text, reference: str) -> None:  # noqa: ARG002 - SES knows no reference
        """Plain text in UTF-8; SES speaks TLS with every server that can."""
        try:
            with storage_faults():
                self._ses.send_email(
                    FromEmailAddress=self._sender,
                    Destination={"ToAddresses": [address]},
                    Content={
                        "Simple": {
                            "Subject": {"Data": words.subject, "Charset": "UTF-8"},
                            "Body": {"Text": {"Data": words.body, "Charset": "UTF-8"}},
                        }
                    },
                )
        except (StorageBusyError, StorageUncertainError):
            raise PostBusyError from None
        except StorageRefusedError:
            # SES quotes the address in what it says.
            raise PostRefusedError from None
