"""Controllers declare their interests, look after requests, approve, reject and revoke, and agree on linkage."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.edge.bodies import ApproveBody, LetThroughBody, NoBody, RecordsBody, RejectBody, RevokeBody
from keyholder.edge.delegation_bodies import DelegationBody
from keyholder.edge.emergency_bodies import EmergencyReviewBody
from keyholder.edge.linkage_bodies import ApproveLinkageBody, EndLinkageBody, LinkageTermsBody
from keyholder.edge.outcomes import (
    accepted,
    acting,
    desk_call,
    done_answer,
    own_receipts,
    person_of,
    registry_call,
    sign_in_of,
)
from keyholder.edge.review_bodies import (
    AdviseBody,
    AskBody,
    CommentBody,
    DeclareBody,
    HandledDomainBody,
    RecuseBody,
    ReturnBody,
    WithdrawVoteBody,
)
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.edge.standing_bodies import ApproveStandingBody, EndStandingBody
from keyholder.emergency.access import access_view
from keyholder.emergency.desk import Call as EmergencyCall
from keyholder.linkage.agreement import Agreement, agreement_view
from keyholder.linkage.decide import Yes
from keyholder.linkage.terms import parse_terms
from keyholder.refusals import Refusal
from keyholder.registry.carrying_out import Entry
from keyholder.registry.delegations import Delegation, delegation_view, parse_wish
from keyholder.requests.codes import RecuseReason
from keyholder.requests.conditions import Condition
from keyholder.requests.records import RecordChoice
from keyholder.requests.service import Call, Done
from keyholder.standing.approval import StandingApproval, standing_view
from keyholder.standing.decide import Yes as StandingYes
from keyholder.vocabulary import ActorId, ContentHash, DomainId, OrganisationCode, PersonId, RequestId

service = Service(Function.DECISIONS, lambda: assembly().tokens, SystemClock().now)


@service.route("POST", "/v1/requests/{request_id}/declare", summary="Say whether you have a conflict of interest")
def declare_interest(request_id: str, body: DeclareBody) -> Response[str]:
    """By a controller. Without one, this revision's texts open to you, and you may decide; with one, you step aside."""
    desk, call, request = assembly().desk, _at_will(), RequestId(request_id)
    if body.conflict_of_interest:
        return _answered(desk.recuse(call, request, RecuseReason.CONFLICT_OF_INTEREST))
    return _answered(desk.declare_no_conflict(call, request))


@service.route("POST", "/v1/requests/{request_id}/recuse", summary="Step aside from a request")
def recuse(request_id: str, body: RecuseBody) -> Response[str]:
    """By a controller, for good. A vote that has not decided a domain yet is taken back with it."""
    return _answered(assembly().desk.recuse(_at_will(), RequestId(request_id), body.reason))


@service.route("POST", "/v1/requests/{request_id}/claim", summary="Say that you look after a request")
def claim_request(request_id: str, body: HandledDomainBody) -> Response[str]:
    """By a controller of the domain, so that the others know. They may still decide, and take it over."""
    return _answered(assembly().desk.claim(_at_will(), RequestId(request_id), DomainId(body.domain)))


@service.route("POST", "/v1/requests/{request_id}/hand-back", summary="Say that you no longer look after it")
def hand_request_back(request_id: str, body: HandledDomainBody) -> Response[str]:
    """By whoever claimed it."""
    return _answered(assembly().desk.hand_back(_at_will(), RequestId(request_id), DomainId(body.domain)))


@service.route("POST", "/v1/requests/{request_id}/comment", summary="Say something about a request")
def comment_on_request(request_id: str, body: CommentBody) -> Response[str]:
    """By a controller: to the others who decide (`internal`), or to the requester."""
    outcome = assembly().desk.comment(_at_will(), RequestId(request_id), body.audience, body.text, body.about)
    return _answered(outcome)


@service.route("POST", "/v1/requests/{request_id}/ask", summary="Ask a named person for advice")
def ask_for_advice(request_id: str, body: AskBody) -> Response[str]:
    """By a controller. They see the request and its texts from then on, as long as it is in review."""
    return _answered(
        assembly().desk.ask_advice(_at_will(), RequestId(request_id), PersonId(body.person), body.question)
    )


@service.route("POST", "/v1/requests/{request_id}/advise", summary="Answer a question you were asked")
def give_advice(request_id: str, body: AdviseBody) -> Response[str]:
    """By whoever was asked. Advice is never a vote."""
    outcome = assembly().desk.advise(_at_will(), RequestId(request_id), body.question, body.advice, body.text)
    return _answered(outcome)


