"""What the policy has against linking: against its purpose and basis, and for each person by what they chose.

Nothing identifiable leaves when pseudonyms are translated. It is all the same a new use of people's data without their
being asked, so whoever could not be re-identified on the basis that is named is not linked on it either. A person's
choices are read as for a release; what is on file for the requester is not, because there is none.
"""

from __future__ import annotations

from datetime import datetime

from keyholder.policy import checks
from keyholder.policy.days import london_day
from keyholder.policy.facts import Person, PolicyRequest
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.vocabulary import Reason

PURPOSE_CHECKS: tuple[checks.RequestCheck, ...] = (
    checks.prohibited_purpose,
    checks.basis_named,
    checks.basis_fits_purpose,
)


def against_purpose(request: PolicyRequest, facts: PolicyFacts, now: datetime) -> Reason | None:
    """What stands against the purpose and the basis, whoever the people are; the first in the order of the checks."""
    today = london_day(now)
    return next((reasons[0] for check in PURPOSE_CHECKS if (reasons := check(request, facts, today))), None)


def against_person(request: PolicyRequest, person: Person, facts: PolicyFacts, now: datetime) -> Reason | None:
    """What one person's choices say against linking them; the first in the order of the checks."""
    today = london_day(now)
    reach = checks.reach_of(request, person, facts, today)
    situation = checks.PersonSituation(request, person, facts, now, today, reach)
    return next((reasons[0] for check in checks.PERSON_CHECKS if (reasons := check(situation))), None)
