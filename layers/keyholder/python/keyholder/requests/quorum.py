"""Is a domain's quorum met, or could it be? Distinct people, each for one organisation, every organisation filled.

Nobody is counted twice: a person fills one place, whatever roles they hold (OpenBao's control groups let one person in
two groups fill both). The floor of two holds whatever is configured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from keyholder.registry.domains import LEAST_QUORUM
from keyholder.vocabulary import OrganisationCode, PersonId


def quorum_met(
    approvals: Iterable[tuple[PersonId, OrganisationCode]], controllers: Iterable[OrganisationCode], quorum: int
) -> bool:
    """Whether these approvals, each given for one organisation, suffice."""
    standing: dict[PersonId, frozenset[OrganisationCode]] = {}
    for person, organisation in approvals:
        standing.setdefault(person, frozenset({organisation}))
    return attainable(standing, controllers, quorum)


def attainable(
    people: Mapping[PersonId, AbstractSet[OrganisationCode]], controllers: Iterable[OrganisationCode], quorum: int
) -> bool:
    """Whether people who could each stand for one of their organisations can fill every organisation and the quorum."""
    wanted = frozenset(controllers)
    able = {person: organisations & wanted for person, organisations in people.items() if organisations & wanted}
    if not wanted or len(able) < max(LEAST_QUORUM, quorum):
        return False
    filled: dict[OrganisationCode, PersonId] = {}
    return all(_fill(organisation, able, filled, set()) for organisation in sorted(wanted))


def _fill(
    organisation: OrganisationCode,
    able: Mapping[PersonId, AbstractSet[OrganisationCode]],
    filled: dict[OrganisationCode, PersonId],
    tried: set[PersonId],
) -> bool:
    """Find somebody for `organisation`, moving others if need be (augmenting paths, Kuhn 1955)."""
    taken = {person: place for place, person in filled.items()}
    for person in sorted(able):
        if person in tried or organisation not in able[person]:
            continue
        tried.add(person)
        if person not in taken or _fill(taken[person], able, filled, tried):
            filled[organisation] = person
            return True
    return False
