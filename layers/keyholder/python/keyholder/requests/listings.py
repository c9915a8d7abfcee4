"""In which listings a request stands, and when it is to be looked at again: hints stored beside its newest event."""

from __future__ import annotations

from datetime import datetime, timedelta

from keyholder.ledger.ports import Head
from keyholder.requests.actors import Limits
from keyholder.requests.codes import State
from keyholder.requests.conversation import advisers
from keyholder.requests.state import RequestState
from keyholder.requests.waiting import file_waits, look_again_at, report_overdue
from keyholder.vocabulary import DomainId, OrganisationCode, PersonId, ProjectId, RequestId, StreamId

STANDARD = Limits()
"""The clocks as they run unless a deployment sets others."""

CHECKS_EXPECTED = timedelta(minutes=2)
"""After this the sweeper asks for the checks again."""


FILE_EXPECTED = timedelta(minutes=6)
"""After this the sweeper asks again for a file to be read: longer than its reader may run."""


def own_requests(person: PersonId) -> str:
    """The listing of what a person asked for."""
    return f"requester/{person.removeprefix('person/')}"


def organisation_requests(organisation: OrganisationCode) -> str:
    """The listing of what was submitted to an organisation as a controller."""
    return f"controller-requests/{organisation}"


def project_requests(project: ProjectId) -> str:
    return f"project/{project}"


def advice_requests(person: PersonId) -> str:
    """The listing of what a person's advice was asked on."""
    return f"adviser/{person.removeprefix('person/')}"


def domain_requests(domain: DomainId) -> str:
    """The listing of what was submitted to a domain."""
    return f"domain/{domain}"


def overdue_reports(of: PersonId | ProjectId) -> str:
    """The listing of what a person, or a project, has ever owed a report on past its day. Few ever stand in it."""
    return f"overdue-reports/{of.removeprefix('person/')}"


def request_stream(request: RequestId) -> StreamId:
    return StreamId(f"request/{request}")


def request_head(state: RequestState, limits: Limits = STANDARD) -> Head:
    """Drafts are listed for their author and project; from submission on also where they are decided."""
    listings = [own_requests(state.requester)] if state.requester else []
    listings += [project_requests(state.summary.project)] if state.summary else []
    organisations = {code for decision in state.domains.values() for code in decision.needs.controllers}
    listings += [domain_requests(domain) for domain in state.domains]
    listings += [organisation_requests(code) for code in sorted(organisations)]
    listings += [advice_requests(person) for person in sorted(advisers(state.messages))]
    if report_overdue(state) and state.requester and state.summary:
        listings += [overdue_reports(state.requester), overdue_reports(state.summary.project)]
    return Head(tuple(listings), _look_again(state, limits))


def _look_again(state: RequestState, limits: Limits) -> datetime | None:
    """When something is due; while it waits for its checks, or its file to be read, much earlier: a message that asks
    for them can get lost."""
    at = look_again_at(state, limits)
    if state.status is State.SUBMITTED and state.changed_at is not None and at is not None:
        return min(at, state.changed_at + CHECKS_EXPECTED)
    if file_waits(state) and state.file is not None:
        return min(at or state.file.at + FILE_EXPECTED, state.file.at + FILE_EXPECTED)
    return at
