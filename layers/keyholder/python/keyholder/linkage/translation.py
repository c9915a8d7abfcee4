"""One call of translation from leave to hand-over: in the ledger before a key is used, and before a pseudonym is given.

The call that is repeated with the same Idempotency-Key goes on where it was cut short; it counts once, and it is
answered only as long as the agreement still stands and the answer is the one that the ledger has counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from keyholder.linkage import refusals
from keyholder.linkage.agreement import Agreement
from keyholder.linkage.decide import Parties, Wanted, usable
from keyholder.linkage.events import Translated
from keyholder.linkage.people import DigestKeys, RegisteredPeople, registered_people
from keyholder.linkage.policy_view import requests_of
from keyholder.linkage.service import Linkage
from keyholder.linkage.terms import Covers, Terms
from keyholder.linkage.translating import TranslatedRow, Translation, Translator
from keyholder.policy.choices import ChoiceStore
from keyholder.policy.settings import PolicyFacts
from keyholder.pseudonyms.key_ring import KeyRing, OpenedKeys
from keyholder.pseudonyms.rekeying import TokenRow
from keyholder.refusals import Refusal
from keyholder.registry.carrying_out import Call
from keyholder.registry.people import Person
from keyholder.vocabulary import DomainId, IdentifierType


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be translated under which agreement. `id` is the translation's, if the call was not made before."""

    id: str
    agreement_id: str
    rows: Sequence[TokenRow] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """The rows in order, with pseudonyms of `domain`."""

    domain: DomainId
    rows: Sequence[TranslatedRow]


@dataclass(frozen=True, slots=True)
class Translating:
    """The work of one function. May raise `LedgerUnavailableError`, and what keys and registers raise."""

    linkage: Linkage
    ring: KeyRing
    keys: DigestKeys
    choices: ChoiceStore
    policy: Callable[[], PolicyFacts]
    """The settings in force, read anew for each column."""

    def translate(self, call: Call, job: Job, person: Person | None, now: datetime) -> Done | Refusal:
        """The rows in order, or which rule said no; every refusal is in the ledger before it is returned."""
        authorised = self.linkage.authorise(call, job.agreement_id, _wanted(job), now)
        if isinstance(authorised, Refusal):
            return authorised
        first = replace(job, id=authorised.value.unfinished[-1][0])
        entry = self.linkage.entry(job.agreement_id)
        agreement = entry.value if entry is not None else authorised.value
        parties = self.linkage.parties(agreement)
        refusal = usable(person, agreement, parties, now)
        if refusal is not None:
            return self.linkage.refuse(call, job.agreement_id, refusal)
        return self._translated(call, first, agreement, parties, now)

    def _translated(
        self, call: Call, job: Job, agreement: Agreement, parties: Parties, now: datetime
    ) -> Done | Refusal:
        both = parties.both(agreement.terms)
        if both is None:
            raise LookupError("an agreement's domain is not registered")
        terms = agreement.terms
        with registered_people(self.keys, self.choices, terms.project, now) as people, OpenedKeys(self.ring) as keys:
            asked = requests_of(terms, *both, parties.project)
            translator = Translator(terms, *both, asked, self.policy(), people, now)
            done = translator.translate(job.rows, keys)
            outcome = Translated(terms, job.id, done.counts(), done.withheld, done.key_versions)
            refusal = self._written(call, job, agreement, outcome, now)
            if refusal is not None:
                return refusal
            _keep(people, terms, job.id, done)
        return Done(terms.to_domain, done.rows)

    def _written(
        self, call: Call, job: Job, agreement: Agreement, outcome: Translated, now: datetime
    ) -> Refusal | None:
        """None once the ledger has the outcome; for a call that was answered before, if it is the same one."""
        if outcome.translation in dict(agreement.unfinished):
            written = self.linkage.finish(call, job.agreement_id, outcome, now)
            return written if isinstance(written, Refusal) else None
        if self.linkage.outcome(job.agreement_id, outcome.translation) == outcome.new_event().data:
            return None
        return self.linkage.refuse(call, job.agreement_id, refusals.CHOICES_CHANGED)


def _wanted(job: Job) -> Wanted:
    tokens: Counter[IdentifierType] = Counter(kind for row in job.rows for kind in row.pseudonyms)
    distinct = len({row.row_id for row in job.rows}) == len(job.rows)
    return Wanted(job.id, len(job.rows), tokens, distinct)


def _keep(people: RegisteredPeople, terms: Terms, translation: str, done: Translation) -> None:
    """Where everybody is covered, the target domain takes their rows over as if it had pseudonymised them itself.

    Otherwise nothing is kept: what was translated can be released there as far as the domain's own extracts go.
    """
    if terms.covers is Covers.EVERYBODY:
        lone = IdentifierType.NHS_NUMBER in terms.identifier_types
        people.keep(terms.to_domain, translation, done.identifiers, lone_numbers=lone)
