"""Bodies of requests about the texts of a request."""

from __future__ import annotations

from keyholder.edge.bodies import Body, Hash
from keyholder.requests.erasing.erasures import ErasureReason


class EraseTextBody(Body):
    """A text by its hash, and why it is erased."""

    text_sha256: Hash
    reason: ErasureReason


class TextBody(Body):
    """A text by its hash."""

    text_sha256: Hash
