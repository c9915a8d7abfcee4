"""Who is told of what: the one table. An event is here, or in `UNTOLD` with the reason why nobody is told of it.

`tests/unit/notices/test_table.py` looks for every event there is in one of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyholder.limits.vocabulary import Action
from keyholder.notices.vocabulary import Due, Listener, Template
from keyholder.requests.codec import RequestEvent
from keyholder.requests.codes import Audience, Awaited, EscalationReason, State
from keyholder.requests.events import Commented, DomainApproved, Escalated, Reminded, VolumeExceeded

UNDER_WAY = frozenset({State.SUBMITTED, State.IN_REVIEW})
DECIDABLE = frozenset({State.IN_REVIEW})
OPEN = frozenset({State.APPROVED, State.RELEASED})
WITH_THE_REQUESTER = frozenset({State.DRAFT, State.RETURNED, State.CONDITIONS_OFFERED, *OPEN})
OWN = (Awaited.SUBMISSION, Awaited.ANSWER, Awaited.ACCEPTANCE, Awaited.RELEASE, Awaited.REPORT)
"""What a request waits for its requester to do."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One row: these people are told this.

    `due` says that they must act, and by when. `only` narrows the row by what the event says. With `while_in` nobody is
    told any more once the request has left these states: a word to act on what is over is worse than none.
    """

    to: Listener
    template: Template
    due: Due | None = None
    only: Callable[[RequestEvent], bool] | None = None
    while_in: frozenset[State] | None = None


def _completes(event: RequestEvent) -> bool:
    return isinstance(event, DomainApproved) and event.complete


def _to_the_requester(event: RequestEvent) -> bool:
    return isinstance(event, Commented) and event.audience is Audience.REQUESTER


def _internal(event: RequestEvent) -> bool:
    return isinstance(event, Commented) and event.audience is Audience.INTERNAL


def _stopped(event: RequestEvent) -> bool:
    return isinstance(event, VolumeExceeded) and event.stopped


def _held(event: RequestEvent) -> bool:
    return isinstance(event, VolumeExceeded) and event.stopped and event.action is Action.HOLD


def _unattended(event: RequestEvent) -> bool:
    return isinstance(event, Escalated) and event.reason is EscalationReason.UNATTENDED


def _unchecked(event: RequestEvent) -> bool:
    return isinstance(event, Escalated) and event.reason is EscalationReason.UNCHECKED


def _report_overdue(event: RequestEvent) -> bool:
    return isinstance(event, Escalated) and event.reason is EscalationReason.REPORT_OVERDUE


def _awaits(*what: Awaited) -> Callable[[RequestEvent], bool]:
    return lambda event: isinstance(event, Reminded) and event.waits_for in what


def _quorum_lost(event: RequestEvent) -> bool:
    return isinstance(event, Escalated) and event.reason is EscalationReason.QUORUM_LOST


TELLINGS: Mapping[str, tuple[Telling, ...]] = {
    "request.checks_recorded": (
        Telling(Listener.DECIDERS, Template.REVIEW_WANTED, Due.REQUEST, while_in=DECIDABLE),
        Telling(Listener.REQUESTER, Template.IN_REVIEW, while_in=DECIDABLE),
    ),
    "request.blocked": (Telling(Listener.REQUESTER, Template.BLOCKED),),
    "request.domain_approved": (
        Telling(Listener.STOOD_IN_FOR, Template.DECIDED_FOR_YOU),
        Telling(Listener.OTHERS, Template.DOMAIN_DECIDED, only=_completes),
    ),
    "request.domain_rejected": (
        Telling(Listener.STOOD_IN_FOR, Template.DECIDED_FOR_YOU),
        Telling(Listener.OTHERS, Template.DOMAIN_DECIDED),
    ),
    "request.vote_withdrawn": (
        Telling(Listener.OTHERS, Template.APPROVAL_TAKEN_BACK, Due.REQUEST, while_in=DECIDABLE),
    ),
    "request.returned": (
        Telling(Listener.STOOD_IN_FOR, Template.DECIDED_FOR_YOU),
        Telling(Listener.REQUESTER, Template.RETURNED_TO_AUTHOR, Due.REQUEST, while_in=frozenset({State.RETURNED})),
        Telling(Listener.EVERYONE_DECIDING, Template.RETURNED),
    ),
    "request.conditions_offered": (
        Telling(
            Listener.REQUESTER,
            Template.CONDITIONS_OFFERED,
            Due.REQUEST,
            while_in=frozenset({State.CONDITIONS_OFFERED}),
        ),
    ),
    "request.approved": (
        Telling(Listener.REQUESTER, Template.APPROVED, Due.REQUEST),
        Telling(Listener.DECIDED, Template.APPROVED),
    ),
    "request.rejected": (
        Telling(Listener.REQUESTER, Template.REJECTED),
        Telling(Listener.DECIDED, Template.REJECTED),
    ),
    "request.withdrawn": (Telling(Listener.EVERYONE_DECIDING, Template.WITHDRAWN),),
    "request.revoked": (
        Telling(Listener.STOOD_IN_FOR, Template.DECIDED_FOR_YOU),
        Telling(Listener.REQUESTER, Template.REVOKED),
        Telling(Listener.DECIDED, Template.REVOKED),
    ),
    "request.destruction_required": (Telling(Listener.REQUESTER, Template.DESTROY, Due.DESTRUCTION),),
    "request.expired": (
        Telling(Listener.REQUESTER, Template.EXPIRED),
        Telling(Listener.EVERYONE_DECIDING, Template.EXPIRED),
    ),
    "release.finished": (
        Telling(Listener.REQUESTER, Template.RELEASED),
        Telling(Listener.DECIDED, Template.RELEASED),
    ),
    "release.failed": (Telling(Listener.REQUESTER, Template.RELEASE_FAILED),),
    "release.collected": (Telling(Listener.REQUESTER, Template.COLLECTED),),
    "request.taken_over": (Telling(Listener.HANDLER_BEFORE, Template.TAKEN_OVER),),
    "request.claimed": (Telling(Listener.HANDLER_BEFORE, Template.TAKEN_OVER),),
    "request.nudged": (Telling(Listener.DECIDERS, Template.REMINDED_TO_DECIDE, Due.REQUEST, while_in=DECIDABLE),),
    "request.reminded": (
        Telling(
            Listener.DECIDERS,
            Template.REMINDED_TO_DECIDE,
            Due.REQUEST,
            only=_awaits(Awaited.DECISION),
            while_in=DECIDABLE,
        ),
        Telling(
            Listener.OPERATORS,
            Template.CHECKS_STUCK,
            Due.REQUEST,
            only=_awaits(Awaited.CHECKS),
            while_in=frozenset({State.SUBMITTED}),
        ),
        Telling(Listener.REQUESTER, Template.REMINDED, Due.REQUEST, only=_awaits(*OWN), while_in=WITH_THE_REQUESTER),
    ),
    "request.escalated": (
        Telling(Listener.DECIDERS, Template.ESCALATED, Due.REQUEST, only=_unattended, while_in=DECIDABLE),
        Telling(Listener.OPERATORS, Template.CHECKS_STUCK, Due.REQUEST, only=_unchecked, while_in=UNDER_WAY),
        Telling(Listener.OPERATORS, Template.QUORUM_LOST, Due.REQUEST, only=_quorum_lost, while_in=UNDER_WAY),
        Telling(Listener.REQUESTER, Template.QUORUM_LOST, only=_quorum_lost, while_in=UNDER_WAY),
        Telling(Listener.REQUESTER, Template.REPORT_OVERDUE, Due.REQUEST, only=_report_overdue, while_in=OPEN),
        Telling(Listener.DECIDED, Template.REPORT_LATE, only=_report_overdue, while_in=OPEN),
    ),
    "release.volume_exceeded": (
        Telling(Listener.REQUESTER, Template.HELD, only=_stopped),
        Telling(Listener.EVERYONE_DECIDING, Template.HELD_DECIDE, Due.REQUEST, only=_held, while_in=OPEN),
    ),
    "request.volume_let_through": (
        Telling(Listener.STOOD_IN_FOR, Template.DECIDED_FOR_YOU),
        Telling(Listener.REQUESTER, Template.LET_THROUGH, Due.REQUEST, while_in=OPEN),
    ),
    "request.commented": (
        Telling(Listener.REQUESTER, Template.COMMENT, only=_to_the_requester),
        Telling(Listener.ATTENDING, Template.COMMENT_INTERNAL, only=_internal),
    ),
    "request.replied": (Telling(Listener.ATTENDING, Template.REPLY),),
    "request.advice_requested": (Telling(Listener.ADVISER, Template.ADVICE_ASKED, Due.REQUEST, while_in=DECIDABLE),),
    "request.advice_given": (Telling(Listener.ASKER, Template.ADVICE_GIVEN),),
    "request.consent_fell": (
        Telling(Listener.REQUESTER, Template.CONSENT_FELL),
        Telling(Listener.DECIDED, Template.CONSENT_FELL),
    ),
    "request.outcome_reported": (
        Telling(Listener.REQUESTER, Template.REPORTED),
        Telling(Listener.DECIDED, Template.REPORTED),
    ),
    "emergency.opened": (Telling(Listener.OF_DOMAIN, Template.EMERGENCY_OPENED, Due.REVIEW),),
    "emergency.upheld": (
        Telling(Listener.OWNER, Template.EMERGENCY_UPHELD),
        Telling(Listener.OF_DOMAIN, Template.EMERGENCY_UPHELD),
    ),
    "emergency.not_upheld": (
        Telling(Listener.OWNER, Template.EMERGENCY_NOT_UPHELD),
        Telling(Listener.OF_DOMAIN, Template.EMERGENCY_NOT_UPHELD),
    ),
    "emergency.review_overdue": (
        Telling(Listener.OF_DOMAIN, Template.EMERGENCY_OVERDUE, Due.REVIEW),
        Telling(Listener.OPERATORS, Template.EMERGENCY_OVERDUE, Due.REVIEW),
        Telling(Listener.OWNER, Template.EMERGENCY_OVERDUE, Due.REVIEW),
    ),
    "delegation.named": (
        Telling(Listener.DELEGATE, Template.DELEGATE_NAMED),
        Telling(Listener.OPERATORS, Template.DELEGATION_TO_CONFIRM, Due.CONFIRMATION),
    ),
    "delegation.confirmed": (
        Telling(Listener.DELEGATE, Template.DELEGATION_CONFIRMED),
        Telling(Listener.DELEGATOR, Template.DELEGATION_CONFIRMED),
    ),
    "delegation.withdrawn": (
        Telling(Listener.DELEGATE, Template.DELEGATION_WITHDRAWN),
        Telling(Listener.DELEGATOR, Template.DELEGATION_WITHDRAWN),
    ),
    "standing.asked": (Telling(Listener.COULD_AGREE, Template.STANDING_ASKED, Due.APPROVALS),),
    "standing.came_into_force": (
        Telling(Listener.ASKED_FOR_IT, Template.STANDING_IN_FORCE),
        Telling(Listener.AGREED, Template.STANDING_IN_FORCE),
    ),
    "standing.ended": (
        Telling(Listener.ASKED_FOR_IT, Template.STANDING_ENDED),
        Telling(Listener.AGREED, Template.STANDING_ENDED),
    ),
    "linkage.proposed": (Telling(Listener.COULD_AGREE, Template.LINKAGE_PROPOSED, Due.APPROVALS),),
    "linkage.came_into_force": (
        Telling(Listener.ASKED_FOR_IT, Template.LINKAGE_IN_FORCE),
        Telling(Listener.AGREED, Template.LINKAGE_IN_FORCE),
    ),
    "linkage.ended": (
        Telling(Listener.ASKED_FOR_IT, Template.LINKAGE_ENDED),
        Telling(Listener.AGREED, Template.LINKAGE_ENDED),
    ),
    "contact.set": (Telling(Listener.OWNER, Template.CONTACT_CHANGED),),
}
"""What is told, by the type of the event."""

_OWN = "their author does it, and sees the answer"
_STEP = "a step on the way; what comes of it is told"
_LISTED = "it stands in what operators and controllers look at, and concerns no one person"
_READ = "somebody read something: auditors look for that"

UNTOLD: Mapping[str, str] = {
    **dict.fromkeys(("request.created", "request.saved", "request.discarded", "request.submitted"), _OWN),
    **dict.fromkeys(
        ("request.file_handed_in", "request.file_read", "request.file_refused"),
        "their author waits for it, and asks how the file stands",
    ),
    "request.checks_held": "the checks are tried again by themselves, and an alarm tells operators",
    "request.standing_approval_used": "the approval follows in the same step, and is told",
    "request.conditions_accepted": "the approval follows in the same step, and is told",
    **dict.fromkeys(("request.no_conflict_declared", "request.handed_back", "request.recused"), _STEP),
    **dict.fromkeys(("request.release_authorised", "release.items_released"), _STEP),
    **dict.fromkeys(("emergency.released", "emergency.failed", "emergency.reviewed"), _STEP),
    "contact.removed": "there is no address any more to tell it to",
    **dict.fromkeys(("bootstrap.used", "person.registered", "person.changed", "person.roles_confirmed"), _LISTED),
    "person.terms_accepted": _OWN,
    **dict.fromkeys(("project.registered", "project.changed", "domain.registered"), _LISTED),
    **dict.fromkeys(("domain.keys_made", "domain.key_changed", "domain.keys_followed"), _LISTED),
    **dict.fromkeys(
        ("domain.key_change_proposed", "domain.key_change_confirmed", "domain.key_change_withdrawn"), _LISTED
    ),
    **dict.fromkeys(
        (
            "domain.rule_change_proposed",
            "domain.rule_change_confirmed",
            "domain.rule_change_withdrawn",
            "domain.rules_changed",
        ),
        _LISTED,
    ),
    **dict.fromkeys(
        ("text.erasure_proposed", "text.erasure_ordered", "text.erasure_withdrawn", "text.erased"),
        "operators and those who decide look at a request's texts; that words are gone is seen where they were",
    ),
    **dict.fromkeys(("policy.change_proposed", "policy.change_confirmed", "policy.change_withdrawn"), _LISTED),
    **dict.fromkeys(("linkage.approved", "standing.approved", "standing.drawn"), _STEP),
    **dict.fromkeys(("linkage.translation_authorised", "linkage.translated"), _LISTED),
    **dict.fromkeys(
        (
            "extract.announced",
            "extract.queued",
            "extract.started",
            "extract.held",
            "extract.made",
            "extract.refused",
            "extract.failed",
            "extract.discarded",
            "extract.collected",
            "extract.expired",
            "extract.erased",
            "pseudonyms.made",
            "pseudonyms.rekeyed",
        ),
        "who sends an extract is a machine, and asks for its state",
    ),
    **dict.fromkeys(
        (
            "opt_outs.people_opened",
            "opt_outs.people_listed",
            "opt_outs.list_dropped",
            "opt_out_check.asked",
            "opt_out_check.sent",
            "opt_out_check.send_refused",
            "opt_out_check.job_created",
            "opt_out_check.answered",
            "opt_out_check.discarded",
            "opt_out_check.ended",
            "opt_out_check.removed",
            "opt_out_message.left",
            "choices.loaded",
            "choices.joined",
            "choices.removed",
            "choices.joined",
        ),
        "operators see how far opt-out checks are, and alarms tell what is overdue",
    ),
    **dict.fromkeys(
        (
            "choices.viewed",
            "audit.subject_searched",
            "audit.report_read",
            "audit.volumes_read",
            "audit.export_begun",
            "audit.events_read",
            "audit.event_read",
            "audit.record_read",
            "audit.consistency_read",
        ),
        _READ,
    ),
    **dict.fromkeys(("attempt.refused", "attempt.failed"), "who tried has had the answer; auditors look for the rest"),
    **dict.fromkeys(("rebuild.began", "rebuild.finished"), "an operator calls it, and sees the answer"),
}
"""Why nobody is told, by the type of the event."""
