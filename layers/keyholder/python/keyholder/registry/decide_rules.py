"""Who may change a domain's rules: pure decisions.

An operator proposes, and the domain's own people confirm: one of them where every rule gets stricter, else as many and
of the same kinds as it takes to release. So nothing that protects a release is taken away by fewer people than a
release takes, and no organisation loses its say without its own agreement. Any one of them, or an operator, may stop
it.
"""

from __future__ import annotations

from collections.abc import Mapping

from keyholder.canonical import JsonObject
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.decide import NOT_AN_OPERATOR, NOT_REGISTERED, operates, rules_refused
from keyholder.registry.decide_keys import PROPOSER_NO_OPERATOR
from keyholder.registry.decide_people import Moment
from keyholder.registry.domains import QUORUM_TOO_SMALL, Domain, quorum_too_small
from keyholder.registry.events import KeysMade
from keyholder.registry.factors import ROLES, Standing, standings
from keyholder.registry.fields import FieldError, Fields
from keyholder.registry.key_changes import ChangeState
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.registry.quorum import Able, met
from keyholder.registry.rule_changes import RuleChange, RuleChangeReason, open_rule_changes
from keyholder.registry.rule_events import RuleChangeConfirmed, RuleChangeProposed, RuleChangeWithdrawn, RulesChanged
from keyholder.registry.rules import Rules, changed, loosened, read_rules, rules_json
from keyholder.vocabulary import PersonId

NOTHING_CHANGES = Refusal(
    "NOTHING_CHANGES", RefusalKind.INVALID, "Name at least one rule with another value than it has; read the domain."
)
SCHEME_FIXED = Refusal(
    "SCHEME_FIXED",
    RefusalKind.INVALID,
    "Choose schemes for types the domain did not have: another one would make the pseudonyms there are unreadable.",
    "/schemes",
)
RULES_UNATTAINABLE = Refusal(
    "RULES_UNATTAINABLE",
    RefusalKind.CONFLICT,
    "Too few people could approve under these rules: have more of them registered, and confirmed, first.",
)
RULE_CHANGE_OPEN = Refusal(
    "RULE_CHANGE_OPEN",
    RefusalKind.CONFLICT,
    "Another change of this domain's rules waits: its people confirm it, or an operator or one of them withdraws it.",
)
RULE_CHANGE_UNKNOWN = Refusal(
    "RULE_CHANGE_UNKNOWN", RefusalKind.NOT_FOUND, "Read the domain: it lists the changes that wait for its people."
)
NOT_THIS_DOMAIN_S = Refusal(
    "NOT_THIS_DOMAIN_S",
    RefusalKind.FORBIDDEN,
    "Only who decides for an organisation that controls the domain now confirms its rules; ask one of them.",
)
OWN_RULE_CHANGE = Refusal(
    "OWN_RULE_CHANGE", RefusalKind.FORBIDDEN, "Ask somebody else to confirm; nobody confirms their own proposal."
)
NEWLY_ADMITTED = Refusal(
    "NEWLY_ADMITTED",
    RefusalKind.FORBIDDEN,
    "Who came to decide for the domain after a change was proposed doesn't confirm it; those who did before can.",
)
ALREADY_CONFIRMED = Refusal(
    "ALREADY_CONFIRMED", RefusalKind.CONFLICT, "You have confirmed it; the domain says who else has to."
)
RULE_CHANGE_CLOSED = Refusal(
    "RULE_CHANGE_CLOSED", RefusalKind.CONFLICT, "It was confirmed or withdrawn; propose it again if it is still needed."
)
RULE_CHANGE_EXPIRED = Refusal(
    "RULE_CHANGE_EXPIRED", RefusalKind.CONFLICT, "It was not confirmed within seven days; propose it again."
)
REFUSALS = (
    NOTHING_CHANGES,
    SCHEME_FIXED,
    RULES_UNATTAINABLE,
    RULE_CHANGE_OPEN,
    RULE_CHANGE_UNKNOWN,
    NOT_THIS_DOMAIN_S,
    OWN_RULE_CHANGE,
    NEWLY_ADMITTED,
    ALREADY_CONFIRMED,
    RULE_CHANGE_CLOSED,
    RULE_CHANGE_EXPIRED,
)

FIRST_KEY = 1
Confirmed = tuple[RuleChangeConfirmed | RulesChanged | KeysMade, ...]


def wished(domain: Domain, wanted: JsonObject) -> Rules | Refusal:
    """All rules as they would be if these fields had these values. What is not named stays as it is."""
    if quorum_too_small(wanted.get("quorum")):
        return QUORUM_TOO_SMALL
    try:
        return read_rules(Fields({**rules_json(domain.rules()), **wanted}))
    except FieldError as error:
        return error.refusal()


def propose(
    acting: Person | None,
    domain: Domain | None,
    proposal: tuple[str, JsonObject, RuleChangeReason],
    moment: Moment,
    candidates: tuple[Person, ...] | None = None,
) -> tuple[RuleChangeProposed, ...] | Refusal:
    """Other rules, by an operator: the proposal's id, the fields to change, why. Nothing changes before others agree.

    `candidates` are those who could approve under the new rules; without them it is not asked whether enough could.
    """
    if not operates(acting):
        return NOT_AN_OPERATOR
    if domain is None:
        return NOT_REGISTERED
    if moment.weak_sign_in is not None:
        return moment.weak_sign_in
    change_id, wanted, reason = proposal
    rules = wished(domain, wanted)
    if isinstance(rules, Refusal):
        return rules
    refused = _not_proposable(domain, rules, moment, candidates)
    before = domain.rules()
    return refused or (RuleChangeProposed(change_id, rules, changed(before, rules), loosened(before, rules), reason),)


