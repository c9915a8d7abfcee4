"""The demonstration: the main job done for real, over HTTPS, by people with real tokens. Every claim is checked."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pyrage

from infra.embedded.demo import cast, proof, selection
from infra.embedded.demo.cast import DOMAIN, OTHER_DOMAIN, Cast
from infra.embedded.demo.data import OTHER_PROJECT, PROJECT, Files, World
from infra.embedded.demo.selection import Row
from infra.embedded.demo.telling import NotAsToldError, Telling, claim
from infra.embedded.stack import EmbeddedStack
from infra.routes import Function
from keyholder.canonical import JsonObject
from keyholder.client import PseudonymisedRow, Refused, ReleasedItem, ReleaseResult, RequestView
from keyholder.client.extract import Tally, columns_of, output_columns, pseudonymised
from keyholder.client.spreadsheets import Sheet, private_bytes_path, private_file, write_rows
from keyholder.client.type_1 import Type1File
from keyholder.collection.report import CollectionReport
from keyholder.collection.rules import GP_DATA_COLLECTION
from keyholder.collection.screen import Screen
from keyholder.registry.people import APPROVING
from keyholder.vocabulary import IdentifierType, Role

FILE_WANTED = {"nhs_number": "linkage", "date_of_birth": "validation", "date_of_death": "follow_up"}
FILE_KINDS = tuple(IdentifierType(kind) for kind in FILE_WANTED)
INLINE_WANTED = {"nhs_number": "contact", "date_of_birth": "validation"}
INLINE_KINDS = tuple(IdentifierType(kind) for kind in INLINE_WANTED)
BATCH = 5_000
READABLE = 0o644
"""For files that name nobody."""
CHECKS_WITHIN_SECONDS = 40.0
NOTICES_WITHIN_SECONDS = 60.0

WHY_FILE = (
    "The study links asthma admissions to the national registry of deaths, which is keyed by NHS number; the date of "
    "birth confirms each link, the date of death is the outcome that is studied."
)
WHY_INLINE = (
    "A finding of the study matters to the treatment of these consenting patients, whose practice will be told."
)
WHY_TOO_MUCH = (
    "All identifiers would be good to have at hand in case they turn out to be useful for the study later on."
)


@dataclass(slots=True)
class Memory:
    """What later steps need of earlier ones."""

    tally: Tally = field(default_factory=Tally)
    rows: tuple[Row, ...] = field(default=(), repr=False)
    foreign_token: str = field(default="", repr=False)
    file_rows: tuple[Row, ...] = field(default=(), repr=False)
    with_consent: tuple[Row, ...] = field(default=(), repr=False)
    without_consent: tuple[Row, ...] = field(default=(), repr=False)
    file_request: str = ""
    inline_request: str = ""
    rejected_request: str = ""
    released: int = 0
    withheld: int = 0
    events: int = 0


class Story:
    """The eight steps, in order; each raises `NotAsToldError` when something is not as it is told."""

    def __init__(self, stack: EmbeddedStack, world: World, files: Files, telling: Telling, seed: int) -> None:
        self.stack = stack
        self.cast = Cast(stack)
        self.world = world
        self.files = files
        self.telling = telling
        self.seed = seed
        self.memory = Memory()
        self.identity = pyrage.x25519.Identity.generate()

    def tell(self) -> JsonObject:
        """All of it; the answer is the content of `summary.json`."""
        telling = self.telling
        with telling.step("register", "1. An operator registers people, a project and a domain"):
            self.register()
        with telling.step("pseudonymise", "2. A provider pseudonymises an extract"):
            self.pseudonymise()
        with telling.step("choices", "3. The operator loads what patients have chosen"):
            self.load_choices()
        with telling.step("request", "4. A researcher asks, and says why"):
            self.ask()
        with telling.step("decide", "5. The checks run, the controllers decide"):
            self.decide()
        with telling.step("release", "6. The researcher releases"):
            self.release()
        with telling.step("audit", "7. An auditor looks, asks and proves"):
            ledger, self.memory.events = proof.audit(self)
        with telling.step("challenge", "8. What must not work does not"):
            proof.challenge(self)
        self._write("openapi.json", self.cast["researcher"].openapi())
        return {
            "pseudonymised": self.memory.tally.written,
            "dropped_type1": self.memory.tally.dropped_type_1,
            "requested": len(self.memory.file_rows),
            "released": self.memory.released,
            "withheld": self.memory.withheld,
            "events": self.memory.events,
            "ledger_size": ledger.size,
            "ledger_root": ledger.root,
            "ledger_verified": True,
            "tamper_detected": True,
            "fail_closed": True,
        }

    def notices(self, subject: str) -> int:
        """How many mails have gone out once one says this; the engine keeps them. A sweep is not waited for."""
        stack, deadline = self.stack, time.monotonic() + NOTICES_WITHIN_SECONDS
        stack.admin("lambda").invoke(FunctionName=stack.deployed.functions[Function.SWEEPER], Payload=b"{}")
        while time.monotonic() < deadline:
            told = stack.messages()
            if any(one.subject.startswith(subject) for one in told):
                return len(told)
            time.sleep(0.5)
        claim(holds=False, words=f"somebody is told: {subject}")
        raise AssertionError

    # 1

    def register(self) -> None:
        operator = self.cast["operator"]
        people = {who.key: operator.add_person(cast.person_body(who)) for who in cast.registered()}
        deciding = [who for who in cast.registered() if who.role in APPROVING]
        for who in deciding:
            confirmed = self.cast["second-operator"].confirm_roles(people[who.key], [(who.role, who.organisation)])
            claim(confirmed.get("awaiting") == [], "a role that decides counts once a second person has confirmed it")
        for who in cast.registered():
            if who.role is Role.RESEARCHER or who.role in APPROVING:
                self.accept_terms(who.key)
        for key in cast.TOLD:
            operator.set_contact(people[key], f"{key}@keyholder.localhost")
        # A domain first: a project names the domains it may ask from.
        for domain in (DOMAIN, OTHER_DOMAIN):
            keys = operator.add_domain(cast.domain_body(domain)).get("keys")
            claim(isinstance(keys, Mapping) and set(keys) == set(IdentifierType), "a key for each identifier type")
        # Some people consented to another study only: consents to a project that nobody registered are refused.
        for name in (OTHER_PROJECT, PROJECT):
            project = operator.add_project(cast.project_body(people, name))
        self.telling.say(f"{len(people)} people are registered by a hash of who their issuer says they are.")
        self.telling.say(
            f"A second operator confirms the {len(deciding)} who decide. Who asks or decides accepts terms."
        )
        self.telling.say(f"Domain {DOMAIN}: controllers RX1 and X26, five keys wrapped by KMS. Project {project}.")

    def accept_terms(self, key: str) -> None:
        """A persona accepts the terms in force."""
        someone = self.cast[key]
        for terms in someone.terms():
            document, version, sha256 = terms.get("document"), terms.get("version"), terms.get("sha256")
            if not isinstance(document, str) or not isinstance(version, int) or not isinstance(sha256, str):
                raise NotAsToldError("the terms in force have a version and a hash")
            claim(someone.accept_terms(document, version, sha256).get("current"), "terms that are accepted count")

    # 2

    def pseudonymise(self) -> None:
        provider, memory = self.cast["provider"], self.memory
        opt_outs = Type1File.parse(self.files.type_1_at_collection.read_bytes())
        count = len(self.world.practice.patients)
        with (
            self.files.extract.open(encoding="utf-8", newline="") as clear,
            private_file(self.files.pseudonymised) as target,
            self.telling.progress("Pseudonymising", count) as advance,
        ):
            sheet = Sheet.read(clear)

            def send(
                rows: Sequence[tuple[str, Mapping[str, str]]], report: CollectionReport
            ) -> Sequence[PseudonymisedRow]:
                answers = provider.pseudonymise(DOMAIN, rows, report)
                advance(len(rows))
                return answers

            columns = columns_of(sheet.header, GP_DATA_COLLECTION)
            screen = Screen(GP_DATA_COLLECTION, cast.today(), partial(opt_outs.state, today=cast.today()))
            rows = pseudonymised(sheet.rows, columns, screen, send, memory.tally, batch_rows=BATCH)
            write_rows(target, output_columns(columns), rows)
        tally = memory.tally
        claim(tally.read == count, "the whole extract was read")
        claim(tally.dropped_type_1 == len(self.world.practice.opted_out_of_the_extract), "Type 1 opt-outs are dropped")
        claim(tally.written == count - tally.dropped_type_1 and not tally.faults, "everybody else is pseudonymised")
        self._refuse_identifiers_in(self.files.pseudonymised.read_text(encoding="utf-8"))
        memory.rows = selection.read(self.files.pseudonymised, self.world)
        elsewhere = provider.pseudonymise(OTHER_DOMAIN, [("1", {"nhs_number": self.world.in_extract[0].nhs_number})])
        memory.foreign_token = elsewhere[0].pseudonyms["nhs_number"]
        self.telling.say(
            f"{tally.dropped_type_1} of {count} patients have a Type 1 opt-out: they never left the practice."
        )
        self.telling.say(f"{tally.written} rows now have codes for five identifiers: {self.files.pseudonymised.name}.")

    def _refuse_identifiers_in(self, text: str) -> None:
        cells = set(text.replace("\n", ",").split(","))
        found = [patient for patient in self.world.practice.patients if patient.nhs_number in cells]
        claim(not found, "no NHS number is in the pseudonymised file")

    # 3

    def load_choices(self) -> None:
        operator = self.cast["operator"]
        operator.load_opt_outs(
            {
                "requested": self.files.asked_of_mesh.read_text(encoding="ascii"),
                "reply": self.files.answered_by_mesh.read_text(encoding="ascii"),
                "performed_at": cast.now(),
                "mode": "direct",
                "source": "MESH",
            }
        )
        events = self.files.type_1_now.read_text(encoding="ascii")
        operator.load_type_1({"rows": events, "as_at": cast.now(), "source": "A81001"})
        consents = self.files.consents.read_text(encoding="utf-8")
        operator.load_consents({"resources": consents, "source": "breath-study"})
        chosen = self.world.practice
        national = sum(patient.nhs_number in chosen.national_opt_outs for patient in self.world.in_extract)
        self.telling.say(
            f"{national} national data opt-outs (cleaned list of the MESH service), {len(chosen.opted_out_since)} "
            f"new Type 1 opt-outs, {consents.count(chr(10))} consents. Kept as keyed digests, never as NHS numbers."
        )

    # 4

    def ask(self) -> None:
        memory, world = self.memory, self.world
        memory.file_rows = selection.for_the_file(memory.rows, self.seed)
        memory.with_consent, memory.without_consent = selection.for_the_answer(memory.rows, world, self.seed)
        body = self._body(memory.file_rows, FILE_WANTED, "s251_reg5", "file", WHY_FILE)
        self._write("request.json", body)
        with private_file(self.files.folder / "recipient.key") as key:
            key.write(f"{self.identity}\n")
        memory.file_request = self.submitted(body).id
        small = self._body(
            (*memory.with_consent, *memory.without_consent), INLINE_WANTED, "explicit_consent", "inline", WHY_INLINE
        )
        bad = selection.bad_records(memory.rows[0], memory.foreign_token)
        memory.inline_request = self.submitted(_with_records(small, bad)).id
        everything = {kind.value: "derivation" for kind in IdentifierType}
        greedy = self._body(memory.rows[:200], everything, "s251_reg5", "file", WHY_TOO_MUCH)
        memory.rejected_request = self.submitted(greedy).id
        self.telling.say(
            f"Three requests: {len(memory.file_rows)} people under section 251 as an encrypted file; "
            f"{len(memory.with_consent) + len(memory.without_consent)} by consent and 3 bad codes, in the answer;"
        )
        self.telling.say(
            "and one for every identifier of 200 people. Each is frozen: its hash is what will be approved."
        )

    def _body(
        self, rows: Sequence[Row], wanted: Mapping[str, str], legal_basis: str, delivery: str, justification: str
    ) -> JsonObject:
        kinds = [IdentifierType(kind) for kind in wanted]
        return cast.request_body(
            [row.record(kinds) for row in rows],
            str(self.identity.to_public()),
            legal_basis=legal_basis,
            delivery=delivery,
            wanted=wanted,
            justification=justification,
        )

    def inline_request(self, rows: Sequence[Row]) -> JsonObject:
        """A request under section 251 for these people, to be answered at once."""
        return self._body(rows, INLINE_WANTED, "s251_reg5", "inline", WHY_FILE)

    def small_request(self) -> JsonObject:
        """A request by consent for a few people, for a test of what must not work."""
        return self._body(self.memory.with_consent[:3], INLINE_WANTED, "explicit_consent", "inline", WHY_INLINE)

    def submitted(self, body: JsonObject) -> RequestView:
        """A new request of the researcher's, submitted."""
        researcher = self.cast["researcher"]
        draft = researcher.new_request(body)
        claim(draft.state == "draft", "a new request is a draft")
        return researcher.submit(draft.id, draft.etag)

    # 5

    def checked(self, request_id: str) -> RequestView:
        """The request once its checks have run and it waits for the controllers."""
        deadline = time.monotonic() + CHECKS_WITHIN_SECONDS
        while time.monotonic() < deadline:
            view = self.cast["researcher"].request(request_id)
            if view.state != "submitted":
                claim(view.state == "in_review", f"the checks pass (the request is {view.state})")
                return view
            time.sleep(0.2)
        claim(holds=False, words="the checks of a submitted request run")
        raise AssertionError

    def decide(self) -> None:
        memory, telling = self.memory, self.telling
        views = [self.checked(request) for request in (memory.file_request, memory.inline_request)]
        telling.say("The checks ran where identifiers can be read; only counts came out.")
        # Whoever decides is told while there is something to decide: a later notice would find it done.
        self.notices("A request waits for your decision")
        on_project = self.cast["controller-on-project"]
        seen = views[0]
        try:
            on_project.approve(seen.id, DOMAIN, _hash(seen), seen.etag)
        except Refused as refused:
            telling.say(f"A controller who is on the project tries to approve: 403 {refused.problem.code}.")
        else:
            claim(holds=False, words="a controller on the project can't approve")
        for view in views:
            self.approved(view.id)
        telling.say("One controller of RX1 and one of X26 approve the content hash of two requests.")
        greedy = self.checked(memory.rejected_request)
        greedy = self.cast["second-controller"].declare(greedy.id, greedy.etag, conflict=False)
        rejected = self.cast["second-controller"].reject(
            greedy.id,
            DOMAIN,
            _hash(greedy),
            greedy.etag,
            reason="more_than_needed",
            comment="Name the identifier types that the analysis needs, and why it needs each.",
        )
        claim(rejected.state == "rejected", "one rejection ends a request")
        telling.say("The third is rejected by one of them: more_than_needed.")
        count = self.notices("A request is approved")
        telling.say(f"{count} notices went out meanwhile: ids, states and times, and nothing of a patient.")

    def approved(self, request_id: str) -> RequestView:
        """Both controllers approve; the first approval alone changes nothing."""
        view = self.cast["researcher"].request(request_id)
        for key, expected in (("controller", "in_review"), ("second-controller", "approved")):
            controller = self.cast[key]
            view = controller.request(request_id)
            view = controller.declare(request_id, view.etag, conflict=False)
            view = controller.approve(request_id, DOMAIN, _hash(view), view.etag)
            claim(view.state == expected, f"after the approval of {key} the request is {expected}, not {view.state}")
        return view

    # 6

    def release(self) -> None:
        memory = self.memory
        inline = self._released(memory.inline_request)
        self._check_inline(inline.items)
        stored = self._released(memory.file_request)
        claim(stored.file is not None and not stored.items, "a file is announced and nothing is in the answer")
        encrypted = self.cast["researcher"].collect(memory.file_request, stored.release_id).content
        with private_bytes_path(self.files.folder / "result.csv.age") as partial_file:
            partial_file.write_bytes(encrypted)
        self._check_file(pyrage.decrypt(encrypted, [self.identity]).decode())
        self._write("result.json", {**inline.document, "file_release": stored.document}, private=True)
        self.telling.say(
            f"In the answer: {len(memory.with_consent)} people who consented; the others have a status only."
        )
        self.telling.say(
            f"As a file: {memory.released} rows released, {memory.withheld} withheld, encrypted to the recipient's "
            "key. Opened with it, every value is the practice's own."
        )

    def _released(self, request_id: str) -> ReleaseResult:
        researcher = self.cast["researcher"]
        view = researcher.request(request_id)
        return researcher.release(request_id, _hash(view), view.etag)

    def _check_inline(self, items: Sequence[ReleasedItem]) -> None:
        found = {item.row_id: item for item in items}
        asked = [*self.memory.with_consent, *self.memory.without_consent]
        bad = [selection.MALFORMED, selection.MISTYPED, selection.FOREIGN]
        claim([item.row_id for item in items] == [row.row_id for row in asked] + bad, "the order asked for is kept")
        for row in self.memory.with_consent:
            item = found[row.row_id]
            claim(item.status == "released", f"whoever consented is released (one is {item.status})")
            claim(dict(item.identifiers) == row.expected(INLINE_KINDS), "what is released is what the practice sent")
        kept_back = [found[row.row_id] for row in self.memory.without_consent] + [found[name] for name in bad]
        claim(not any(item.identifiers for item in kept_back), "nothing is said of the others")
        statuses = {name: found[name].status for name in bad}
        expected = {
            selection.MALFORMED: "malformed",
            selection.MISTYPED: "malformed",
            selection.FOREIGN: "not_available",
        }
        claim(statuses == expected, f"each bad code is one item with its status ({statuses})")
        others = {found[row.row_id].status for row in self.memory.without_consent}
        claim(others == {"not_available"}, "no consent, a withdrawn one and a foreign one look the same")

    def _check_file(self, text: str) -> None:
        rows = list(Sheet.read(io.StringIO(text)).rows)
        claim([row["row_id"] for row in rows] == [row.row_id for row in self.memory.file_rows], "every row, in order")
        choices = self.world.practice
        opted_out = choices.national_opt_outs | choices.opted_out_since
        for cells, row in zip(rows, self.memory.file_rows, strict=True):
            values = {kind.value: cells[kind.value] for kind in FILE_KINDS if cells[kind.value]}
            if row.patient.nhs_number in opted_out:
                claim(cells["status"] == "not_available" and not values, "who opted out is withheld")
                self.memory.withheld += 1
            else:
                claim(cells["status"] == "released" and values == row.expected(FILE_KINDS), "the rest is released")
                self.memory.released += 1
        claim(self.memory.withheld > 0, "somebody in the request had opted out")

    def _write(self, name: str, document: JsonObject, *, private: bool = False) -> None:
        path = self.files.folder / name
        with private_file(path) as file:
            json.dump(document, file, ensure_ascii=False, indent=1)
            file.write("\n")
        if not private:
            path.chmod(READABLE)


def _hash(view: RequestView) -> str:
    claim(view.content_hash, "a submitted request has a content hash")
    return view.content_hash or ""


def _with_records(body: JsonObject, more: Sequence[object]) -> JsonObject:
    document = json.loads(json.dumps(body))
    document["domains"][0]["records"] += more
    found: JsonObject = document
    return found
