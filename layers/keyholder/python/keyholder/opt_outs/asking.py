"""Lists out of the outbox, into one request to the service, and to MESH; then the numbers are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keyholder.ledger.ports import Clock
from keyholder.opt_outs.book import CheckBook, OptOutStore, RegisterChangedError, asked_register, sha256_of
from keyholder.opt_outs.check_events import MOST_LISTS, Asked, Ended, EndReason, SendRefused, Sent
from keyholder.opt_outs.checks import Check, Stage
from keyholder.opt_outs.collecting import keep_failed
from keyholder.opt_outs.list_events import request_of
from keyholder.opt_outs.lists import asked_alone
from keyholder.opt_outs.mailbox import Correspondence, Letter, Mailbox, SendRefusedError
from keyholder.opt_outs.outbox import Outbox
from keyholder.policy.choices import Stored
from keyholder.policy.days import london_day
from keyholder.policy.digests import Digester
from keyholder.policy.opt_outs import request_list
from keyholder.policy.register_form import Header
from keyholder.policy.registers import OptOutRegister

MOST_PEOPLE = 100_000
"""On one list: what one NHS trust's own front end to the service takes at once (GSTT)."""

ASK_EVERY = timedelta(hours=1)
"""Lists wait for each other so long, so that a list seldom tells whose request it was for, and answers stay few."""

SUBJECT = "Check for national data opt-outs"
SOURCE = "mesh"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Lists that are asked about together, and everybody on them."""

    lists: tuple[str, ...]
    numbers: frozenset[str] = field(repr=False)


@dataclass(slots=True)
class Asking:
    """Asks for one round. Raises what the ledger, the stores, the key service and MESH raise; the next round goes on
    where this one stopped."""

    book: CheckBook
    store: OptOutStore
    outbox: Outbox
    mailbox: Mailbox
    correspondence: Correspondence
    digester: Callable[[], Digester]
    new_id: Callable[[], str]
    clock: Clock
    checks: dict[str, Check]
    """Those of the last weeks by id; kept up to date."""

    def run(self) -> int:
        """Send what was asked for and not sent, then what waits; how many lists MESH took."""
        sent = sum(self._send(check) for check in list(self.checks.values()) if check.stage is Stage.ASKED)
        self._clear()
        if self._asked_lately():
            return sent
        for bundle in self._bundles():
            check = self._ask(bundle)
            sent += check is not None and self._send(check)
        return sent

    def _clear(self) -> None:
        """Lists of checks that were sent, or will not be, are gone at the latest now."""
        over = {name for check in self.checks.values() if check.stage is not Stage.ASKED for name in check.lists}
        for waiting in self.outbox.waiting():
            if waiting.list_id in over:
                self.outbox.remove(waiting.list_id)

    def _asked_lately(self) -> bool:
        newest = max((check.asked_at for check in self.checks.values()), default=None)
        return newest is not None and self.clock.now() - newest < ASK_EVERY

    def _bundles(self) -> Iterator[Bundle]:
        """What waits, put together up to the most people; requests that spoilt a list before are asked alone."""
        begun = {name for check in self.checks.values() for name in check.lists}
        together: list[str] = []
        people: frozenset[str] = frozenset()
        for name in [waiting.list_id for waiting in self.outbox.waiting()]:
            numbers = None if name in begun else self.outbox.read(name)
            if not numbers:
                continue
            if asked_alone(request_of(name), self.checks.values()):
                yield Bundle((name,), numbers)
                continue
            if together and (len(people | numbers) > MOST_PEOPLE or len(together) == MOST_LISTS):
                yield Bundle(tuple(together), people)
                together, people = [], frozenset()
            together.append(name)
            people |= numbers
        if together:
            yield Bundle(tuple(together), people)

    def _ask(self, bundle: Bundle) -> Check | None:
        """A new check, in the ledger; None where nobody is left to ask about."""
        now = self.clock.now()
        register = self._register(bundle.numbers, now)
        if not len(register):
            return None
        event = Asked(len(register), bundle.lists, london_day(now), sha256_of(register))
        check = self.book.record(self.new_id(), None, event, now)
        self.checks[check.id] = check
        return check

    def _send(self, check: Check) -> bool:
        """Whether MESH took the list. One that was cut short may be sent twice; the second answer is a duplicate."""
        numbers = self._numbers(check.lists)
        now = self.clock.now()
        if numbers is None:
            ended = self._note(check, Ended(EndReason.LISTS_GONE), now)
            keep_failed(self.store, ended, now)
            return False
        register = self._register(numbers, check.asked_at)
        if sha256_of(register) != check.asked_sha256:
            raise RegisterChangedError
        if self.store.keep(asked_register(check.id), register) is not Stored.STORED:
            raise RegisterChangedError
        try:
            message = self.mailbox.send(self._letter(check, numbers))
        except SendRefusedError as refused:
            if check.refused is not refused.fault:
                self._note(check, SendRefused(refused.fault), now)
            return False
        self._note(check, Sent(message), self.clock.now())
        for name in check.lists:
            self.outbox.remove(name)
        return True

    def _numbers(self, lists: Sequence[str]) -> frozenset[str] | None:
        """Everybody on these lists; None where one of them is gone."""
        people: frozenset[str] = frozenset()
        for name in lists:
            numbers = self.outbox.read(name)
            if numbers is None:
                return None
            people |= numbers
        return people

    def _register(self, numbers: frozenset[str], made_at: datetime) -> OptOutRegister:
        header = Header(made_at, london_day(made_at), f"{SOURCE}:{self.correspondence.recipient}")
        return OptOutRegister.of_request(header, self._distinct(numbers), self.digester())

    def _distinct(self, numbers: frozenset[str]) -> list[str]:
        """Without those who share their digest with another: of them, an answer could clear the wrong one. One pair in
        ten thousand registers of everybody in England; they have no check, and are held back."""
        people = sorted(numbers)
        digests = tuple(self.digester().digests(people))
        shared = Counter(digests)
        return [number for number, digest in zip(people, digests, strict=True) if shared[digest] == 1]

    def _letter(self, check: Check, numbers: frozenset[str]) -> Letter:
        same_day = [one for one in self.checks.values() if one.performed_on == check.performed_on]
        number = 1 + sum((one.asked_at, one.id) < (check.asked_at, check.id) for one in same_day)
        return Letter(
            local_id=check.id,
            file_name=self.correspondence.file_name(check.performed_on, number),
            subject=SUBJECT,
            body=request_list(self._distinct(numbers)),
        )

    def _note(self, check: Check, event: Ended | SendRefused | Sent, now: datetime) -> Check:
        after = self.book.record(check.id, check, event, now)
        self.checks[check.id] = after
        return after