@service.route("POST", "/v1/requests/{request_id}/approve", summary="Approve for one domain")
def approve_request(request_id: str, body: ApproveBody) -> Response[str]:
    """One person's yes to exactly the content hash they saw. Needs If-Match and a recent sign-in."""
    outcome = assembly().desk.approve(
        _call(body.delegation),
        RequestId(request_id),
        DomainId(body.domain),
        ContentHash(body.content_hash),
        organisation=OrganisationCode(body.organisation) if body.organisation else None,
        until=body.until,
        identifier_types=tuple(body.identifier_types) if body.identifier_types else None,
        factor=body.factor,
        records=_choice(body.records),
        conditions=tuple(Condition(one.code, one.by, one.days, one.times) for one in body.conditions),
    )
    return _answered(outcome)


@service.route("POST", "/v1/requests/{request_id}/return", summary="Ask the author back")
def return_request(request_id: str, body: ReturnBody) -> Response[str]:
    """By one controller. The author may change the request and submit it again; all votes are void. Needs If-Match."""
    outcome = assembly().desk.return_to_author(
        _call(body.delegation),
        RequestId(request_id),
        DomainId(body.domain),
        ContentHash(body.content_hash),
        [(question.about, question.text) for question in body.questions],
        organisation=OrganisationCode(body.organisation) if body.organisation else None,
        factor=body.factor,
    )
    return _answered(outcome)


@service.route("POST", "/v1/requests/{request_id}/withdraw-vote", summary="Take an approval back")
def withdraw_vote(request_id: str, body: WithdrawVoteBody) -> Response[str]:
    """One's own, while the domain has not decided. Needs If-Match."""
    return _answered(
        assembly().desk.withdraw_vote(
            _call(), RequestId(request_id), DomainId(body.domain), ContentHash(body.content_hash)
        )
    )


@service.route("POST", "/v1/requests/{request_id}/reject", summary="Reject for one domain")
def reject_request(request_id: str, body: RejectBody) -> Response[str]:
    """One controller's no. Needs If-Match."""
    outcome = assembly().desk.reject(
        _call(body.delegation),
        RequestId(request_id),
        DomainId(body.domain),
        ContentHash(body.content_hash),
        body.reason,
        comment=body.comment or None,
        organisation=OrganisationCode(body.organisation) if body.organisation else None,
        factor=body.factor,
    )
    return _answered(outcome)


@service.route("POST", "/v1/requests/{request_id}/revoke", summary="Stop an approved request")
def revoke_request(request_id: str, body: RevokeBody) -> Response[str]:
    """One controller suffices to stop. Needs If-Match."""
    return _answered(assembly().desk.revoke(_call(body.delegation), RequestId(request_id), body.reason))


@service.route("POST", "/v1/requests/{request_id}/let-through", summary="Let a held request go above volume limits")
def let_request_through(request_id: str, body: LetThroughBody) -> Response[str]:
    """One controller, who sees which limits hold it. Needs If-Match and a recent sign-in."""
    call = _call(body.delegation)
    return _answered(assembly().desk.let_through(call, RequestId(request_id), ContentHash(body.content_hash)))


@service.route("POST", "/v1/linkage-agreements", status=201, summary="Propose a linkage agreement")
def propose_linkage(body: LinkageTermsBody) -> Response[str]:
    """By a controller of one of the two domains. Nothing is translated before controllers of both have approved."""
    house, call = assembly(), service.call
    terms = accepted(parse_terms(body.model_dump(mode="json")))
    agreement_id = f"LNK-{house.new_id()}"
    outcome = house.linkage.propose(registry_call(call), sign_in_of(call), agreement_id, terms, call.now)
    return _agreement(outcome, status=201)


@service.route(
    "POST", "/v1/linkage-agreements/{agreement_id}/approve", summary="Approve a linkage agreement for one domain"
)
def approve_linkage(agreement_id: str, body: ApproveLinkageBody) -> Response[str]:
    """One person's yes to exactly these terms. Needs If-Match and a recent sign-in; nobody counts for both domains."""
    call = service.call
    call.version()
    yes = Yes(
        DomainId(body.domain),
        ContentHash(body.terms_hash),
        body.factor,
        OrganisationCode(body.organisation) if body.organisation else None,
    )
    linkage = assembly().linkage
    return _agreement(linkage.approve(registry_call(call), sign_in_of(call), agreement_id, yes, call.now))


@service.route("POST", "/v1/linkage-agreements/{agreement_id}/end", summary="Refuse or end a linkage agreement")
def end_linkage(agreement_id: str, body: EndLinkageBody) -> Response[str]:
    """One controller of either domain suffices. Needs If-Match."""
    call = service.call
    call.version()
    return _agreement(assembly().linkage.end(registry_call(call), agreement_id, body.reason, call.now))


