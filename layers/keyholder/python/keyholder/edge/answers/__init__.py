"""What callers are answered: the shape of every success, for the API's description.

No function imports this: answers are not parsed on their way out, and their models would only make a cold start longer.
That what is sent has these shapes is shown by the tests, which hold real answers against the description.
"""

from __future__ import annotations

from collections.abc import Mapping

from keyholder.edge.answers import (
    audit,
    choices,
    contacts,
    content,
    delegations,
    domains,
    emergency,
    extracts,
    linkage,
    people,
    policy,
    projects,
    receipts,
    releases,
    requests,
    service,
    standing,
    texts,
    volumes,
)
from keyholder.edge.answers.form import Success

SUCCESSES: Mapping[str, Success] = {
    **audit.SUCCESSES,
    **choices.SUCCESSES,
    **contacts.SUCCESSES,
    **content.SUCCESSES,
    **delegations.SUCCESSES,
    **domains.SUCCESSES,
    **emergency.SUCCESSES,
    **extracts.SUCCESSES,
    **linkage.SUCCESSES,
    **people.SUCCESSES,
    **policy.SUCCESSES,
    **projects.SUCCESSES,
    **receipts.SUCCESSES,
    **releases.SUCCESSES,
    **requests.SUCCESSES,
    **service.SUCCESSES,
    **standing.SUCCESSES,
    **texts.SUCCESSES,
    **volumes.SUCCESSES,
}
"""By route."""
