"""Keyholder's API, one method a route. The routes and bodies are described at `/v1/openapi.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote, urlencode

from keyholder.canonical import JsonObject
from keyholder.client.answers import (
    Collected,
    Export,
    JournalObject,
    Page,
    PseudonymisedRow,
    Reader,
    Receipt,
    ReleaseResult,
    ReplacedRow,
    RequestView,
    SubjectSearch,
)
from keyholder.client.extract_answers import ExtractView, Measured
from keyholder.client.transport import DEFAULT_ATTEMPTS, Caller, HttpsTransport, Reply, Transport
from keyholder.collection.report import CollectionReport

Row = tuple[str, Mapping[str, str]]
"""A row's id and its clear identifiers, or its pseudonyms, by type."""


class Keyholder:
    """One person's access to one Keyholder.

    Every method raises `KeyholderError` (a subclass says what to do next) and `AnswerError` for an answer this client
    does not understand. A call is retried with its own Idempotency-Key where Keyholder says "later" or does not answer.
    """

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str],
        ca_bundle: str | None = None,
        *,
        transport: Transport | None = None,
        attempts: int = DEFAULT_ATTEMPTS,
    ) -> None:
        """Raises `ValueError` unless `base_url` starts with https://."""
        self._caller = Caller(base_url, token, transport or HttpsTransport(ca_bundle), attempts)

    def __repr__(self) -> str:
        return f"Keyholder({self._caller.base_url!r})"

    # Requests

    def new_request(self, body: JsonObject) -> RequestView:
        """A draft of the request that `body` describes."""
        return RequestView.parse(self._post("/v1/requests", body))

    def requests(self, *, advice: bool = False) -> Iterator[RequestView]:
        """The requests this person may see, page by page; with `advice` those that their advice was asked on."""
        for item in self._pages("/v1/requests", {"advice": "true"} if advice else {}):
            yield RequestView.read(Reader(item))

    def request(self, request_id: str) -> RequestView:
        """The request as it is now."""
        return RequestView.parse(self._get(_request(request_id)))

    def content(self, request_id: str) -> JsonObject:
        """What the request asks for, free text and pseudonyms included."""
        return Reader.of(self._get(f"{_request(request_id)}/content")).raw

    def conversation(self, request_id: str) -> Iterator[JsonObject]:
        """What was said about the request, in order, as far as the caller may know of it."""
        yield from self._pages(f"{_request(request_id)}/conversation", {})

    def reply(self, request_id: str, text: str, if_match: str, about: str | None = None) -> RequestView:
        """The requester's words to those who decide; `about` is the hash of the text they answer."""
        body: JsonObject = {"text": text, **({"about": about} if about else {})}
        return self._command(request_id, "reply", body, if_match)

    def nudge(self, request_id: str, if_match: str) -> RequestView:
        """Reminds those who decide that the requester waits."""
        return self._command(request_id, "nudge", {}, if_match)

    def report_outcome(self, request_id: str, report: JsonObject, if_match: str) -> RequestView:
        """What came of the releases, and that everything is destroyed; it closes the request. `report` is as the API
        takes it: `used`, `finding`, `destruction`, `destroyed_on` (a day), and perhaps `text`."""
        return self._command(request_id, "report-outcome", report, if_match)

    def receipts(self, request_id: str) -> Iterator[Receipt]:
        """Proof of the caller's own acts on a request, in order; for auditors of every event."""
        for item in self._pages(f"{_request(request_id)}/receipts", {}):
            yield Receipt.read(Reader(item))

    def save(self, request_id: str, body: JsonObject, if_match: str) -> RequestView:
        """Replaces a draft's content."""
        return self._command(request_id, "save", body, if_match)

    def request_file(self, request_id: str) -> JsonObject:
        """How the file of a draft stands; while it is awaited, where to upload it (`client.request_file`)."""
        return Reader.of(self._get(f"{_request(request_id)}/file")).raw

    def hand_in_file(self, request_id: str) -> RequestView:
        """Says that the declared file is uploaded, and has it read."""
        return RequestView.parse(self._post(f"{_request(request_id)}/hand-in-file", {}))

    def submit(self, request_id: str, if_match: str) -> RequestView:
        """Freezes the draft as a revision and has it checked."""
        return self._command(request_id, "submit", {}, if_match)

    def take_over(self, request_id: str, if_match: str) -> RequestView:
        """Goes on with what somebody who left the project was writing."""
        return self._command(request_id, "take-over", {}, if_match)

    def accept_conditions(self, request_id: str, conditions_hash: str, if_match: str) -> RequestView:
        """Accepts exactly the conditions that are offered."""
        return self._command(request_id, "accept-conditions", {"conditions_hash": conditions_hash}, if_match)

    def revisions(self, request_id: str) -> tuple[JsonObject, ...]:
        """Everything that was submitted of a request."""
        return tuple(one.raw for one in Reader.of(self._get(f"{_request(request_id)}/revisions")).objects("items"))

    def changes(self, request_id: str, before: int | None = None, after: int | None = None) -> JsonObject:
        """What changed between two revisions, the last two unless others are named."""
        named = {"before": before, "after": after}
        query = {name: str(number) for name, number in named.items() if number is not None}
        return Reader.of(self._get(f"{_request(request_id)}/changes", query)).raw

    def records(self, request_id: str, domain: str) -> Iterator[JsonObject]:
        """The records asked for from a domain, in order: row ids and pseudonyms."""
        yield from self._pages(f"{_request(request_id)}/records", {"domain": domain})

    def withdraw(self, request_id: str, if_match: str) -> RequestView:
        """Takes the request back."""
        return self._command(request_id, "withdraw", {}, if_match)

    def discard(self, request_id: str, if_match: str) -> RequestView:
        """Throws a draft away."""
        return self._command(request_id, "discard", {}, if_match)

    def me(self) -> JsonObject:
        """Who Keyholder takes the caller for: person id and memberships."""
        return Reader.of(self._get("/v1/me")).raw

    def terms(self) -> tuple[JsonObject, ...]:
        """The terms of use in force, each with its text, its hash, and whether the caller has accepted it."""
        return tuple(one.raw for one in Reader.of(self._get("/v1/terms")).objects("items"))

    def accept_terms(self, document: str, version: int, sha256: str) -> JsonObject:
        """Accepts a text for oneself: the version and hash that `terms` shows."""
        body: JsonObject = {"document": document, "version": version, "sha256": sha256}
        return Reader.of(self._post("/v1/terms/accept", body)).raw

    # Decisions

    def declare(self, request_id: str, if_match: str, *, conflict: bool) -> RequestView:
        """Says whether one has a conflict of interest. Without one, the texts open to a controller; with one, they step
        aside."""
        return self._command(request_id, "declare", {"conflict_of_interest": conflict}, if_match)

    def recuse(self, request_id: str, reason: str, if_match: str) -> RequestView:
        """Steps aside from a request, for good."""
        return self._command(request_id, "recuse", {"reason": reason}, if_match)

    def claim(self, request_id: str, domain: str, if_match: str) -> RequestView:
        """Tells the other controllers that one looks after a request."""
        return self._command(request_id, "claim", {"domain": domain}, if_match)

    def hand_back(self, request_id: str, domain: str, if_match: str) -> RequestView:
        """Tells them that one no longer does."""
        return self._command(request_id, "hand-back", {"domain": domain}, if_match)

    def comment(
        self, request_id: str, text: str, if_match: str, *, to_requester: bool, about: str | None = None
    ) -> RequestView:
        """Words to the others who decide, or to the requester."""
        audience = "requester" if to_requester else "internal"
        body: JsonObject = {"audience": audience, "text": text, **({"about": about} if about else {})}
        return self._command(request_id, "comment", body, if_match)

    def ask(self, request_id: str, person: str, question: str, if_match: str) -> RequestView:
        """Asks a named person (`person/…`) for advice."""
        return self._command(request_id, "ask", {"person": person, "question": question}, if_match)

    def advise(
        self, request_id: str, question: str, advice: str, if_match: str, *, text: str | None = None
    ) -> RequestView:
        """Answers a question, named by the hash of its text. It is never a vote."""
        body: JsonObject = {"question": question, "advice": advice, **({"text": text} if text else {})}
        return self._command(request_id, "advise", body, if_match)

    def approve(
        self,
        request_id: str,
        domain: str,
        content_hash: str,
        if_match: str,
        *,
        factor: str | None = None,
        organisation: str | None = None,
        narrowed: JsonObject | None = None,
        delegation: str | None = None,
    ) -> RequestView:
        """Approves exactly this content for one domain, and says again that there is no conflict of interest.

        `factor` and `organisation` say which place the approval fills, where the person could fill several. `narrowed`
        holds what makes it less: `until`, `identifier_types`, `records`, `conditions`, as the API describes them.
        `delegation` is the one under which it is given in somebody's place, here as with every decision.
        """
        body: JsonObject = {
            "domain": domain,
            "content_hash": content_hash,
            "no_conflict_of_interest": True,
            **({"factor": factor} if factor else {}),
            **({"organisation": organisation} if organisation else {}),
            **(narrowed or {}),
            **_in_place(delegation),
        }
        return self._command(request_id, "approve", body, if_match)

    def return_request(
        self,
        request_id: str,
        domain: str,
        content_hash: str,
        if_match: str,
        questions: Sequence[tuple[str, str]],
        *,
        delegation: str | None = None,
    ) -> RequestView:
        """Asks the author back: each question is what it is about, and its text. Every vote is void."""
        asked: list[JsonObject] = [{"about": about, "text": text} for about, text in questions]
        body: JsonObject = {"domain": domain, "content_hash": content_hash, "questions": asked, **_in_place(delegation)}
        return self._command(request_id, "return", body, if_match)

    def withdraw_vote(self, request_id: str, domain: str, content_hash: str, if_match: str) -> RequestView:
        """Takes one's own approval back, before the domain has decided."""
        return self._command(request_id, "withdraw-vote", {"domain": domain, "content_hash": content_hash}, if_match)

    def reject(
        self,
        request_id: str,
        domain: str,
        content_hash: str,
        if_match: str,
        *,
        reason: str,
        comment: str = "",
        delegation: str | None = None,
    ) -> RequestView:
        """Rejects for one domain, with a coded reason and words for the requester."""
        said = {"domain": domain, "content_hash": content_hash, "reason": reason, "comment": comment}
        return self._command(request_id, "reject", {**said, **_in_place(delegation)}, if_match)

    def revoke(self, request_id: str, reason: str, if_match: str, *, delegation: str | None = None) -> RequestView:
        """Stops an approved request."""
        return self._command(request_id, "revoke", {"reason": reason, **_in_place(delegation)}, if_match)

    def let_through(
        self, request_id: str, content_hash: str, if_match: str, *, delegation: str | None = None
    ) -> RequestView:
        """Lets a held request go above the volume limits that hold it, once."""
        body = {"content_hash": content_hash, **_in_place(delegation)}
        return self._command(request_id, "let-through", body, if_match)

    # Delegations

    def name_delegate(self, body: JsonObject) -> JsonObject:
        """Has somebody decide in the caller's place, once a second person has confirmed it."""
        return Reader.of(self._post("/v1/delegations", body)).raw

    def delegations(self, organisation: str | None = None) -> tuple[JsonObject, ...]:
        """The caller's own, on either side, or those of an organisation's roles."""
        query = {} if organisation is None else {"organisation": organisation}
        return tuple(one.raw for one in Reader.of(self._get("/v1/delegations", query)).objects("items"))

    def delegation(self, delegation_id: str) -> JsonObject:
        """One of them, and whether it is in force."""
        return Reader.of(self._get(_delegation(delegation_id))).raw

    def confirm_delegation(self, delegation_id: str) -> JsonObject:
        """Agrees to it as the second person."""
        return Reader.of(self._post(f"{_delegation(delegation_id)}/confirm", {})).raw

    def withdraw_delegation(self, delegation_id: str) -> JsonObject:
        """Ends it."""
        return Reader.of(self._post(f"{_delegation(delegation_id)}/withdraw", {})).raw

    # Release

    def release(
        self, request_id: str, content_hash: str, if_match: str, *, idempotency_key: str | None = None
    ) -> ReleaseResult:
        """Releases the approved content: items in the answer, a file to collect, or one that is being made."""
        path = f"{_request(request_id)}/release"
        reply = self._post(path, {"content_hash": content_hash}, if_match, idempotency_key)
        return ReleaseResult.parse(reply)

    def collect(self, request_id: str, release_id: str) -> Collected:
        """Collects a release's file, once."""
        return Collected.parse(self._post(f"{_request(request_id)}/collect", {"release_id": release_id}))

    # Pseudonyms

    def pseudonymise(
        self, domain: str, rows: Sequence[Row], collection: CollectionReport | None = None
    ) -> tuple[PseudonymisedRow, ...]:
        """Pseudonyms for up to 5,000 rows of clear identifiers; `collection` tells what was dropped before."""
        body: JsonObject = {"rows": [{"row_id": row_id, "identifiers": dict(cells)} for row_id, cells in rows]}
        if collection is not None:
            body = {**body, "collection": collection.json()}
        return PseudonymisedRow.parse(self._post(f"/v1/domains/{_quoted(domain)}/pseudonyms", body))

    def rekey(self, domain: str, rows: Sequence[Row]) -> tuple[ReplacedRow, ...]:
        """Up to 5,000 rows of pseudonyms, each brought to the newest key version of its type."""
        return ReplacedRow.parse(self._post(f"/v1/domains/{_quoted(domain)}/rekeyings", _token_rows(rows)))

    def announce_extract(self, domain: str, file: Measured, collection: CollectionReport | None = None) -> ExtractView:
        """Announces a CSV of up to 5,000,000 rows; the answer says where to upload it."""
        body: JsonObject = {
            "rows": file.rows,
            "bytes": file.size,
            "sha256": file.sha256,
            "columns": list(file.columns),
        }
        if collection is not None:
            body = {**body, "collection": collection.json()}
        return ExtractView.parse(self._post(f"/v1/domains/{_quoted(domain)}/extracts", body))

    def extract(self, extract_id: str) -> ExtractView:
        """How a large extract stands."""
        return ExtractView.parse(self._get(_extract(extract_id)))

    def start_extract(self, extract_id: str) -> ExtractView:
        """Says that it is uploaded."""
        return ExtractView.parse(self._post(f"{_extract(extract_id)}/start", {}))

    def collect_extract(self, extract_id: str) -> ExtractView:
        """Where the parts of the result can be downloaded for a quarter of an hour."""
        return ExtractView.parse(self._post(f"{_extract(extract_id)}/collect", {}))

    def discard_extract(self, extract_id: str) -> ExtractView:
        """Has everything of it erased."""
        return ExtractView.parse(self._post(f"{_extract(extract_id)}/discard", {}))

    # Standing approvals

    def ask_standing_approval(self, terms: JsonObject) -> JsonObject:
        """Puts bounds for many requests of a project before the controllers of every domain."""
        return Reader.of(self._post("/v1/standing-approvals", terms)).raw

    def standing_approval(self, standing_id: str) -> JsonObject:
        """A standing approval as it is now."""
        return Reader.of(self._get(_standing(standing_id))).raw

    def standing_approvals(self, *, domain: str | None = None, project: str | None = None) -> Iterator[JsonObject]:
        """Those of a domain, or of a project, that the caller may read."""
        named = {"domain": domain, "project": project}
        wanted = {name: value for name, value in named.items() if value is not None}
        yield from self._pages("/v1/standing-approvals", wanted)

    def approve_standing_approval(
        self,
        standing_id: str,
        domain: str,
        terms_hash: str,
        if_match: str,
        *,
        factor: str | None = None,
        organisation: str | None = None,
    ) -> JsonObject:
        """Approves exactly these bounds for one domain, and declares no conflict of interest."""
        body: JsonObject = {"domain": domain, "terms_hash": terms_hash, "no_conflict_of_interest": True}
        said = {"factor": factor, "organisation": organisation}
        body = {**body, **{name: value for name, value in said.items() if value is not None}}
        return Reader.of(self._post(f"{_standing(standing_id)}/approve", body, if_match)).raw

    def end_standing_approval(self, standing_id: str, reason: str, if_match: str) -> JsonObject:
        """Refuses or revokes it."""
        return Reader.of(self._post(f"{_standing(standing_id)}/end", {"reason": reason}, if_match)).raw

    def use_standing_approval(self, request_id: str, standing_id: str, if_match: str) -> RequestView:
        """Has a request approved, as it stands, by a standing approval that covers it."""
        return self._command(request_id, "use-standing-approval", {"standing_approval_id": standing_id}, if_match)

    # Linkage

    def propose_linkage(self, terms: JsonObject) -> JsonObject:
        """Puts the terms of a linkage agreement before the controllers of both domains."""
        return Reader.of(self._post("/v1/linkage-agreements", terms)).raw

    def linkage_agreement(self, agreement_id: str) -> JsonObject:
        """An agreement as it is now."""
        return Reader.of(self._get(_agreement(agreement_id))).raw

    def linkage_agreements(self, domain: str) -> Iterator[JsonObject]:
        """The agreements from a domain and to it that the caller may read."""
        yield from self._pages(f"/v1/domains/{_quoted(domain)}/linkage-agreements", {})

    def approve_linkage(
        self,
        agreement_id: str,
        domain: str,
        terms_hash: str,
        if_match: str,
        *,
        factor: str | None = None,
        organisation: str | None = None,
    ) -> JsonObject:
        """Approves exactly these terms for one of the two domains, and declares no conflict of interest."""
        body: JsonObject = {"domain": domain, "terms_hash": terms_hash, "no_conflict_of_interest": True}
        said = {"factor": factor, "organisation": organisation}
        body = {**body, **{name: value for name, value in said.items() if value is not None}}
        return Reader.of(self._post(f"{_agreement(agreement_id)}/approve", body, if_match)).raw

    def end_linkage(self, agreement_id: str, reason: str, if_match: str) -> JsonObject:
        """Refuses or ends an agreement."""
        return Reader.of(self._post(f"{_agreement(agreement_id)}/end", {"reason": reason}, if_match)).raw

    def translate(self, agreement_id: str, rows: Sequence[Row]) -> tuple[ReplacedRow, ...]:
        """Up to 5,000 rows of pseudonyms, translated for the agreement's target domain."""
        return ReplacedRow.parse(self._post(f"{_agreement(agreement_id)}/translations", _token_rows(rows)))

    # Audit

    def events(self, request: str | None = None, **conditions: str) -> Iterator[JsonObject]:
        """Events in the ledger's order, of one request or by `project`, `actor`, `domain`, `type`, `decision`, `since`,
        `until`, and all of them that are given. Complete up to the moment of the first page."""
        wanted = conditions if request is None else {"request": request, **conditions}
        yield from self._pages("/v1/audit/events", wanted)

    def event(self, index: str) -> JsonObject:
        """One event, its exact leaf and its proof."""
        return Reader.of(self._get(f"/v1/audit/events/{_quoted(index)}")).raw

    def consistency(self, first: int, second: int | None = None) -> JsonObject:
        """A proof that the ledger of `first` events is the beginning of that of `second`, or of the newest published.

        Its `proof` is to be verified with the older checkpoint as it was kept (`keyholder audit consistency`).
        """
        sizes = {"first": str(first), **({} if second is None else {"second": str(second)})}
        return Reader.of(self._get("/v1/audit/consistency", sizes)).raw

    def subject_search(self, nhs_number: str, reason: str, *, proof: bool = False) -> SubjectSearch:
        """Who re-identified this person? The question itself is logged, without the number.

        With `proof`, the whole ledger is verified and searched, and not its index.
        """
        body: JsonObject = {"nhs_number": nhs_number, "reason": reason, **({"proof": True} if proof else {})}
        return SubjectSearch.parse(self._post("/v1/audit/subject-searches", body))

    def export(self, form: str = "ledger", **conditions: str) -> Export:
        """Fixes what is exported: the whole ledger, or events as `ndjson`, `csv` or `fhir` by the conditions of
        `events`."""
        body: JsonObject = {} if form == "ledger" else {"format": form, "filter": conditions}
        return Export.parse(self._post("/v1/audit/exports", body))

    def export_objects(self, export_id: str, first: str | None = None) -> Iterator[JournalObject]:
        """Every object of an export, in order; one of events begins with its `first` cursor."""
        path, cursor = f"/v1/audit/exports/{_quoted(export_id)}/objects", first
        while True:
            items, cursor = JournalObject.parse(self._get(path, {} if cursor is None else {"cursor": cursor}))
            yield from items
            if cursor is None:
                return

    def report(self, quarter: str) -> JsonObject:
        """The report of a quarter, for example `2026-Q4`."""
        return Reader.of(self._get(f"/v1/audit/reports/{_quoted(quarter)}")).raw

    def volume_report(self, month: str) -> JsonObject:
        """What went above volume limits in a month, for example `2026-11`."""
        return Reader.of(self._get(f"/v1/audit/volume-reports/{_quoted(month)}")).raw

    # Emergency access

    def open_emergency_access(self, body: JsonObject) -> JsonObject:
        """Opens a few records at once for somebody's care: items, or an age file in base64 where a key is given."""
        return Reader.of(self._post("/v1/emergency-accesses", body)).raw

    def emergency_accesses(self, domain: str | None = None) -> JsonObject:
        """One's own, or those to a domain for whoever decides there."""
        return Reader.of(self._get("/v1/emergency-accesses", {} if domain is None else {"domain": domain})).raw

    def emergency_access(self, access_id: str) -> JsonObject:
        """One emergency access and how far its review is."""
        return Reader.of(self._get(f"/v1/emergency-accesses/{_quoted(access_id)}")).raw

    def review_emergency_access(self, access_id: str, finding: str) -> JsonObject:
        """Whether it was `justified` or `not_justified`, by somebody who decides for its domain."""
        return Reader.of(self._post(f"/v1/emergency-accesses/{_quoted(access_id)}/review", {"finding": finding})).raw

    # Registry

    def add_person(self, body: JsonObject) -> str:
        """Registers a person; the answer is their person id, `person/…`."""
        return Reader.of(self._post("/v1/people", body)).text("person_id")

    def add_project(self, body: JsonObject) -> str:
        """Registers a project."""
        return Reader.of(self._post("/v1/projects", body)).text("project_id")

    def add_domain(self, body: JsonObject) -> JsonObject:
        """Registers a domain and makes its keys."""
        return Reader.of(self._post("/v1/domains", body)).raw

    def person(self, person_id: str) -> JsonObject:
        """What is registered of a person, by their id with or without `person/`."""
        return Reader.of(self._get(f"/v1/people/{_quoted(person_id.removeprefix('person/'))}")).raw

    def confirm_roles(self, person_id: str, roles: Sequence[tuple[str, str]]) -> JsonObject:
        """Confirms roles that another person gave somebody: each a role and the organisation it is held for."""
        body: JsonObject = {"roles": [{"role": role, "organisation": organisation} for role, organisation in roles]}
        return Reader.of(self._post(f"/v1/people/{_quoted(person_id.removeprefix('person/'))}/confirm", body)).raw

    def set_contact(self, person_id: str, email: str) -> JsonObject:
        """Says where somebody is told. The address is never shown again."""
        return Reader.of(self._post(_contact(person_id), {"email": email})).raw

    def remove_contact(self, person_id: str) -> JsonObject:
        """Erases where somebody is told."""
        return Reader.of(self._post(f"{_contact(person_id)}/remove", {})).raw

    def contact(self, person_id: str) -> JsonObject:
        """Whether somebody can be told, since when and by whom that was set."""
        return Reader.of(self._get(_contact(person_id))).raw

    def project(self, project_id: str) -> JsonObject:
        """What is registered of a project."""
        return Reader.of(self._get(f"/v1/projects/{_quoted(project_id)}")).raw

    def domain(self, domain_id: str) -> JsonObject:
        """What is registered of a domain."""
        return Reader.of(self._get(f"/v1/domains/{_quoted(domain_id)}")).raw

    def propose_key_change(
        self, domain_id: str, change: str, identifier_types: Sequence[str], reason: str, versions: Sequence[int] = ()
    ) -> JsonObject:
        """Proposes to rotate keys, or to retire or destroy versions of them; the answer has the proposal's id."""
        body: JsonObject = {
            "change": change,
            "identifier_types": list(identifier_types),
            "versions": list(versions),
            "reason": reason,
        }
        return Reader.of(self._post(_key_changes(domain_id), body)).raw

    def confirm_key_change(self, domain_id: str, change_id: str) -> JsonObject:
        """Carries out what another operator proposed."""
        return Reader.of(self._post(f"{_key_changes(domain_id)}/{_quoted(change_id)}/confirm", {})).raw

    def withdraw_key_change(self, domain_id: str, change_id: str) -> JsonObject:
        """Takes a proposal back, or refuses it."""
        return Reader.of(self._post(f"{_key_changes(domain_id)}/{_quoted(change_id)}/withdraw", {})).raw

    def propose_rule_change(self, domain_id: str, reason: str, wanted: JsonObject) -> JsonObject:
        """Proposes other rules: `wanted` has the fields that change; the answer has the proposal's id."""
        return Reader.of(self._post(_rule_changes(domain_id), {**wanted, "reason": reason})).raw

    def confirm_rule_change(self, domain_id: str, change_id: str) -> JsonObject:
        """Agrees to a proposal, for a domain the caller decides for."""
        return Reader.of(self._post(f"{_rule_changes(domain_id)}/{_quoted(change_id)}/confirm", {})).raw

    def withdraw_rule_change(self, domain_id: str, change_id: str) -> JsonObject:
        """Takes a proposal back, or refuses it."""
        return Reader.of(self._post(f"{_rule_changes(domain_id)}/{_quoted(change_id)}/withdraw", {})).raw

    # Texts

    def texts(self, request_id: str) -> JsonObject:
        """Which texts a request has, and what becomes of each; never a word of any."""
        return Reader.of(self._get(f"{_request(request_id)}/texts")).raw

    def erase_text(self, request_id: str, text_sha256: str, reason: str) -> JsonObject:
        """Has a text erased, or proposes it where a decision rests on the text."""
        body: JsonObject = {"text_sha256": text_sha256, "reason": reason}
        return Reader.of(self._post(f"{_request(request_id)}/texts/erase", body)).raw

    def confirm_erasure(self, request_id: str, text_sha256: str) -> JsonObject:
        """Orders what another proposed. Nothing brings the words back."""
        return Reader.of(self._post(f"{_request(request_id)}/texts/confirm-erasure", {"text_sha256": text_sha256})).raw

    def withdraw_erasure(self, request_id: str, text_sha256: str) -> JsonObject:
        """Stops an erasure that was proposed."""
        return Reader.of(self._post(f"{_request(request_id)}/texts/withdraw-erasure", {"text_sha256": text_sha256})).raw

    # Policy

    def policy(self) -> JsonObject:
        """The policy's settings in force, and the change that waits."""
        return Reader.of(self._get("/v1/policy")).raw

    def policy_change(self, change_id: str) -> JsonObject:
        """A change of the settings: what differs, and the whole."""
        return Reader.of(self._get(f"{_POLICY_CHANGES}/{_quoted(change_id)}")).raw

    def propose_policy_change(self, settings: JsonObject, reason: str) -> JsonObject:
        """Proposes settings; the answer has the proposal's id."""
        return Reader.of(self._post(_POLICY_CHANGES, {"settings": settings, "reason": reason})).raw

    def confirm_policy_change(self, change_id: str) -> JsonObject:
        """Puts into force what an operator proposed."""
        return Reader.of(self._post(f"{_POLICY_CHANGES}/{_quoted(change_id)}/confirm", {})).raw

    def stop_policy_change(self, change_id: str) -> JsonObject:
        """Stops a proposal, on the controllers' side."""
        return Reader.of(self._post(f"{_POLICY_CHANGES}/{_quoted(change_id)}/stop", {})).raw

    def withdraw_policy_change(self, change_id: str) -> JsonObject:
        """Takes a proposal back, as an operator."""
        return Reader.of(self._post(f"{_POLICY_CHANGES}/{_quoted(change_id)}/withdraw", {})).raw

    # Choices

    def load_opt_outs(self, body: JsonObject) -> JsonObject:
        """Loads a reply of the Check for National Data Opt-outs service."""
        return Reader.of(self._post("/v1/choices/national-data-opt-outs", body)).raw

    def opt_out_checks(self) -> tuple[JsonObject, ...]:
        """The checks of the last three weeks, newest first: how far each is, and until when it can be used."""
        reply = Reader.of(self._get("/v1/choices/national-data-opt-outs"))
        return tuple(item.raw for item in reply.objects("items"))

    def load_type_1(self, body: JsonObject) -> JsonObject:
        """Loads Type 1 events (`rows`: CSV), with everybody whose record was read."""
        return Reader.of(self._post("/v1/choices/type-1-events", body)).raw

    def load_consents(self, body: JsonObject) -> JsonObject:
        """Loads FHIR Consents (`resources`: NDJSON)."""
        return Reader.of(self._post("/v1/choices/consents", body)).raw

    def withdraw_consent(self, body: JsonObject) -> JsonObject:
        """Withdraws one person's consent for a project, from a day on."""
        return Reader.of(self._post("/v1/choices/consents/withdrawals", body)).raw

    def consents(self, project_id: str) -> JsonObject:
        """The consents held for a project as they stand today, without whose they are."""
        return Reader.of(self._get(f"/v1/choices/consents/{_quoted(project_id)}")).raw

    def choices_of(self, nhs_number: str, domain: str, reason: str) -> JsonObject:
        """One person's choices, for a data protection officer of the domain's controllers."""
        body = {"nhs_number": nhs_number, "domain": domain, "reason": reason}
        return Reader.of(self._post("/v1/people/choices", body)).raw

    # Service

    def openapi(self) -> JsonObject:
        """The API's own description."""
        return Reader.of(self._get("/v1/openapi.json")).raw

    def status(self) -> JsonObject:
        """Whether Keyholder answers."""
        return Reader.of(self._get("/v1/status")).raw

    def _command(self, request_id: str, command: str, body: JsonObject, if_match: str) -> RequestView:
        return RequestView.parse(self._post(f"{_request(request_id)}/{command}", body, if_match))

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        return self._caller.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def _post(
        self, path: str, body: JsonObject, if_match: str | None = None, idempotency_key: str | None = None
    ) -> Reply:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return self._caller.call("POST", path, text, if_match=if_match, idempotency_key=idempotency_key)

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[JsonObject]:
        cursor: str | None = None
        while True:
            page = Page.parse(self._get(path, query if cursor is None else {**query, "cursor": cursor}))
            yield from page.items
            cursor = page.next
            if cursor is None:
                return


