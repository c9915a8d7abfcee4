"""Deciding on requests, in one's own place or in somebody else's. A method a route."""

from __future__ import annotations

from collections.abc import Sequence

from keyholder.canonical import JsonObject
from keyholder.client.answers import Reader, RequestView
from keyholder.client.calls import Calls, quoted


class Decisions(Calls):
    """Deciding on requests, in one's own place or in somebody else's."""

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


def _delegation(delegation_id: str) -> str:
    return f"/v1/delegations/{quoted(delegation_id)}"


def _in_place(delegation: str | None) -> JsonObject:
    return {} if delegation is None else {"delegation": delegation}
