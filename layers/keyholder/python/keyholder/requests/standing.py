"""What somebody is to Keyholder at this moment, and what they lack for the steps that matter (`/v1/me`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.policy.days import london_day
from keyholder.refusals import Refusal
from keyholder.registry.people import APPROVING, Person, person_view
from keyholder.registry.sign_in import SignInRules
from keyholder.registry.terms import TERMS_NOT_ACCEPTED, Document, InForce, current, terms_json
from keyholder.requests.actors import PersonActor
from keyholder.requests.commands import CommandName
from keyholder.requests.reasons import NOT_ACCREDITED, ROLE_NOT_CONFIRMED
from keyholder.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Missing:
    """What keeps somebody from a step."""

    command: CommandName
    refusal: Refusal


def missing(actor: PersonActor, rules: SignInRules, terms: InForce, now: datetime) -> Iterator[Missing]:
    """Everything that lies in the person and not in a request, for each step their roles would let them take."""
    person, weak = actor.person, rules.refused(actor.sign_in, now)
    if person.has(Role.RESEARCHER):
        if not person.accredited_on(london_day(now)):
            yield Missing(CommandName.SUBMIT, NOT_ACCREDITED)
        if not current(person.terms, Document.REQUESTER, terms):
            yield Missing(CommandName.SUBMIT, TERMS_NOT_ACCEPTED)
        if weak:
            yield Missing(CommandName.SUBMIT, weak)
        to_release = rules.refused(actor.sign_in, now, releasing=True)
        if to_release:
            yield Missing(CommandName.RELEASE, to_release)
    if person.awaiting:
        yield Missing(CommandName.APPROVE, ROLE_NOT_CONFIRMED)
    if any(held.role in APPROVING for held in person.memberships()):
        if not current(person.terms, Document.APPROVER, terms):
            yield Missing(CommandName.APPROVE, TERMS_NOT_ACCEPTED)
        if weak:
            yield Missing(CommandName.APPROVE, weak)


def may(actor: PersonActor, rules: SignInRules, terms: InForce, now: datetime) -> tuple[CommandName, ...]:
    """The steps that matter which their roles would let them take, and nothing in the person keeps them from."""
    person = actor.person
    asks = (CommandName.SUBMIT, CommandName.RELEASE) if person.has(Role.RESEARCHER) else ()
    decides = any(held.role in APPROVING for held in person.memberships())
    barred = {one.command for one in missing(actor, rules, terms, now)}
    # A role that waits for its second person keeps nobody from deciding in one that counts already.
    if decides and not _kept_from_deciding(actor, rules, terms, now):
        barred -= {CommandName.APPROVE}
    return tuple(step for step in (*asks, *((CommandName.APPROVE,) if decides else ())) if step not in barred)


def _kept_from_deciding(actor: PersonActor, rules: SignInRules, terms: InForce, now: datetime) -> bool:
    weak = rules.refused(actor.sign_in, now) is not None
    return weak or not current(actor.person.terms, Document.APPROVER, terms)


def standing_view(actor: PersonActor, rules: SignInRules, terms: InForce, now: datetime) -> JsonObject:
    """Roles and organisations, terms, accreditation, sign-in, and what is missing, ready for JSON."""
    person, sign_in = actor.person, actor.sign_in
    view = {name: value for name, value in person_view(person).items() if name != "terms"}
    return {
        **view,
        "organisations": sorted({held.organisation for held in person.memberships()}),
        "accredited": person.accredited_on(london_day(now)),
        "terms": [terms_state(person, document, terms) for document in terms],
        "sign_in": {
            "acr": sign_in.acr if sign_in.acr in rules.assurance else None,
            "at": rfc3339(sign_in.at) if sign_in.at.year > 1 else None,
            "strong": rules.refused(sign_in, now) is None,
            "strong_enough_to_release": rules.refused(sign_in, now, releasing=True) is None,
            "good_until": rfc3339(sign_in.at + rules.within) if sign_in.at.year > 1 else None,
        },
        "missing": [
            {"command": one.command.value, "code": one.refusal.code, "advice": one.refusal.advice}
            for one in missing(actor, rules, terms, now)
        ],
        "may": [step.value for step in may(actor, rules, terms, now)],
    }


def terms_state(person: Person, document: Document, in_force: InForce) -> JsonObject:
    """One text in force, and whether this person has accepted it. Raises `KeyError` where none is in force."""
    last = person.terms.get(document)
    return {
        **terms_json(in_force[document]),
        "accepted_version": last.terms.version if last else None,
        "accepted_at": rfc3339(last.at) if last else None,
        "current": current(person.terms, document, in_force),
    }