def _not_proposable(
    domain: Domain, rules: Rules, moment: Moment, candidates: tuple[Person, ...] | None
) -> Refusal | None:
    ruled = domain.ruled_by(rules)
    refused = rules_refused(ruled)
    if refused is not None:
        return refused
    if not changed(domain.rules(), rules):
        return NOTHING_CHANGES
    if any(domain.scheme(kind) is not ruled.scheme(kind) for kind in ruled.identifier_types if domain.keys.get(kind)):
        return SCHEME_FIXED
    if open_rule_changes(domain.rule_changes, moment.now):
        return RULE_CHANGE_OPEN
    able = None if candidates is None else _able(candidates, ruled)
    return None if able is None or met(able, rules.needs()) else RULES_UNATTAINABLE


def confirm(acting: Person | None, domain: Domain | None, change_id: str, moment: Moment) -> Confirmed | Refusal:
    """Agree to a proposal, by one of those who decide for the domain as it is now. `moment` looks up the others.

    An empty tuple says that it was carried out before: there is nothing to decide, and the keys can be made to follow.
    """
    found = _found(acting, domain, change_id)
    if isinstance(found, Refusal):
        return found
    known, change, confirmer = found
    refused = _not_theirs(known, change, confirmer)
    if refused is None and change.closed is ChangeState.CONFIRMED:
        return ()
    refused = refused or moment.weak_sign_in or _not_confirmable(known, change, confirmer, moment)
    return refused or _agreed(known, change, confirmer, moment)


def _agreed(domain: Domain, change: RuleChange, confirmer: Person, moment: Moment) -> Confirmed:
    if not _enough(domain, change, confirmer, moment):
        return (RuleChangeConfirmed(change.id, complete=False),)
    new = tuple((kind, FIRST_KEY) for kind in domain.ruled_by(change.rules).types_without_keys())
    changes = (RuleChangeConfirmed(change.id, complete=True), RulesChanged(change.id, change.rules))
    return (*changes, KeysMade(new)) if new else changes


def _not_theirs(domain: Domain, change: RuleChange, confirmer: Person) -> Refusal | None:
    if not standings(confirmer, domain.controllers):
        return NOT_THIS_DOMAIN_S
    return OWN_RULE_CHANGE if confirmer.id == change.proposed_by else None


def _not_confirmable(domain: Domain, change: RuleChange, confirmer: Person, moment: Moment) -> Refusal | None:
    refused = _not_open(change, moment)
    if refused is not None:
        return refused
    if confirmer.id in change.confirmed_by:
        return ALREADY_CONFIRMED
    if not operates(moment.person(change.proposed_by)):
        return PROPOSER_NO_OPERATOR
    return None if _parts_before(confirmer, domain, change) else NEWLY_ADMITTED


def _enough(domain: Domain, change: RuleChange, confirmer: Person, moment: Moment) -> bool:
    """Whether these are all whom it takes: anyone of them for what is stricter only, else a release's own quorum."""
    if not change.loosens:
        return True
    others = [moment.person(person) for person in change.confirmed_by]
    people = [confirmer, *(one for one in others if one is not None and not one.disabled)]
    return met({one.id: _parts_before(one, domain, change) for one in people}, domain.needs())


def _parts_before(person: Person, domain: Domain, change: RuleChange) -> frozenset[Standing]:
    """The parts somebody could take for the domain when the change was proposed, and still can."""
    return frozenset(
        (factor, organisation)
        for factor, organisation in standings(person, domain.controllers)
        if (grant := person.grants.get(Membership(ROLES[factor], organisation))) is not None
        and grant.since is not None
        and grant.since <= change.proposed_at
    )


def _able(people: tuple[Person, ...], domain: Domain) -> Able:
    able: Mapping[PersonId, frozenset[Standing]] = {
        person.id: standings(person, domain.controllers)
        for person in people
        if not person.disabled and person.kind is PersonKind.HUMAN
    }
    return able


def withdraw(
    acting: Person | None, domain: Domain | None, change_id: str, moment: Moment
) -> tuple[RuleChangeWithdrawn, ...] | Refusal:
    """Take a proposal back, or refuse it: any operator may, and any one who decides for the domain."""
    found = _found(acting, domain, change_id)
    if isinstance(found, Refusal):
        return found
    known, change, stopping = found
    if not operates(stopping) and not standings(stopping, known.controllers):
        return NOT_THIS_DOMAIN_S
    return _not_open(change, moment) or (RuleChangeWithdrawn(change.id),)


def _found(acting: Person | None, domain: Domain | None, change_id: str) -> tuple[Domain, RuleChange, Person] | Refusal:
    if acting is None or acting.disabled or acting.kind is not PersonKind.HUMAN:
        return NOT_THIS_DOMAIN_S
    if domain is None:
        return NOT_REGISTERED
    change = domain.rule_change(change_id)
    return RULE_CHANGE_UNKNOWN if change is None else (domain, change, acting)


def _not_open(change: RuleChange, moment: Moment) -> Refusal | None:
    state = change.state(moment.now)
    if state is ChangeState.EXPIRED:
        return RULE_CHANGE_EXPIRED
    return None if state is ChangeState.OPEN else RULE_CHANGE_CLOSED
