"""What those who decide may send about themselves and to each other: shapes and limits only, as in `bodies`."""

from __future__ import annotations

from keyholder.edge.bodies import Body, Name
from keyholder.requests.codes import RecuseReason


class DeclareBody(Body):
    """Whether one has a conflict of interest in what this revision asks for. Who has one steps aside by saying so."""

    conflict_of_interest: bool


class RecuseBody(Body):
    """Stepping aside from a request, for good."""

    reason: RecuseReason


class HandledDomainBody(Body):
    """The domain for which one looks after a request, or no longer does."""

    domain: Name