@service.route(
    "POST", "/v1/standing-approvals/{standing_id}/approve", summary="Approve a standing approval for one domain"
)
def approve_standing_approval(standing_id: str, body: ApproveStandingBody) -> Response[str]:
    """One person's yes to exactly these bounds. Needs If-Match and a recent sign-in."""
    call = service.call
    call.version()
    yes = StandingYes(
        DomainId(body.domain),
        ContentHash(body.terms_hash),
        body.factor,
        OrganisationCode(body.organisation) if body.organisation else None,
    )
    standings = assembly().standings
    return _standing(standings.approve(registry_call(call), sign_in_of(call), standing_id, yes, call.now))


@service.route("POST", "/v1/standing-approvals/{standing_id}/end", summary="Refuse or revoke a standing approval")
def end_standing_approval(standing_id: str, body: EndStandingBody) -> Response[str]:
    """One controller of any of its domains suffices. Needs If-Match."""
    call = service.call
    call.version()
    return _standing(assembly().standings.end(registry_call(call), standing_id, body.reason, call.now))


@service.route("POST", "/v1/emergency-accesses/{access_id}/review", summary="Say whether it was justified")
def review_emergency_access(access_id: str, body: EmergencyReviewBody) -> Response[str]:
    """By two who decide for the domain and are not the clinician. It is upheld where both find it justified."""
    house = assembly()
    actor = acting(service.call, house)
    call = EmergencyCall(ActorId(actor.person.id), service.call.trace, service.call.idempotency, service.call.if_match)
    noted = accepted(house.emergency_desk.review(call, actor.person, access_id, body.finding))
    receipts = own_receipts(noted.recorded, actor.person.id)
    view = {**access_view(noted.access, noted.accesses.person), "receipts": receipts}
    return answer(view, version=noted.accesses.version)


@service.route("POST", "/v1/delegations", status=201, summary="Have somebody decide in your place")
def name_delegate(body: DelegationBody) -> Response[str]:
    """By the holder of a role that decides, after a recent sign-in. It counts once a second person has confirmed it."""
    house, call = assembly(), service.call
    wish = accepted(parse_wish(body.model_dump(mode="json", by_alias=True)))
    named = house.delegations.name(registry_call(call), sign_in_of(call), f"DLG-{house.new_id()}", wish, call.now)
    return _delegation(named, status=201)


@service.route("POST", "/v1/delegations/{delegation_id}/confirm", summary="Confirm that somebody may stand in")
def confirm_delegation(delegation_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By an operator, or somebody else who decides for that organisation; after a recent sign-in."""
    call = service.call
    return _delegation(assembly().delegations.confirm(registry_call(call), sign_in_of(call), delegation_id, call.now))


@service.route("POST", "/v1/delegations/{delegation_id}/withdraw", summary="End that somebody stands in")
def withdraw_delegation(delegation_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By either of its two people, an operator, or whoever decides for that organisation."""
    return _delegation(assembly().delegations.withdraw(registry_call(service.call), delegation_id, service.call.now))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


def _agreement(outcome: Entry[Agreement] | Refusal, *, status: int = 200) -> Response[str]:
    entry = accepted(outcome)
    receipts = own_receipts(entry.recorded, person_of(service.call))
    body = {**agreement_view(entry.value, service.call.now, entry.version), "receipts": receipts}
    return answer(body, status=status, version=entry.version)


def _standing(outcome: Entry[StandingApproval] | Refusal) -> Response[str]:
    entry = accepted(outcome)
    receipts = own_receipts(entry.recorded, person_of(service.call))
    body = {**standing_view(entry.value, service.call.now, entry.version), "receipts": receipts}
    return answer(body, version=entry.version)


def _delegation(outcome: Entry[Delegation] | Refusal, *, status: int = 200) -> Response[str]:
    entry, house = accepted(outcome), assembly()
    in_force = house.delegations.in_force(entry.value, service.call.now)
    view = delegation_view(entry.value, service.call.now, entry.version, in_force=in_force)
    receipts = own_receipts(entry.recorded, person_of(service.call))
    return answer({**view, "receipts": receipts}, status=status, version=entry.version)


def _choice(records: RecordsBody | None) -> RecordChoice | None:
    if records is None:
        return None
    return RecordChoice(frozenset(records.keep or records.leave_out or ()), keep=records.keep is not None)


def _call(delegation: str | None = None) -> Call:
    return desk_call(service.call, assembly(), expected=service.call.version(), delegation=delegation)


def _at_will() -> Call:
    """A command that names the version it was given for only if its author cares."""
    return desk_call(service.call, assembly(), expected=service.call.if_match)


def _answered(outcome: Done | Refusal) -> Response[str]:
    house = assembly()
    return done_answer(house.desk, acting(service.call, house), outcome)
