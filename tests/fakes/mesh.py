"""What functions/mesh speaks to, in memory: a mailbox with the opt-out service behind it, an outbox, registers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from keyholder.opt_outs.mailbox import Correspondence, Envelope, Letter, MailboxError, MessageKind
from keyholder.opt_outs.outbox import Waiting
from keyholder.policy.choices import Choices, Stored
from keyholder.policy.opt_outs import ERROR_LINE, cleaned_list, job_created, read_request_list
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.registers import OptOutRegister, Register

SERVICE = "X26HC999"
OURS = "X26KH0001"
CORRESPONDENCE = Correspondence(OURS, SERVICE, "SPINE_NTT_UPHOLDING", frozenset({SERVICE}))


@dataclass
class FakeMailbox:
    """`Mailbox`. `fails` is raised by the calls it names; `log` has every call in order."""

    inbox: dict[str, tuple[Envelope, bytes]] = field(default_factory=dict)
    sent: list[Letter] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    fails: dict[str, MailboxError] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    gone_meanwhile: set[str] = field(default_factory=set)
    """Of several chunks, the first is there and another is not any more."""
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))
    page: int = 500

    def handshake(self) -> None:
        self._call("handshake")

    def send(self, letter: Letter) -> str:
        self._call("send")
        self.sent.append(letter)
        return self._id()

    def waiting(self) -> Sequence[str]:
        self._call("waiting")
        return list(self.inbox)

    @contextmanager
    def open(self, message_id: str) -> Iterator[FakeMessage | None]:
        self._call(f"open {message_id}")
        yield None if message_id in self.gone else FakeMessage(self, message_id)

    def acknowledge(self, message_id: str) -> None:
        self._call(f"acknowledge {message_id}")
        del self.inbox[message_id]

    # -- what others send -----------------------------------------------------------------------------------------

    def deliver(self, body: bytes, local_id: str, **other: object) -> str:
        """A message of the service, or with `other` of somebody else."""
        name = self._id()
        usual = Envelope(name, MessageKind.DATA, CORRESPONDENCE.workflow, SERVICE, local_id, "")
        self.inbox[name] = replace(usual, **other), body  # type: ignore[arg-type]
        return name

    def report(self, letter: Letter, **other: object) -> str:
        """MESH could not deliver a letter."""
        return self.deliver(b"", letter.local_id, kind=MessageKind.REPORT, sender="", **other)

    def answer(self, letter: Letter, opted_out: Set[str] = frozenset(), *, created: bool = True) -> str:
        """What the service answers to a letter: that it has begun, then the cleaned list."""
        asked = read_request_list(letter.body)
        assert not isinstance(asked, int)
        if created:
            self.deliver(job_created(letter.local_id), letter.local_id)
        return self.deliver(cleaned_list(sorted(asked), opted_out), letter.local_id)

    def refuse(self, letter: Letter) -> str:
        """The service found a number it calls invalid."""
        return self.deliver(ERROR_LINE, letter.local_id)

    def _call(self, what: str) -> None:
        self.log.append(what)
        fault = self.fails.get(what.partition(" ")[0])
        if fault is not None:
            raise fault

    def _id(self) -> str:
        return f"MSG{next(iter(self.numbers)):017d}"


@dataclass
class FakeMessage:
    """`Message`."""

    mailbox: FakeMailbox
    message_id: str

    @property
    def envelope(self) -> Envelope:
        return self.mailbox.inbox[self.message_id][0]

    def body(self) -> bytes | None:
        self.mailbox._call(f"body {self.message_id}")
        return None if self.message_id in self.mailbox.gone_meanwhile else self.mailbox.inbox[self.message_id][1]


@dataclass
class MemoryOutbox:
    """`Outbox`. `clock` dates what is put."""

    clock: Callable[[], datetime]
    lists: dict[str, tuple[frozenset[str], datetime]] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)

    def put(self, list_id: str, numbers: Set[str]) -> None:
        self.lists[list_id] = frozenset(numbers), self.clock()
        self.ever.add(list_id)

    def waiting(self) -> Sequence[Waiting]:
        return [Waiting(name, since) for name, (_, since) in sorted(self.lists.items())]

    def read(self, list_id: str) -> frozenset[str] | None:
        return self.lists[list_id][0] if list_id in self.lists else None

    def remove(self, list_id: str) -> None:
        self.lists.pop(list_id, None)


class CutShortError(Exception):
    """The process ended here."""


@dataclass
class MemoryOptOuts:
    """`OptOutStore`. `dies` names the calls at which the process ends, before or after they are done."""

    kept: dict[str, bytes] = field(default_factory=dict)
    dies_before: set[str] = field(default_factory=set)
    dies_after: set[str] = field(default_factory=set)

    def keep(self, register_id: str, register: Register) -> Stored:
        self._at(f"keep {register_id.partition('.')[2]}", self.dies_before)
        body = register.to_bytes()
        stored = self.kept.setdefault(register_id, body) == body
        self._at(f"keep {register_id.partition('.')[2]}", self.dies_after)
        return Stored.STORED if stored else Stored.EXISTS

    def listed(self, kind: RegisterKind, limit: int) -> Sequence[str]:
        assert kind is RegisterKind.OPT_OUTS
        return sorted(self.kept, reverse=True)[:limit]

    def opt_out_register(self, register_id: str) -> OptOutRegister | None:
        return OptOutRegister.parse(self.kept[register_id]) if register_id in self.kept else None

    def remove_opt_outs(self, register_id: str) -> None:
        self._at(f"remove {register_id.partition('.')[2]}", self.dies_before)
        self.kept.pop(register_id, None)

    def choices(self) -> Choices:
        """As a release reads them."""
        return Choices(opt_outs=tuple(OptOutRegister.parse(self.kept[name]) for name in sorted(self.kept)[::-1]))

    def _at(self, call: str, where: set[str]) -> None:
        if call in where:
            where.discard(call)
            raise CutShortError
