"""Agreements and translations for a ledger with a story in it (`tests.kept_ledger`), by the people of its world."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from keyholder.ledger.log import EventLog
from keyholder.linkage.agreement import LinkageEndReason
from keyholder.linkage.decide import Wanted, Yes
from keyholder.linkage.events import Translated
from keyholder.linkage.service import Linkage
from keyholder.linkage.terms import Covers, Terms
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.service import Call, Entry, Registry
from keyholder.registry.sign_in import SignIn
from keyholder.registry.terms import InForce
from keyholder.vocabulary import DomainId, IdentifierType, Role
from tests.fakes.ledger import ManualClock
from tests.unit.requests import world
from tests.unit.requests.world import BOTH, GP, HOSPITAL, NADIA, NILS, OPERATOR, TARA, TRUST, CountedIds

THEO = world.person("theo", (Role.CONTROLLER, TRUST))
CARRIER = world.person("carrier", (Role.PROVIDER, TRUST), kind=PersonKind.MACHINE)
NUMBER = IdentifierType.NHS_NUMBER
AGREEMENTS = tuple(f"LNK-{number:026}" for number in range(1, 4))
YES: tuple[tuple[Person, DomainId], ...] = ((NILS, GP), (BOTH, GP), (TARA, HOSPITAL), (THEO, HOSPITAL))


def linked(log: EventLog, registry: Registry, clock: ManualClock, terms_of_use: InForce) -> None:
    """One agreement that is used and ended, one that is refused, one that is left open."""
    linkage = Linkage(log, registry, CountedIds(), lambda _now: lambda _terms: None, terms=terms_of_use)
    done: list[object] = []
    for who in (THEO, CARRIER):
        entry = registry.register_person(Call(OPERATOR.id, f"new-{who.id[-4:]}"), who)
        assert isinstance(entry, Entry), entry
        clock.moment += timedelta(seconds=1)
        world.confirm(registry, entry.value, clock.now())
    for document in terms_of_use.values():
        accepting = Call(THEO.id, f"accepts-{document.document}", sign_in=SignIn("AAL2", clock.now()))
        done.append(registry.accept_terms(accepting, document, clock.now()))
    done.append(registry.make_keys(Call(OPERATOR.id, "hospital keys"), HOSPITAL, ((NUMBER, 1),)))
    terms = Terms(
        GP, HOSPITAL, (NUMBER,), Covers.EVERYBODY, Purpose.PLANNING_COMMISSIONING, LegalBasis.STATUTORY_DIRECTION,
        None, TRUST, 100, clock.now().date() + timedelta(days=90),
    )  # fmt: skip

    def call(who: Person, what: str) -> Call:
        clock.moment += timedelta(minutes=1)
        return Call(who.id, f"{what}-{who.id[-4:]}")

    def sign_in() -> SignIn:
        return SignIn("AAL2", clock.now())

    for name in AGREEMENTS:
        done.append(linkage.propose(call(NADIA, "propose"), sign_in(), name, terms, clock.now()))
        if name != AGREEMENTS[0]:
            continue
        for who, domain in YES:
            yes = Yes(domain, terms.hash(), organisation=TRUST if who is BOTH else None)
            done.append(linkage.approve(call(who, "approve"), sign_in(), name, yes, clock.now()))
        for number, rows in (("T1", 60), ("T2", 40)):
            done.append(
                linkage.authorise(call(CARRIER, "ask"), name, Wanted(number, rows, {NUMBER: rows}), clock.now())
            )
            cells = {NUMBER: {"translated": rows - 1, "not_available": 1}}
            outcome = Translated(terms, number, cells, {"PSEUDONYM_UNKNOWN": 1}, {NUMBER: 1})
            done.append(linkage.finish(call(CARRIER, "made"), name, outcome, clock.now()))
        done.append(linkage.end(call(NILS, "end"), name, LinkageEndReason.NO_LONGER_NEEDED, clock.now()))
    done.append(linkage.end(call(TARA, "refuse"), AGREEMENTS[1], LinkageEndReason.TERMS_TOO_WIDE, clock.now()))
    # Who is here for this alone leaves again: elsewhere in the story a quorum gets lost for want of people.
    done.append(registry.change_person(call(OPERATOR, "leaves"), replace(THEO, disabled=True)))
    assert all(isinstance(one, Entry) for one in done), done
