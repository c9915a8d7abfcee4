"""Who re-identified this person? A keyed tag stands in the ledger for each person a release was about.

HMAC-SHA-256 (RFC 2104) under the epoch's tag key, cut to 16 bytes: NHS numbers can be enumerated, so a plain hash would
tell everybody who is in the ledger. Destroying an epoch's key makes its tags unlinkable without touching the ledger.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from keyholder.vocabulary import DomainId

TAG_BYTES = 16
_LABEL = b"keyholder/subject-tag/v1"


def epoch_of(moment: datetime) -> str:
    """The tag key's epoch: the calendar year in UTC."""
    return f"{moment:%Y}"


def subject_tag(key: bytes | bytearray | memoryview, domain: DomainId, nhs_number: str) -> str:
    """The person's tag in one domain and epoch: 32 hexadecimal digits. `key` has 32 bytes."""
    message = b"".join(len(part).to_bytes(2, "big") + part for part in (_LABEL, domain.encode(), nhs_number.encode()))
    return hmac.digest(bytes(key), message, "sha256")[:TAG_BYTES].hex()