_POLICY_CHANGES = "/v1/policy/changes"


def _contact(person_id: str) -> str:
    return f"/v1/people/{_quoted(person_id.removeprefix('person/'))}/contact"


def _delegation(delegation_id: str) -> str:
    return f"/v1/delegations/{_quoted(delegation_id)}"


def _in_place(delegation: str | None) -> JsonObject:
    return {} if delegation is None else {"delegation": delegation}


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _request(request_id: str) -> str:
    return f"/v1/requests/{_quoted(request_id)}"


def _token_rows(rows: Sequence[Row]) -> JsonObject:
    return {"rows": [{"row_id": row_id, "pseudonyms": dict(cells)} for row_id, cells in rows]}


def _extract(extract_id: str) -> str:
    return f"/v1/extracts/{_quoted(extract_id)}"


def _agreement(agreement_id: str) -> str:
    return f"/v1/linkage-agreements/{_quoted(agreement_id)}"


def _rule_changes(domain_id: str) -> str:
    return f"/v1/domains/{_quoted(domain_id)}/rule-changes"


def _standing(standing_id: str) -> str:
    return f"/v1/standing-approvals/{_quoted(standing_id)}"


def _key_changes(domain_id: str) -> str:
    return f"/v1/domains/{_quoted(domain_id)}/key-changes"
