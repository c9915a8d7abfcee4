"""Jobs of providers, decided again: who ran them for which domain, and that their counts are possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from keyholder.audit.records import Records
from keyholder.audit.replaying import RuleError
from keyholder.ledger.event import Event
from keyholder.pseudonyms.rekeying import RekeyStatus, entitled
from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain
from keyholder.registry.fields import Fields
from keyholder.registry.projects import DOMAIN
from keyholder.vocabulary import DomainId, IdentifierType, PersonId, StreamId

MOST_ROWS = 5_000
"""Rows of one call."""


class RekeyingRules:
    """Re-keyings, each one event in a stream of its own."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._seen: set[StreamId] = set()

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError` or `FieldError` unless this could happen now."""
        if len(events) != 1 or stream in self._seen:
            raise RuleError("no command makes these events together")
        self._seen.add(stream)
        fields = Fields(events[0].data)
        name = DomainId(fields.text("domain", DOMAIN))
        rows = fields.number("rows", 1, MOST_ROWS)
        tokens = {IdentifierType(kind): counts for kind, counts in _tokens(fields).items()}
        versions = {IdentifierType(kind): version for kind, version in fields.counts("key_versions").items()}
        fields.end()
        if not tokens or any(not 0 < sum(counts.values()) <= rows for counts in tokens.values()):
            raise RuleError("a re-keying's counts are not those of its rows")
        refusal: Refusal | None = None
        for person, domain in product(
            tuple(self._records.people.around(PersonId(events[0].actor), events[0].at)) or (None,),
            tuple(self._records.domains.around(name, events[0].at)) or (None,),
        ):
            refused = entitled(person, domain, tokens)
            if refused is None and domain is not None and versions == _made_with(domain, tokens):
                return
            refusal = refusal or refused
        raise RuleError(f"could not happen: {refusal.code}" if refusal else "does not follow from its command")


def _tokens(fields: Fields) -> Mapping[str, Mapping[RekeyStatus, int]]:
    inner = fields.inner("tokens")
    found = {kind: inner.counts(kind) for kind in inner.names()}
    return {kind: {RekeyStatus(status): count for status, count in counts.items()} for kind, counts in found.items()}


def _made_with(domain: Domain, kinds: Mapping[IdentifierType, object]) -> Mapping[IdentifierType, int]:
    return {kind: version for kind, version in domain.active_versions().items() if kind in kinds}
