"""Did everything in a ledger happen by the rules? Each step is decided again, by the code that decided it then.

From a step's events follows the command that must have made them; from the ledger before it, who acted, the request,
the project and the domains. `requests.decide` and `registry.decide` are asked again, and must answer with these very
events. So a release is there only with its approvals: distinct people, as many as every domain asks for, on that
content, none of them ever on the project, within the window and the retrievals, not revoked, after its checks.

What the ledger does not hold is supposed to have been right: the strength of a sign-in, and the policy's answer, of
which only the hash of its rules is there. That hash must be of settings that were in force then.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from keyholder.audit import auditor, contact_rules, emergency_rules, opt_out_rules, reading_rules
from keyholder.audit.delegation_rules import DelegationRules
from keyholder.audit.extract_rules import ExtractRules
from keyholder.audit.job_rules import RekeyingRules
from keyholder.audit.linkage_rules import LinkageRules
from keyholder.audit.policy_rules import PolicyRules
from keyholder.audit.reading_rules import ReadingRules
from keyholder.audit.rebuild_rules import RebuildRules
from keyholder.audit.records import Records
from keyholder.audit.registry_rules import RegistryRules
from keyholder.audit.replaying import RuleError
from keyholder.audit.request_rules import RequestRules
from keyholder.audit.standing_rules import StandingRules
from keyholder.audit.text_rules import TextRules
from keyholder.extracts.events import EVENTS as EXTRACT_EVENTS
from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch
from keyholder.ledger.verification import BrokenLedgerError, Fault
from keyholder.linkage import events as linkage
from keyholder.policy import changes as policy
from keyholder.pseudonyms.rekeying import PSEUDONYMS_REKEYED
from keyholder.rebuilding.events import BEGAN, FINISHED, KIND
from keyholder.registry import delegation_events as delegation
from keyholder.registry import events as registry
from keyholder.registry import people_events as people
from keyholder.registry import rule_events as rules
from keyholder.registry.service import BOOTSTRAP
from keyholder.requests.actors import Limits
from keyholder.requests.codec import EVENTS
from keyholder.requests.erasing import erasures
from keyholder.standing import events as standing
from keyholder.vocabulary import ActorId, RequestId, StreamId

_HOME = {
    people.PERSON_REGISTERED: "person",
    people.PERSON_CHANGED: "person",
    people.PERSON_ROLES_CONFIRMED: "person",
    people.PERSON_TERMS_ACCEPTED: "person",
    registry.PROJECT_REGISTERED: "project",
    registry.PROJECT_CHANGED: "project",
    registry.DOMAIN_REGISTERED: "domain",
    registry.DOMAIN_KEYS_MADE: "domain",
    registry.DOMAIN_KEY_CHANGED: "domain",
    registry.DOMAIN_KEYS_FOLLOWED: "domain",
    registry.KEY_CHANGE_PROPOSED: "domain",
    registry.KEY_CHANGE_CONFIRMED: "domain",
    registry.KEY_CHANGE_WITHDRAWN: "domain",
    rules.RULE_CHANGE_PROPOSED: "domain",
    rules.RULE_CHANGE_CONFIRMED: "domain",
    rules.RULE_CHANGE_WITHDRAWN: "domain",
    rules.DOMAIN_RULES_CHANGED: "domain",
    registry.BOOTSTRAP_USED: "registry",
    PSEUDONYMS_REKEYED: "rekeying",
    **opt_out_rules.HOME,
    **contact_rules.HOME,
    **emergency_rules.HOME,
    **reading_rules.HOME,
    BEGAN: KIND,
    FINISHED: KIND,
    policy.CHANGE_PROPOSED: "policy",
    policy.CHANGE_CONFIRMED: "policy",
    policy.CHANGE_WITHDRAWN: "policy",
    **dict.fromkeys(linkage.TYPES, "linkage"),
    **dict.fromkeys(standing.TYPES, standing.KIND),
    **dict.fromkeys(delegation.TYPES, delegation.KIND),
    **dict.fromkeys(EVENTS, "request"),
    **dict.fromkeys(erasures.TYPES, erasures.TEXTS),
    **dict.fromkeys(EXTRACT_EVENTS, "extract"),
}
"""The kind of stream that each event that is decided again belongs to: in another it would bind nobody."""
_KINDS = frozenset(_HOME.values())


class Rules:
    """A `ledger.verification.Inspector` of a ledger that is being verified."""

    def __init__(self, limits: Limits | None = None) -> None:
        records = Records()
        self._requests = RequestRules(records, limits)
        self._registry = RegistryRules(records)
        self._rekeyings = RekeyingRules(records)
        self._extracts = ExtractRules(records)
        self._opt_outs = opt_out_rules.OptOutRules(records)
        self._contacts = contact_rules.ContactRules(records)
        self._emergencies = emergency_rules.EmergencyRules(records)
        self._readings = ReadingRules(records)
        self._rebuilds = RebuildRules()
        self._policy = PolicyRules(records)
        self._linkage = LinkageRules(records)
        self._standing = StandingRules(records)
        self._texts = TextRules(records)
        self._delegations = DelegationRules(records)

    def saw(self, key: str, batch: Batch, events: Sequence[Event]) -> None:
        """The next batch. Raises `BrokenLedgerError` at the first event that could not have happened."""
        index = batch.start
        for stream, group in groupby(events, key=_step):
            step = list(group)
            try:
                self._step(stream[0], step)
            except (ValueError, TypeError, LookupError, ArithmeticError) as cause:
                # What nobody could have decided on also breaks the rules' own code, in many ways.
                what = str(cause) if isinstance(cause, RuleError) else "could not be decided on"
                where = f"leaf {index} ({step[0].type})"
                raise BrokenLedgerError(key, f"{where}: {what}", Fault.RULE) from cause
            index += len(step)
        self._rebuilds.saw(batch)

    def end(self, _size: int) -> None:
        """Nothing comes after this."""

    def _step(self, stream: StreamId, events: Sequence[Event]) -> None:  # noqa: C901, PLR0912 - one case a kind of stream
        kind = stream.partition("/")[0]
        for event in events:
            if _HOME.get(event.type, kind) != kind or (kind in _KINDS and event.type not in _HOME):
                raise RuleError("an event stands in a stream of another kind")
        if kind == "request":
            self._requests.step(stream, events)
            request = RequestId(stream.partition("/")[2])
            newest = self._requests.newest(stream)
            self._opt_outs.saw_request(request, newest, events[-1].at)
            self._texts.saw_request(request, newest, events)
        elif kind in opt_out_rules.KINDS:
            self._opt_outs.step(stream, events)
        elif kind in ("person", "project", "domain") or stream == BOOTSTRAP:
            self._registry.step(stream, events)
        elif kind == "emergency":
            self._emergencies.step(stream, events)
        elif kind == "contact":
            self._contacts.step(stream, events)
        elif kind == "rekeying":
            self._rekeyings.step(stream, events)
        elif kind == "extract":
            self._extracts.step(stream, events)
        elif kind == auditor.KIND:
            self._readings.step(events)
        elif kind == KIND:
            self._rebuilds.step(stream, events)
        elif kind == "policy":
            self._policy.step(stream, events)
        elif kind == "linkage":
            self._linkage.step(stream, events)
        elif kind == standing.KIND:
            self._standing.step(stream, events)
        elif kind == delegation.KIND:
            self._delegations.step(stream, events)
        elif kind == erasures.TEXTS:
            self._texts.step(stream, events)


def _step(event: Event) -> tuple[StreamId, str, ActorId, str]:
    """What the events of one step have in common."""
    return event.stream, str(event.at), event.actor, event.trace
