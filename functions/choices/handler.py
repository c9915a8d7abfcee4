"""A place to deploy to until the function is written: it refuses everything."""

from __future__ import annotations

import json


def handler(event: object, context: object) -> dict[str, object]:  # noqa: ARG001 - Lambda's signature
    """Answers 503 to every event."""
    return {
        "statusCode": 503,
        "headers": {"content-type": "application/problem+json", "cache-control": "no-store"},
        "body": json.dumps({"type": "about:blank", "title": "Service Unavailable", "status": 503}),
    }
