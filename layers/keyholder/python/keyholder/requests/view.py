"""A request as one person may see it, ready for JSON. Never a pseudonym, a row id or a free text."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime

from keyholder.canonical import JsonObject, JsonValue
from keyholder.ledger.event import rfc3339
from keyholder.registry.factors import factors_view
from keyholder.requests.codes import Awaited
from keyholder.requests.conversation import Message
from keyholder.requests.decide import AllowedCommand
from keyholder.requests.events import summary_json
from keyholder.requests.review_view import condition_view, conditions_view, returned_view
from keyholder.requests.sight import Side
from keyholder.requests.state import Ballot, DomainDecision, Release, RequestState
from keyholder.requests.waiting import awaited, report_overdue
from keyholder.vocabulary import DomainId


def request_view(
    state: RequestState,
    stands: Side,
    domains: AbstractSet[DomainId],
    commands: tuple[AllowedCommand, ...] | None = None,
    quorum: Sequence[JsonObject] = (),
) -> JsonObject:
    """What somebody on a side of the request is shown; `commands`, and how far the `quorum` is, where what they may do
    was asked.

    The counts of the checks are for those who decide and those who audit: the requester learns nothing from them about
    any one person. So are people's interests. Records are counted for `domains` only, those that the person decides
    for; of how many an approver approved the requester is told only that they were fewer.
    """
    weighs = stands in (Side.DECIDING, Side.AUDITING)
    view: dict[str, JsonValue] = {
        "id": state.id,
        "version": state.edition,
        "state": state.status.value if state.status else None,
        "revision": state.revision,
        "requester": state.requester,
        "created_at": _moment(state.created_at),
        "changed_at": _moment(state.edition_at),
        "due_at": _moment(state.due_at),
        "waits_for": _code(awaited(state)),
        "escalated": {reason.value: rfc3339(at) for reason, at in state.escalated.items()},
        "policy_hash": state.policy_hash,
        "reasons": list(state.reasons),
        "checks_held": state.checks_held,
        "decisions": [
            {
                **_decision(domain, decision),
                "handler": state.handlers.get(domain),
                **({"records_left": decision.records_left} if weighs and domain in domains else {}),
            }
            for domain, decision in state.domains.items()
        ],
        "held_for": list(state.held_for),
        "consent_fell": state.consents_withdrawn > 0,
        "release_until": _moment(state.until),
        "retrievals": {"allowed": state.retrievals, "used": state.retrievals_used()},
        "standing_approval": state.standing,
        "report_due_at": _moment(state.report_due_at),
        "report_overdue": report_overdue(state),
        "report": _report(state),
        "nudged_at": _moment(state.nudged_at),
        "releases": [_release(release) for release in state.releases],
        "conditions": conditions_view(state.conditions),
        "returned": returned_view(state),
        "destroy_by_agreed": _day(state.destroy_by),
        "destruction_required_by": _day(state.destruction_required_by),
        **(summary_json(state.summary) if state.summary else {}),
    }
    if state.summary is not None:
        view["records"] = {domain: count for domain, count in state.summary.records.items() if domain in domains}
    if weighs or stands is Side.ADVISING:
        view["checks"] = dict(state.counts) if set(state.domains) <= domains else {}
        view["checks_by_domain"] = {
            domain: dict(counts) for domain, counts in state.domain_counts.items() if domain in domains
        }
    if weighs:
        view["interests"] = _interests(state)
    if commands is not None:
        view["allowed_commands"] = [_command(command) for command in commands]
        view["quorum"] = list(quorum)
    return view


def said_json(message: Message, text: str | None) -> JsonObject:
    """One thing that was said, with its words where they are open to the reader."""
    return {
        "kind": message.kind.value,
        "author": message.author,
        "at": rfc3339(message.at),
        "audience": message.audience.value,
        "text_sha256": message.text_sha256,
        "text": text,
        "about": message.about,
        "adviser": message.adviser,
        "advice": message.advice.value if message.advice else None,
    }


def _interests(state: RequestState) -> JsonObject:
    return {
        "no_conflict_declared": [person for person in state.cleared if state.cleared_for(person)],
        "recused": [{"person": person, "reason": reason.value} for person, reason in state.recused.items()],
    }


def _decision(domain: DomainId, decision: DomainDecision) -> JsonObject:
    return {
        "domain": domain,
        "state": decision.state.value,
        "controllers": list(decision.needs.controllers),
        "quorum": decision.needs.quorum,
        "factors": factors_view(decision.needs.factors),
        "identifier_types": [kind.value for kind in decision.granted()],
        "records_narrowed": bool(decision.narrowed()),
        "ballots": [_ballot(ballot) for ballot in decision.ballots],
    }


def _ballot(ballot: Ballot) -> JsonObject:
    return {
        "person": ballot.person,
        "organisation": ballot.organisation,
        "factor": ballot.factor.value,
        "vote": ballot.vote.value,
        "content_hash": ballot.content_hash,
        "at": rfc3339(ballot.at),
        "until": _moment(ballot.until),
        "reason": ballot.reason,
        "comment_sha256": ballot.comment_sha256,
        "conditions": [condition_view(condition) for condition in ballot.conditions],
        "delegation": ballot.delegated.json() if ballot.delegated else None,
    }


def _release(release: Release) -> JsonObject:
    return {
        "id": release.id,
        "delivery": release.delivery.value,
        "authorised_at": rfc3339(release.authorised_at),
        "finished_at": _moment(release.finished_at),
        "failed": release.failed,
        "result_sha256": release.result_sha256,
        "collected_at": _moment(release.collected_at),
    }


def _report(state: RequestState) -> JsonObject | None:
    """What came of it. `late`: it was destroyed after the day agreed on."""
    report, agreed = state.report, state.destroy_by
    if report is None:
        return None
    on = report.destroyed_on
    return {
        "author": report.author,
        "at": rfc3339(report.at),
        "used": report.used,
        "finding": report.finding.value,
        "destruction": report.destruction.value,
        "destroyed_on": on.isoformat() if on else None,
        "late": on is not None and agreed is not None and on > agreed,
        "text_sha256": report.text_sha256,
    }


def _command(command: AllowedCommand) -> JsonObject:
    refusal = command.refusal
    return {
        "command": command.command.value,
        "domain": command.domain,
        "release": command.release,
        "delegation": command.delegation,
        "allowed": command.allowed,
        "code": refusal.code if refusal else None,
        "advice": refusal.advice if refusal else None,
    }


def _code(code: Awaited | None) -> str | None:
    return code.value if code else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _moment(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
