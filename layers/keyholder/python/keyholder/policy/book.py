"""The policy over the ledger: the settings in force, and how they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from keyholder.ledger.log import EventLog
from keyholder.ledger.ports import Head
from keyholder.policy import decide_changes
from keyholder.policy.changes import SETTINGS, ChangeReason, PolicyEvent, PolicyState, fold_policy
from keyholder.policy.decide_changes import Situation
from keyholder.policy.settings import PolicyFacts
from keyholder.refusals import Refusal
from keyholder.registry.attempts import AttemptIds
from keyholder.registry.carrying_out import Call, CarryingOut, Entry, Task
from keyholder.registry.people import Person
from keyholder.registry.service import Registry
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.registry.terms import InForce


class PolicyBook:
    """Read for every decision, so that a change is in force for all functions at once.

    Every method may raise `LedgerUnavailableError`, and `UnknownEventError`, `FieldError` or `CapError` where the
    stream holds what this version can't read: nobody may decide then.
    """

    def __init__(
        self,
        log: EventLog,
        ids: AttemptIds,
        registry: Registry,
        sign_in: SignInRules | None = None,
        terms: InForce | None = None,
    ) -> None:
        self._log = log
        self._registry = registry
        self._sign_in = sign_in or SignInRules()
        self._terms = terms or {}
        self._commands = CarryingOut(log, ids, registry.person)

    def in_force(self) -> PolicyFacts:
        """The settings to decide under now."""
        return self.entry().value.facts

    def entry(self) -> Entry[PolicyState]:
        """The policy and its version: 0 as long as nobody changed it."""
        events = self._log.read(SETTINGS)
        return Entry(fold_policy(events), len(events))

    def propose(
        self, call: Call, change_id: str, facts: PolicyFacts, reason: ChangeReason, now: datetime
    ) -> Entry[PolicyState] | Refusal:
        """Propose settings, by an operator: the newest of `changes`."""
        return self._carry_out(
            call,
            "propose_policy_change",
            now,
            lambda here: decide_changes.propose(here, change_id, facts, reason),
        )

    def confirm(self, call: Call, change_id: str, sign_in: SignIn, now: datetime) -> Entry[PolicyState] | Refusal:
        """Put a proposal into force, by a controller or Caldicott Guardian who did not make it."""
        return self._carry_out(
            call,
            "confirm_policy_change",
            now,
            lambda here: decide_changes.confirm(here, change_id, sign_in, self._sign_in),
        )

    def withdraw(self, call: Call, change_id: str, now: datetime) -> Entry[PolicyState] | Refusal:
        """Take a proposal back, or stop it."""
        return self._carry_out(
            call, "withdraw_policy_change", now, lambda here: decide_changes.withdraw(here, change_id)
        )

    def _carry_out(
        self,
        call: Call,
        command: str,
        now: datetime,
        rule: Callable[[Situation], Sequence[PolicyEvent] | Refusal],
    ) -> Entry[PolicyState] | Refusal:
        def decided(acting: Person | None, state: PolicyState | None) -> Sequence[PolicyEvent] | Refusal:
            return rule(Situation(acting, state or PolicyState(), self._registry, now, self._terms))

        return self._commands.carry_out(call, Task(command, SETTINGS, fold_policy, decided, policy_head))


def policy_head(_state: PolicyState | None = None) -> Head:
    """Where the policy's stream is listed."""
    return Head(listings=("policies",))
