"""Rules about consents that are withdrawn after an approval."""

from __future__ import annotations

from keyholder.policy.vocabulary import LegalBasis
from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.commands import RecordConsentFall
from keyholder.requests.guards.guard import Guard


def _on_consent(case: Case) -> Refusal | None:
    return None if case.summary.legal_basis == LegalBasis.EXPLICIT_CONSENT else reasons.NOT_ON_CONSENT


def _more_withdrawn(case: Case) -> Refusal | None:
    more = case.of(RecordConsentFall).people > case.state.consents_withdrawn
    return None if more else reasons.CONSENTS_AS_KNOWN


ON_CONSENT = Guard("rests on the consent of each person", _on_consent)
MORE_WITHDRAWN = Guard("more people have withdrawn than is known", _more_withdrawn)
